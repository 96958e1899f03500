"""A short film: one table, things of known names, a camera that is carried around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world import asking, textures
from training.world.bag import FIRST_STAMP, Shot
from training.world.camera import Camera, Sensor, look_at
from training.world.layout import find_pose
from training.world.materials import Material, sample_material
from training.world.render import Renderer
from training.world.scene import Body, Scene, place
from training.world.shapes import ANYHOW, FLAT, NAMED, STANDING, sample_form
from training.world.surroundings import surround

Rng = np.random.Generator
Photos = list[NDArray[np.uint8]]

CAST = ("mug", "bowl", "can", "box", "box", "bottle", "bottle", "ball", "ball")
GUESTS = (
    *("apple", "orange", "lemon", "pear", "spoon", "scissors", "screwdriver", "pliers", "tape"),
    *("sponge", "phone", "remote", "toy car", "block", "candle", "flashlight", "padlock", "jar"),
)
GUESTS_SEEN = 3  # of them on each table
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black")
SPREAD = 0.27  # m, half side of the part of the table where things stand
FOV = 45.0  # degrees, vertical
SWING = 0.55  # rad, how far the camera goes to either side
LEAST_VISIBLE = 0.5  # of everything, in the views that decide whether a scene is used
CLEAR = 0.65  # share of the views in which an instruction must have a clear answer
PREVIEW = (160, 120)  # px, width and height of those views
PREVIEWS = 7
TRIES = 1500
SENSOR = Sensor(gain=1.15, gamma=0.95, blur=0.6, noise=0.011, jpeg=None)


def film(
    seed: int, frames: int, rate: float, width: int, height: int, tick: Callable[[], None]
) -> Iterator[Shot]:
    """The frames of one film; the same arguments give the same bytes.

    `rate` is in frames a second; `tick` hears of every frame. Raises ValueError if a seed gives no
    good scene.
    """
    photos = textures.load_photos()
    scene = _choose_scene(photos, seed)
    renderer = Renderer(scene)
    names = asking.names(scene.bodies)
    for index in range(frames):
        rng = np.random.default_rng((seed, index))
        camera = camera_at(index / max(1, frames - 1), width, height)
        shot = renderer.render(camera, SENSOR, rng)
        yield Shot(
            stamp=FIRST_STAMP + round(index * 1e9 / rate),
            rgb=shot.rgb,
            depth=measured(shot.depth, rng),
            matrix=camera.matrix,
            labels=shot.labels,
            objects=[_described(record, names) for record in shot.objects],
            instructions=asking.instructions(scene.bodies, shot.objects, (width, height)),
        )
        tick()


def camera_at(share: float, width: int, height: int) -> Camera:
    """Where the camera is after a share (0..1) of the film: there and back, so it can be looped."""
    phase = 2 * np.pi * share
    turn = -np.pi / 2 + SWING * np.sin(phase)
    distance = 0.86 - 0.07 * np.cos(phase)
    rise = 0.62 + 0.05 * np.sin(2 * phase)
    hand = 0.004 * np.array([np.sin(11 * phase), np.cos(13 * phase), np.sin(17 * phase)])
    level = distance * np.cos(rise)
    eye = np.array([level * np.cos(turn), level * np.sin(turn), distance * np.sin(rise)]) + hand
    return look_at(eye, (0.0, 0.0, 0.03), width, height, FOV, 0.02 * float(np.sin(3 * phase)))


def measured(depth: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Depth (H, W) as a stereo camera would give it.

    Noise grows with the square of the distance; there is nothing beside edges (as one of the two
    eyes does not see there), beyond 4 m, and in a few spots.
    """
    known = np.nan_to_num(depth, nan=8.0)
    noisy = depth + rng.standard_normal(depth.shape, dtype=np.float32) * 0.0015 * known**2
    near = cv2.erode(known, np.ones((3, 3), np.uint8))
    edge = (cv2.dilate(known, np.ones((3, 3), np.uint8)) - near > 0.03 * near).astype(np.uint8)
    reach = max(1, depth.shape[1] // 160)
    shadow = cv2.dilate(edge, np.ones((3, reach + 1), np.uint8)) > 0
    ragged = rng.random(depth.shape, dtype=np.float32) < 0.8
    coarse = rng.random((depth.shape[0] // 8 + 1, depth.shape[1] // 8 + 1), dtype=np.float32)
    spots = cv2.resize(coarse, depth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.975
    lost = (shadow & ragged) | spots | (known > 4.0)
    return np.where(lost, np.nan, noisy).astype(np.float32)


def _choose_scene(photos: Photos, seed: int) -> Scene:
    """The first random table on which everything is well seen and can be asked for."""
    views = [camera_at(share, *PREVIEW) for share in np.linspace(0, 1, PREVIEWS)]
    for attempt in range(TRIES):
        rng = np.random.default_rng((seed, attempt, len(CAST) + GUESTS_SEEN))
        bodies = _cast(photos, rng)
        if bodies is None:
            continue
        scene = _quiet(surround(bodies, SPREAD, photos, rng), rng)
        renderer = Renderer(scene)
        seen = list(takewhile(_well_seen, map(renderer.records, views)))
        if len(seen) == len(views) and _askable(bodies, seen):
            return scene
    raise ValueError(f"no good scene in {TRIES} tries; choose another seed")


def _quiet(scene: Scene, rng: Rng) -> Scene:
    """The scene on a wooden table in a plain, well lit room."""
    return replace(
        scene,
        table_texture=textures.wood(rng, np.array([0.62, 0.47, 0.33], np.float32)),
        floor_texture=0.7 * textures.room(rng),
        backdrop=textures.room(rng),
        table_shine=0.0,
        light=replace(scene.light, ambient=max(0.45, scene.light.ambient)),
    )


def _cast(photos: Photos, rng: Rng) -> list[Body] | None:
    """All of CAST and some GUESTS on the table, or None if no place was found for one of them."""
    guests = rng.choice(GUESTS, GUESTS_SEEN, replace=False)
    drawn = [*rng.permutation(COLOURS), *rng.permutation(COLOURS)]
    bodies: list[Body] = []
    for kind, colour in zip((*CAST, *map(str, guests)), drawn, strict=False):
        form = sample_form(kind, rng)
        rest = next(rest for rest in (STANDING, FLAT, ANYHOW) if rest in NAMED[kind].rests)
        size = np.ptp(form.mesh.vertices, axis=0).astype(np.float64)
        pose = find_pose(bodies, size + 0.03, rest, (SPREAD, SPREAD), rng)
        material = _material(kind, form.mesh.names, str(colour), photos, rng)
        if pose is None or material is None:
            return None
        bodies.append(place(kind, form, material, pose))
    return bodies


def _material(
    kind: str, names: tuple[str, ...], colour: str, photos: Photos, rng: Rng
) -> Material | None:
    """A plain surface; what belongs to CAST has that colour."""
    for _ in range(TRIES):
        material = sample_material(kind, names, photos, rng, (colour,), plain=True)
        if kind in GUESTS or material.colour == colour:
            return material
    return None


def _well_seen(records: list[dict[str, Any]]) -> bool:
    return (
        len(records) == len(CAST) + GUESTS_SEEN
        and min(r["visible"] for r in records) >= LEAST_VISIBLE
    )


def _askable(bodies: list[Body], views: list[list[dict[str, Any]]]) -> bool:
    """Whether every instruction has a clear answer in most views."""
    asked = [asking.instructions(bodies, records, PREVIEW) for records in views]
    counts: dict[str, int] = {}
    for frame in asked:
        for instruction in frame:
            counts[instruction["id"]] = counts.get(instruction["id"], 0) + 1
    full = len(counts) == asking.NUMBER
    return full and min(counts.values()) >= CLEAR * len(views)


def _described(record: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    kept = {
        key: record[key] for key in ("label", "kind", "color", "centroid", "visible", "material")
    }
    return {**kept, "name": names[record["label"]]}
