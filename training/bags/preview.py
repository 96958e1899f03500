"""A contact sheet: some of the frames that were taken, with what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sam3i_model.visualize import color_for, draw_mask, draw_tags, fitting, short_text
from training.annotations.images import image_path
from training.annotations.rle import decode
from training.annotations.sam3i_json import Sample

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
    lines, tags = [], []
    for number, sample in enumerate(samples):
        corner, color = None, _color(number, sample)
        for target in sample.targets:
            mask = decode({"size": [sample.height, sample.width], "counts": target.counts})
            small = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            at = draw_mask(tile, small, color, 1.0)
            corner = corner or at
        text = next((t for texts in sample.texts.values() for t in texts), "")
        if corner:
            tags.append((_said(text, "" if sample.labelled else " ?"), corner, color))
        else:
            lines.append((_said(text, ": not there" if sample.labelled else " ?"), color))
    draw_tags(tile, lines, tags, 1.0)  # after all masks, so that none is covered
    return tile


def _said(text: str, end: str) -> str:
    """A sentence and what became of it, in a tag that fits a tile."""
    return fitting([short_text(text, most) + end for most in range(60, 0, -5)], WIDTH, 1.0)


def _color(number: int, sample: Sample) -> tuple[int, int, int]:
    return color_for(number) if sample.labelled else _GREY
