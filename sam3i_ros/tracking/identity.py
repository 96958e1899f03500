"""Which of the things that were just found are known ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from sam3i_ros.tracking.outline import overlap

Array = npt.NDArray[Any]

BINS = 8  # a colour channel
LIKE = 0.5  # likeness of two looks below which they are not of one thing
SAME = 0.1  # score of a pair below which it is not one thing


@dataclass(frozen=True)
class Sight:
    """One thing in one small picture."""

    centre: Array
    """float64 (2,): x, y. Where it is thought to be if it is out of sight."""
    size: float
    """Square root of its area when it was found, pixels."""
    look: Array
    """float32 (BINS ** 3,): the share of each colour; adds up to 1."""
    shape: Array | None = None
    """uint8 (h, w), 0 or 1; None if it is out of sight."""
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Around the shape: x, y, width, height."""


def sight_of(small: Array, colour: Array) -> Sight:
    """What is seen of a thing: `small` uint8 (h, w) has a pixel at least, `colour` is (h, w, 3)."""
    whole = [0, 256] * 3
    counts = cv2.calcHist([colour], [0, 1, 2], small, [BINS] * 3, whole).ravel()
    size = cv2.countNonZero(small) ** 0.5
    return placed(Sight(np.zeros(2), size, counts / counts.sum()), small)


def placed(sight: Sight, small: Array) -> Sight:
    """The same thing where `small`, uint8 (h, w) with a pixel at least, has it."""
    box = x, y, width, height = cv2.boundingRect(small)
    moments = cv2.moments(small[y : y + height, x : x + width], binaryImage=True)
    left, above = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    return replace(sight, centre=np.array([x + left, y + above]), shape=small, box=box)


def pair(known: Sequence[Sight], found: Sequence[Sight]) -> dict[int, int]:
    """Index in `found` to index in `known`, for all that are one thing; sights of one picture.

    Overlap counts most. Near and of the same colours is enough where there is none: for what was
    hidden and comes out again, and for what is small and quick.
    """
    if not known or not found:
        return {}
    scores = np.array([[_score(old, new) for old in known] for new in found])
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if scores[r, c] >= SAME}


def _score(old: Sight, new: Sight) -> float:
    """0 to 1.5."""
    score = _overlap(old, new)
    # Three times its size is about as far as a thing gets in a second behind another.
    reach = 3 * max(old.size, new.size)
    near = 1 - float(np.linalg.norm(old.centre - new.centre)) / reach
    like = float(np.sqrt(old.look * new.look).sum())  # Bhattacharyya's coefficient
    if near > 0 and like >= LIKE:
        score += 0.5 * near * like
    return score


def _overlap(a: Sight, b: Sight) -> float:
    if a.shape is None or b.shape is None:
        return 0.0
    x0, y0 = min(a.box[0], b.box[0]), min(a.box[1], b.box[1])
    x1 = max(a.box[0] + a.box[2], b.box[0] + b.box[2])
    y1 = max(a.box[1] + a.box[3], b.box[1] + b.box[3])
    if x1 - x0 >= a.box[2] + b.box[2] or y1 - y0 >= a.box[3] + b.box[3]:
        return 0.0  # apart
    window = np.s_[y0:y1, x0:x1]
    return overlap(a.shape[window], b.shape[window])
