"""Which pixels of a depth image lie on a surface, and which hang in the air. Arrays only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam3i_model.decoding import measured

Array = npt.NDArray[Any]
LEAST_SUPPORT = 3  # neighbours at its own depth that a pixel of a surface has
MAX_REACH = 4  # px, to a neighbour; so sparse is depth of a quarter of the image's width


def fullest(depth: Array, stride: int) -> tuple[int, int]:
    """Row and column, below `stride`, from which every `stride`-th holds most depth: where it was
    registered to a finer image and not filled up, whole rows and columns have none.
    """
    if stride == 1:
        return 0, 0
    seen, offsets = measured(depth), range(stride)
    row = max(offsets, key=lambda r: np.count_nonzero(seen[r::stride]))
    return row, max(offsets, key=lambda c: np.count_nonzero(seen[row::stride, c::stride]))


def on_surface(z: Array, tolerance: float) -> Array:
    """Pixels that lie on a surface: bool, shape of `z`, float32 (H, W) in metres, which is 0 where
    nothing was measured. `tolerance` is the step between neighbouring pixels, as a share of the
    depth, that parts two surfaces.

    A flying pixel hangs between foreground and background. It has both a clearly nearer and a
    clearly farther neighbour, or, next to a hole, hardly any neighbour at its own depth.
    """
    seen = z > 0
    reach = _reach(seen)
    step = tolerance * reach * z
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    nearest = cv2.erode(np.where(seen, z, np.float32(np.inf)), kernel)
    between = (z - nearest > step) & (cv2.dilate(z, kernel) - z > step)
    support = np.zeros(z.shape, np.uint8)
    for a, b in _neighbours(z.shape, reach):
        near = (cv2.absdiff(z[a], z[b]) <= step[a]).view(np.uint8)
        support[a] += near
        support[b] += near
    return seen & ~between & (support >= LEAST_SUPPORT)


def _reach(seen: Array) -> int:
    """How many pixels off a pixel's neighbours are: 1, but more where `seen`, bool (H, W), has
    holes so regular that most pixels in it have too few.
    """
    most = np.count_nonzero(seen) / 2
    for reach in range(1, MAX_REACH):
        side = 2 * reach + 1
        around = cv2.boxFilter(
            seen.view(np.uint8), -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        if np.count_nonzero(seen & (around > LEAST_SUPPORT)) >= most:  # itself is among them
            return reach
    return MAX_REACH


def _neighbours(shape: tuple[int, ...], reach: int) -> Iterator[tuple[Any, Any]]:
    """Windows of an array that have all pairs of pixels within reach in the same place, each pair
    once.
    """
    height, width = shape
    down, right = min(reach, height - 1), min(reach, width - 1)
    for y, x in product(range(down + 1), range(-right, right + 1)):
        if (y, x) > (0, 0):
            yield (
                np.s_[y:, max(x, 0) : width + min(x, 0)],
                np.s_[: height - y, max(-x, 0) : width - max(x, 0)],
            )
