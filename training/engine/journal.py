"""What a run has done, a line a task, so that it can be killed at any moment and gone on with."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, BinaryIO


class JournalError(RuntimeError):
    """A journal can't be gone on with; the message is one line with the remedy."""


class Journal:
    """An append-only file: a heading that says what the run is, then one record a finished task.

    Only one process at a time holds it.
    """

    def __init__(self, path: Path, heading: dict[str, Any]) -> None:
        """Open or begin.

        Raises:
            JournalError: It belongs to another run, or one is under way.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise JournalError(f"another run is writing to {path.parent}: wait for it") from error
        try:
            self.records = self._resume(path, heading)
        except JournalError:
            self._file.close()
            raise

    def _resume(self, path: Path, heading: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Records by key; a last line that was cut off by a kill is taken away."""
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        lines = whole.splitlines()
        if not lines:
            self._write(heading)
            return {}
        try:
            found, *rest = (json.loads(line) for line in lines)
            records = {record["key"]: record for record in rest}
            other = [key for key in heading if found.get(key) != heading[key]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JournalError(
                f"{path} is damaged: move it away, or choose a new folder"
            ) from error
        if other:
            raise JournalError(
                f"{path.parent} holds a run made with {_told(other[0], found.get(other[0]))}: "
                "choose a new folder"
            )
        return records

    def add(self, record: dict[str, Any]) -> None:
        """Append a finished task; on disk when this returns."""
        self._write(record)
        self.records[record["key"]] = record

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let others have it."""
        self._file.close()


def _told(key: str, value: Any) -> str:
    """A line of a heading for people; of lists only what are names, as instructions are."""
    if not isinstance(value, list):
        return f"{key} {'none' if value in (None, '') else value}"
    names = [name for name in value if isinstance(name, str) and name]
    return f"{key} {', '.join(names)}" if names else f"other {key}"
