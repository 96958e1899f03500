"""A recording: its messages in their order, and any of them again by where it lies."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from heapq import merge
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from sam3i_model.decoding import MessageError
from training.bags.files import Note, open_file, storage_files
from training.bags.storage import BagError, DamageError, File, Message, Place, Topic, Want
from training.bags.types import Types

_HELD = 2
"""Files that are open at once, if there are no more rows: messages of one moment may lie in two."""


class Address(NamedTuple):
    """Where a message lies: the file's number, and the place in it."""

    file: int
    place: Place


class Bag:
    """A rosbag2 recording that is open for reading.

    Args:
        path: A folder or a file.
        note: Takes which file, and what of it can't be read.

    Raises:
        BagError: There is no recording.
    """

    def __init__(self, path: Path, note: Note) -> None:
        self.path = path
        name = path.stem if path.is_file() else path.resolve().name
        self.name = " ".join(os.fsencode(name).decode("utf-8", "replace").split()) or "bag"
        self.types = Types()
        self._note = note
        rows = storage_files(path, note)
        self._files = [file for row in rows for file in row]
        ends = list(accumulate(map(len, rows), initial=0))
        self._rows = [range(*bounds) for bounds in pairwise(ends)]
        self._read = 0
        self._open: OrderedDict[int, tuple[File, ExitStack]] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of all its files, as they are."""
        return sum(path.stat().st_size for path in self._files)

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *unused: object) -> None:
        for number in list(self._open):
            self._close(number)

    def messages(self, want: Want) -> Iterator[tuple[Message, int, int]]:
        """The wanted messages, each with its file's number and the bytes that were read so far.

        Files of a recording that was split follow one another, so that its clock may be set back;
        recordings that were put together go by when each message was recorded.

        A file that can't be read is reported and passed over.

        Raises:
            BagError: None of them can be read.
        """
        self._read = 0
        failures: list[BagError] = []
        rows = [self._row(row, want, failures) for row in self._rows]
        for message, number in merge(*rows, key=lambda found: found[0].time):
            yield message, number, self._read
        if len(failures) == len(self._files):
            raise failures[0]

    def _row(
        self, row: range, want: Want, failures: list[BagError]
    ) -> Iterator[tuple[Message, int]]:
        """The messages of files that follow one another."""
        for number in row:
            path = self._files[number]
            size, through = path.stat().st_size, 0
            try:
                file = self._file(number)
            except BagError as error:
                failures.append(error)
                self._note(str(path), str(error))
                continue

            def report(line: str, path: Path = path) -> None:
                self._note(str(path), line)

            try:
                for message in file.messages(want, report):
                    self._read += min(file.tell(), size) - through
                    through = min(file.tell(), size)
                    yield message, number
            except OSError as error:
                report(f"the rest is lost: {error.strerror or error}")
            self._read += size - through
            if number + 1 in row:
                self._close(number)

    def read(self, topic: Topic, address: Address) -> Any:
        """A message again, as an object with the fields of its type.

        Raises:
            MessageError: It can't be read.
        """
        try:
            data = self._file(address.file).read(address.place)
        except (DamageError, BagError, OSError) as error:
            raise MessageError(f"a message on {topic.name} can't be read: {error}") from error
        return self.types.read(topic, data)

    def _file(self, number: int) -> File:
        if number not in self._open:
            while len(self._open) >= max(_HELD, len(self._rows)):
                self._close(next(iter(self._open)))
            with ExitStack() as stack:
                file = open_file(self._files[number], stack)
                stack.callback(file.close)
                self._open[number] = file, stack.pop_all()
        self._open.move_to_end(number)
        return self._open[number][0]

    def _close(self, number: int) -> None:
        _, stack = self._open.pop(number)
        stack.close()
