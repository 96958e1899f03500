"""A picture for people: what was found where, for which instruction."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Outcome

Array = npt.NDArray[Any]
Color = tuple[int, int, int]

_OPACITY = 0.45
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MAX_TAG = 60  # characters of an instruction that are shown


def color_for(index: int) -> Color:
    """Colour (r, g, b) of the instruction at this place in the list, 0 to 255.

    Hues go round the circle in steps of the golden angle, so neighbours in the list differ.
    """
    hue = (0.02 + index * 0.381966) % 1.0
    r, g, b = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return round(r * 255), round(g * 255), round(b * 255)


def draw_overlay(rgb: Array, groundings: Sequence[Grounding]) -> Array:
    """Draw the answers over an image.

    Every mask is tinted in its instruction's colour, outlined and tagged with text and score. An
    instruction that was not simply found gets a line at the top that says so.

    Args:
        rgb: uint8 (H, W, 3); stays as it is.
        groundings: of this image.

    Returns:
        A new image, uint8 (H, W, 3).
    """
    picture = np.array(rgb, order="C")  # a copy that OpenCV can write to, however its pixels lie
    scale = max(picture.shape[1] / 640, 0.5)
    tags = []
    for index, grounding in enumerate(groundings):
        for mask, score in zip(grounding.masks, grounding.scores, strict=True):
            color = color_for(index)
            if corner := draw_mask(picture, mask, color, scale):
                tags.append(
                    (f"{short_text(grounding.instruction.text)} {score:.2f}", corner, color)
                )
    for tag, corner, color in tags:  # after all masks, so that none is covered
        draw_tag(picture, tag, corner, color, scale)
    top = 0
    for index, grounding in enumerate(groundings):
        if grounding.outcome != Outcome.FOUND:
            line = f"{short_text(grounding.instruction.text)}: {_verdict(grounding)}"
            top += draw_tag(picture, line, (0, top), color_for(index), scale, below=True)
    return picture


def _verdict(grounding: Grounding) -> str:
    name = Outcome(grounding.outcome).name.replace("_", " ")
    return f"{name} ({grounding.detail})" if grounding.detail else name


def short_text(text: str) -> str:
    """One line in characters that OpenCV's font has."""
    line = " ".join(text.split()).encode("ascii", "replace").decode()
    return line if len(line) <= _MAX_TAG else line[: _MAX_TAG - 3] + "..."


def draw_mask(picture: Array, mask: Array, color: Color, scale: float) -> tuple[int, int] | None:
    """Tints and outlines it; the corner (x, y) of the box around it, None if it is empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return None
    window = np.s_[y : y + height, x : x + width]
    part, inside = picture[window], mask[window]
    values = np.arange(256)[:, None] * (1 - _OPACITY) + np.multiply(color, _OPACITY)
    tinted = cv2.LUT(part, values.astype(np.uint8)[None])
    shape = np.ascontiguousarray(inside).view(np.uint8)
    cv2.copyTo(tinted, shape, part)
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    thickness = max(1, round(1.5 * scale))
    cv2.drawContours(picture, contours, -1, color, thickness, cv2.LINE_AA, offset=(x, y))
    return x, y


def draw_tag(
    picture: Array, text: str, at: tuple[int, int], color: Color, scale: float, below: bool = False
) -> int:
    """Text on a patch of its colour, its corner `at` (x, y); the height of the patch in pixels."""
    size = 0.45 * scale
    (width, height), baseline = cv2.getTextSize(text, _FONT, size, 1)
    pad = max(2, round(3 * scale))
    patch_width, patch_height = width + 2 * pad, height + baseline + 2 * pad
    x = max(0, min(at[0], picture.shape[1] - patch_width))
    y = at[1] if below else max(0, at[1] - patch_height)
    cv2.rectangle(picture, (x, y), (x + patch_width - 1, y + patch_height - 1), color, cv2.FILLED)
    # Black or white, whatever the eye parts better from the colour (ITU-R BT.601 luma).
    luma = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    ink = (0, 0, 0) if luma > 128 else (255, 255, 255)
    origin = (x + pad, y + pad + height)
    cv2.putText(picture, text, origin, _FONT, size, ink, 1, cv2.LINE_AA)
    return patch_height
