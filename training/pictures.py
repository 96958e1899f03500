"""Pictures that a data set names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.entries import SourceError

_ENDS = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND"}
_TAIL = 4096
"""Bytes at the end of a file in which its format's mark lies, though something comes behind it."""


@contextmanager
def _opened(path: Path, width: int, height: int) -> Iterator[Image.Image]:
    """A picture of that size, of which only the header is read yet.

    Raises:
        SourceError: It can't be read, then or within, or has another size.
    """
    try:
        with Image.open(path) as image:
            found = image.size
            if found == (width, height):
                yield image
                return
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceError(f"{path} is no picture that can be read") from error
    raise SourceError(f"{path} is {found[0]}x{found[1]}, not {width}x{height}")


def check_picture(path: Path, width: int, height: int) -> None:
    """Nothing is decoded, unless its end isn't where it is usual.

    Raises:
        SourceError: Its header can't be read, or says another size, or it is cut off.
    """
    with _opened(path, width, height) as image:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            tail = file.read()
        mark = _ENDS.get(image.format or "")
        if mark is None or mark not in tail:
            image.load()


def read_picture(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """uint8 RGB (height, width, 3).

    Raises:
        SourceError: It can't be read, or has another size; one that has isn't decoded at all.
    """
    with _opened(path, width, height) as image:
        return np.asarray(image.convert("RGB"))
