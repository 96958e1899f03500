"""Answers drawn over what was meant, small enough to go into a page."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from training.annotations.rle import united
from training.evaluation.rows import Row
from training.questions import judged

Array = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SIDE = 448
"""Longer side of a picture, px. Smaller ones are enlarged, so that contours can be seen."""
RIGHT, WRONG = (0, 158, 115), (230, 0, 160)
"""RGB of pixels answered rightly and wrongly: a green and a purple that colour-blind people can
tell apart (after Okabe and Ito), and that few things have."""
_OPACITY = 0.6


def draw(rgb: Array, row: Row, answered: bool = True) -> Array:
    """What was answered and what was meant, over the picture.

    Args:
        rgb: uint8 (H, W, 3); stays as it is.
        row: About this picture.
        answered: Whether the answer is drawn; what is meant always is.

    Returns:
        uint8 (h, w, 3), the longer side `SIDE`: pixels answered are `RIGHT` or `WRONG`, every
        instance meant has a white contour.
    """
    height, width = rgb.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture: Array = cv2.resize(rgb, size, interpolation=shrinks)
    truth = united(row.truth, (height, width))
    meant = _resized(truth, size)
    answer = united(row.answer if answered else (), (height, width))
    found = _resized(answer & judged(row.crowds, truth), size)
    for inside, colour in ((found & meant, RIGHT), (found & ~meant, WRONG)):
        tint = np.multiply(colour, _OPACITY)
        picture[inside] = (picture[inside] * (1 - _OPACITY) + tint).astype(np.uint8)
        _outline(picture, inside, colour, 2)
    for code in row.truth:
        mask = _resized(united([code], (height, width)), size)
        # White on a broader black line, so that it shows on any ground.
        _outline(picture, mask, (0, 0, 0), 4)
        _outline(picture, mask, (255, 255, 255), 2)
    return picture


def _outline(picture: Array, mask: Mask, colour: tuple[int, int, int], thickness: int) -> None:
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, colour, thickness, cv2.LINE_AA)


def _resized(mask: Mask, size: tuple[int, int]) -> Mask:
    """To (width, height)."""
    values = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(values > 0.5)
