"""Outlines of masks: exact ones along the edges of pixels, and COCO's polygons, made lighter.

The corners of pixel (x, y) are (x, y) and (x + 1, y + 1).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.annotations.rle import Mask

Loop = NDArray[np.int32]
"""int32 (N, 2) corners (x, y), clockwise on the screen."""

TOLERANCE = 1.0
"""How far a corner of a polygon may lie beside the outline, px."""


def loops(mask: Mask) -> list[tuple[Loop, bool]]:
    """All outlines of bool (H, W), and whether each goes round pixels rather than round a hole.

    Pixels that touch at a corner only have outlines of their own.
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    # What surrounds each corner: above left, above right, below left, below right.
    around = padded[:-1, :-1] | padded[:-1, 1:] << 1 | padded[1:, :-1] << 2 | padded[1:, 1:] << 3
    falling, rising = around == 0b1001, around == 0b0110  # two pixels that touch at this corner
    touching = falling | rising
    bends = touching | np.isin(around, (1, 2, 4, 8, 7, 11, 13, 14))
    y, x = np.nonzero(bends)
    twice = np.where(touching[y, x], 2, 1)
    y, x = np.repeat(y, twice), np.repeat(x, twice)  # in order of rows, then columns
    number = np.arange(len(x))
    across = number ^ 1  # the other end of the horizontal edge: each row has pairs
    # Down a column, the second of two at a corner comes first where the pixels rise to the right.
    second = np.r_[False, (np.diff(x) == 0) & (np.diff(y) == 0)]
    column = np.lexsort((second ^ rising[y, x], y, x))
    down = np.empty_like(number)
    down[column] = column[number ^ 1]
    return _followed(np.stack([x, y], 1).astype(np.int32), across, down, mask)


def _followed(
    corners: Loop, across: NDArray[np.int64], down: NDArray[np.int64], mask: Mask
) -> list[tuple[Loop, bool]]:
    """Walk along the edges, right first from each loop's first corner."""
    steps = (across.tolist(), down.tolist())
    seen = bytearray(len(corners))
    found = []
    for start in range(len(corners)):
        if seen[start]:
            continue
        walked, at, turn = [], start, 0
        while not seen[at]:
            seen[at] = 1
            walked.append(at)
            at = steps[turn][at]
            turn ^= 1
        x, y = corners[start]
        found.append((corners[walked], bool(mask[y, x])))
    return found


def svg_path(mask: Mask) -> str:
    """The mask exactly, as the `d` of an SVG path that is filled by the rule "evenodd"."""
    return "".join(
        "M" + "L".join(f"{x} {y}" for x, y in loop.tolist()) + "Z" for loop, _ in loops(mask)
    )


def polygons(mask: Mask) -> list[list[int]]:
    """COCO's polygons [x0, y0, x1, ...] of bool (H, W), within `TOLERANCE` of its outline.

    Holes, which COCO's polygons can't have, are joined to the outline round them by a cut of no
    width, against its direction, so that every way of filling leaves them empty.
    """
    _, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    outer: dict[int, Loop] = {}
    for loop, filled in loops(mask):
        x, y = loop[0]
        if filled:
            outer[parts[y, x]] = _lighter(loop)
        else:
            part = parts[y - 1, x]
            outer[part] = _joined(outer[part], _lighter(loop)[::-1])
    return [loop.reshape(-1).tolist() for loop in outer.values()]


def _lighter(loop: Loop) -> Loop:
    """With fewer corners, if three are left."""
    fewer = cv2.approxPolyDP(loop, TOLERANCE, True)[:, 0]
    return fewer if len(fewer) > 2 else loop


def _joined(outline: Loop, hole: Loop) -> Loop:
    """One loop: along the outline, over to the hole where it is nearest, round it and back."""
    apart = ((outline[:, None].astype(np.int64) - hole[None]) ** 2).sum(2)
    here, there = np.unravel_index(apart.argmin(), apart.shape)
    around = np.r_[hole[there:], hole[: there + 1]]
    return np.r_[outline[: here + 1], around, outline[here:]]
