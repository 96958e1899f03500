"""The agent baseline: a language model names things, the segmenter finds them, the model chooses.

What SAM 3's own agent does, with a bound on rounds, calls and time. Also the segmenter's off-board
fallback for what it doesn't find itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sam3i_model.chat.answers import numbers, texts
from sam3i_model.chat.client import AnswerError, Budget, BudgetError, ChatClient
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome, understand
from sam3i_model.marks import number, shrink
from sam3i_model.processing import distinct
from sam3i_model.routing.words import DEFINITE

MAX_PHRASES = 3
MAX_PHRASE_LENGTH = 60
MAX_CANDIDATES = 20
COMPARED_SIDE = 512
"""Longest side of masks when they are compared; before they were enlarged, they had less."""

Segment = Callable[[Sequence[Instruction]], list[Grounding]]
"""Grounds concepts in the current image, such as `segmenter.ground`."""

NAME_PROMPT = """\
Somebody says of this picture: "{instruction}"
Which things would have to be outlined? Give up to {most} short noun phrases (1 to 3 words,
singular, no places, no relations) for a detector that finds everything a phrase names. {tried}
If nothing in the picture is meant, give an empty list.
Answer with JSON: {{"phrases": ["..."]}}"""

KEEP_PROMPT = """\
Somebody says of this picture: "{instruction}"
The second picture has {count} numbered candidates. Which of them are meant? Give exactly those, or
an empty list if none is.
Answer with JSON: {{"keep": [numbers]}}"""


@dataclass(frozen=True)
class AgentLimits:
    """What one instruction may cost.

    Attributes:
        rounds: Times that other phrases are tried.
        calls: Requests to the language model, repeated ones included, those put off (429) not.
        seconds: Until the answer.
    """

    rounds: int = 2
    calls: int = 6
    seconds: float = 20.0


@dataclass
class AgentCost:
    """What an agent has spent since it was made."""

    instructions: int = 0
    calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Candidates:
    masks: list[np.ndarray]
    scores: np.ndarray
    boxes: np.ndarray
    presence: float

    def only(self, index: np.ndarray) -> _Candidates:
        """Those at `index`, int64 (K,)."""
        masks = [self.masks[i] for i in index]
        return _Candidates(masks, self.scores[index], self.boxes[index], self.presence)


class Agent:
    """Answers instructions with a language model and a segmenter of concepts."""

    def __init__(self, client: ChatClient, limits: AgentLimits | None = None) -> None:
        self.client = client
        self.limits = limits or AgentLimits()
        self.cost = AgentCost()

    def ground(
        self,
        rgb: np.ndarray,
        instruction: Instruction,
        segment: Segment,
        seconds: float = math.inf,
        segment_s: float = 0.0,
    ) -> Grounding:
        """Find what an instruction denotes in uint8 RGB (H, W, 3).

        Ends after the limits' seconds, or `seconds` if that is less: no request lasts longer, and
        the segmenter isn't started if it would not end in time.

        Args:
            rgb: The image that `segment` works on.
            instruction: What is asked.
            segment: Grounds concepts in it.
            seconds: Until the answer.
            segment_s: What a run of `segment` takes, if that is known.

        Returns:
            FOUND, AMBIGUOUS or NOT_FOUND; `detail` says what it cost.

        Raises:
            AgentError: The language model can't be had, or had no time to answer.
        """
        began = time.monotonic()
        seconds = min(seconds, self.limits.seconds)
        budget = Budget(self.limits.calls, began + seconds)
        try:
            found, tried = self._search(rgb, instruction, segment, segment_s, budget)
        finally:
            self.cost.instructions += 1
            self.cost.calls += self.limits.calls - budget.calls
            self.cost.seconds += time.monotonic() - began
        spent = f"{self.limits.calls - budget.calls} calls, {time.monotonic() - began:.1f} s"
        detail = f"by {self.client.model} as {', '.join(tried) or 'nothing'}: {spent}"
        return _conclude(instruction, found, detail, rgb.shape)

    def _search(
        self,
        rgb: np.ndarray,
        instruction: Instruction,
        segment: Segment,
        slowest: float,
        budget: Budget,
    ) -> tuple[_Candidates | None, list[str]]:
        text, threshold = instruction.text, instruction.threshold
        picture = shrink(rgb)
        tried: list[str] = []
        for _ in range(self.limits.rounds):
            phrases = self._phrases(picture, text, tried, budget)
            if not phrases:
                break
            if budget.left() < slowest:
                raise BudgetError("the time granted to the language model is over")
            began = time.monotonic()
            concepts = [
                Instruction(phrase, level=Level.CONCEPT, threshold=threshold) for phrase in phrases
            ]
            candidates = _gather(segment(concepts))
            slowest = max(slowest, time.monotonic() - began)
            tried += phrases
            if candidates is None:
                continue
            kept = self._keep(picture, rgb, text, candidates, budget)
            if kept:
                return candidates.only(np.array(sorted(kept)) - 1), tried
        return None, tried

    def _phrases(
        self, picture: np.ndarray, text: str, tried: list[str], budget: Budget
    ) -> tuple[str, ...]:
        already = f"These found nothing fitting: {', '.join(tried)}." if tried else ""
        prompt = NAME_PROMPT.format(instruction=text, most=MAX_PHRASES, tried=already)
        named = self.client.ask(prompt, [picture], _read_phrases, budget)
        return tuple(phrase for phrase in named if phrase not in tried)

    def _keep(
        self,
        picture: np.ndarray,
        rgb: np.ndarray,
        text: str,
        candidates: _Candidates,
        budget: Budget,
    ) -> frozenset[int]:
        count = len(candidates.masks)

        def read(answer: dict[str, Any]) -> frozenset[int]:
            return numbers(answer, "keep", count)

        prompt = KEEP_PROMPT.format(instruction=text, count=count)
        try:
            return self.client.ask(prompt, [picture, number(rgb, candidates.masks)], read, budget)
        except AnswerError:
            return frozenset()  # no choice is no find; another round may do better


def _read_phrases(answer: dict[str, Any]) -> tuple[str, ...]:
    named = texts(answer, "phrases", MAX_PHRASES, MAX_PHRASE_LENGTH)
    return tuple(dict.fromkeys(map(_bare, named)))


def _bare(phrase: str) -> str:
    """Without "the" and its like: the segmenter keeps but the best of what fits "the mug"."""
    first, _, rest = phrase.partition(" ")
    return rest if rest and first.lower() in DEFINITE else phrase


def _gather(groundings: Sequence[Grounding]) -> _Candidates | None:
    """Everything that was found, best first, each thing once; None if that is nothing."""
    found = [g for g in groundings if len(g.scores)]
    if not found:
        return None
    every = _Candidates(
        [mask for g in found for mask in g.masks],
        np.concatenate([g.scores for g in found]),
        np.concatenate([g.boxes for g in found]),
        max(g.presence for g in found),
    )
    best = every.only(np.argsort(-every.scores, kind="stable")[: 4 * MAX_CANDIDATES])
    step = math.ceil(max(best.masks[0].shape) / COMPARED_SIDE)
    thin = np.stack([mask[::step, ::step] for mask in best.masks])
    return best.only(distinct(torch.from_numpy(thin)).numpy()[:MAX_CANDIDATES])


def _conclude(
    instruction: Instruction, found: _Candidates | None, detail: str, shape: tuple[int, ...]
) -> Grounding:
    routing = understand(instruction)
    if found is None:
        nothing = np.zeros((0, *shape[:2]), dtype=bool)
        return Grounding(
            instruction,
            Outcome.NOT_FOUND,
            routing.level,
            prompt=instruction.text,
            detail=detail,
            masks=nothing,
        )
    single = routing.definite or instruction.max_instances == 1
    several = single and len(found.scores) > 1
    keep = instruction.max_instances if instruction.max_instances > 1 else len(found.scores)
    return Grounding(
        instruction=instruction,
        outcome=Outcome.AMBIGUOUS if several else Outcome.FOUND,
        level=routing.level,
        presence=found.presence,
        prompt=instruction.text,
        detail=detail,
        masks=np.stack(found.masks[:keep]),
        scores=found.scores[:keep],
        boxes=found.boxes[:keep],
    )
