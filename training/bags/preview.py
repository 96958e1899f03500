"""A contact sheet: some of the frames that were taken, with what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sam3i_model.visualize import color_for, draw_mask, draw_tag, short_text
from training.annotations import image_path
from training.rle import decode
from training.sam3i_json import Sample

TILES, COLUMNS, WIDTH = 24, 4, 480
_GREY = (200, 200, 200)


def contact_sheet(out: Path, samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """Up to `TILES` frames, evenly from the samples: uint8 RGB (H, W, 3).

    A mask has its sentence's colour; a sentence without one stands at the top. What a person is to
    label is grey and has a question mark.
    """
    by_image: dict[str, list[Sample]] = {}
    for sample in samples:
        by_image.setdefault(sample.file_name, []).append(sample)
    names = list(by_image)
    chosen = [names[i] for i in np.linspace(0, len(names) - 1, min(TILES, len(names))).astype(int)]
    tiles = [_tile(image_path(out, name), by_image[name]) for name in chosen]
    height = max(tile.shape[0] for tile in tiles)
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * height, columns * WIDTH, 3), np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * height, number % columns * WIDTH
        sheet[top : top + tile.shape[0], left : left + WIDTH] = tile
    return sheet


def _tile(path: Path, samples: Sequence[Sample]) -> NDArray[np.uint8]:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None:
        return np.zeros((WIDTH, WIDTH, 3), np.uint8)
    size = WIDTH, max(1, min(2 * WIDTH, round(bgr.shape[0] * WIDTH / bgr.shape[1])))
    tile = cv2.cvtColor(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    corners = []
    for number, sample in enumerate(samples):
        corner = None
        for target in sample.targets:
            mask = decode({"size": [sample.height, sample.width], "counts": target.counts})
            small = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            draw_mask(tile, small, _color(number, sample), 1.0)
            x, y, width, _ = cv2.boundingRect(small.view(np.uint8))
            corner = corner or ((x, y) if width else None)
        corners.append(corner)
    top = 0
    # Texts come after all masks, so that none is covered.
    for number, (sample, corner) in enumerate(zip(samples, corners, strict=True)):
        text = short_text(next((t for texts in sample.texts.values() for t in texts), ""))
        color = _color(number, sample)
        if corner:
            draw_tag(tile, text if sample.labelled else f"{text} ?", corner, color, 1.0)
        else:
            line = f"{text}: not there" if sample.labelled else f"{text} ?"
            top += draw_tag(tile, line, (0, top), color, 1.0, below=True)
    return tile


def _color(number: int, sample: Sample) -> tuple[int, int, int]:
    return color_for(number) if sample.labelled else _GREY
