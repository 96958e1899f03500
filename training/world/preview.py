"""A contact sheet of random scenes, for people to look at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.pool import render_scene
from training.world.textures import load_photos

COLUMNS = 6
OPACITY = 0.55


def contact_sheet(count: int, seed: int, size: int, photos: Path | None) -> NDArray[np.uint8]:
    """`count` scenes, each with its labelled masks to the right of it, RGB uint8 (H, W, 3)."""
    pictures = load_photos(photos)
    tiles = []
    for index in range(count):
        scene = render_scene(pictures, seed, index, size)
        marked = _marked(scene.rgb, scene.labels)
        for record in scene.objects:
            corner = (record["box"][0], max(8, record["box"][1] - 2))
            text = f"{record['color']} {record['kind'] or '?'} {record['visible']:.1f}"
            cv2.putText(marked, text, corner, cv2.FONT_HERSHEY_PLAIN, 0.7, (255, 255, 255))
        tiles.append(np.concatenate([scene.rgb, marked], 1))
    columns = COLUMNS // 2
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows)


def _marked(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    hues = (labels.astype(np.int32) * 67 % 180).astype(np.uint8)
    full = np.full_like(labels, 255)
    colours = cv2.cvtColor(np.stack([hues, full, full], -1), cv2.COLOR_HSV2RGB)
    mixed = cv2.addWeighted(rgb, 1 - OPACITY, colours, OPACITY, 0)
    return np.where((labels > 0)[..., None], mixed, rgb)
