"""Colours that have a name, and which name a colour would get."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Option = TypeVar("Option")
Floats = NDArray[np.float32]

# Name -> one or more ranges (hue 0..179, saturation 0..255, value 0..255), OpenCV's HSV.
COLOURS: dict[str, list[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]] = {
    "red": [((0, 7), (155, 255), (100, 255)), ((172, 179), (155, 255), (100, 255))],
    "orange": [((10, 17), (170, 255), (175, 255))],
    "yellow": [((23, 32), (135, 255), (165, 255))],
    "green": [((40, 82), (85, 255), (55, 225))],
    "blue": [((99, 122), (115, 255), (80, 255))],
    "purple": [((130, 148), (80, 225), (75, 225))],
    "pink": [((155, 170), (65, 165), (190, 255))],
    "brown": [((6, 16), (105, 195), (50, 120))],
    "white": [((0, 179), (0, 18), (205, 255))],
    "gray": [((0, 179), (0, 24), (90, 165))],
    "black": [((0, 179), (0, 60), (8, 45))],
}
COLOUR_NAMES = tuple(COLOURS)
UNCLEAR = len(COLOUR_NAMES)
CELLS = 64  # of the table of names, along red, green and blue
LEEWAY = np.array([2.5, 30.0, 28.0])  # hue, saturation, value: so far outside still has the name


def pick(options: Sequence[Option], rng: Rng, shares: Sequence[float] = ()) -> Option:
    """One of a few options, evenly or by `shares`; NumPy's choice is slow for so few."""
    if not shares:
        return options[int(rng.integers(len(options)))]
    place = rng.random() * sum(shares)
    for option, share in zip(options, shares, strict=True):
        place -= share
        if place < 0:
            return option
    return options[-1]


def sample_colour(name: str, rng: Rng) -> Floats:
    """An RGB colour (3,) in 0..1 that people call `name`."""
    ranges = COLOURS[name]
    hsv = [rng.integers(low, high + 1) for low, high in ranges[rng.integers(len(ranges))]]
    return (
        cv2.cvtColor(np.array([[hsv]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32) / 255
    )


@cache
def _table() -> NDArray[np.uint8]:
    """Index of the name of each cell of the RGB cube, or UNCLEAR, (CELLS**3,)."""
    side = (np.arange(CELLS) + 0.5) / CELLS
    rgb = np.stack(np.meshgrid(side, side, side, indexing="ij"), -1).reshape(1, -1, 3)
    hsv = cv2.cvtColor((rgb * 255).astype(np.uint8), cv2.COLOR_RGB2HSV)[0].astype(float)
    best = np.full(len(hsv), 1.0)
    names = np.full(len(hsv), UNCLEAR, np.uint8)
    for index, ranges in enumerate(COLOURS.values()):
        for bounds in ranges:
            low, high = np.array(bounds, float).T
            outside = np.maximum(np.maximum(low - hsv, hsv - high), 0)
            far = (outside / LEEWAY).max(1)
            names[far < best] = index
            best = np.minimum(best, far)
    return names


def names_of(colours: Floats) -> NDArray[np.uint8]:
    """Index in COLOUR_NAMES of what each RGB colour (N, 3) in 0..1 is called, or UNCLEAR, (N,)."""
    cell = np.clip((colours * CELLS).astype(np.int32), 0, CELLS - 1)
    return _table()[(cell[:, 0] * CELLS + cell[:, 1]) * CELLS + cell[:, 2]]
