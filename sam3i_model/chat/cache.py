"""Answers kept on disk by request, so that an interrupted run pays for nothing twice."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from sam3i_model.chat.budget import AgentError

MAX_ENTRY_BYTES = 4_000_000


class AnswerCache:
    """A folder of small files, one an answer; several threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, request: bytes) -> str | None:
        """The answer that was had to exactly this request."""
        path = self._path(request)
        try:
            if path.stat().st_size > MAX_ENTRY_BYTES:
                return None
            answer = json.loads(path.read_bytes())["answer"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None  # never asked, or a file that was damaged: ask again
        return answer if isinstance(answer, str) else None

    def put(self, request: bytes, answer: str) -> None:
        """Keep an answer; it appears under its name only when it is complete.

        Raises:
            AgentError: It can't be kept.
        """
        path = self._path(request)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".unfinished")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump({"answer": answer}, file)
                os.replace(unfinished, path)
            finally:
                Path(unfinished).unlink(missing_ok=True)
        except OSError as error:
            raise AgentError(
                f"answers can't be kept in {self.folder}, make room or give another folder: {error}"
            ) from error

    def _path(self, request: bytes) -> Path:
        name = hashlib.sha256(request).hexdigest()
        return self.folder / name[:2] / f"{name}.json"
