"""Pictures for a language model: masks outlined and numbered, and a close look at one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam3i_model.visualize import color_for, draw_mask, draw_tag

Array = npt.NDArray[Any]

SIDE = 1024
"""Longest side of a picture that is sent; more costs tokens and hardly shows more."""
CLOSE_SIDE = 384
"""Side to which a close look is enlarged."""


def shrink(rgb: Array, side: int = SIDE, how: int = cv2.INTER_AREA) -> Array:
    """The picture with its longest side at most `side`; `how` is OpenCV's interpolation."""
    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return cv2.resize(rgb, size, interpolation=how)


def outline(rgb: Array, masks: Sequence[Array] | Array) -> Array:
    """All masks tinted in one colour: "the marked things". uint8 (H, W, 3)."""
    picture = np.array(rgb, order="C")
    for mask in masks:
        draw_mask(picture, mask, color_for(0), _scale(picture))
    return shrink(picture)


def number(rgb: Array, masks: Sequence[Array] | Array) -> Array:
    """Masks in different colours with the numbers 1, 2, ... at their thickest place.

    Drawn at the size that is sent: at a camera's 12 megapixels it would take a second.
    """
    picture = np.array(shrink(rgb), order="C")
    scale = _scale(picture)
    small = [_shrunk(mask) for mask in masks]
    for index, mask in enumerate(small):
        draw_mask(picture, mask, color_for(index), scale)
    for index, mask in enumerate(small):  # after all masks, so that no number is covered
        depth = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        draw_tag(picture, str(index + 1), (int(column), int(row)), color_for(index), scale)
    return picture


def _shrunk(mask: Array) -> Array:
    """bool (h, w), as `shrink` has it; one too small for any of its pixels to be met stays too."""
    full = np.ascontiguousarray(mask).view(np.uint8)
    small = shrink(full, how=cv2.INTER_NEAREST)
    return small.view(bool) if small.any() else shrink(full * np.uint8(255)) > 0


def close_look(rgb: Array, mask: Array) -> Array:
    """What lies in and closely around a mask, enlarged."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    margin = max(8, max(width, height) // 4)
    part = rgb[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
    scale = CLOSE_SIDE / max(part.shape[:2])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _scale(picture: Array) -> float:
    return max(picture.shape[1] / 640, 0.5)
