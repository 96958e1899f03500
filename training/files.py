"""Files that appear under their names only when they are complete."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write UTF-8, in the place of any file that has the name.

    Raises:
        OSError: It can't be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
