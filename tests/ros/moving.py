"""Pictures of things that move, and which pixels are theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome

WIDTH, HEIGHT = 320, 240
RED, BLUE, GREY = (200, 40, 40), (40, 60, 200), (120, 120, 120)
DISC = Instruction("disc")


@dataclass(frozen=True)
class Disc:
    """A textured disc; what comes later in a list of things covers what comes before."""

    x: float
    y: float
    colour: tuple[int, int, int] = RED
    radius: int = 24


def texture(shape: tuple[int, ...], strength: int, seed: int) -> np.ndarray:
    """Smooth noise, int16."""
    rough = np.random.default_rng(seed).normal(0, 4 * strength, shape).astype(np.float32)
    return cv2.GaussianBlur(rough, (7, 7), 0).astype(np.int16)


FLOOR = np.clip(150 + texture((3 * HEIGHT, 3 * WIDTH, 3), 40, 0), 0, 255).astype(np.uint8)
PAINT = texture((129, 129, 3), 20, 1)


def scene(
    things: Sequence[Disc] = (), pan: tuple[float, float] = (0, 0), zoom: float = 1.0
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture uint8 (H, W, 3) of things on the floor, and what is seen of each, bool (H, W).

    The camera shows the floor and the things from `pan` on, `zoom` times larger.
    """
    rows, columns = np.indices(FLOOR.shape[:2], np.float32)
    floor, labels = FLOOR.copy(), np.zeros(FLOOR.shape[:2], np.uint8)
    for label, thing in enumerate(things, start=1):
        x, y = columns - WIDTH - thing.x, rows - HEIGHT - thing.y
        inside = x**2 + y**2 < thing.radius**2
        paint = PAINT[y[inside].round().astype(int) + 64, x[inside].round().astype(int) + 64]
        floor[inside] = np.clip(paint + np.array(thing.colour), 0, 255)
        labels[inside] = label
    start = np.array([WIDTH + pan[0], HEIGHT + pan[1]])
    middle = np.array([WIDTH, HEIGHT]) / 2
    shift = start + middle - middle / zoom
    seen = np.array([[1 / zoom, 0, shift[0]], [0, 1 / zoom, shift[1]]])
    how = {"dsize": (WIDTH, HEIGHT), "borderMode": cv2.BORDER_REPLICATE}
    rgb = cv2.warpAffine(floor, seen, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, **how)
    shown = cv2.warpAffine(labels, seen, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, **how)
    return rgb, [shown == label for label in range(1, len(things) + 1)]


def grounding(masks: Sequence[np.ndarray], asked: Instruction = DISC) -> Grounding:
    """A model that answers with these masks, but for those with nothing in them."""
    found = [mask for mask in masks if mask.any()]
    return Grounding(
        asked,
        Outcome.FOUND if found else Outcome.NOT_FOUND,
        Level.CONCEPT,
        presence=0.9 if found else 0.1,
        masks=np.array(found, bool).reshape(-1, HEIGHT, WIDTH),
        scores=np.linspace(0.9, 0.6, len(found), dtype=np.float32),
    )


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)
