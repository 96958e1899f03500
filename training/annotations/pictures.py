"""Pictures that a data set names.

A camera that was held upright writes a picture that lies, and how to turn it (EXIF). Masks may be
of either: of the picture upright, as people see it, if that has the size they say, else as stored.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base

from sam3i_model.pictures import read_rgb
from training.annotations.entries import SourceError

_ENDS = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND"}
_TAIL = 4096
"""Bytes at the end of a file in which its format's mark lies, though something comes behind it."""


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF's orientation -> what makes it upright."""
_LYING = (5, 6, 7, 8)


def _orientation(image: Image.Image) -> int:
    """As its head says, 1 (upright) if that says nothing; nothing is decoded."""
    try:
        return image.getexif().get(Base.Orientation, 1) if "exif" in image.info else 1
    except (OSError, ValueError, SyntaxError, struct.error):  # a damaged one turns nothing
        return 1


def _upright(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if _orientation(image) in _LYING else (width, height)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture of which only the header is read yet.

    Raises:
        SourceError: It can't be read, then or within.
    """
    try:
        with Image.open(path) as image:
            yield image
    except SourceError:
        raise
    except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError) as error:
        # RuntimeError: of a damaged AVIF
        raise SourceError(f"{path} is no picture that can be read") from error


def _turn(image: Image.Image, path: Path, width: int, height: int) -> Image.Transpose | None:
    """What makes a picture the one of that size that masks are of.

    Raises:
        SourceError: It has that size neither upright nor as stored.
    """
    upright = _upright(image)
    if upright == (width, height):
        return _TURNS.get(_orientation(image))
    if image.size == (width, height):
        return None
    raise SourceError(
        f"{path} is {upright[0]}x{upright[1]}, not {width}x{height}: give the picture that was "
        "annotated, or correct the size"
    )


def upright_size(path: Path) -> tuple[int, int]:
    """(width, height) of the picture as people see it; only the header is read.

    Raises:
        SourceError: It can't be read.
    """
    with _opened(path) as image:
        return _upright(image)


def check_picture(path: Path, width: int, height: int) -> None:
    """Nothing is decoded, unless its end isn't where it is usual.

    Raises:
        SourceError: Its header can't be read, or says another size, or it is cut off.
    """
    with _opened(path) as image:
        _turn(image, path, width, height)
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            tail = file.read()
        mark = _ENDS.get(image.format or "")
    if mark is None or mark not in tail:
        _stored(path)


def read_picture(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """uint8 RGB (height, width, 3), turned as the masks of that size are.

    Raises:
        SourceError: It can't be read, or has another size; one that has isn't decoded at all.
    """
    with _opened(path) as image:
        turn = _turn(image, path, width, height)
    rgb = _stored(path)
    return rgb if turn is None else np.asarray(Image.fromarray(rgb).transpose(turn))


def _stored(path: Path) -> NDArray[np.uint8]:
    """A picture as `segment` sees it, but not turned.

    Raises:
        SourceError: It can't be read.
    """
    rgb = read_rgb(path, upright=False)
    if rgb is None:
        raise SourceError(f"{path} is no picture that can be read")
    return rgb


def as_stored(path: Path, width: int, height: int) -> bytes | None:
    """A PNG of what masks of that size lie on, if a browser would turn the file away from them.

    Raises:
        SourceError: The picture can't be read.
    """
    with _opened(path) as image:
        if image.size != (width, height) or _upright(image) == image.size:
            return None
    packed = io.BytesIO()
    Image.fromarray(_stored(path)).save(packed, "PNG")
    return packed.getvalue()
