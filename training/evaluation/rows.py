"""One row a sentence, in a file that only grows: a killed evaluation goes on where it stopped.

The first line of the file holds the arguments, every other one some rows of one picture. Truth and
answers are kept as run-length codes and scores with all their digits, so that every figure can be
made from the rows alone, and answers can be compared bit for bit.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Outcome
from training.annotations.rle import Rle, areas, encode, united
from training.questions import Question, judged

LARGE, SMALL = 96 * 96 / (640 * 480), 32 * 32 / (640 * 480)
"""Share of the picture from which an instance is large, and below which it is small: COCO's 96 and
32 px squares in a picture of COCO's usual size."""


_HEAD = b'{"arguments":'
"""What every file begins with."""


class RowsError(ValueError):
    """Why a file of rows can't be used, in one line."""


@dataclass(frozen=True)
class Row:
    """One sentence and how it went.

    Attributes:
        picture: Number in the source.
        image, text, level, family, granularity, part, wording: As in `Question`.
        shape: (height, width) of the picture.
        size: "small", "medium" or "large": the mean area of the instances that are meant, by
            `SMALL` and `LARGE`; "" where nothing is meant.
        outcome: Name of the outcome.
        presence: Probability that what was asked for is there.
        present: Whether it is.
        intersection, union: Pixels that are in answer and truth, and in either; both as unions.
            Those of a crowd that no instance has don't count.
        iou: Their ratio; 1 where both are empty; 0 where the sentence was rejected.
        scores: Of the instances answered, descending.
        answer, truth, crowds: Codes of the instances answered and meant, and of crowds meant.
        calls: Requests to a language model that the answer took.
        seconds: Until the answer, the picture's encoding not included; a batch's are shared out.
        detail: What the answerer said of the answer, for people.
    """

    picture: int
    image: str
    text: str
    level: str
    family: str
    granularity: str
    part: bool
    wording: int
    shape: tuple[int, int]
    size: str
    outcome: str
    presence: float
    present: bool
    intersection: int
    union: int
    iou: float
    scores: tuple[float, ...]
    answer: tuple[Rle, ...]
    truth: tuple[Rle, ...]
    crowds: tuple[Rle, ...] = ()
    calls: int = 0
    seconds: float = field(default=0.0, compare=False)
    detail: str = field(default="", compare=False)

    @property
    def answered(self) -> bool:
        """Whether the sentence was accepted and at least one pixel was answered."""
        return any(areas(self.answer))

    @property
    def rejected(self) -> bool:
        """Whether the sentence could not be asked."""
        return self.outcome == Outcome.REJECTED.name

    @property
    def left_empty(self) -> bool:
        """Whether the sentence was accepted and nothing was answered."""
        return not (self.answered or self.rejected)


def row_of(
    picture: int,
    shape: tuple[int, int],
    question: Question,
    grounding: Grounding,
    seconds: float = 0.0,
    calls: int = 0,
) -> Row:
    """The row of one answer in a picture of that (height, width)."""
    meant = united(question.masks, shape)
    found = grounding.masks.any(0) if len(grounding.masks) else np.zeros(shape, bool)
    found = found & judged(question.crowds, meant)
    intersection, union = int((meant & found).sum()), int((meant | found).sum())
    rejected = grounding.outcome == Outcome.REJECTED
    return Row(
        picture=picture,
        image=question.image,
        text=question.text,
        level=question.level,
        family=question.family,
        granularity=question.granularity,
        part=question.part,
        wording=question.wording,
        shape=shape,
        size=_size(question, shape),
        outcome=grounding.outcome.name,
        presence=round(grounding.presence, 4),
        present=question.present,
        intersection=intersection,
        union=union,
        iou=0.0 if rejected else intersection / union if union else 1.0,
        scores=tuple(float(score) for score in grounding.scores),
        answer=tuple(encode(mask) for mask in grounding.masks),
        truth=question.masks,
        crowds=question.crowds,
        calls=calls,
        seconds=round(seconds, 4),
        detail=grounding.detail,
    )


def _size(question: Question, shape: tuple[int, int]) -> str:
    filled = [area for area in areas(question.masks) if area]
    if not filled:
        return ""
    return size_of(sum(filled) / len(filled) / (shape[0] * shape[1]))


def size_of(share: float) -> str:
    """The size of an instance that is this share of the picture."""
    return "large" if share >= LARGE else "medium" if share >= SMALL else "small"


class Progress:
    """How far an evaluation on disk is. It is only read, even while another process writes it.

    Args:
        path: Of its rows; nothing is done if it isn't there.
        arguments: What the rows depend on, as JSON. A file that was begun with others is refused.

    Attributes:
        begun: Picture -> how many rows the file has of it.
        done: Pictures that it has all rows of.

    Raises:
        RowsError: It was begun with other arguments, or isn't a file of rows.
        OSError: It can't be read.
    """

    def __init__(self, path: Path, arguments: dict[str, Any]) -> None:
        self.path = path
        self.begun: dict[int, int] = {}
        self.done: set[int] = set()
        self._complete = self._check(arguments) if path.exists() else 0

    def _check(self, arguments: dict[str, Any]) -> int:
        """Note which pictures are begun and done; the bytes of all complete lines."""
        with self.path.open("rb") as file:
            head = file.read(len(_HEAD))
        if not _HEAD.startswith(head):
            raise _foreign(self.path)
        complete = 0
        for number, (line, content) in enumerate(_lines(self.path)):
            complete += len(line)
            if number:
                self._note(content["picture"], len(content["rows"]), content["left"])
                continue
            begun: dict[str, Any] = content["arguments"]
            names = [n for n in {**arguments, **begun} if begun.get(n) != arguments.get(n)]
            if names:
                raise RowsError(
                    f"{self.path} was begun with another {names[0]} ({begun.get(names[0])}, not "
                    f"{arguments.get(names[0])}): give the same arguments or another --out"
                )
        return complete

    def _note(self, picture: int, rows: int, left: int) -> None:
        self.begun[picture] = self.begun.get(picture, 0) + rows
        if not left:
            self.done.add(picture)


class RowFile(Progress):
    """The rows of one evaluation on disk. Only one process at a time holds it, until it is closed.

    Args:
        path: Made with its folder if it isn't there.
        arguments: As in `Progress`.

    Raises:
        RowsError: As in `Progress`, or it is being written.
        OSError: It can't be written.
    """

    def __init__(self, path: Path, arguments: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            super().__init__(path, arguments)
            self._file.truncate(self._complete)  # half a line that a kill left
            if not self._complete:
                self._append({"arguments": arguments})
        except BlockingIOError as error:
            self.close()
            raise RowsError(
                f"another evaluation is writing {path}: wait for it, or give another --out"
            ) from error
        except (RowsError, OSError):
            self.close()
            raise

    def close(self) -> None:
        """Let others have it."""
        with suppress(OSError):  # again, of a row that could not be written: that was raised then
            self._file.close()

    def append(self, picture: int, rows: Sequence[Row], left: int = 0) -> None:
        """Add rows of one picture, of which so many are `left`; on disk when this returns."""
        self._append({"picture": picture, "left": left, "rows": [asdict(row) for row in rows]})
        self._note(picture, len(rows), left)

    def _append(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def read(self) -> list[Row]:
        """All rows, in the order of the pictures."""
        pictures = [content for _, content in _lines(self.path) if "picture" in content]
        pictures.sort(key=lambda content: content["picture"])
        try:
            return [_row(fields) for content in pictures for fields in content["rows"]]
        except (KeyError, TypeError) as error:
            raise _outdated(self.path) from error


def _lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The complete lines and what they say."""
    first = True
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                content = json.loads(line)
                _ = content["arguments" if first else "picture"]
            except (ValueError, KeyError, TypeError) as error:
                raise _foreign(path) from error
            if not first and not {"rows", "left"} <= content.keys():
                raise _outdated(path)
            first = False
            yield line, content


def _foreign(path: Path) -> RowsError:
    return RowsError(f"{path} is not a file of rows: give another --out")


def _outdated(path: Path) -> RowsError:
    return RowsError(f"{path} has rows of another version: give another --out")


def _row(fields: dict[str, Any]) -> Row:
    tuples = {
        name: tuple(fields[name]) for name in ("shape", "scores", "answer", "truth", "crowds")
    }
    return Row(**{**fields, **tuples})
