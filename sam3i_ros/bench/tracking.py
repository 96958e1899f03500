"""How well masks and identities are kept while a slow model works, against the truth of a film."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import track

from sam3i_model.decoding import rgb_from_compressed
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.terminal import notes
from sam3i_ros.bench.film import RATE, Film
from sam3i_ros.tracking import Tracker

Labels = npt.NDArray[np.uint8]

PACES = (1, 2, 3, 6)  # pictures of the film that are gone on by from frame to frame
LEAST_PIXELS = 200  # of a thing that is asked for and counted
SAME = 0.5  # IoU from which a mask is of a thing
EVERYTHING = Instruction("everything")


def follow(film: Film, pace: int, seconds: float, delay: float, width: int) -> dict[str, Any]:
    """Tracks everything, with the true masks of `delay` s ago as the model's answers.

    Time is simulated, so that masks do not depend on how fast the machine is.
    """
    wait = max(1, round(delay * RATE))
    tracker, tally = Tracker(), Tally()
    asked = answered = 0  # pictures
    cost = []
    frames = range(round(seconds * RATE))
    for frame in track(frames, f"{film.speed(pace):.2f} m/s", console=notes()):
        shown = frame * pace % len(film.labels)
        rgb = rgb_from_compressed(film.pictures[shown])
        began = time.process_time()
        tracker.see(rgb, frame / RATE, width)
        if frame % wait == 0:
            if frame:
                answered = asked
                tracker.accept([_truth(film.labels[answered])])
            tracker.mark()
            asked = shown
        tracked = tracker.present().get(EVERYTHING)
        cost.append(1000 * (time.process_time() - began))
        if tracked:
            masks = tracked.grounding.masks
            tally.add(masks, tracked.ids, film.labels[shown], film.labels[answered])
    return {
        "camera m/s": round(film.speed(pace), 2),
        "IoU p50": round(float(np.median(tally.overlaps)), 3),
        "IoU p10": round(float(np.quantile(tally.overlaps, 0.1)), 3),
        "IoU p50 not carried": round(float(np.median(tally.left)), 3),
        "things with a mask": round(tally.covered / tally.things, 3),
        "switches": tally.switches,
        "CPU ms p50": round(float(np.median(cost)), 1),
        "CPU ms p95": round(float(np.quantile(cost, 0.95)), 1),
    }


class Tally:
    """Counts what is right and wrong.

    Attributes:
        overlaps: IoU of each mask with the thing that it fits best.
        left: IoU of each thing's mask in the answer, had it been left where it was.
        things: Things in sight, summed over frames.
        covered: Those of them that had a mask with an IoU of SAME at least.
        switches: How often a thing had another id than when it last had a mask.
    """

    def __init__(self) -> None:
        self.overlaps: list[float] = []
        self.left: list[float] = []
        self.things = self.covered = self.switches = 0
        self._ids: dict[int, int] = {}  # label to id

    def add(
        self,
        masks: npt.NDArray[np.bool_],
        ids: Sequence[int],
        truth: Labels,
        before: Labels,
    ) -> None:
        """One frame: masks (N, H, W), its true labels and those of the answer's frame (H, W)."""
        visible = _things(truth)
        found: dict[int, tuple[float, int]] = {}  # label to the best IoU and its mask's id
        for mask, id in zip(masks, ids, strict=True):
            each = ((_overlap(mask, truth == label), label) for label in visible)
            overlap, label = max(each, default=(0.0, 0))
            self.overlaps.append(overlap)
            if overlap >= SAME:
                found[label] = max(found.get(label, (0.0, 0)), (overlap, id))
        self.left += [_overlap(before == label, truth == label) for label in _things(before)]
        self.things += len(visible)
        self.covered += len(found)
        for label, (_, id) in found.items():
            self.switches += self._ids.setdefault(label, id) != id
            self._ids[label] = id


def _truth(labels: Labels) -> Grounding:
    masks = np.array([labels == label for label in _things(labels)]).reshape(-1, *labels.shape)
    return Grounding(
        EVERYTHING,
        Outcome.FOUND,
        Level.CONCEPT,
        presence=1.0,
        masks=masks,
        scores=np.linspace(0.9, 0.5, len(masks), dtype=np.float32),
    )


def _things(labels: Labels) -> list[int]:
    counts = np.bincount(labels.ravel())
    return [int(label) for label in np.flatnonzero(counts >= LEAST_PIXELS) if label]


def _overlap(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 0.0
