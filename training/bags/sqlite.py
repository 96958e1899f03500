"""Files in SQLite (.db3), as rosbag2 writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import apsw

from training.bags.storage import (
    MAX_MESSAGE,
    ZSTD,
    BagError,
    DamageError,
    Message,
    Place,
    Report,
    Topic,
    Want,
    plain,
    topic_of,
)

_ERRORS = (apsw.Error, UnicodeDecodeError)
"""What a damaged file leads to; the second where a text in it is damaged."""
_SKIP = 64
"""Rows that are passed over where the file is damaged, doubled each time."""


class SqliteFile:
    """A .db3 file; see `storage.File`."""

    def __init__(self, path: Path) -> None:
        """Open.

        Raises:
            BagError: It is no such file.
        """
        self._size = path.stat().st_size
        self._through = 0.0
        self._blob: apsw.Blob | None = None
        # What a killed recorder left in the write-ahead log is only seen by a true reader.
        log = path.with_name(path.name + "-wal")
        how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        try:
            self._base = apsw.Connection(f"file:{quote(str(path))}?{how}", flags=flags)
            # A damaged part of the schema, such as an index, needn't matter.
            self._base.execute("PRAGMA writable_schema = ON")
            self._topics = self._read_topics()
        except _ERRORS as error:
            raise BagError(f"{path} is no rosbag2 file that can be read: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._base.close(True)

    def tell(self) -> int:
        """Bytes of the file that correspond to the rows read so far."""
        return int(self._through * self._size)

    def messages(self, want: Want, report: Report) -> Iterator[Message]:
        """See `storage.File`."""
        needs = {number: want(topic) for number, topic in self._topics.items()}
        wanted = ", ".join(str(number) for number, need in needs.items() if need)
        statement = (
            "SELECT id, topic_id, timestamp FROM messages "
            f"WHERE id > ? AND topic_id IN ({wanted}) ORDER BY id"
        )
        first, end = self._ends()
        last, skip, lost = first - 1, _SKIP, 0
        while wanted and last < end:
            try:
                for number, topic, time in self._base.execute(statement, (last,)):
                    last, skip = number, _SKIP
                    self._through = (last - first + 1) / (end - first + 1)
                    try:
                        size, data = self._row(number, needs[topic])
                    except DamageError as error:
                        report(f"row {number:,} is lost: {error}")
                        continue
                    if isinstance(time, int):
                        yield Message(self._topics[topic], time, data, size, Place(number, -1))
                break
            except _ERRORS:
                last, skip, lost = last + skip, 2 * skip, lost + skip
        if lost:
            report(f"up to {lost:,} rows are lost: the database is damaged there")

    def read(self, place: Place) -> bytes:
        """See `storage.File`."""
        return self._row(place.record, MAX_MESSAGE)[1]

    def _row(self, number: int, need: int) -> tuple[int, bytes]:
        """A message's size as stored, and `need` bytes of it; the rest isn't touched."""
        try:
            if self._blob is None:
                self._blob = self._base.blob_open("main", "messages", "data", number, False)
            else:
                self._blob.reopen(number)
            size = self._blob.length()
            data = self._blob.read(min(size, need))
            if data[:4] == ZSTD:
                data += self._blob.read(min(size, MAX_MESSAGE) - len(data))
        except apsw.Error as error:
            self._blob = None  # it can't be reopened after that
            raise DamageError(str(error)) from error
        return size, bytes(plain(data, need))

    def _ends(self) -> tuple[int, int]:
        """The first and last row's number."""
        try:
            first, last = next(self._base.execute("SELECT min(id), max(id) FROM messages"))
        except _ERRORS:
            return 1, 2**40
        return first or 1, last or 0

    def _read_topics(self) -> dict[int, Topic]:
        rows = self._base.execute("SELECT id, name, type, serialization_format FROM topics")
        found = {}
        for number, *words in rows:
            if isinstance(number, int) and all(isinstance(word, str) for word in words):
                name, kind, form = map(str, words)
                found[number] = topic_of(name, kind, form, *self._definition(kind))
        return found

    def _definition(self, kind: str) -> tuple[str, str]:
        """Format and text of a type's definition; files before Iron have none."""
        statement = (
            "SELECT encoding, encoded_message_definition FROM message_definitions "
            "WHERE topic_type = ?"
        )
        try:
            for form, text in self._base.execute(statement, (kind,)):
                if isinstance(form, str) and isinstance(text, str):
                    return form, text
        except _ERRORS:
            pass
        return "", ""
