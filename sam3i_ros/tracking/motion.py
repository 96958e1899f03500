"""How the picture moves: dense flow between two frames, and all the way since an earlier one.

Everything here is in pixels of a small copy of the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEAST_SIDE = 16  # px; the flow needs 12
MOST_SIDE = 32_766  # px, of which cv2.remap is capable
FINEST_SCALE = 0  # of the flow: the small picture's own; half of it loses a tenth of the masks' IoU
DESCENTS = 6  # of each patch at each scale; twice as many follow nothing better
NOWHERE = -10_000  # px, where no picture has anything
OTHER_COLOUR = 40  # of 255, in any channel, from which a pixel shows something else than before


@dataclass(frozen=True)
class Picture:
    """A frame made small: grey uint8 (h, w), and colour uint8 (h, w, 3), slightly blurred."""

    grey: Array
    colour: Array

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        return self.grey.shape[0], self.grey.shape[1]


def shrink(rgb: Array, longest: int) -> Picture:
    """The small copy of a frame uint8 (H, W, 3), at most `longest` pixels in either direction."""
    height, width = rgb.shape[:2]
    scale = max(LEAST_SIDE / min(height, width), min(1.0, longest / max(height, width)))
    size = [min(round(side * scale), MOST_SIDE) for side in (width, height)]
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return Picture(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.GaussianBlur(small, (3, 3), 0))


@lru_cache(maxsize=2)
def pixel_grid(shape: tuple[int, int]) -> Array:
    """Each pixel's own place, float32 (h, w, 2): x, y. Not to be written to."""
    rows, columns = np.indices(shape, np.float32)
    return np.stack([columns, rows], -1)


class Flow:
    """Where pixels of a picture were in the one before; for pictures of one size.

    Dense inverse search (Kroeger et al., ECCV 2016) in OpenCV's implementation.
    """

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._search.setFinestScale(FINEST_SCALE)
        self._search.setGradientDescentIterations(DESCENTS)

    def back(self, picture: Picture, before: Picture) -> Array:
        """float32 (h, w, 2): x, y in `before`, less those in `picture`."""
        flow: Array = self._search.calc(picture.grey, before.grey, None)
        return flow


@dataclass(frozen=True)
class Way:
    """Where each pixel of a picture was in an earlier one: far outside, if it was not in it."""

    shift: Array
    """float32 (h, w, 2): x, y in the earlier one, less those in the picture."""
    nearest: Array
    """int16 (h, w, 2): x, y in the earlier one."""


class Anchor:
    """A frame that masks are carried from, and where each pixel of the newest one was in it."""

    def __init__(self, picture: Picture, time: float) -> None:
        self.picture = picture
        self.time = time  # s
        self.moved = False  # whether there has been another frame since
        self._grid = self._origin = pixel_grid(picture.shape)
        self._entered = np.zeros(picture.shape, np.uint8)  # 1: came from beyond the border since

    def follow(self, back: Array) -> None:
        """Takes the flow (h, w, 2) from the newest picture to the one before."""
        at = self._grid + back
        self._origin = cv2.remap(
            self._origin, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        self._entered = cv2.remap(
            self._entered,
            at,
            None,
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=1,
        )
        self.moved = True

    def way(self) -> Way:
        """From the newest picture to this one."""
        origin = np.where(self._entered[..., None], np.float32(NOWHERE), self._origin)
        nearest, _ = cv2.convertMaps(origin, None, cv2.CV_16SC2, nninterpolation=True)
        return Way(origin - self._grid, nearest)

    def changed(self, picture: Picture) -> Array:
        """Whether a pixel of the newest picture has another colour than its origin: uint8 (h, w).

        What the whole picture changed by, as when a camera sets its exposure anew, is left out.
        """
        before = cv2.remap(self.picture.colour, self._origin, None, cv2.INTER_LINEAR)
        change = picture.colour.astype(np.int16) - before
        change -= np.median(change[::8, ::8].reshape(-1, 3), axis=0).astype(np.int16)
        r, g, b = cv2.split(np.abs(change))
        return (cv2.max(cv2.max(r, g), b) > OTHER_COLOUR).view(np.uint8)


def ego_motion(back: Array) -> Array:
    """What most of the picture did, as an affine map (2, 3) from the picture before to this one.

    `back` is float32 (h, w, 2) of `Flow.back`.
    """
    step = max(1, max(back.shape[:2]) // 20)
    here = pixel_grid(back.shape[:2])[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    there = here + back[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    motion = affine(there, here)
    return np.eye(2, 3) if motion is None else motion


def affine(here: Array, there: Array) -> Array | None:
    """The map (2, 3) that takes most of some points (N, 2) to others; None if there is none."""
    if len(here) < 2:
        return None
    pairs = np.ascontiguousarray(here), np.ascontiguousarray(there)
    found, _ = cv2.estimateAffinePartial2D(*pairs, ransacReprojThreshold=1.0, maxIters=200)
    return found
