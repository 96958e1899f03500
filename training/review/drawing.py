"""What a person draws on the page, as masks: polygons, brush strokes, flooded and boxed regions.

Coordinates are pixels of the picture, (0, 0) its upper left corner; what lies outside is cut off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.annotations.entries import EntryError, polygon
from training.annotations.rle import Mask, MaskError, fill

Picture = NDArray[np.uint8]
"""uint8 RGB (H, W, 3)."""

MAX_RADIUS = 200.0
"""Of the brush, px."""
MAX_STROKE = 2_000
"""Points of a stroke: a longer one with the largest brush would take seconds."""
MAX_TOLERANCE = 255.0
_FAR = 50_000.0
"""Where strokes are cut off, px: farther away, OpenCV's fixed point numbers overflow."""
_SHIFT = 4
"""Binary places of its coordinates."""
_SIDE = 480
"""Longest side of what GrabCut sees, px: beyond, an answer takes seconds."""
_MARGIN = 0.3
"""Share of a box's sides that GrabCut sees around it, as examples of what isn't meant."""
_ROUNDS = 5


def draw(shape: Mapping[str, Any], height: int, width: int, picture: Callable[[], Picture]) -> Mask:
    """The mask of a shape: bool (H, W).

    Args:
        shape: {"kind": "polygon", "points": [x0, y0, ...]}, {"kind": "stroke", "points": ...,
            "radius": px}, {"kind": "flood", "points": [x, y], "tolerance": 0..255} or
            {"kind": "box", "points": [x0, y0, x1, y1]}.
        height: Of the picture.
        width: Of the picture.
        picture: Its pixels, fetched for those kinds that look at them.

    Raises:
        EntryError: The shape is malformed, too large, or covers nothing.
    """
    kind = shape.get("kind")
    points = polygon(shape.get("points"))
    if kind == "polygon":
        try:
            mask = fill([points], height, width)
        except MaskError as error:
            raise EntryError(error) from error
    elif kind == "stroke":
        if len(points) > 2 * MAX_STROKE:
            raise EntryError(f"the stroke has more than {MAX_STROKE:,} points")
        mask = _stroke(_pairs(points), _number(shape, "radius", MAX_RADIUS), height, width)
    elif kind == "flood":
        mask = _flood(_pairs(points)[0], _number(shape, "tolerance", MAX_TOLERANCE), picture())
    elif kind == "box":
        mask = _cut_out(_pairs(points), picture())
    else:
        raise EntryError("there is no such way to draw")
    if not mask.any():
        raise EntryError("nothing of the picture was drawn over")
    return mask


def _pairs(points: tuple[float, ...]) -> NDArray[np.float64]:
    """(N, 2), N at least 1."""
    if not points or len(points) % 2:
        raise EntryError("the points are no pairs")
    return np.array(points).reshape(-1, 2)


def _number(shape: Mapping[str, Any], key: str, most: float) -> float:
    value = shape.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise EntryError(f"'{key}' is no number from 0 to {most:g}")
    return float(value)


def _stroke(points: NDArray[np.float64], radius: float, height: int, width: int) -> Mask:
    """All within a radius of a line."""
    mask = np.zeros((height, width), np.uint8)
    # OpenCV's whole numbers are centres of pixels.
    centres = np.rint((points.clip(-_FAR, _FAR) - 0.5) * (1 << _SHIFT)).astype(np.int32)
    # A line that goes nowhere has no width either.
    cv2.circle(mask, centres[0].tolist(), round(radius * (1 << _SHIFT)), 1, -1, shift=_SHIFT)
    thickness = max(1, round(2 * radius))
    cv2.polylines(mask, [centres[:, None]], False, 1, thickness, shift=_SHIFT)
    return mask.view(bool)


def _flood(point: NDArray[np.float64], tolerance: float, picture: Picture) -> Mask:
    """What hangs together with a point and has its colour within a tolerance a channel."""
    height, width = picture.shape[:2]
    x, y = (math.floor(value) for value in point)
    if not (0 <= x < width and 0 <= y < height):
        raise EntryError("the point is not in the picture")
    mask = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | 1 << 8
    spread = (tolerance,) * 3
    cv2.floodFill(picture.copy(), mask, (x, y), 0, spread, spread, flags)
    return np.ascontiguousarray(mask[1:-1, 1:-1]).view(bool)


def _cut_out(corners: NDArray[np.float64], picture: Picture) -> Mask:
    """The thing in a box, by GrabCut (Rother et al., 2004)."""
    height, width = picture.shape[:2]
    limits = (width, height)
    low = np.floor(corners.min(0)).clip(0, limits).astype(int)
    high = np.ceil(corners.max(0)).clip(0, limits).astype(int)
    if len(corners) != 2 or (high - low < 3).any():
        raise EntryError("the box is too small")
    margin = np.ceil((high - low) * _MARGIN).astype(int)
    left, top = np.maximum(low - margin, 0)
    right, bottom = np.minimum(high + margin, limits)
    seen = np.ascontiguousarray(picture[top:bottom, left:right, ::-1])
    labels = np.full(seen.shape[:2], cv2.GC_BGD, np.uint8)
    labels[low[1] - top : high[1] - top, low[0] - left : high[0] - left] = cv2.GC_PR_FGD
    if (labels == cv2.GC_PR_FGD).all():
        raise EntryError("the box leaves nothing of the picture out")
    rows, columns = seen.shape[:2]
    scale = min(1.0, _SIDE / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
    marks = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(
            small, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK
        )
    except cv2.error as error:
        raise EntryError("the box is too small") from error
    found = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    mask = np.zeros((height, width), bool)
    back = cv2.resize(found, (columns, rows), interpolation=cv2.INTER_NEAREST)
    mask[top:bottom, left:right] = back.view(bool)
    return mask
