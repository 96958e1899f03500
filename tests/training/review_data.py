"""A small data set to review: two pictures of coloured boxes, five samples, unknown fields."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.conftest import PROJECT
from training.annotations.images import Problems
from training.annotations.rle import Mask
from training.annotations.sam3i_json import parse
from training.review.actions import mask_of

WIDTH, HEIGHT = 64, 48
RED, BLUE = (6, 8, 20, 16), (36, 20, 18, 18)  # x, y, width, height
GREY = (90, 90, 90)


def rectangle(x: int, y: int, width: int, height: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def corners(x: float, y: float, width: float, height: float) -> list[float]:
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def make(folder: Path) -> Path:
    """Write it; samples 1 to 3 are of a.png, 4 and 5 of b.png."""
    (folder / "images").mkdir(parents=True)
    for name in ("a", "b"):
        picture = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
        for (x, y, width, height), bgr in ((RED, (30, 30, 200)), (BLUE, (200, 80, 20))):
            picture[y : y + height, x : x + width] = bgr
        cv2.imwrite(str(folder / f"images/{name}.png"), picture)
    polygon = [corners(*RED)]
    runs = {"size": [HEIGHT, WIDTH], "counts": runs_of(rectangle(*BLUE))}
    samples: list[tuple[str, dict[str, list[str]], str, list[Any]]] = [
        ("a", {"simple_query": ["the red box"]}, "", [polygon]),
        ("a", {"simple_query": ["both boxes"], "concept": ["box"]}, "", [polygon, runs]),
        ("a", {"concept": ["mug"]}, "", []),
        ("b", {"complex_query": ["what is cold"]}, "open", []),
        ("b", {"simple_query": ["the red box"]}, "", [polygon]),
    ]
    images, annotations = [], []
    for number, (name, texts, review, shapes) in enumerate(samples, 1):
        entry = {
            "id": number,
            "file_name": f"images/{name}.png",
            "width": WIDTH,
            "height": HEIGHT,
            "text_inst_input": {
                key: texts.get(key, []) for key in ("concept", "simple_query", "complex_query")
            },
            "stamp": number * 1_000_000_007,  # a field that nobody here knows
        }
        images.append({**entry, "review": review} if review else entry)
        for shape in shapes:
            annotations.append(
                {
                    "id": 10 + len(annotations),
                    "image_id": number,
                    "category_id": 1,
                    "segmentation": shape,
                    "iscrowd": 0,
                    "teacher_score": 0.87,
                }
            )
    categories = [{"id": 1, "name": "object"}]
    content = {
        "info": {"bag": "run 7"},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def runs_of(mask: Mask) -> list[int]:
    """COCO's plain run lengths, down the columns, the first of what is not in the mask."""
    flat = np.r_[False, mask.T.reshape(-1), False]
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.r_[0, edges, mask.size]).tolist()


def saved(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "annotations.json").read_text())


def image(folder: Path, number: int) -> dict[str, Any]:
    return next(i for i in saved(folder)["images"] if i["id"] == number)


def masks(folder: Path, number: int) -> list[Mask]:
    """bool (H, W) of each instance of a sample, in order."""
    sample = next(s for s in parse(saved(folder), Problems()) if s.id == number)
    return [mask_of(sample, target) for target in sample.targets]


def start(data: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    """`sam3i review` as a process of its own, and the address that it prints."""
    command = [sys.executable, "-m", "sam3i_model.cli", "review", str(data), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "DISPLAY": ""}
    interruptible = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    process = subprocess.Popen(
        [*command, *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()
