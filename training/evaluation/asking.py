"""Questions go to a checkpoint, or to a baseline in its place, and rows come back."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from rich.markup import escape
from rich.progress import track
from transformers import PreTrainedTokenizerFast

from sam3i_model import instruction, routing
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Level
from sam3i_model.modeling import Sam3IModel
from sam3i_model.segmenter import Segmenter
from training.checksum import checksum
from training.evaluation.rows import Progress, Row, RowFile, row_of
from training.questions import Picture, Question, Source

BATCH = 16
"""Sentences that are grounded at once."""


@dataclass(frozen=True)
class Answer:
    """A grounding, the seconds until it, and the requests to a language model that it took."""

    grounding: Grounding
    seconds: float
    calls: int = 0


class Answerer(Protocol):
    """Who is asked.

    Attributes:
        name: For people.
        batch: Sentences that it is asked at once; their rows are stored together.
        most_calls: Requests to a language model that a sentence takes at most.
    """

    name: str
    batch: int
    most_calls: int

    def identity(self) -> dict[str, str]:
        """All that its answers depend on."""

    def set_image(self, rgb: npt.NDArray[np.uint8]) -> None:
        """The picture that is asked about from now on: uint8 RGB (H, W, 3)."""

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer a question."""


class Checkpoint:
    """A checkpoint that is asked for the level that each question is of."""

    batch: int = BATCH
    most_calls: int = 0

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self.name = segmenter.name

    def identity(self) -> dict[str, str]:
        """The weights, with all else that answers depend on."""
        return {"weights": identity_of(self.segmenter)}

    def set_image(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Encode it."""
        self.segmenter.set_image(rgb)

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """All at once; the seconds are shared out."""
        began = time.perf_counter()
        groundings = self.segmenter.ground(
            [question.instruction(self.level(question)) for question in questions]
        )
        each = (time.perf_counter() - began) / len(questions)
        return [Answer(grounding, each) for grounding in groundings]

    def level(self, question: Question) -> Level:
        """The level that is asked for."""
        return Level[question.level.upper()]


class BaseAlone(Checkpoint):
    """The same checkpoint with its adapters bypassed: everything is asked as a concept."""

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__(segmenter)
        self.name = f"{segmenter.name} without adapters"

    def level(self, question: Question) -> Level:
        """No adapter works on concepts."""
        return Level.CONCEPT


class AsRead(Checkpoint):
    """The same checkpoint as the node asks it: by level and words that are read from a sentence."""

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__(segmenter)
        self.name = f"{segmenter.name} as the node asks it"

    def identity(self) -> dict[str, str]:
        """The rules that read the sentences, too."""
        rules = [Path(instruction.__file__), *sorted(Path(routing.__file__).parent.glob("*.py"))]
        return {**super().identity(), "rules": checksum(rules)}

    def level(self, question: Question) -> Level:
        """The router's choice."""
        return Level.AUTO


@dataclass(frozen=True)
class Examination:
    """What is asked: a source's first so many `pictures`, and which questions about them: those of
    `levels`, and only `official` ones or all."""

    source: Source
    levels: Sequence[str]
    pictures: int
    official: bool = False

    def questions(self, picture: Picture) -> list[Question]:
        """Those that are asked about a picture."""
        return [
            question
            for question in picture.questions
            if question.level in self.levels and (question.official or not self.official)
        ]

    def left(self, progress: Progress | None) -> int:
        """How many sentences are still to be asked."""
        done = progress.done if progress else set()
        begun = progress.begun if progress else {}
        return sum(
            len(self.questions(self.source[number])) - begun.get(number, 0)
            for number in range(self.pictures)
            if number not in done
        )


def answer(
    answerer: Answerer, picture: Picture, number: int, questions: Sequence[Question]
) -> Iterable[list[Row]]:
    """Ask questions about one picture; the rows of each batch as soon as they are there."""
    if questions:
        answerer.set_image(picture.rgb)
    shape = (picture.rgb.shape[0], picture.rgb.shape[1])
    for start in range(0, len(questions), answerer.batch):
        batch = questions[start : start + answerer.batch]
        yield [
            row_of(number, shape, question, said.grounding, said.seconds, said.calls)
            for question, said in zip(batch, answerer.ask(batch), strict=True)
        ]


def evaluate(segmenter: Segmenter, source: Source, pictures: Iterable[int]) -> list[Row]:
    """Ask everything about those pictures, in memory: what training's validation does."""
    checkpoint = Checkpoint(segmenter)
    rows: list[Row] = []
    for number in pictures:
        picture = source[number]
        for batch in answer(checkpoint, picture, number, picture.questions):
            rows += batch
    return rows


def collect(answerer: Answerer, asked: Examination, file: RowFile | None = None) -> list[Row]:
    """Ask, with a progress bar; what `file` has already is not asked again.

    Args:
        answerer: Who is asked.
        asked: What.
        file: Of rows to go on with; None: they are kept in memory only.
    """
    todo = [n for n in range(asked.pictures) if not file or n not in file.done]
    kept: list[Row] = []
    # The title is a path, and a bar would take its brackets for markup.
    for number in track(todo, description=escape(answerer.name), total=len(todo)):
        picture = asked.source[number]
        questions = asked.questions(picture)[file.begun.get(number, 0) if file else 0 :]
        left = len(questions)
        for rows in answer(answerer, picture, number, questions):
            left -= len(rows)
            if file:
                file.append(number, rows, left)
            else:
                kept += rows
        if file and not questions:
            file.append(number, [])
    return file.read() if file else kept


def identity_of(segmenter: Segmenter) -> str:
    """Of all that answers depend on: weights, settings and tokenizer."""
    model = cast(Sam3IModel, segmenter.model)  # `evaluate` loads PyTorch
    settings = model.config.to_dict()
    settings.pop("_name_or_path", None)
    tokenizer = cast(PreTrainedTokenizerFast, segmenter.tokenizer)
    words = json.loads(tokenizer.backend_tokenizer.to_str())
    for call in ("padding", "truncation"):  # as the last call had them
        words.pop(call)
    value = zlib.crc32(json.dumps([settings, words], sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        value = zlib.crc32(raw, zlib.crc32(name.encode(), value))
    return f"{value:08x}"
