"""JSON that is made of other files: it may be made again, but takes no other file's place."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.annotations.entries import SourceError
from training.files import write_text
from training.formats.reading import load

_MARK = "info"
"""COCO's key for where a file comes from; readers pass over it."""


def write_export(path: Path, content: Mapping[str, Any], by: str) -> None:
    """Write a COCO-like file with a mark of who made it.

    Raises:
        SourceError: See `exported`.
        OSError: It can't be written.
    """
    exported(path, by)
    marked = {_MARK: {"made_by": by, "checksum": _checksum(content)}, **content}
    write_text(path, json.dumps(marked, ensure_ascii=False))


def exported(path: Path, by: str) -> dict[str, Any] | None:
    """What `write_export` wrote there; None if there is nothing.

    Raises:
        SourceError: Something else is there, or it was changed since.
    """
    if not path.exists():
        return None
    try:
        content = dict(load(path))
        if content.pop(_MARK) == {"made_by": by, "checksum": _checksum(content)}:
            return content
    except (SourceError, ValueError, TypeError, KeyError):
        pass
    raise SourceError(f"{path} is there, and not as `{by}` left it: choose another name")


def _checksum(content: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(content).encode()):08x}"
