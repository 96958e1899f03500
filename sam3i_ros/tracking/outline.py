"""One mask, taken along with the motion of the picture and set on the edges that it finds there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam3i_ros.geometry import mask_roi
from sam3i_ros.tracking.motion import Way

Array = npt.NDArray[Any]
Slices = tuple[slice, slice]

TRUSTED = 0.9  # IoU, on the frame that was grounded, from which a thing's edges are relied on
DRIFT = 0.1  # px that an outline may be off by, for each px that it has moved
BAND = 4  # px, most that an outline is looked for to either side


@dataclass(frozen=True)
class Outline:
    """A mask in the frame that was grounded, whole and small."""

    mask: Array
    """bool (H, W), pixels of the frame."""
    small: Array
    """uint8 (h, w), 0 or 1, pixels of the small picture."""
    sharp: bool
    """Whether the thing's edges in the picture are those of the mask."""


def outline_of(mask: Array, colour: Array) -> Outline:
    """The outline of a mask bool (H, W) in a small picture uint8 (h, w, 3)."""
    small = _shrink(mask, colour.shape[:2])
    return Outline(mask, small, overlap(snap(small, colour, BAND), small) >= TRUSTED)


def carry(outline: Outline, way: Way, colour: Array) -> tuple[Array, Array]:
    """Where an outline is in a later picture.

    Args:
        outline: in the frame that was grounded.
        way: from the later picture to that one.
        colour: uint8 (h, w, 3), the later small picture.

    Returns:
        The mask bool (H, W) and its small copy uint8 (h, w).
    """
    small = cv2.remap(outline.small, way.nearest, None, cv2.INTER_NEAREST)
    mask = np.zeros_like(outline.mask)
    if not cv2.countNonZero(small):
        return mask, small
    part, whole = _windows(small, mask.shape)
    band = _band(way.shift[part][small[part] > 0]) if outline.sharp else 0
    if band:
        small = snap(small, colour, band)
        part, whole = _windows(small, mask.shape)
    size = mask[whole].shape[::-1]
    if band:
        filled = cv2.resize(small[part] * np.uint8(255), size, interpolation=cv2.INTER_LINEAR)
        mask[whole] = filled > 127
    else:  # nothing is lost to the small size
        scale = np.divide(mask.shape[::-1], small.shape[::-1], dtype=np.float32)
        shift = cv2.resize(way.shift[part], size, interpolation=cv2.INTER_LINEAR) * scale
        x = np.arange(whole[1].start, whole[1].stop, dtype=np.float32)
        y = np.arange(whole[0].start, whole[0].stop, dtype=np.float32)[:, None]
        origin = shift[..., 0] + x, shift[..., 1] + y
        mask[whole] = cv2.remap(outline.mask.view(np.uint8), *origin, cv2.INTER_NEAREST)
    return mask, small


def snap(small: Array, colour: Array, band: int) -> Array:
    """The mask with its border moved to the strongest edges within `band` pixels.

    Watershed, flooded from the mask without its rim and from all that is farther outside.

    Args:
        small: uint8 (h, w), 0 or 1.
        colour: uint8 (h, w, 3).
        band: pixels.

    Returns:
        uint8 (h, w), 0 or 1; the mask as it was if nothing is left of it without its rim.
    """
    x, y, width, height = cv2.boundingRect(small)
    top, left = max(y - band - 2, 0), max(x - band - 2, 0)
    window = np.s_[top : y + height + band + 2, left : x + width + band + 2]
    shape = small[window]
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    core = cv2.erode(shape, kernel)  # beyond the picture's border it goes on
    if not core.any():
        return small
    outside = cv2.dilate(shape, kernel) == 0
    seeds = np.where(outside, 2, core).astype(np.int32)
    cv2.watershed(np.ascontiguousarray(colour[window]), seeds)
    snapped = np.zeros_like(small)
    # Watershed leaves the window's border and the line between the two sides open.
    snapped[window] = np.where(seeds == -1, shape, seeds == 1)
    return snapped


def overlap(a: Array, b: Array) -> float:
    """Intersection over union of two masks (h, w) of 0 and 1; 0 if both are empty."""
    union = cv2.countNonZero(cv2.bitwise_or(a, b))
    return cv2.countNonZero(cv2.bitwise_and(a, b)) / union if union else 0.0


def _shrink(mask: Array, shape: tuple[int, int]) -> Array:
    size = shape[1], shape[0]
    filled = cv2.resize(mask.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    # What is smaller than a pixel keeps one: the fullest, or if all are rounded to 0, its middle.
    small = (filled >= np.clip(filled.max(), 1, 128)).view(np.uint8)
    if not small.any():
        x, y, width, height = mask_roi(mask)
        row, column = y + height // 2, x + width // 2
        small[row * shape[0] // mask.shape[0], column * shape[1] // mask.shape[1]] = 1
    return small


def _band(shift: Array) -> int:
    """How far off, in pixels, the outline of what has come this way (N, 2) may be."""
    moved = float(np.median(np.linalg.norm(shift, axis=-1)))
    return 0 if moved < 1 else min(BAND, math.ceil(DRIFT * moved))


def _windows(small: Array, shape: tuple[int, ...]) -> tuple[Slices, Slices]:
    """Around a small mask (h, w), and the same part of a frame (H, W): rows, columns.

    Two pixels wider than the mask, as the whole one may reach a little beyond its small copy.
    """
    x, y, width, height = cv2.boundingRect(small)
    part, whole = [], []
    for first, length, few, many in (
        (y, height, small.shape[0], shape[0]),
        (x, width, small.shape[1], shape[1]),
    ):
        start, stop = max(first - 2, 0), min(first + length + 2, few)
        part.append(slice(start, stop))
        whole.append(slice(round(start * many / few), round(stop * many / few)))
    return (part[0], part[1]), (whole[0], whole[1])
