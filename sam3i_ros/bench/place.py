"""Where figures go."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def prepared(out: Path, name: str) -> Path:
    """The JSON file to write, in a folder that is there: `out`, or if that is no .json, `name` in
    it. OSError, one line, if that can't be.
    """
    path = out if out.suffix == ".json" else out / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise OSError(f"--out {out}: {error.strerror}; name another place") from error
    return path
