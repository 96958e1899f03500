"""How right the node was: truth and answers in, rows and figures out. Arrays only, no files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

# A target with fewer pixels is hardly in the picture: not held against an answer, either way.
MIN_TARGET_PIXELS = 100
CONCEPT, SIMPLE, COMPLEX = "concept", "simple", "complex"
LEVELS = (CONCEPT, SIMPLE, COMPLEX)


@dataclass(frozen=True)
class Wanted:
    """What is asked, and in which of the ways that method and metrics tell apart."""

    id: str
    text: str
    level: str  # one of LEVELS


@dataclass(frozen=True)
class Truth:
    """What is really there in one frame."""

    labels: npt.NDArray[np.uint16]  # (H, W), 0 = nothing that is named
    centroids: dict[int, npt.NDArray[np.float64]]  # label -> (3,) m, camera optical frame
    # instruction id -> labels, empty = not there; an id that is missing has no clear answer here
    targets: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Answer:
    """What the node said to one instruction in one frame."""

    outcome: str  # FOUND, NOT_FOUND, AMBIGUOUS or REJECTED
    level: str  # that it was read as
    score: float | None  # of the best segment
    mask: Mask  # (H, W), all its segments together
    segments: int
    centroid: npt.NDArray[np.float64] | None  # (3,) m of the best segment, camera optical frame


@dataclass(frozen=True)
class Row:
    """One instruction in one frame."""

    source: str
    frame: int
    instruction: str
    asked: str  # level that the instruction is of
    level: str  # level that the node read it as
    targets: int  # instances in view that it means
    outcome: str
    segments: int
    score: float | None
    iou: float | None  # None: hardly in view, or no clear answer in this frame
    centroid_error_m: float | None
    latency_ms: float  # image received to result published

    @property
    def right(self) -> bool | None:
        """Absent and nothing shown, or there and met by half; None if `iou` is."""
        return None if self.iou is None else self.iou >= 0.5

    @property
    def absent(self) -> bool:
        """Nothing that it means is there, not even hardly in view."""
        return self.iou is not None and not self.targets


@dataclass(frozen=True)
class Tally:
    """One instruction over all frames of a source."""

    instruction: str
    asked: str
    levels: Counter[str]  # that the node read it as
    outcomes: Counter[str]
    absent: bool  # in all frames
    right: int  # of `counted`
    counted: int
    score: float | None  # mean
    iou: float | None  # mean
    centroid_error_m: float | None  # median
    latency_ms: float  # median

    @property
    def mostly_right(self) -> bool | None:
        """Right in half of the frames that count; None if none does."""
        return self.right * 2 >= self.counted if self.counted else None


def mask_iou(answer: Mask, truth: Mask) -> float:
    """Intersection over union of two (H, W) masks; 1 if both are empty (as gIoU counts it)."""
    union = np.count_nonzero(answer | truth)
    return np.count_nonzero(answer & truth) / union if union else 1.0


def score(
    source: str, frame: int, wanted: Wanted, answer: Answer, truth: Truth, latency: float
) -> Row:
    """The row of one answer; `latency` in s.

    The centroid's error counts where one instance was meant and FOUND was the answer.
    """
    answerable = wanted.id in truth.targets
    labels = truth.targets.get(wanted.id, ())
    pixels = {label: np.count_nonzero(truth.labels == label) for label in labels}
    in_view = [label for label in labels if pixels[label] >= MIN_TARGET_PIXELS]
    iou: float | None = None
    if answerable and (in_view or not any(pixels.values())):
        iou = mask_iou(answer.mask, np.isin(truth.labels, labels))
    error: float | None = None
    if len(in_view) == 1 and answer.outcome == "FOUND" and answer.centroid is not None:
        actual = truth.centroids.get(in_view[0])
        if actual is not None:
            error = float(np.linalg.norm(answer.centroid - actual))
    return Row(
        source=source,
        frame=frame,
        instruction=wanted.text,
        asked=wanted.level,
        level=answer.level,
        targets=len(in_view),
        outcome=answer.outcome,
        segments=answer.segments,
        score=answer.score,
        iou=iou,
        centroid_error_m=error,
        latency_ms=latency * 1000,
    )


def summarise(rows: Sequence[Row], frames_played: int) -> dict[str, Any]:
    """Figures of one source; every mean or median of nothing is None.

    Per asked level: gIoU over all rows (an empty answer where nothing is meant counts 1), gIoU
    and P@0.5 over those with a target in view. Rows with `iou` None are left out of all three.
    """
    latencies = list({row.frame: row.latency_ms for row in rows}.values())
    errors = [row.centroid_error_m for row in rows if row.centroid_error_m is not None]
    absent = [row for row in rows if row.absent]
    levels = {}
    for level in LEVELS:
        counted = [r for r in rows if r.asked == level and r.iou is not None]
        in_view = [r for r in counted if r.targets]
        if counted:
            levels[level] = {
                "rows": len(counted),
                "giou": _mean(r.iou for r in counted),
                "rows_in_view": len(in_view),
                "giou_in_view": _mean(r.iou for r in in_view),
                "precision_at_50": _mean(r.iou is not None and r.iou >= 0.5 for r in in_view),
            }
    return {
        "frames_played": frames_played,
        "frames_grounded": len(latencies),
        "levels": levels,
        "absent": {
            "rows": len(absent),
            "not_found_rate": _mean(r.outcome == "NOT_FOUND" for r in absent),
        },
        "ambiguous_rows": sum(r.outcome == "AMBIGUOUS" for r in rows),
        "centroid_error": {"rows": len(errors), "median_m": median(errors) if errors else None},
        "latency_ms": {
            "median": median(latencies) if latencies else None,
            "p95": float(np.percentile(latencies, 95)) if latencies else None,
        },
    }


def by_instruction(rows: Sequence[Row]) -> list[Tally]:
    """One tally per instruction, in the order of their first rows."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.instruction, []).append(row)
    return [_tally(group) for group in groups.values()]


def _tally(rows: Sequence[Row]) -> Tally:
    errors = [row.centroid_error_m for row in rows if row.centroid_error_m is not None]
    counted = [row.right for row in rows if row.right is not None]
    return Tally(
        instruction=rows[0].instruction,
        asked=rows[0].asked,
        levels=Counter(row.level for row in rows if row.level),
        outcomes=Counter(row.outcome for row in rows),
        absent=all(row.absent for row in rows),
        right=sum(counted),
        counted=len(counted),
        score=_mean(row.score for row in rows),
        iou=_mean(row.iou for row in rows),
        centroid_error_m=median(errors) if errors else None,
        latency_ms=median(row.latency_ms for row in rows),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [float(v) for v in values if v is not None]
    return fmean(known) if known else None
