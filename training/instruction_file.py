"""Questions from a SAM3-I JSON file, the project's own fields included (see `sam3i_json`)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from training.annotations.entries import SourceError
from training.annotations.images import Problems, image_path
from training.annotations.pictures import check_picture, read_picture
from training.annotations.sam3i_json import ANNOTATIONS, LEVEL_LISTS, Sample, parse, without_crowds
from training.checksum import checksum
from training.formats import sam3i
from training.formats.reading import load
from training.questions import Picture, Question, QuestionError
from training.samples.from_file import unreviewed


def is_folder(path: Path) -> bool:
    """Whether a folder has a SAM3-I file under its usual name."""
    return (path / ANNOTATIONS).is_file()


def file_in(path: Path) -> Path:
    """The file that is meant: the path's own, or the one in that folder."""
    return path / ANNOTATIONS if path.is_dir() else path


class InstructionFile:
    """The questions of a file, picture by picture; the samples of a picture come together.

    Samples that wait for a person's label, or that a person rejected, are not asked.

    Everything is checked when the file is opened, of pictures their heads and ends. A file with a
    sample that can't be used is refused: figures without it would not be comparable.

    Samples without sentences are left out, and so are sentences that mean nothing but crowds.

    Args:
        path: The JSON file, or the folder that has it under the name `ANNOTATIONS`.
        images: Folder that `file_name` is relative to; None: the one that the file is in.
        only: Pictures to ask about: `file_name` -> (width, height). What can't be used, or says
            another size, is then left out, as in training, instead of refused. None: all pictures.

    Attributes:
        unreviewed: See `file_samples.unreviewed`; "" if none are.

    Raises:
        QuestionError: The file, or a picture, is missing or not what it should be.
    """

    def __init__(
        self,
        path: Path,
        images: Path | None = None,
        only: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        self.path = file_in(path)
        self.root = images or self.path.parent
        everything = _samples(self.path, strict=only is None)
        self.unreviewed = unreviewed(everything, self.path)
        samples = [sample for sample in everything if sample.labelled]
        if only is not None:
            samples = [s for s in samples if only.get(s.file_name) == (s.width, s.height)]
        self._pictures = list(_by_picture(filter(asks, samples)).items())
        asked = {q.level for _, samples in self._pictures for s in samples for q in questions(s)}
        self.levels = tuple(level for level in _LEVELS.values() if level in asked)
        missing = [n for n, _ in self._pictures if not image_path(self.root, n).is_file()]
        if missing:
            raise QuestionError(
                f"{len(missing)} of {len(self._pictures)} pictures are not in {self.root}, such "
                f"as {missing[0]}: give the folder with --images"
            )
        for name, samples in self._pictures:
            width, height = self._size(name, samples)
            with _as_question_error():
                check_picture(image_path(self.root, name), width, height)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Picture:
        name, samples = self._pictures[index]
        with _as_question_error():
            rgb = read_picture(image_path(self.root, name), *self._size(name, samples))
        return Picture(rgb, [question for sample in samples for question in questions(sample)])

    def _size(self, name: str, samples: list[Sample]) -> tuple[int, int]:
        """(width, height) that all samples of a picture say it has."""
        sizes = {(sample.width, sample.height) for sample in samples}
        if len(sizes) > 1:
            listed = " and ".join(f"{width}x{height}" for width, height in sorted(sizes))
            raise QuestionError(f"{self.path} says that {name} is {listed}: correct its entries")
        return sizes.pop()

    def fingerprint(self, count: int) -> str:
        """Of samples and their pictures' files, wherever those lie.

        Raises:
            OSError: One can't be read.
        """
        some = self._pictures[:count]
        files = checksum(image_path(self.root, name) for name, _ in some)
        said = repr([samples for _, samples in some])
        if single := [s.id for _, samples in some for s in samples if s.single]:
            said += repr(single)
        return f"{zlib.crc32(said.encode(), int(files, 16)):08x}"


@contextmanager
def _as_question_error() -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        raise QuestionError(str(error)) from error


_LEVELS = {key: level.name.lower() for level, key in LEVEL_LISTS.items()}
"""List in `text_inst_input` -> level."""


def questions(sample: Sample) -> list[Question]:
    """What a sample asks: its texts, which mean its targets, and its negative ones."""
    masks, crowds = (
        tuple(
            {"size": [sample.height, sample.width], "counts": target.counts}
            for target in sample.targets
            if target.crowd == crowd
        )
        for crowd in (False, True)
    )
    asked = [
        Question(
            image=str(sample.id),
            text=text,
            level=_LEVELS[key],
            masks=masks,
            family=sample.family,
            granularity=sample.granularity or "",
            part=bool(sample.part),
            wording=wording,
            crowds=crowds,
            official=not wording,
            single=sample.single,
        )
        for key, texts in without_crowds(sample).texts.items()
        for wording, text in enumerate(texts)
    ]
    absent = [
        # Each denotes nothing for a reason of its own: not another wording of the one before.
        Question(
            image=str(sample.id),
            text=text,
            level=_LEVELS[key],
            masks=(),
            family="negative",
            part=bool(sample.part),
            official=False,
        )
        for key, texts in sample.negative.items()
        for text in texts
    ]
    return asked + absent


def asks(sample: Sample) -> bool:
    """Whether a sample has any sentence that can be judged."""
    return bool(questions(sample))


def _samples(path: Path, strict: bool) -> list[Sample]:
    """All of a file; what can't be used is refused if `strict`, else left out."""
    problems = Problems()
    with _as_question_error():
        content = load(path)
    if not sam3i.fits(content):
        raise QuestionError(
            f"{path} is no SAM3-I file: it needs images with text_inst_input, and annotations"
        )
    samples = parse(content, problems)
    if strict and problems.count:
        raise QuestionError(
            f"{path}: {problems.lines[0]} ({problems.count} such entries): correct or remove them"
        )
    return samples


def _by_picture(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """File names in order of their first samples."""
    gathered: dict[str, list[Sample]] = {}
    for sample in samples:
        gathered.setdefault(sample.file_name, []).append(sample)
    return gathered
