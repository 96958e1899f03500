"""A checkpoint's engines beside one another and beside plain calls of transformers' SAM 3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from rich.progress import track
from transformers import PreTrainedTokenizerBase

from sam3i_model.engines.interface import Engine, EngineError
from sam3i_model.engines.stopwatch import Stopwatch
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.machine import surroundings
from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import notes

PLAIN = "Sam3Model, a call each"
STAGES = {
    "preprocess": "resize the picture to the model's square and normalise it",
    "image": "image encoder",
    "text": "text of instructions that were heard before: from the cache",
    "grounding": "all instructions in one batch; of the plain calls, their whole forward passes",
    "selection": "pick instances, enlarge their masks, conclude",
    "end_to_end": "from the picture to the answers: the sum of the above",
    "new_text": "tokens and text encoder for instructions never heard before; not in the sum",
}
WHOLE, NEW = "end_to_end", "new_text"
PLAIN_STAGES = ("preprocess", "grounding", "selection", WHOLE)
"""The plain calls encode image and text within the forward pass."""


@dataclass
class Agreement:
    """How an engine's answers compare with those of the reference."""

    asked: int = 0
    same_outcome: int = 0
    instances: int = 0
    ious: list[float] = field(default_factory=lambda: [1.0])
    scores: list[float] = field(default_factory=lambda: [0.0])

    def add(self, reference: Grounding, other: Grounding) -> None:
        """Count two answers to one instruction."""
        self.asked += 1
        self.instances += len(reference.masks)
        if reference.outcome == other.outcome and len(reference.masks) == len(other.masks):
            self.same_outcome += 1
            self.ious += mask_ious(reference, other)
            self.scores += np.abs(reference.scores - other.scores).tolist()

    def figures(self) -> dict[str, float]:
        """Masks and scores are those of instructions with the same outcome."""
        return {
            "asked": self.asked,
            "same_outcome": self.same_outcome,
            "instances": self.instances,
            "least_mask_iou": round(min(self.ious), 5),
            "largest_score_difference": round(max(self.scores), 6),
        }


def sweep(
    engines: Mapping[str, Engine],
    tokenizer: PreTrainedTokenizerBase,
    pictures: Sequence[np.ndarray],
    asked: Sequence[Instruction],
    counts: Sequence[int],
    repeat: int,
) -> dict[str, Any]:
    """Times of every stage and differences of answers, engine after engine on each frame.

    Args:
        engines: By name; the first is the reference. The one called PLAIN, which must be there,
            is what the times of the others are compared with.
        tokenizer: The checkpoint's.
        pictures: uint8 RGB (H, W, 3).
        asked: As many instructions as the largest count, or more.
        counts: Numbers of instructions on one frame.
        repeat: Times that each frame is answered.

    Raises:
        EngineError: An instruction can't be asked.
    """
    watches = {name: Stopwatch(engine) for name, engine in engines.items()}

    def unheard(name: str) -> Segmenter:
        return Segmenter(watches[name], tokenizer, "the checkpoint")

    kept = {name: unheard(name) for name in engines}
    reference = next(iter(engines))
    agreement = {name: Agreement() for name in engines if name != reference}
    terminal = notes()
    for picture in track(pictures, "first answers", console=terminal):  # which also warm up
        answers = {name: timed(s, picture, asked[: max(counts)])[0] for name, s in kept.items()}
        for name, found in agreement.items():
            for ours, theirs in zip(answers[reference], answers[name], strict=True):
                if name != PLAIN or ours.level is Level.CONCEPT:  # it knows no other level
                    found.add(ours, theirs)
    taken: dict[str, dict[int, dict[str, list[float]]]] = {
        name: {count: defaultdict(list) for count in counts} for name in engines
    }
    steps = list(product(range(repeat + 1), pictures, counts))
    for turn, picture, count in track(steps, "frames", console=terminal):
        for name in engines:
            stages = taken[name][count]
            if turn:
                for stage, milliseconds in timed(kept[name], picture, asked[:count])[1].items():
                    if name != PLAIN or stage in PLAIN_STAGES:
                        stages[stage].append(milliseconds)
            elif name != PLAIN:  # once only
                stages[NEW].append(timed(unheard(name), picture, asked[:count])[1]["text"])
    ms = {
        name: {str(k): {s: spread(v) for s, v in by.items()} for k, by in stages.items()}
        for name, stages in taken.items()
    }
    return {
        "clock": "wall time",
        "reference": reference,
        "ms": ms,
        "times_faster_than_plain_calls": {
            name: {k: ratio(ms[PLAIN][k], stages) for k, stages in by.items()}
            for name, by in ms.items()
            if name != PLAIN
        },
        "answers": {name: found.figures() for name, found in agreement.items()},
        "machine": surroundings(),
    }


def timed(
    segmenter: Segmenter, picture: np.ndarray, asked: Sequence[Instruction]
) -> tuple[list[Grounding], dict[str, float]]:
    """Answers of a segmenter with a stopwatch, and milliseconds of each stage.

    Raises:
        EngineError: An instruction can't be asked.
    """
    watch = segmenter.model
    assert isinstance(watch, Stopwatch)
    watch.marks.clear()
    began = watch.now()
    segmenter.set_image(picture)
    found = segmenter.ground(asked)
    ended = watch.now()
    for grounding in found:
        if grounding.outcome is Outcome.REJECTED:
            raise EngineError(f"'{grounding.instruction.text}' can't be asked: {grounding.detail}")
    spans = 1000 * np.diff([began, *watch.marks, ended])
    return found, {**dict(zip(STAGES, spans.tolist(), strict=False)), WHOLE: float(spans.sum())}


def ratio(plain: Mapping[str, Any], ours: Mapping[str, Any]) -> float:
    """How many times less time passes from picture to answers, at the median."""
    return round(plain[WHOLE]["median"] / ours[WHOLE]["median"], 2)


def mask_ious(ours: Grounding, theirs: Grounding) -> list[float]:
    """IoU of each mask with that of the same rank."""
    both = (ours.masks & theirs.masks).sum((1, 2))
    either = (ours.masks | theirs.masks).sum((1, 2))
    return (both / np.maximum(either, 1)).tolist()


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        "median": round(float(np.median(values)), 3),
        "p95": round(float(np.quantile(values, 0.95)), 3),
    }
