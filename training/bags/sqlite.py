"""Files in SQLite (.db3), as rosbag2 writes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from training.bags.storage import (
    HEAD,
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

_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What a damaged file leads to; the second where a message about it quotes the damage."""
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
        # What a killed recorder left in the write-ahead log is only seen by a true reader.
        log = path.with_name(path.name + "-wal")
        how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
        try:
            self._base = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True)
            # A damaged part of the schema, such as an index, needn't matter.
            self._base.execute("PRAGMA writable_schema = ON")
            self._base.text_factory = lambda raw: raw.decode("utf-8", "replace")
            self._topics = self._read_topics()
        except _ERRORS as error:
            raise BagError(f"{path} is no rosbag2 file that can be read: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def tell(self) -> int:
        """Bytes of the file that correspond to the rows read so far."""
        return int(self._through * self._size)

    def messages(self, want: Want, report: Report) -> Iterator[Message]:
        """See `storage.File`."""
        needs = {number: want(topic) for number, topic in self._topics.items()}
        wanted = [number for number, need in needs.items() if need]
        if not wanted:
            return
        whole = [number for number, need in needs.items() if need > HEAD]
        statement = (
            f"SELECT id, topic_id, timestamp, length(data), substr(data, 1, CASE WHEN topic_id IN "
            f"({_numbers(whole)}) THEN {MAX_MESSAGE} ELSE {HEAD} END) FROM messages "
            f"WHERE id > ? AND topic_id IN ({_numbers(wanted)}) ORDER BY id"
        )
        first, end = self._ends()
        last, skip, lost = first - 1, _SKIP, 0
        while last < end:
            try:
                for number, topic, time, size, data in self._base.execute(statement, (last,)):
                    last, skip = number, _SKIP
                    self._through = (last - first + 1) / (end - first + 1)
                    message = self._message(self._topics[topic], time, size, data, number)
                    if isinstance(message, Message):
                        yield message
                    else:
                        report(f"row {number:,} is lost: {message}")
                break
            except _ERRORS:
                last, skip, lost = last + skip, 2 * skip, lost + skip
        if lost:
            report(f"up to {lost:,} rows are lost: the database is damaged there")

    def _message(
        self, topic: Topic, time: object, size: object, data: object, number: int
    ) -> Message | str:
        if not isinstance(time, int) or not isinstance(size, int) or not isinstance(data, bytes):
            return "it is no message"
        try:
            if data[:4] == ZSTD:
                data = bytes(plain(self._row(number), HEAD if len(data) < size else MAX_MESSAGE))
        except DamageError as error:
            return str(error)
        return Message(topic, time, data, size, Place(number, -1))

    def read(self, place: Place) -> bytes:
        """See `storage.File`."""
        return bytes(plain(self._row(place.record), MAX_MESSAGE))

    def _row(self, number: int) -> bytes:
        try:
            row = self._base.execute("SELECT data FROM messages WHERE id = ?", (number,)).fetchone()
        except _ERRORS as error:
            raise DamageError(str(error)) from error
        if row is None or not isinstance(row[0], bytes):
            raise DamageError("the file has changed since it was looked through")
        return row[0]

    def _ends(self) -> tuple[int, int]:
        """The first and last row's number."""
        try:
            first, last = self._base.execute("SELECT min(id), max(id) FROM messages").fetchone()
        except _ERRORS:
            return 1, 2**40
        return first or 1, last or 0

    def _read_topics(self) -> dict[int, Topic]:
        rows = self._base.execute("SELECT id, name, type, serialization_format FROM topics")
        found = {}
        for number, *words in rows.fetchall():
            if isinstance(number, int) and all(isinstance(word, str) for word in words):
                name, kind, form = words
                found[number] = topic_of(name, kind, form, *self._definition(kind))
        return found

    def _definition(self, kind: str) -> tuple[str, str]:
        """Format and text of a type's definition; files before Iron have none."""
        try:
            row = self._base.execute(
                "SELECT encoding, encoded_message_definition FROM message_definitions "
                "WHERE topic_type = ?",
                (kind,),
            ).fetchone()
        except _ERRORS:
            return "", ""
        return row if row and all(isinstance(word, str) for word in row) else ("", "")


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
