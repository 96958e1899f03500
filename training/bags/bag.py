"""A recording: its files one after the other, and any message again by where it lies."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from sam3i_model.decoding import MessageError
from training.bags.files import Note, open_file, storage_files
from training.bags.storage import BagError, DamageError, File, Message, Place, Topic, Want
from training.bags.types import Types

_HELD = 2
"""Files that are open at once: messages of one moment may lie in two."""


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
        self._files = storage_files(path, note)
        self._open: OrderedDict[int, tuple[File, ExitStack]] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of all its files, as they are."""
        return sum(path.stat().st_size for path in self._files)

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *unused: object) -> None:
        while self._open:
            self._close_oldest()

    def messages(self, want: Want) -> Iterator[tuple[Message, int, int]]:
        """The wanted messages, each with its file's number and the bytes that were read so far.

        A file that can't be read is reported and passed over.

        Raises:
            BagError: None of them can be read.
        """
        before, failures = 0, []
        for number, path in enumerate(self._files):
            size = path.stat().st_size
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
                    yield message, number, before + min(file.tell(), size)
            except OSError as error:
                report(f"the rest is lost: {error.strerror or error}")
            before += size
        if len(failures) == len(self._files):
            raise failures[0]

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
            while len(self._open) >= _HELD:
                self._close_oldest()
            with ExitStack() as stack:
                file = open_file(self._files[number], stack)
                stack.callback(file.close)
                self._open[number] = file, stack.pop_all()
        self._open.move_to_end(number)
        return self._open[number][0]

    def _close_oldest(self) -> None:
        _, (_, stack) = self._open.popitem(last=False)
        stack.close()
