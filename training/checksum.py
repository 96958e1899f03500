"""Tells files apart by what is in them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path


def checksum(paths: Iterable[Path]) -> str:
    """Of files' bytes, one after the other, wherever they lie: eight hexadecimal digits."""
    value = 0
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(2**20):
                value = zlib.crc32(block, value)
    return f"{value:08x}"
