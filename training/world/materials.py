"""Colours and painted surfaces of the things on the table."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.textures import blotches, look_up, photo_crop

Rng = np.random.Generator
Floats = NDArray[np.float32]

# Name -> one or more ranges (hue 0..179, saturation 0..255, value 0..255), OpenCV's HSV.
COLOURS: dict[str, list[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]] = {
    "red": [((0, 7), (155, 255), (100, 255)), ((172, 179), (155, 255), (100, 255))],
    "orange": [((10, 17), (170, 255), (175, 255))],
    "yellow": [((23, 32), (135, 255), (165, 255))],
    "green": [((40, 82), (85, 255), (55, 225))],
    "blue": [((99, 122), (115, 255), (80, 255))],
    "purple": [((130, 148), (80, 225), (75, 225))],
    "pink": [((155, 170), (65, 165), (190, 255))],
    "brown": [((6, 16), (105, 195), (50, 120))],
    "white": [((0, 179), (0, 18), (205, 255))],
    "gray": [((0, 179), (0, 24), (90, 165))],
    "black": [((0, 179), (0, 60), (8, 45))],
}
COLOUR_NAMES = tuple(COLOURS)
SIDE = 128  # px, side of an object's texture
LETTERS = list("ABCDEGHKLMNOPRSTUVXZ0123456789")
# How a point of the object finds its texel.
MAPPINGS = {
    "box": "faces",
    "banana": "along",
    "plate": "disc",
    "rod": "along",
    "drill": "along",
    "clamp": "along",
    "bracket": "along",
}
PRINTED = {"box", "can", "bottle", "mug", "pitcher"}
HOLLOW = {"bowl", "mug"}


def sample_colour(name: str, rng: Rng) -> Floats:
    """An RGB colour (3,) in 0..1 that people call `name`."""
    ranges = COLOURS[name]
    hsv = [rng.integers(low, high + 1) for low, high in ranges[rng.integers(len(ranges))]]
    return (
        cv2.cvtColor(np.array([[hsv]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32) / 255
    )


@dataclass(frozen=True)
class Material:
    """texture float32 (S, S, 3); `inside`: colour of inner walls, or None; `shine` 0..1."""

    mapping: str
    texture: Floats
    inside: Floats | None
    shine: float
    gloss: float

    def albedo(self, points: Floats, normals: Floats, extent: Floats) -> Floats:
        """Colours (N, 3) at points of the upright object (its own axes, base at z = 0).

        `normals` (N, 3) face the camera; `extent` (3,) is the size of the object in metres.
        """
        height = points[:, 2] / extent[2]
        if self.mapping == "faces":
            axis = np.abs(normals).argmax(1)
            flat = points[:, :2] / extent[:2] + 0.5
            u = np.where(axis == 0, flat[:, 1] + 0.37, flat[:, 0])
            v = np.where(axis == 2, flat[:, 1], height)
        elif self.mapping == "along":
            u, v = points[:, 0] / extent[0] + 0.5, height
        else:
            u = np.arctan2(points[:, 1], points[:, 0]) / np.float32(2 * np.pi) + 0.5
            reach = np.hypot(points[:, 0], points[:, 1]) / (extent[0] / 2)
            v = height if self.mapping == "round" else reach
        # Half a texel from the edge, or the bilinear look-up would mix in the opposite edge.
        colour = look_up(self.texture, u, np.clip(v, 0.5 / SIDE, 1 - 0.5 / SIDE))
        if self.inside is not None:
            inner = (normals[:, :2] * points[:, :2]).sum(1) < -1e-4
            colour = np.where(inner[:, None], self.inside, colour)
        return colour


def _write(picture: Floats, rng: Rng) -> None:
    """A few words in any colour, in place."""
    for _ in range(int(rng.integers(1, 6))):
        word = "".join(rng.choice(LETTERS, int(rng.integers(2, 8))))
        place = (int(rng.integers(-8, SIDE // 2)), int(rng.integers(10, SIDE)))
        ink = sample_colour(str(rng.choice(COLOUR_NAMES)), rng).tolist()
        font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX]))
        scale, width = rng.uniform(0.35, 1.5), int(rng.integers(1, 5))
        cv2.putText(picture, word, place, font, scale, ink, width, cv2.LINE_AA)


def _label(texture: Floats, photos: list[NDArray[np.uint8]], rng: Rng) -> None:
    """A printed label over part of the texture, in place."""
    if rng.random() < 0.45:
        label = photo_crop(photos, rng, SIDE, 40)
    else:
        label = np.ones((SIDE, SIDE, 3), np.float32)
        label *= sample_colour(str(rng.choice(COLOUR_NAMES)), rng)
        for _ in range(int(rng.integers(0, 4))):
            centre = tuple(int(x) for x in rng.integers(0, SIDE, 2))
            patch = sample_colour(str(rng.choice(COLOUR_NAMES)), rng).tolist()
            if rng.random() < 0.5:
                cv2.circle(label, centre, int(rng.integers(6, 30)), patch, -1, cv2.LINE_AA)
            else:
                size = rng.integers(6, 60, 2)
                other = (centre[0] + int(size[0]), centre[1] + int(size[1]))
                cv2.rectangle(label, centre, other, patch, -1)
    if rng.random() < 0.7:
        _write(label, rng)
    copies = int(rng.integers(1, 3))
    height = int(rng.integers(14, 62))
    top = int(rng.integers(6, SIDE - height - 4))
    width = SIDE if rng.random() < 0.45 else int(rng.integers(20, SIDE // copies))
    start = int(rng.integers(0, SIDE))
    for copy in range(copies):
        columns = (start + copy * SIDE // copies + np.arange(width)) % SIDE
        texture[top : top + height, columns] = label[top : top + height, :width]


def _bands(texture: Floats, kind: str, rng: Rng) -> None:
    """Caps of bottles, metal rims of cans, rims of plates, dark tips of bananas, in place."""
    if kind == "bottle" and rng.random() < 0.65:
        tone = sample_colour(str(rng.choice(COLOUR_NAMES)), rng)
        texture[: int(SIDE * 0.125)] = tone if rng.random() < 0.7 else texture[0, 0] * 0.75
    elif kind == "can" and rng.random() < 0.6:
        metal = np.array([0.7, 0.7, 0.72], np.float32) * rng.uniform(0.6, 1.25)
        texture[:5] = metal
        texture[-4:] = metal
    elif kind == "plate" and rng.random() < 0.4:
        edge = int(rng.integers(5, 20))
        texture[:edge] = sample_colour(str(rng.choice(COLOUR_NAMES)), rng)
    elif kind == "banana":
        dark = np.array([0.25, 0.2, 0.1], np.float32)
        texture[:, :5] *= dark
        texture[:, -4:] *= dark
        ripe = blotches(rng, SIDE, (24, 24)) > rng.uniform(1.3, 3.5)
        texture[ripe] *= np.array([0.55, 0.42, 0.3], np.float32)


def sample_material(
    kind: str, colour: str, photos: list[NDArray[np.uint8]], rng: Rng, plain: bool = False
) -> Material:
    """A surface for an object of that kind whose main colour is `colour`.

    `plain` leaves out prints and stripes.
    """
    texture = np.ones((SIDE, SIDE, 3), np.float32) * sample_colour(colour, rng)
    if rng.random() < 0.4:  # worn, dusty or uneven paint
        texture *= 1 + rng.uniform(0.02, 0.1) * blotches(rng, SIDE, (9, 9))[..., None]
    pattern = 1.0 if plain else rng.random()
    if kind in PRINTED and pattern < 0.6:
        _label(texture, photos, rng)
    elif kind != "banana" and pattern < 0.75:
        y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
        turns = 2 * np.pi * int(rng.integers(-1, 2))
        wave = np.sin(y * rng.uniform(8, 45) + rng.uniform(0, 6) + turns * x)
        texture[wave > rng.uniform(0.5, 0.95)] *= rng.uniform(0.5, 1.6)
    _bands(texture, kind, rng)
    inside = None
    if kind in HOLLOW and rng.random() < 0.35:
        inside = np.full(3, rng.uniform(0.7, 0.96), np.float32)
    return Material(
        mapping=MAPPINGS.get(kind, "round"),
        texture=np.clip(texture, 0, 1),
        inside=inside,
        shine=float(rng.choice([0.0, 0.08, 0.25, 0.6])),
        gloss=float(rng.uniform(12, 70)),
    )
