"""Masks as COCO's run-length codes: small enough to keep every truth and every answer.

A code is `{"size": [height, width], "counts": text}`, runs of 0 and 1 by turns down the columns.
pycocotools fills the rest of a mask whose code is too short with whatever is in memory, so codes
from outside go through `read` first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

Rle = dict[str, Any]
Mask = npt.NDArray[np.bool_]

MAX_COUNTS = 4_000_000
"""Characters of a code, or numbers of a polygon or an uncompressed code, at the most."""
MAX_POLYGONS = 10_000
_DIGITS = 7
"""Characters of one number at the most: 5 bits each, and 32 bits are what pycocotools has."""


def encode(mask: Mask) -> Rle:
    """The code of a bool (H, W) mask."""
    code = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": code["counts"].decode("ascii")}


def decode(code: Rle) -> Mask:
    """The bool (H, W) mask of a code that `encode` or `read` returned."""
    return coco_mask.decode(code).astype(bool)


def united(codes: Sequence[Rle], size: tuple[int, int]) -> Mask:
    """The union of masks of the same (height, width): bool (H, W), empty for no codes."""
    return decode(coco_mask.merge(list(codes))) if codes else np.zeros(size, bool)


def areas(codes: Sequence[Rle]) -> list[int]:
    """Pixels of each mask."""
    return [int(area) for area in coco_mask.area(list(codes))] if codes else []


def read(segmentation: Any, size: tuple[int, int]) -> Rle:
    """A COCO `segmentation` of a picture of that (height, width), whichever of its three forms.

    Polygons are lists of x, y, x, y, ... in pixels. An empty text of counts is an empty mask.

    Raises:
        ValueError: What is wrong with it.
    """
    if isinstance(segmentation, list):
        return _from_polygons(segmentation, size)
    if not isinstance(segmentation, dict):
        raise ValueError("a segmentation must be polygons or a run-length code")
    if segmentation.get("size") != list(size):
        raise ValueError(f"a mask of size {segmentation.get('size')} in a picture of {list(size)}")
    counts = segmentation.get("counts")
    if not isinstance(counts, str | list) or len(counts) > MAX_COUNTS:
        raise ValueError(f"counts must be a text or a list, of at most {MAX_COUNTS}")
    if not counts:
        return encode(np.zeros(size, bool))
    runs = _numbers(counts) if isinstance(counts, str) else _integers(counts)
    if (runs < 0).any() or int(runs.sum()) != size[0] * size[1]:
        raise ValueError("the runs of a mask don't add up to its size")
    if isinstance(counts, str):
        return {"size": list(size), "counts": counts}
    return _text(coco_mask.frPyObjects({"size": list(size), "counts": runs.tolist()}, *size))


def _from_polygons(polygons: list[Any], size: tuple[int, int]) -> Rle:
    if len(polygons) > MAX_POLYGONS:
        raise ValueError(f"{len(polygons)} polygons in one mask, at most {MAX_POLYGONS} are taken")
    if not polygons:
        return encode(np.zeros(size, bool))
    limit = 2 * max(size)
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) % 2 or not 6 <= len(polygon) <= MAX_COUNTS:
            raise ValueError("a polygon must be a list of three x, y pairs or more")
        if not all(_is_number(value) and abs(value) <= limit for value in polygon):
            raise ValueError("a polygon's coordinates must be pixels in or near the picture")
    return _text(coco_mask.merge(coco_mask.frPyObjects(polygons, *size)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(code: Rle) -> Rle:
    return {"size": list(code["size"]), "counts": code["counts"].decode("ascii")}


def _integers(counts: list[Any]) -> npt.NDArray[np.int64]:
    if not all(type(count) is int and 0 <= count < 2**32 for count in counts):
        raise ValueError("the runs of a mask must be counts of pixels")
    return np.array(counts, np.int64)


def _numbers(counts: str) -> npt.NDArray[np.int64]:
    """The runs that a text of counts says.

    COCO's code: a number is characters of 5 bits from '0' on, the lowest first, the sixth bit
    meaning "more"; from the fourth run on it is the difference to the run before the last.
    """
    raw = np.array([ord(character) for character in counts], np.int64) - 48
    ends = np.flatnonzero((raw & 0x20) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    valid = len(ends) and ends[-1] == len(raw) - 1 and raw.min() >= 0 and raw.max() < 64
    if not valid or (ends - starts).max() >= _DIGITS:
        raise ValueError("the counts of a mask are no run-length code")
    place = np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)
    values = np.add.reduceat((raw & 0x1F) << (5 * place), starts)
    values -= np.where(raw[ends] & 0x10, 1 << (5 * (ends - starts + 1)), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
