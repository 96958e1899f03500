"""Picture files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam3i_model.decoding import MAX_PIXELS, no_end


def read_rgb(path: Path, upright: bool = True) -> npt.NDArray[Any] | None:
    """A picture as uint8 RGB (H, W, 3); None if it is none that can be read, cut off or too large.

    It is turned as it says (EXIF), or stays as it is stored if it needn't be `upright`.

    It has at most `MAX_PIXELS`, read from its head before memory is taken for them. A file of
    16 bits, in which cameras store 10 to 14, is taken to hold the fewest of 10, 12, 14 and 16 that
    its brightest pixel fits in.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked
            with Image.open(path) as head:
                if head.width * head.height > MAX_PIXELS:
                    return None
                data = np.fromfile(path, np.uint8)
                if no_end(data, head.format):  # a phone may have put a film behind it
                    head.load()
    except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError):
        return None  # RuntimeError: of a damaged AVIF
    how = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    try:
        bgr = cv2.imdecode(data, how if upright else how | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # such as a side of more than 2^20 pixels
        return None
    if bgr is not None and bgr.dtype == np.uint16:
        bits = next(bits for bits in (10, 12, 14, 16) if bgr.max() < 1 << bits)
        bgr = (bgr >> (bits - 8)).astype(np.uint8)
    if bgr is None or bgr.dtype != np.uint8:  # floats have no range that is known
        return None
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def write_rgb(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Write uint8 RGB (H, W, 3) as what the name ends in says; the name may be any.

    Raises:
        OSError: It can't be written.
    """
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(path.suffix, bgr)  # imwrite dies of names that aren't UTF-8
    if not done:
        raise OSError("the picture is too large for that; give a .png")
    path.write_bytes(data.tobytes())
