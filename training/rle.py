"""COCO's masks: run lengths down the columns, plain or packed in a string, and polygons.

Own code rather than pycocotools: a file from elsewhere may say anything, so every size is checked
before memory is taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Rle = dict[str, Any]
"""{"size": [height, width], "counts": str}: COCO's compressed form."""

MAX_SIDE = 20_000
MAX_PIXELS = 50_000_000
MAX_CROSSINGS = 5_000_000
"""Rows that the edges of one polygon cross in all; a longer outline is refused."""


class MaskError(ValueError):
    """A mask can't be read; the message is a few words that say why."""


def check_size(height: int, width: int) -> None:
    """Refuse a picture that is empty or too large to hold.

    Raises:
        MaskError: It is.
    """
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE and height * width <= MAX_PIXELS):
        raise MaskError(f"size {width}x{height} is not between 1 and {MAX_PIXELS:,} pixels")


def encode(mask: Mask) -> Rle:
    """Pack bool (H, W)."""
    flat = np.asarray(mask, bool).ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    if flat[0]:
        runs.insert(0, 0)  # the first run is of background, even if there is none
    return {"size": [int(n) for n in mask.shape], "counts": pack(runs)}


def decode(rle: Rle) -> Mask:
    """Unpack to bool (H, W).

    Raises:
        MaskError: The runs are malformed or don't fill the size.
    """
    height, width = rle["size"]
    check_size(height, width)
    counts = rle["counts"]
    runs = unpack(counts, height * width) if isinstance(counts, str) else list(counts)
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise MaskError(f"runs don't fill {width}x{height} pixels")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def united(codes: Sequence[Rle], size: tuple[int, int]) -> Mask:
    """The union of masks of that (height, width): bool (H, W), empty for none."""
    union = np.zeros(size, bool)
    for code in codes:
        union |= decode(code)
    return union


def areas(codes: Sequence[Rle]) -> list[int]:
    """Pixels of each mask, from its packed runs alone."""
    return [sum(unpack(c["counts"], c["size"][0] * c["size"][1])[1::2]) for c in codes]


def pack(runs: Sequence[int]) -> str:
    """Run lengths as COCO's string: differences to the run before last, five bits a character."""
    characters = []
    for index, run in enumerate(runs):
        rest = run - runs[index - 2] if index > 2 else run
        while True:
            bits, rest = rest & 31, rest >> 5
            # Done when what is left is nothing but the sign that the last bit already shows.
            done = rest == (-1 if bits & 16 else 0)
            characters.append(chr(48 + (bits if done else bits | 32)))
            if done:
                break
    return "".join(characters)


def unpack(text: str, limit: int) -> list[int]:
    """The reverse of `pack`; no run may exceed `limit`.

    Raises:
        MaskError: A character is none of COCO's, the text ends inside a number, or one is too big.
    """
    runs: list[int] = []
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise MaskError("run lengths are malformed")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        run = value + (runs[-2] if len(runs) > 2 else 0)
        if not 0 <= run <= limit:
            raise MaskError("a run length is out of range")
        runs.append(run)
        value, shift = 0, 0
    if shift:
        raise MaskError("run lengths end early")
    return runs


def fill(polygons: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    """Union of polygons [x0, y0, x1, y1, ...]: bool (H, W), pixels whose centres lie inside.

    Raises:
        MaskError: An outline is too long.
    """
    check_size(height, width)
    union = np.zeros((height, width), bool)
    for polygon in polygons:
        union |= _fill_one(np.asarray(polygon, np.float64).reshape(-1, 2), height, width)
    return union


def _fill_one(points: NDArray[np.float64], height: int, width: int) -> Mask:
    """Every row is toggled where an edge crosses it, then summed from the left (even-odd rule)."""
    points = points.clip(-MAX_SIDE, 2 * MAX_SIDE)
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    low, high = np.minimum(y0, y1), np.maximum(y0, y1)
    # Rows whose centre (row + 0.5) lies in [low, high).
    first = np.ceil(low - 0.5).clip(0, height).astype(np.int64)
    last = np.ceil(high - 0.5).clip(0, height).astype(np.int64)
    lengths = last - first
    total = int(lengths.sum())
    if total > MAX_CROSSINGS:
        raise MaskError("a polygon is too long")
    edge = np.repeat(np.arange(len(points)), lengths)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows = first[edge] + np.arange(total) - starts
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (x1 - x0) / (y1 - y0)
    x = x0[edge] + (rows + 0.5 - y0[edge]) * slope[edge]
    columns = np.ceil(x - 0.5).clip(0, width).astype(np.int64)
    toggles = np.bincount(rows * (width + 1) + columns, minlength=height * (width + 1))
    parity = toggles.astype(np.uint8).reshape(height, width + 1) & 1
    return np.bitwise_xor.accumulate(parity, axis=1)[:, :width].astype(bool)
