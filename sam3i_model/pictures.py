"""Picture files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam3i_model.decoding import MAX_PIXELS


def read_rgb(path: Path) -> npt.NDArray[Any] | None:
    """A picture as uint8 RGB (H, W, 3); None if it is none that can be read, or too large.

    It has at most `MAX_PIXELS`, read from its head before memory is taken for them.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked
            with Image.open(path) as head:
                width, height = head.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if width * height > MAX_PIXELS:
        return None
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
