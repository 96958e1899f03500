"""What training draws: a picture, sentences about it, and what they mean; from any kind of data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam3i_model.instruction import Level

MASK_STRIDE = 4
"""Pixels per cell of the masks that are learned from."""
ABSENT = 0.2
"""Share of sentences about what isn't there."""


@dataclass(frozen=True)
class Asked:
    """A sentence and its answer.

    Attributes:
        text: The sentence.
        level: Its level, never AUTO.
        masks: bool (n, S/4, S/4), the instances that are meant; n = 0: nothing is.
        boxes: float32 (n, 4) xyxy in 0..1, all with an extent.
        kinds: Numbers of the instances' kinds, where they are known (rendered scenes).
        colours: The same of their colours.
    """

    text: str
    level: Level
    masks: NDArray[np.bool_]
    boxes: NDArray[np.float32]
    kinds: tuple[int, ...] = ()
    colours: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pair:
    """A simple and a complex sentence of a sample (their places) that mean what `concept` does."""

    simple: int
    complex: int
    concept: str


@dataclass(frozen=True)
class Cells:
    """What covers every cell of a picture, where that is known (rendered scenes).

    Attributes:
        labels: uint8 (S/4, S/4), 0 is background.
        objects: float32 (256, 6) by label: kind + 1 (0 background, -1 unnamed), colour (-1
            unknown), box xyxy in 0..1.
    """

    labels: NDArray[np.uint8]
    objects: NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """A picture and sentences about it.

    Attributes:
        image: uint8 RGB (S, S, 3).
        asked: The sentences.
        pairs: Which of them mean the same.
        cells: What covers each cell, where that is known.
        key: Names these very pixels if they will be drawn again; "" if not.
    """

    image: NDArray[np.uint8]
    asked: list[Asked]
    pairs: list[Pair] = field(default_factory=list)
    cells: Cells | None = None
    key: str = ""


class Samples(Protocol):
    """Data to train on.

    Attributes:
        kinds_known: Whether any of it says of what kind things are.
    """

    kinds_known: bool

    def draw(self, rng: random.Random, noise: np.random.Generator, size: int, texts: int) -> Sample:
        """A picture of `size` px a side with `texts` draws of sentences.

        All of it depends on the two generators alone, so that a resumed run sees what it would
        have seen.
        """


class Mixed:
    """Several data, each with its share of the pictures."""

    def __init__(self, parts: Sequence[tuple[float, Samples]]) -> None:
        self.shares = [share for share, _ in parts]
        self.parts = [part for _, part in parts]
        self.kinds_known = any(part.kinds_known for part in self.parts)

    def draw(self, rng: random.Random, noise: np.random.Generator, size: int, texts: int) -> Sample:
        """See `Samples`."""
        return rng.choices(self.parts, self.shares)[0].draw(rng, noise, size, texts)


def middles(maps: NDArray) -> NDArray:
    """Maps (..., S, S) at the middle of each cell: (..., S/4, S/4)."""
    middle = MASK_STRIDE // 2
    return maps[..., middle::MASK_STRIDE, middle::MASK_STRIDE]
