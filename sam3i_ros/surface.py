"""Which pixels of a depth image lie on a surface, on which one, and which hang in the air. Arrays
only."""

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
STRAYS = 0.002  # share of the depths that joins no layers and is none
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


def main_layer(z: Array, core: Array, tolerance: float) -> tuple[float, float]:
    """Depth interval (near, far) in metres of the layer that holds most of a mask's depths.

    Layers are parted by an empty interval of about twice `tolerance` times the median depth:
    background that shows through the mask goes away. What slopes steadily through such an interval
    is no gap but a floor or a table, whose rows lie far apart in depth.

    Args:
        z: float32 (H, W), metres.
        core: bool (H, W), the pixels that count; there is one at least.
        tolerance: as `on_surface` has it.
    """
    depths = z[core]
    middle = float(np.median(depths[:: 1 + len(depths) // 1000]))
    nearest, width = float(depths.min()), 2 * tolerance * middle
    bins = ((z - nearest) * (1 / width)).astype(np.int32)
    counts = np.bincount(bins[core])
    few = STRAYS * len(depths)
    occupied = counts > few
    if not occupied.all():
        occupied = counts + _sloped(z, core, bins, tolerance, len(counts)) > few
    begins = occupied.copy()
    begins[1:] &= ~occupied[:-1]
    layer = np.cumsum(begins)
    best = np.argmax(np.bincount(layer, weights=counts * occupied))
    held = np.flatnonzero(occupied & (layer == best))
    return nearest + float(held[0]) * width, nearest + float(held[-1] + 1) * width


def _sloped(z: Array, core: Array, bins: Array, tolerance: float, count: int) -> Array:
    """How many slopes of three pixels in a row or column run through each of `count` bins of depth,
    intp (count,); at the edge of a thing depth jumps, and is no slope. `bins` has those of `z`.
    """
    steps = np.zeros(count + 1, np.intp)
    for depth, inside, at in ((z, core, bins), (z.T, core.T, bins.T)):
        row, column = np.nonzero(np.abs(at[2:] - at[:-2]) > 1)  # others leave no bin out
        first, middle, last = ((row + k, column) for k in range(3))
        bend = np.abs(depth[first] - 2 * depth[middle] + depth[last])
        slope = bend <= tolerance * depth[middle]
        slope &= inside[first] & inside[middle] & inside[last]
        near, far = np.sort(np.stack([at[first][slope], at[last][slope]]), axis=0)
        steps += np.bincount(near, minlength=count + 1)
        steps -= np.bincount(far + 1, minlength=count + 1)
    return np.cumsum(steps[:-1])


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
