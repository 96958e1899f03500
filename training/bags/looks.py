"""How sharp a picture is, and whether anything has moved since another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH = 640
"""Sharpness is measured at this width, so that it is comparable."""
CELLS = (32, 24)
"""Columns and rows of the small picture in which motion is looked for."""
_RECENT = 50


@dataclass(frozen=True)
class Look:
    """A picture as far as picking goes: its sharpness, and uint8 cells (24, 32) of grey."""

    sharpness: float
    cells: NDArray[np.uint8]

    @classmethod
    def of(cls, rgb: NDArray[np.uint8]) -> Look:
        """Of uint8 (H, W, 3). Sharpness is the variance of the Laplacian."""
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        height = max(1, round(grey.shape[0] * WIDTH / grey.shape[1]))
        if grey.shape[1] > WIDTH:
            grey = cv2.resize(grey, (WIDTH, min(height, 4 * WIDTH)), interpolation=cv2.INTER_AREA)
        cells = cv2.resize(grey, CELLS, interpolation=cv2.INTER_AREA)
        return cls(float(cv2.Laplacian(grey, cv2.CV_32F).var()), cells)

    def motion(self, other: Look) -> int:
        """The greatest change of any cell, in grey levels of 255."""
        return int(cv2.absdiff(self.cells, other.cells).max())


class Judge:
    """Says which pictures are worth having, by those that were kept before.

    Args:
        blur: Share of the median sharpness below which a picture is left out.
        motion: Grey levels that some cell must change by.
    """

    def __init__(self, blur: float, motion: int) -> None:
        self._blur = blur
        self._motion = motion
        self._last: Look | None = None
        self._sharpness: deque[float] = deque(maxlen=_RECENT)

    def objection(self, look: Look, keep: bool) -> str:
        """Why a picture isn't worth having, or ""; with `keep`, standing still is no reason."""
        if self._sharpness and look.sharpness < self._blur * median(self._sharpness):
            return "blurred"
        if not keep and self._last and look.motion(self._last) < self._motion:
            return "nothing has moved"
        return ""

    def kept(self, look: Look) -> None:
        """Take up a picture that was kept."""
        self._last = look
        self._sharpness.append(look.sharpness)
