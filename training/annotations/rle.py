"""COCO's masks, by pycocotools: run lengths down the columns, plain or packed, and polygons.

pycocotools trusts what it is given: it reads past the end of a text that stops inside a number and
leaves memory as it was where runs are missing. A file from elsewhere may say anything, so all of it
is checked here first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

Mask = NDArray[np.bool_]
Rle = dict[str, Any]
"""{"size": [height, width], "counts": str}: COCO's compressed form."""

MAX_SIDE = 20_000
MAX_PIXELS = 50_000_000
"""Below 3 * 2**24: beyond, a text that pycocotools packs can outgrow what it allocates for it."""
MAX_POLYGONS = 2_000
MAX_COORDINATE = 1_000_000
"""Of a corner, px to either side of the origin."""
MAX_STEPS = 5_000_000
"""Of all outlines of a shape together: pycocotools holds five points a pixel, one a corner."""
_DIGITS = 6
"""Characters of the longest number: five bits each, and a sign, for up to `MAX_PIXELS`."""


class MaskError(ValueError):
    """A mask can't be read; the message is a few words that say why."""


def check_size(height: int, width: int) -> None:
    """Refuse a picture that is empty or too large to hold.

    Raises:
        MaskError: It is.
    """
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE and height * width <= MAX_PIXELS):
        raise MaskError(f"size {width}x{height} is not between 1 and {MAX_PIXELS:,} pixels")


def check_polygons(polygons: Sequence[Sequence[float]]) -> None:
    """Refuse polygons [x0, y0, x1, y1, ...] that can't be drawn in bearable time and memory.

    Raises:
        MaskError: They are too many, too long or too far off, or one has no three corners.
    """
    if len(polygons) > MAX_POLYGONS:
        raise MaskError(f"there are {len(polygons):,} polygons, at most {MAX_POLYGONS:,} are read")
    steps = 0
    for polygon in polygons:
        values = np.asarray(polygon, np.float64)
        if values.ndim != 1 or values.size < 6 or values.size % 2:
            raise MaskError("a polygon has no three corners")
        if not (abs(values) <= MAX_COORDINATE).all():  # false of NaN, too
            raise MaskError(f"a polygon leaves the picture by more than {MAX_COORDINATE:,} pixels")
        corners = (5 * values + 0.5).astype(np.int64).reshape(-1, 2)
        steps += int((abs(corners - np.roll(corners, -1, axis=0)).max(1) + 1).sum())
        if steps > MAX_STEPS:
            raise MaskError("its polygons are too long")


def encode(mask: Mask) -> Rle:
    """Pack bool (H, W).

    Raises:
        MaskError: It is empty or too large.
    """
    check_size(*mask.shape)
    return _as_text(coco.encode(np.asfortranarray(mask, bool).view(np.uint8)))


def packed(rle: Rle) -> Rle:
    """A code of any origin as COCO's tools write it: no run but the first is empty.

    Args:
        rle: `size` [height, width] and `counts`, a text or a list of run lengths.

    Raises:
        MaskError: The size is none, or the runs are malformed or don't fill it.
    """
    height, width = rle["size"]
    check_size(height, width)
    counts = rle["counts"]
    if not isinstance(counts, list | str):
        raise MaskError("run lengths are neither a list nor a text")
    runs = _unpacked(counts) if isinstance(counts, str) else counts
    if not all(type(run) is int and run >= 0 for run in runs):
        raise MaskError("a run length is no whole number")
    if sum(runs) != height * width:
        raise MaskError(f"run lengths don't fill {width}x{height} pixels")
    code = {"size": [height, width], "counts": counts}
    if runs is counts:
        code = coco.frPyObjects(code, height, width)
    if 0 in runs[1:]:  # where pycocotools' union and IoU would stop
        code = coco.encode(coco.decode(code))
    return _as_text(code)


def decode(rle: Rle) -> Mask:
    """Unpack to bool (H, W).

    Raises:
        MaskError: As `packed`.
    """
    return _pixels(packed(rle))


def united(codes: Sequence[Rle], size: tuple[int, int]) -> Mask:
    """The union of masks of that (height, width): bool (H, W), empty for none.

    Raises:
        MaskError: As `packed`, or a mask has another size.
    """
    if any(tuple(code["size"]) != tuple(size) for code in codes):
        raise MaskError(f"a mask is not of the size {size[1]}x{size[0]}")
    if not codes:
        return np.zeros(size, bool)
    return _pixels(coco.merge([packed(code) for code in codes]))


def areas(codes: Sequence[Rle]) -> list[int]:
    """Pixels of each mask.

    Raises:
        MaskError: As `packed`.
    """
    return [int(coco.area(packed(code))) for code in codes]


def extent(code: Rle) -> tuple[tuple[int, int, int, int], int]:
    """Box (x, y, width, height) and number of the pixels of a mask; all 0 of none.

    Raises:
        MaskError: As `packed`.
    """
    code = packed(code)
    x, y, width, height = coco.toBbox(code)
    return (int(x), int(y), int(width), int(height)), int(coco.area(code))


def fill(polygons: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    """Union of polygons [x0, y0, x1, y1, ...], drawn as COCO does: bool (H, W), empty for none.

    Raises:
        MaskError: As `check_size` and `check_polygons`.
    """
    check_size(height, width)
    check_polygons(polygons)
    if not polygons:
        return np.zeros((height, width), bool)
    return _pixels(coco.merge(coco.frPyObjects([list(p) for p in polygons], height, width)))


def _as_text(code: dict[str, Any]) -> Rle:
    """pycocotools gives bytes, which JSON doesn't take."""
    counts = code["counts"]
    return {**code, "counts": counts if isinstance(counts, str) else counts.decode("ascii")}


def _pixels(code: dict[str, Any]) -> Mask:
    return np.ascontiguousarray(coco.decode(code), bool)


def _unpacked(text: str) -> list[int]:
    """The run lengths of COCO's string: five bits a character, differences to the run before last.

    A run may come out negative.
    """
    bits = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64) - ord("0")
    if not text.isascii() or ((bits < 0) | (bits > 63)).any():
        raise MaskError("run lengths are malformed")
    if not text or bits[-1] & 32:
        raise MaskError("run lengths end early")
    ends = np.flatnonzero(bits < 32)
    digits = np.diff(ends, prepend=-1)
    if digits.max() > _DIGITS:
        raise MaskError("run lengths are malformed")
    starts = ends - digits + 1
    places = np.arange(len(bits)) - np.repeat(starts, digits)
    runs = np.add.reduceat((bits & 31) << 5 * places, starts)
    runs -= np.where(bits[ends] & 16, 1 << 5 * digits, 0)
    for first in (1, 2):  # the first three runs are no differences
        runs[first::2] = np.cumsum(runs[first::2])
    return runs.tolist()
