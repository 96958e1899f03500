"""Contact sheets for people to look at: scenes, kinds, parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world import textures
from training.world.camera import Sensor, look_at
from training.world.materials import sample_material
from training.world.pages import Page
from training.world.render import Renderer, Rendering
from training.world.rendering import render_scene
from training.world.scene import Pose, place
from training.world.shapes import NAMED
from training.world.surroundings import surround

COLUMNS = 6
OPACITY = 0.55
CLEAN = Sensor(gain=1.0, gamma=0.95, blur=0.3, noise=0.0, jpeg=None)
FOV = 35.0  # degrees, of the portraits of kinds
Image = NDArray[np.uint8]


def draw(page: Page, count: int, seed: int, size: int, photos: Path | None) -> Image:
    """The page as RGB uint8 (H, W, 3); pictures are `size` px, `count` is for scenes alone."""
    pictures = textures.load_photos(photos)
    if page is Page.SCENES:
        return _sheet([_scene(pictures, seed, index, size) for index in range(count)], COLUMNS // 2)
    tiles = []
    for index, kind in enumerate(NAMED):
        portrait = _portrait(kind, pictures, np.random.default_rng((seed, index)), size)
        tiles.append(_with_parts(portrait) if page is Page.PARTS else _with_name(portrait, kind))
    return _sheet(tiles, COLUMNS)


def _sheet(tiles: list[Image], columns: int) -> Image:
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows)


def _scene(photos: list[Image], seed: int, index: int, size: int) -> Image:
    """A scene, and to the right of it its labelled masks."""
    scene = render_scene(photos, seed, index, size)
    marked = _marked(scene.rgb, scene.labels)
    for record in scene.objects:
        _write(marked, f"{record['color'] or '-'} {record['kind'] or '?'}", record)
    return np.concatenate([scene.rgb, marked], 1)


def _portrait(kind: str, photos: list[Image], rng: np.random.Generator, size: int) -> Rendering:
    """One thing of that kind alone on a table."""
    form = NAMED[kind].make(rng)
    rests = NAMED[kind].rests
    pose = Pose((0.0, 0.0, 0.0), float(rng.uniform(-1, 1)), max(rests, key=rests.__getitem__))
    material = sample_material(kind, form.mesh.names, photos, rng)
    body = place(kind, form, material, pose)
    scene = surround([body], 0.5, photos, rng)
    scene = replace(
        scene, table_texture=textures.wood(rng, np.array([0.6, 0.58, 0.55], np.float32))
    )
    reach = float(np.linalg.norm(body.size)) / 2
    distance = 1.15 * reach / np.sin(np.deg2rad(FOV) / 2)
    eye = body.centre + distance * np.array([0.1, -0.78, 0.62])
    camera = look_at(eye, body.centre, size, size, FOV)
    return Renderer(scene).render(camera, CLEAN, rng)


def _with_name(portrait: Rendering, kind: str) -> Image:
    (record,) = portrait.objects
    picture = portrait.rgb.copy()
    height = len(picture)
    said = [record["pose"], *record["states"], record["material"], record["pattern"]]
    for text, y in (
        (f"{kind}: {record['color'] or '-'}", 12),
        (", ".join(filter(None, said)), height - 5),
    ):
        _text(picture, text, (3, y))
    return picture


def _with_parts(portrait: Rendering) -> Image:
    picture = _marked(portrait.rgb, portrait.parts)
    for part in portrait.objects[0]["parts"]:
        rows, columns = np.nonzero(portrait.parts == part["label"])
        middle = int(np.argsort(rows + columns)[len(rows) // 2])
        _text(picture, part["name"], (max(2, int(columns[middle]) - 12), int(rows[middle])))
    return picture


def _write(picture: Image, text: str, record: dict[str, Any]) -> None:
    _text(picture, text, (record["box"][0], max(8, record["box"][1] - 2)))


def _text(picture: Image, text: str, corner: tuple[int, int]) -> None:
    for ink, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(picture, text, corner, cv2.FONT_HERSHEY_PLAIN, 0.8, ink, width, cv2.LINE_AA)


def _marked(rgb: Image, labels: Image) -> Image:
    hues = (labels.astype(np.int32) * 67 % 180).astype(np.uint8)
    full = np.full_like(labels, 255)
    colours = cv2.cvtColor(np.stack([hues, full, full], -1), cv2.COLOR_HSV2RGB)
    mixed = cv2.addWeighted(rgb, 1 - OPACITY, colours, OPACITY, 0)
    return np.where((labels > 0)[..., None], mixed, rgb)
