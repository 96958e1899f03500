"""Pictures that a data set names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.entries import SourceError


def read_picture(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """uint8 RGB (height, width, 3).

    Raises:
        SourceError: It can't be read, or has another size; one that has isn't decoded at all.
    """
    try:
        with Image.open(path) as image:
            if image.size == (width, height):
                return np.asarray(image.convert("RGB"))
            found = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceError(f"{path} is no picture that can be read") from error
    raise SourceError(f"{path} is {found[0]}x{found[1]}, not {width}x{height}")
