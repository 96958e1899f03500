"""Pictures on things: prints, stripes, grain, peel, pages; float32 (SIDE, SIDE, 3) RGB 0..1."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.colours import COLOUR_NAMES, pick, sample_colour
from training.world.textures import blotches, photo_crop, wood

Rng = np.random.Generator
Floats = NDArray[np.float32]
Photos = list[NDArray[np.uint8]]

SIDE = 128  # px
LETTERS = list("ABCDEGHKLMNOPRSTUVXZ0123456789")
GRAINS = 12  # different pieces of wood
CONTRAST = 0.2  # least difference of two colours in a pattern, in one channel


def _any_colour(rng: Rng) -> Floats:
    return sample_colour(pick(COLOUR_NAMES, rng), rng)


def _plain(colour: Floats) -> Floats:
    return np.full((SIDE, SIDE, 3), colour, np.float32)


def _clipped(picture: Floats) -> Floats:
    return np.clip(picture, 0, 1).astype(np.float32)


@cache
def _grain(index: int) -> Floats:
    """Shade of a piece of wood, about 1, (SIDE, SIDE, 1)."""
    half = np.full(3, 0.5, np.float32)
    return wood(np.random.default_rng(index), half, SIDE, 1)[..., :1] * 2


def stuff(name: str, colour: Floats, rng: Rng) -> Floats:
    """Wood, wicker, fabric or foam of that colour."""
    if name == "wood":
        return _clipped(colour * _grain(int(rng.integers(GRAINS))))
    steps = np.arange(SIDE) * (2 * np.pi / SIDE)
    if name == "fabric":
        thread = np.sin(steps * 40)
        shade = 1 + 0.08 * (thread[:, None] * thread) + 0.06 * blotches(rng, SIDE, (24, 24))
        return _clipped(colour * shade[..., None])
    if name == "foam":
        pores = blotches(rng, SIDE, (48, 48)) > 1.0
        return _clipped(colour * (1 - 0.3 * pores)[..., None])
    rows, columns = int(rng.integers(8, 15)), int(rng.integers(14, 26))
    over = np.sin(steps * rows)[:, None] * np.sin(steps * columns / 2)[None] > 0
    bulge = np.abs(np.sin(steps * rows))[:, None] * np.ones(SIDE)
    across = np.abs(np.sin(steps * columns))[None] * np.ones((SIDE, 1))
    return _clipped(colour * (0.45 + 0.6 * np.where(over, bulge, across))[..., None])


def worn(base: Floats, rng: Rng) -> Floats:
    """Dusty, dirty or uneven."""
    return _clipped(base * (1 + rng.uniform(0.02, 0.1) * blotches(rng, SIDE, (9, 9)))[..., None])


def patterned(name: str, base: Floats, rng: Rng) -> Floats:
    """ "striped", "dotted" or "checked" in the base colour and another."""
    picture = _plain(base)
    other = base * np.float32(rng.uniform(0.4, 0.7)) if rng.random() < 0.3 else base
    while np.abs(other - base).max() < CONTRAST:
        other = _any_colour(rng)
    step = np.arange(SIDE, dtype=np.float32) / SIDE
    if name == "striped":
        turns = int(rng.integers(-2, 3)) if rng.random() < 0.5 else 0
        count = int(rng.integers(2, 9))
        along = step[:, None] * count + step[None] * turns
        if rng.random() < 0.3:
            along = step[None] * count + 0 * step[:, None]
        picture[along % 1 < rng.uniform(0.2, 0.45)] = other
    elif name == "dotted":
        count = int(rng.integers(3, 8))
        v, u = np.meshgrid(step * count, step * count, indexing="ij")
        u = u + 0.5 * (np.floor(v) % 2)
        picture[np.hypot(u % 1 - 0.5, v % 1 - 0.5) < rng.uniform(0.2, 0.36)] = other
    else:
        count = 2 * int(rng.integers(2, 6))
        even = (np.floor(step * count)[:, None] + np.floor(step * count)[None]) % 2
        picture[even == 1] = other
    return _clipped(picture)


def _write(picture: Floats, rng: Rng) -> None:
    """Words and small print in any colour, in place."""
    for _ in range(int(rng.integers(1, 4))):
        word = "".join(rng.choice(LETTERS, int(rng.integers(2, 8))))
        place = (int(rng.integers(-8, SIDE // 2)), int(rng.integers(14, SIDE)))
        ink = _any_colour(rng).tolist()
        font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX]))
        scale, width = rng.uniform(0.4, 1.5), int(rng.integers(1, 5))
        cv2.putText(picture, word, place, font, scale, ink, width, cv2.LINE_AA)
    if rng.random() < 0.5:
        ink = float(rng.choice([0.1, 0.9]))
        x, y = int(rng.integers(0, SIDE // 2)), int(rng.integers(0, SIDE - 40))
        for row in range(int(rng.integers(3, 9))):
            end = x + int(rng.integers(20, 60))
            cv2.line(picture, (x, y + 4 * row), (end, y + 4 * row), (ink, ink, ink), 1)


def _bars(picture: Floats, rng: Rng) -> None:
    """A bar code on white, in place."""
    wide = int(rng.integers(22, 40))
    x, y = int(rng.integers(0, SIDE - wide)), int(rng.integers(0, SIDE - 24))
    code = np.repeat(rng.random((wide - 4) // 2) < 0.5, 2)
    picture[y : y + 22, x : x + wide] = 0.95
    picture[y + 2 : y + 20, x + 2 : x + 2 + len(code)] = np.where(code, 0.05, 0.95)[None, :, None]


def _artwork(base: Floats, photos: Photos, rng: Rng) -> Floats:
    """What is on a label: a photo, or shapes in a few colours, with words."""
    if rng.random() < 0.35:
        label = photo_crop(photos, rng, SIDE, 40)
    else:
        label = _plain(_any_colour(rng) if rng.random() < 0.7 else base)
        for _ in range(int(rng.integers(0, 4))):
            centre = tuple(int(x) for x in rng.integers(0, SIDE, 2))
            ink = _any_colour(rng).tolist()
            if rng.random() < 0.5:
                cv2.circle(label, centre, int(rng.integers(6, 34)), ink, -1, cv2.LINE_AA)
            else:
                size = rng.integers(6, 70, 2)
                other = (centre[0] + int(size[0]), centre[1] + int(size[1]))
                cv2.rectangle(label, centre, other, ink, -1)
    if rng.random() < 0.8:
        _write(label, rng)
    return label


def printed(base: Floats, photos: Photos, rng: Rng, whole: bool) -> Floats:
    """A label, or with `whole` a design all over in which the base colour leads."""
    picture = _plain(base)
    label = _artwork(base, photos, rng)
    if whole:
        _write(picture, rng)
        if rng.random() < 0.6:
            cut = int(rng.integers(30, 75))
            x, y = (int(v) for v in rng.integers(0, SIDE - cut, 2))
            picture[y : y + cut, x : x + cut] = cv2.resize(label, (cut, cut))
        if rng.random() < 0.4:
            band = int(rng.integers(8, 30))
            picture[-band:] = _any_colour(rng)
    else:
        copies = int(rng.integers(1, 3))
        height = int(rng.integers(18, 70))
        top = int(rng.integers(10, SIDE - height - 4))
        width = SIDE if rng.random() < 0.4 else int(rng.integers(24, SIDE // copies))
        start = int(rng.integers(0, SIDE))
        for copy in range(copies):
            columns = (start + copy * SIDE // copies + np.arange(width)) % SIDE
            picture[top : top + height, columns] = label[top : top + height, :width]
    if rng.random() < 0.2:
        _bars(picture, rng)
    return _clipped(picture)


def peel(kind: str, base: Floats, rng: Rng) -> Floats:
    """The skin of a fruit: blush, spots, pores, tips."""
    picture = base * (1 + 0.05 * blotches(rng, SIDE, (5, 5)))[..., None]
    if kind == "banana":
        dark = np.array([0.25, 0.2, 0.1], np.float32)
        picture[:, :6] *= dark
        picture[:, -4:] *= dark
        ripe = blotches(rng, SIDE, (24, 24)) > rng.uniform(1.3, 3.5)
        picture[ripe] *= np.array([0.55, 0.42, 0.3], np.float32)
    elif kind == "apple" and rng.random() < 0.6:
        streaks = blotches(rng, SIDE, (3, 40)) > rng.uniform(0.6, 1.6)
        other = np.array([0.75, 0.15, 0.1] if base[1] > 0.5 else [0.85, 0.7, 0.3], np.float32)
        picture[streaks] = 0.4 * picture[streaks] + 0.6 * other
    elif kind in ("orange", "lemon"):
        pores = rng.random((SIDE // 2, SIDE // 2), dtype=np.float32) < 0.12
        picture = picture * (1 - 0.09 * np.repeat(np.repeat(pores, 2, 0), 2, 1))[..., None]
    elif kind in ("pear", "egg"):
        freckles = rng.random((SIDE, SIDE), dtype=np.float32) < rng.uniform(0, 0.04)
        picture[freckles] *= np.float32(0.75)
    elif kind == "carrot":
        rings = rng.random(SIDE) < 0.12
        picture[:, rings] *= np.float32(0.82)
    return _clipped(picture)


def keys(base: Floats, rng: Rng) -> Floats:
    """Rows of keys in gaps darker or lighter than they are."""
    gap = base * np.float32(0.45) if base.mean() > 0.3 else base + np.float32(0.16)
    picture = _plain(base)
    rows = 5
    for row in range(rows):
        top = row * SIDE // rows
        picture[top : top + 3] = gap
        offset = int(rng.integers(0, 5))
        if row == 0:
            picture[top : top + SIDE // rows, : SIDE // 5] = base
            picture[top : top + SIDE // rows, SIDE // 5 : SIDE // 5 + 2] = gap
        for x in range(offset, SIDE, SIDE // 14):
            picture[top : top + SIDE // rows, x : x + 2] = gap
    return _clipped(picture)


def page(role: str, colour: Floats, photos: Photos, rng: Rng) -> Floats:
    """Two printed pages, or ("paper") the edges of many."""
    picture = _plain(colour)
    if role == "paper":
        return _clipped(picture * (0.82 + 0.18 * rng.random((SIDE, 1, 1), dtype=np.float32)))
    for left in (8, SIDE // 2 + 6):
        top = 10
        if rng.random() < 0.3:
            height = int(rng.integers(25, 50))
            photo = cv2.resize(photo_crop(photos, rng, SIDE), (48, height))
            picture[top : top + height, left : left + 48] = photo
            top += height + 4
        for y in range(top, SIDE - 8, 5):
            end = left + (48 if rng.random() < 0.8 else int(rng.integers(15, 48)))
            picture[y : y + 2, left:end] = colour * np.float32(0.35)
    return _clipped(picture)


def shown(photos: Photos, rng: Rng) -> Floats:
    """What a screen shows: a photo or windows on a desktop."""
    if rng.random() < 0.5:
        return photo_crop(photos, rng, SIDE, 100)
    picture = _plain(_any_colour(rng))
    for _ in range(int(rng.integers(1, 4))):
        x, y = (int(v) for v in rng.integers(0, 70, 2))
        w, h = (int(v) for v in rng.integers(30, 90, 2))
        picture[y : y + h, x : x + w] = rng.uniform(0.85, 1)
        picture[y : y + 5, x : x + w] = _any_colour(rng)
        for row in range(y + 9, min(SIDE, y + h) - 4, 5):
            picture[row : row + 2, x + 4 : x + int(rng.integers(10, max(11, w)))] = 0.3
    return _clipped(picture)
