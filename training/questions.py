"""What is asked about a picture and what is right: one shape for every source of it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sam3i_model.instruction import Instruction, Level
from training.annotations.rle import Rle, areas, encode, united
from training.instructions import grammar
from training.instructions.grammar import Query
from training.world.pool import WorldPool

Ask = Callable[[list[dict[str, Any]], random.Random, tuple[int, int]], Query]
"""Makes a sentence about a scene: (objects, rng, (width, height)) to a query."""

LEVELS: dict[str, Ask] = {
    "concept": grammar.concept,
    "simple": grammar.simple,
    "complex": grammar.complex_,
}
"""Levels that can be asked about a rendered scene, and what makes their sentences."""
SENTENCES = 2
"""Sentences a level about each rendered scene."""


class QuestionError(ValueError):
    """What is wrong with a source of questions, in one line."""


@dataclass(frozen=True)
class Question:
    """One sentence about one picture.

    Attributes:
        image: Names the picture's entry in its source.
        text: The sentence.
        level: concept, simple or complex.
        masks: Codes of the instances that are meant, each a bool (H, W).
        family: Sort of condition ("relation", "ordinal", ...), "" if unknown.
        granularity: One of `annotations.GRANULARITIES`, or "".
        part: Whether parts of things are meant ("the handle of the mug").
        wording: 0 for the first of the sentences that ask the same, then 1, 2, ...
        crowds: Codes of what is meant but stands for many that are not told apart.
        official: Whether SAM3-I's own script asks it, too.
        single: Whether one certain thing is asked for, whatever else the sentence fits.
    """

    image: str
    text: str
    level: str
    masks: tuple[Rle, ...]
    family: str = ""
    granularity: str = ""
    part: bool = False
    wording: int = 0
    crowds: tuple[Rle, ...] = ()
    official: bool = field(default=True, repr=False)  # not in fingerprints, which are of `repr`
    single: bool = field(default=False, repr=False)

    @property
    def present(self) -> bool:
        """Whether anything is meant: at least one pixel."""
        return any(areas(self.masks))

    def instruction(self, level: Level, threshold: float = 0.0) -> Instruction:
        """As a segmenter is asked it at a level."""
        most = 1 if self.single else 0
        return Instruction(self.text, level=level, max_instances=most, threshold=threshold)


@dataclass(frozen=True)
class Picture:
    """uint8 RGB (H, W, 3) and the questions about it."""

    rgb: npt.NDArray[np.uint8]
    questions: list[Question]


def judged(crowds: Sequence[Rle], meant: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where an answer is right or wrong: not on crowds, but for the bool (H, W) of the instances
    meant. Bool (H, W)."""
    height, width = meant.shape
    return ~united(crowds, (height, width)) | meant


class Source(Protocol):
    """Pictures with questions, by number; the same number always gives the same.

    Attributes:
        levels: Those that any question is of.
    """

    levels: tuple[str, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Picture: ...

    def fingerprint(self, count: int) -> str:
        """Tells sources apart whose first `count` pictures, or what is asked of them, differ."""


class WorldQuestions:
    """Questions about the scenes of a pool: so many `sentences` a level, made by the grammar.

    Those about scene i depend on (seed, i) alone.
    """

    def __init__(
        self,
        pool: WorldPool,
        seed: int,
        asks: Mapping[str, Ask] = LEVELS,
        sentences: int = SENTENCES,
    ) -> None:
        self.pool = pool
        self.seed = seed
        self.asks = asks
        self.sentences = sentences
        self.levels = tuple(asks)

    def __len__(self) -> int:
        return len(self.pool)

    def __getitem__(self, index: int) -> Picture:
        image, labels, objects = self.pool[index]
        maps = (labels, self.pool.parts(index))
        rng = random.Random(f"{self.seed}/{index}")
        size = (image.shape[1], image.shape[0])
        questions = [
            _question(str(index), name, ask(objects, rng, size), maps)
            for name, ask in self.asks.items()
            for _ in range(self.sentences)
        ]
        return Picture(np.ascontiguousarray(image), questions)

    def fingerprint(self, count: int) -> str:
        """Of scenes, wherever they lie: their pixels, and the sentences with what they mean."""
        value = 0
        for picture in map(self.__getitem__, range(count)):
            value = zlib.crc32(picture.rgb.tobytes(), value)
            value = zlib.crc32(repr(picture.questions).encode(), value)
        return f"{value:08x}"


def _question(
    image: str, level: str, query: Query, maps: Sequence[npt.NDArray[np.uint8]]
) -> Question:
    """`maps` are those of objects and of parts."""
    return Question(
        image=image,
        text=query.text,
        level=level,
        masks=tuple(encode(maps[query.part] == label) for label in query.labels),
        family=query.family,
        granularity=query.granularity,
        part=query.part,
    )
