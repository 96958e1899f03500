"""Annotated images, whatever they were stored as: masks with a class, and sentences about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from sam3i_model.instruction import Level
from training.annotations.rle import Mask, Rle, decode, fill

Granularity = Literal["1to1", "1toN", "1toAll"]
GRANULARITIES: tuple[Granularity, ...] = ("1to1", "1toN", "1toAll")
"""One instance, some of a kind, all of a kind (the paper's words)."""

MAX_LISTED_PROBLEMS = 200


@dataclass(frozen=True)
class Annotation:
    """One instance.

    Attributes:
        id: Unique within its image.
        name: Its class; empty where the source gives none.
        shape: Polygons [[x0, y0, x1, ...], ...] or an RLE; both as COCO has them.
        part_of: `id` of the object that this is a part of.
        is_part: Whether it is a part of something rather than a thing.
        crowd: Whether it stands for many that are not told apart.
    """

    id: int
    name: str
    shape: tuple[tuple[float, ...], ...] | Rle
    part_of: int | None = None
    is_part: bool = False
    crowd: bool = False

    def mask(self, height: int, width: int) -> Mask:
        """bool (H, W).

        Raises:
            MaskError: The shape can't be drawn.
        """
        if isinstance(self.shape, dict):
            return decode(self.shape)
        return fill(self.shape, height, width)


@dataclass(frozen=True)
class Reference:
    """A sentence that came with the images: what it denotes, possibly nothing."""

    text: str
    targets: tuple[int, ...]
    level: Level


@dataclass(frozen=True)
class AnnotatedImage:
    """One picture; `file_name` is relative to the folder of the images.

    Of the classes in `lacking` there is something in the picture that has no usable mask.
    """

    id: int
    file_name: str
    width: int
    height: int
    annotations: tuple[Annotation, ...]
    references: tuple[Reference, ...] = ()
    lacking: frozenset[str] = frozenset()

    def complete(self, name: str) -> bool:
        """Whether each of a class has an annotation of its own."""
        crowds = {a.name for a in self.annotations if a.crowd}
        return name not in self.lacking | crowds

    def granularity(self, targets: tuple[int, ...]) -> Granularity:
        """One instance, all instances of the targets' only class, or something between."""
        if len(targets) == 1:
            return "1to1"
        names = {a.name for a in self.annotations if a.id in targets}
        same = {a.id for a in self.annotations if a.name in names}
        every = len(names) == 1 and same == set(targets) and self.complete(*names)
        return "1toAll" if every else "1toN"


@dataclass
class Problems:
    """What was wrong in a source: a line an entry that was skipped, and how many there were."""

    lines: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, where: str, what: object) -> None:
        """Note an entry that is skipped; after some hundreds only the count goes on."""
        self.count += 1
        if len(self.lines) < MAX_LISTED_PROBLEMS:
            self.lines.append(" ".join(f"{where}: {what}".split())[:300])


@dataclass(frozen=True)
class Annotations:
    """All of a source that could be read, and the name of its layout."""

    layout: str
    images: list[AnnotatedImage]
    problems: Problems


def image_path(folder: Path, file_name: str) -> Path:
    """Where a picture lies."""
    return folder / PurePosixPath(file_name)
