"""What texts are wanted for: one instance, some of a class, or all of it, in one picture."""

from __future__ import annotations

import hashlib
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import numpy as np

from sam3i_model.chat.client import Budget
from training.annotations.entries import SourceError
from training.annotations.images import (
    AnnotatedImage,
    Annotation,
    Granularity,
    Reference,
    image_path,
)
from training.annotations.pictures import read_picture
from training.annotations.rle import Mask, MaskError, check_size

MAX_TASKS = 24
"""Of one picture that has no texts."""
MAX_CANDIDATES = 12
"""Numbers in a picture that a person, or a model, still reads without error."""
MIN_SHARE = 0.0005
"""Of the picture; smaller targets can't be recognised in what is sent."""


class UnusableError(ValueError):
    """A task can't be worked on; the message says why in a few words."""


class MissingPictureError(UnusableError):
    """A picture isn't there, but may be another time."""


@dataclass(frozen=True)
class Task:
    """Targets of one picture that belong together, and the texts that came with them.

    Attributes:
        key: The same in every run, as long as the source says the same of the picture.
        image: The picture with all its annotations.
        targets: Ids of annotations.
        given: Sentences for these targets that came with the source.
        given_negative: Such that denote nothing in the picture.
    """

    key: str
    image: AnnotatedImage
    targets: tuple[int, ...]
    given: tuple[Reference, ...] = ()
    given_negative: tuple[Reference, ...] = ()

    @property
    def granularity(self) -> Granularity:
        """How the targets relate to all of their class."""
        return self.image.granularity(self.targets)


@dataclass(frozen=True)
class Case:
    """A task with its pixels.

    Attributes:
        task: What is wanted.
        rgb: uint8 (H, W, 3).
        candidates: What the targets could be taken for, the targets among them, in no order that
            tells which are. Number n in a picture is the n-th of these.
        wanted: Numbers of the targets.
        requests: What asking about it is taken from: no bound, but a count.
    """

    task: Task
    rgb: np.ndarray
    candidates: tuple[tuple[Annotation, Mask], ...]
    wanted: frozenset[int]
    requests: Budget = field(default_factory=lambda: Budget(sys.maxsize, math.inf))

    @property
    def asked(self) -> int:
        """Requests that were made, corrections included, be it by a run that was interrupted."""
        return sys.maxsize - self.requests.calls + self.requests.cached

    @property
    def targets(self) -> list[tuple[Annotation, Mask]]:
        """The targets alone."""
        return [self.candidates[number - 1] for number in sorted(self.wanted)]

    @property
    def name(self) -> str:
        """Class of the targets; empty if the source gives none, or they have several."""
        names = {annotation.name for annotation, _ in self.targets}
        return names.pop() if len(names) == 1 else ""


def tasks_of(image: AnnotatedImage) -> list[Task]:
    """What a picture's texts say if it has any, else every instance, class and some groups."""
    single = {a.id: a for a in image.annotations if not a.crowd}
    given: dict[tuple[int, ...], list[Reference]] = defaultdict(list)
    nothing = tuple(r for r in image.references if not r.targets)
    for reference in image.references:
        if reference.targets and set(reference.targets) <= single.keys():
            given[tuple(sorted(reference.targets))].append(reference)
    own = list(dict.fromkeys(_groups(image, list(single.values()))))[:MAX_TASKS]
    digest = _digest(image)
    tasks = [
        Task(
            key=f"{image.id}|{image.file_name}|{'+'.join(map(str, targets))}|{digest}",
            image=image,
            targets=targets,
            given=tuple(given.get(targets, ())),
        )
        for targets in list(given) or own
    ]
    if nothing and tasks:
        bearer = next((n for n, task in enumerate(tasks) if _usable(task)), 0)
        tasks[bearer] = replace(tasks[bearer], given_negative=nothing)
    return tasks


def _digest(image: AnnotatedImage) -> str:
    """Of all that the source says of a picture: with any of it a text may mean something else."""
    said = (image.height, image.width, image.annotations, image.references, sorted(image.lacking))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _usable(task: Task) -> bool:
    """Whether nothing but the picture can keep a task from being worked on."""
    try:
        _draw(task, (a for a in _rivals(task) if a.id in task.targets))
    except UnusableError:
        return False
    return True


def _groups(image: AnnotatedImage, annotations: list[Annotation]) -> Iterator[tuple[int, ...]]:
    """All of a class, if that is all there is; several that lie together; then each alone."""
    classes: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        classes[annotation.name].append(annotation)
    rng = Random(f"{image.id}/{image.file_name}")
    for name, same in classes.items():
        if len(same) > 1 and image.complete(name):
            yield tuple(sorted(a.id for a in same))
        if len(same) > 2:
            # Neighbours have something in common that can be said; any two at random often don't.
            in_order = sorted(same, key=lambda a: (_left(a), a.id))
            count = rng.randint(2, len(same) - 1)
            chosen = in_order[:count] if rng.random() < 0.5 else in_order[-count:]
            yield tuple(sorted(a.id for a in chosen))
    yield from ((a.id,) for a in annotations)


def _left(annotation: Annotation) -> float:
    """Where it begins: exact for polygons; a packed mask's first run is of columns too."""
    if not isinstance(annotation.shape, dict):
        return min(min(polygon[::2]) for polygon in annotation.shape)
    height, width = annotation.shape["size"]
    return float(annotation.mask(height, width).any(0).argmax())


def load_case(task: Task, images: Path) -> Case:
    """Read the picture and draw the masks of a task.

    Raises:
        UnusableError: The picture is missing or another one, or the targets can't be told apart.
    """
    image = task.image
    rgb = task_picture(image_path(images, image.file_name), image.height, image.width)
    drawn = _draw(task, _rivals(task))
    Random(task.key).shuffle(drawn)
    wanted = frozenset(n for n, (a, _) in enumerate(drawn, 1) if a.id in task.targets)
    return Case(task, rgb, tuple(drawn), wanted)


def _draw(task: Task, annotations: Iterable[Annotation]) -> list[tuple[Annotation, Mask]]:
    """With their masks, those that cover nothing left out; a target must be seen."""
    image = task.image
    drawn = []
    for annotation in annotations:
        try:
            mask = annotation.mask(image.height, image.width)
        except MaskError as error:
            raise UnusableError(f"mask {annotation.id}: {error}") from error
        if annotation.id in task.targets and mask.mean() < MIN_SHARE:
            raise UnusableError("a target is too small to be recognised")
        if mask.any():
            drawn.append((annotation, mask))
    return drawn


def _rivals(task: Task) -> list[Annotation]:
    """The targets, all others of their class, and others as far as there is room."""
    usable = [a for a in task.image.annotations if not a.crowd]
    targets = [a for a in usable if a.id in task.targets]
    names, parts = {a.name for a in targets}, {a.is_part for a in targets}
    others = [a for a in usable if a.id not in task.targets]
    same = [a for a in others if a.name in names]
    if len(targets) + len(same) > MAX_CANDIDATES:
        raise UnusableError(f"there are more than {MAX_CANDIDATES} of the class")
    # A thing and a part of it cover each other, so only like is set beside like.
    rest = [a for a in others if a.name not in names and a.is_part in parts]
    return [*targets, *same, *rest][:MAX_CANDIDATES]


def task_picture(path: Path, height: int, width: int) -> np.ndarray:
    """A picture as uint8 RGB (H, W, 3), if it has the size that its annotations say.

    Raises:
        MissingPictureError: It isn't there.
        UnusableError: It is no picture, or of another size.
    """
    if not path.is_file():
        raise MissingPictureError(f"{path} is missing")
    try:
        check_size(height, width)
        return read_picture(path, width, height)
    except (MaskError, SourceError) as error:
        raise UnusableError(str(error)) from error
