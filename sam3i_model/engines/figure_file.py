"""Where a measurement's figures go."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any


def prepared(out: Path | None, name: str) -> Path | None:
    """The JSON file to write, in a folder that is there: `out`, or if that is no .json, `name` in
    it; None if nothing is to be written. OSError, one line, if that can't be.
    """
    if out is None:
        return None
    path = out if out.suffix == ".json" else out / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.is_symlink() and not path.exists():
            raise FileNotFoundError(errno.ENOENT, "a link to nothing")
    except OSError as error:
        raise OSError(f"--out {out}: {error.strerror}; name another place") from error
    return path


def write(figures: dict[str, Any], path: Path | None) -> None:
    """As JSON, if somewhere is given."""
    if path:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
