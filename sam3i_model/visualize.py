"""A picture for people: what was found where, for which instruction."""

from __future__ import annotations

import colorsys
import unicodedata
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Outcome

Array = npt.NDArray[Any]
Color = tuple[int, int, int]
Patch = tuple[int, int, int, int]
"""x, y, width and height of a tag, pixels."""

_OPACITY = 0.45
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SIZE = 0.45  # of the font, in a picture 640 px wide
_MAX_TAG = 60  # characters of an instruction that are shown
_PLAIN = str.maketrans(
    "\u2018\u2019\u201c\u201d\u2010\u2011\u2013\u2014", "''\"\"----"
)  # quotes, dashes


def color_for(index: int) -> Color:
    """Colour (r, g, b) of the instruction at this place in the list, 0 to 255.

    Hues go round the circle in steps of the golden angle, so neighbours in the list differ.
    """
    hue = (0.02 + index * 0.381966) % 1.0
    r, g, b = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return round(r * 255), round(g * 255), round(b * 255)


def draw_overlay(rgb: Array, groundings: Sequence[Grounding]) -> Array:
    """Draw the answers over an image.

    Every mask is tinted in its instruction's colour, outlined and tagged with text and score; a
    tag moves a little to cover no other. An instruction that was not simply found gets a line at
    the top that says so, or two; what is too long for the picture is told in fewer words.

    Args:
        rgb: uint8 (H, W, 3); stays as it is.
        groundings: of this image.

    Returns:
        A new image, uint8 (H, W, 3).
    """
    picture = np.array(rgb, order="C")  # a copy that OpenCV can write to, however its pixels lie
    scale = max(picture.shape[1] / 640, 0.5)
    width = picture.shape[1]
    tags = []
    for index, grounding in enumerate(groundings):
        for mask, score in zip(grounding.masks, grounding.scores, strict=True):
            color = color_for(index)
            if corner := draw_mask(picture, mask, color, scale):
                said = f"{short_text(grounding.instruction.text)} {score:.2f}"
                tags.append((fitting([said, f"{score:.2f}"], width, scale), corner, color))
    lines = [
        (line, color_for(index))
        for index, grounding in enumerate(groundings)
        if grounding.outcome != Outcome.FOUND
        for line in _verdict(grounding, width, scale)
    ]
    draw_tags(picture, lines, tags, scale)  # after all masks, so that none is covered
    return picture


def draw_tags(
    picture: Array,
    lines: Sequence[tuple[str, Color]],
    tags: Sequence[tuple[str, tuple[int, int], Color]],
    scale: float,
) -> None:
    """Lines from the top down, and tags on their corners (x, y) or a little away from them, so
    that none covers another where there is room."""
    taken: list[Patch] = []
    for line, _ in lines:
        taken.append((0, sum(patch[3] for patch in taken), *_tag_size(line, scale)))
    for tag, corner, color in tags:
        patch = _free(corner, _tag_size(tag, scale), taken, picture)
        taken.append(patch)
        draw_tag(picture, tag, patch[:2], color, scale, below=True)
    for (line, color), patch in zip(lines, taken, strict=False):
        draw_tag(picture, line, patch[:2], color, scale, below=True)


def _verdict(grounding: Grounding, width: int, scale: float) -> list[str]:
    """What became of an instruction in lines that fit a picture so wide, in pixels."""
    name = Outcome(grounding.outcome).name.replace("_", " ")
    said, detail = short_text(grounding.instruction.text), short_text(grounding.detail)
    full = f"{said}: {name} ({detail})" if detail else f"{said}: {name}"
    line = fitting([full, f"{said}: {name}", name], width, scale)
    more = detail and line != full and _tag_size(detail, scale)[0] <= width
    return [line, detail] if more else [line]


def fitting(texts: Sequence[str], width: int, scale: float) -> str:
    """The first whose tag is at most so wide, in pixels; the last if none is."""
    return next((text for text in texts if _tag_size(text, scale)[0] <= width), texts[-1])


def _free(
    corner: tuple[int, int], size: tuple[int, int], taken: Sequence[Patch], picture: Array
) -> Patch:
    """Where a tag of that size covers none of those `taken`: on the corner, or up to three tags
    above or below; on the corner all the same if there is no room."""
    width, height = size
    x = max(0, min(corner[0], picture.shape[1] - width))
    wanted = max(0, corner[1] - height)
    for y in (wanted + step * height for step in (0, -1, 1, -2, 2, -3, 3)):
        inside = 0 <= y <= picture.shape[0] - height
        if inside and not any(
            x < left + across and left < x + width and y < top + down and top < y + height
            for left, top, across, down in taken
        ):
            return x, y, width, height
    return x, wanted, width, height


def short_text(text: str, most: int = _MAX_TAG) -> str:
    """One line of at most so many characters, in those that OpenCV's font has: letters without
    their accents, and ? for what is in another script."""
    parts = unicodedata.normalize("NFKD", " ".join(text.split()).translate(_PLAIN))
    line = "".join(c for c in parts if not unicodedata.combining(c))
    line = line.encode("ascii", "replace").decode()
    return line if len(line) <= most else line[: most - 3] + "..."


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


def _tag_size(text: str, scale: float) -> tuple[int, int]:
    """Width and height of a tag's patch, pixels."""
    (width, height), baseline = cv2.getTextSize(text, _FONT, _SIZE * scale, _ink(scale))
    pad = _pad(scale)
    return width + 2 * pad, height + baseline + 2 * pad


def _pad(scale: float) -> int:
    return max(2, round(3 * scale))


def _ink(scale: float) -> int:
    """How thick letters are, pixels."""
    return max(1, round(scale))


def draw_tag(
    picture: Array, text: str, at: tuple[int, int], color: Color, scale: float, below: bool = False
) -> None:
    """Text on a patch of its colour, whose upper left corner is `at` (x, y) if it is to hang
    `below`, else the lower left one."""
    width, height = _tag_size(text, scale)
    x = max(0, min(at[0], picture.shape[1] - width))
    y = at[1] if below else max(0, at[1] - height)
    cv2.rectangle(picture, (x, y), (x + width - 1, y + height - 1), color, cv2.FILLED)
    # Black or white, whatever the eye parts better from the colour (ITU-R BT.601 luma).
    luma = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    ink = (0, 0, 0) if luma > 128 else (255, 255, 255)
    (_, letters), _ = cv2.getTextSize(text, _FONT, _SIZE * scale, _ink(scale))
    origin = (x + _pad(scale), y + _pad(scale) + letters)
    cv2.putText(picture, text, origin, _FONT, _SIZE * scale, ink, _ink(scale), cv2.LINE_AA)
