"""Where things come to rest: beside each other, on and in each other, in heaps, on boards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.colours import COLOUR_NAMES, pick
from training.world.materials import sample_material
from training.world.mesh import Mesh, rotation
from training.world.scene import Body, Pose, Vector, extent_of, place
from training.world.shapes import (
    ANYHOW,
    SHAPES,
    STANDING,
    UNNAMED,
    sample_form,
    sample_kind,
)
from training.world.shapes.form import Form

Rng = np.random.Generator
Photos = list[NDArray[np.uint8]]
Rectangle = tuple[tuple[float, float], tuple[float, float], float]  # centre, size (mm), degrees

TRIES = 16  # places tried for a thing before it is left out
CELL = 0.01  # m, side of a cell of the height map
REACH = 0.8  # m, half side of the height map
SAMPLES = 700  # points on a thing that decide where it comes to rest
SETTLED = 85  # percentile: things sink a little into each other instead of balancing on a point


class Cast:
    """Draws things: kinds and colours repeat often, so that words must tell them apart."""

    def __init__(self, photos: Photos, count: int, rng: Rng) -> None:
        self._photos, self._rng = photos, rng
        few = max(2, count // 2)
        self._kinds = [sample_kind(rng) for _ in range(few)]
        self._colours = [pick(COLOUR_NAMES, rng) for _ in range(few)]
        self._odd = rng.uniform(0.1, 0.35) if rng.random() < 0.4 else 0.0

    def draw(self, largest: float, upright: bool = False) -> Thing:
        """A thing whose footprint is at most `largest` m across, if one comes up soon."""
        rng = self._rng
        for _ in range(TRIES):
            shape = pick(self._kinds, rng) if rng.random() < 0.4 else sample_kind(rng)
            if rng.random() < self._odd:
                shape = pick(tuple(UNNAMED), rng)
            rests = SHAPES[shape].rests
            form = sample_form(shape, rng)
            rest = pick(tuple(rests), rng, tuple(rests.values()))
            if upright and STANDING in rests:
                rest = STANDING
            low, high = extent_of(form, Pose((0, 0, 0), 0, rest))
            if max((high - low)[:2]) <= largest:
                break
        return Thing(shape, form, rest, (high - low).astype(np.float64))

    def put(self, thing: Thing, pose: Pose) -> Body:
        """The thing at that pose, in colours of its own."""
        palette = self._colours if self._rng.random() < 0.45 else COLOUR_NAMES
        names = thing.form.mesh.names
        material = sample_material(thing.shape, names, self._photos, self._rng, palette)
        return place(thing.shape, thing.form, material, pose)


@dataclass(frozen=True)
class Thing:
    """A thing that has no place yet; `size` (3,) are its extents when it rests so."""

    shape: str
    form: Form
    rest: str
    size: Vector


def footprint(size: Vector, pose: Pose) -> Rectangle:
    """The rectangle a thing of that size covers, in mm and degrees as OpenCV wants it."""
    centre = (pose.at[0] * 1000, pose.at[1] * 1000)
    return centre, (float(size[0]) * 1000, float(size[1]) * 1000), float(np.rad2deg(pose.turn))


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether two footprints share ground."""
    reach = (math.hypot(*a[1]) + math.hypot(*b[1])) / 2
    if math.hypot(a[0][0] - b[0][0], a[0][1] - b[0][1]) > reach:
        return False
    return cv2.rotatedRectangleIntersection(a, b)[0] != cv2.INTERSECT_NONE


def find_pose(
    bodies: list[Body], size: Vector, rest: str, half: tuple[float, float], rng: Rng
) -> Pose | None:
    """A free place on the table within `half` (x, y) m of the origin, if there is one."""
    turn = float(rng.uniform(0, 2 * np.pi))
    taken = [footprint(body.size, body.pose) for body in bodies]
    for _ in range(TRIES):
        x, y = rng.uniform(-1, 1, 2) * half
        pose = Pose((float(x), float(y), 0.0), turn, rest)
        ground = footprint(size, pose)
        if not any(overlap(ground, other) for other in taken):
            return pose
    return None


def scatter(cast: Cast, count: int, half: tuple[float, float], rng: Rng) -> list[Body]:
    """Things beside each other on the table; some carry or hold smaller ones."""
    bodies: list[Body] = []
    crowding = rng.uniform(0.75, 1.1)  # of the footprints: below 1 they stand close
    for _ in range(count):
        thing = cast.draw(2.2 * max(half))
        pose = find_pose(bodies, thing.size * crowding, thing.rest, half, rng)
        if pose is not None:
            bodies.append(cast.put(thing, pose))
    return bodies + _guests(cast, bodies, count - len(bodies) + 2, rng)


def _guests(cast: Cast, hosts: list[Body], most: int, rng: Rng) -> list[Body]:
    """Smaller things in and on things."""
    guests: list[Body] = []
    for host in hosts:
        if len(guests) >= most:
            break
        flat = host.shape in ("box", "book", "laptop", "carton") and "open" not in host.form.states
        rests = host.pose.rest in (STANDING, ANYHOW, "flat")
        mouth = host.form.mouth if rests else 0.0
        if not (mouth or (flat and host.size[2] < 0.13)) or rng.random() > 0.4:
            continue
        room = mouth or min(host.size[:2]) / 2
        heap = Heap()
        heap.add(host)
        for _ in range(int(rng.integers(1, 4 if mouth else 2))):
            thing = cast.draw(1.9 * room)
            if np.hypot(*thing.size[:2]) < 2.1 * room and thing.size[2] < 0.2:
                x, y = rng.uniform(-0.35, 0.35, 2) * room
                at = (host.pose.at[0] + float(x), host.pose.at[1] + float(y))
                pose = heap.drop(thing, at, 0.0 if flat else 0.25, rng)
                guests.append(cast.put(thing, pose))
                heap.add(guests[-1])
    return guests


class Heap:
    """Lets things fall onto what is already there, over a map of heights (z = 0 outside)."""

    def __init__(self) -> None:
        side = round(2 * REACH / CELL)
        self._top = np.zeros((side, side), np.float32)

    def add(self, body: Body) -> None:
        """Take in a thing that rests already."""
        points = _surface(body.mesh) @ body.rotation.T.astype(np.float32)
        points += body.translation.astype(np.float32)
        heights = np.zeros_like(self._top)
        np.maximum.at(heights, self._cells(points), points[:, 2])
        # Neighbours are filled in, as not every cell of a surface holds a point.
        self._top = np.maximum(self._top, cv2.dilate(heights, np.ones((3, 3), np.uint8)))

    def drop(self, thing: Thing, at: tuple[float, float], lean: float, rng: Rng) -> Pose:
        """Where the thing comes to rest when it falls at (x, y) m; `lean` rad is how askew."""
        turn = float(rng.uniform(0, 2 * np.pi))
        a, b = rng.normal(0, lean, 2) if lean else (0.0, 0.0)
        pose = Pose((*at, 0.0), turn, thing.rest, (float(a), float(b)))
        low, high = extent_of(thing.form, pose)
        points = _surface(thing.form.mesh) @ pose.resting.T - [*((low + high) / 2)[:2], low[2]]
        points = points @ rotation("z", turn).T + [*at, 0.0]
        gap = self._top[self._cells(points)] - points[:, 2]
        under = points[:, 2] < np.median(points[:, 2]) + 1e-4
        height = max(0.0, float(np.percentile(gap[under], SETTLED)))
        return Pose((*at, height), turn, thing.rest, pose.tilt)

    def _cells(self, points: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        cell = ((points[:, :2] + REACH) / CELL).astype(np.intp).clip(0, len(self._top) - 1)
        return cell[:, 0], cell[:, 1]


def _surface(mesh: Mesh) -> NDArray[np.float32]:
    """SAMPLES points on the mesh, spread evenly by area, float32 (SAMPLES, 3)."""
    total = np.cumsum(mesh.areas(), dtype=np.float64)
    steps = (np.arange(SAMPLES) + 0.5) / SAMPLES * total[-1]
    corners = mesh.vertices[mesh.triangles[np.searchsorted(total, steps).clip(0, len(total) - 1)]]
    # Points of a low-discrepancy sequence in the triangle.
    u = (np.arange(SAMPLES) * 0.7548776662) % 1
    v = (np.arange(SAMPLES) * 0.5698402910) % 1
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    weights = np.stack([1 - u - v, u, v], 1).astype(np.float32)
    return np.einsum("nk,nkd->nd", weights, corners)


def pile(cast: Cast, count: int, half: tuple[float, float], rng: Rng) -> list[Body]:
    """Things thrown onto and over each other within `half` (x, y) m."""
    heap = Heap()
    bodies: list[Body] = []
    lean = rng.uniform(0.05, 0.5)
    for _ in range(count):
        thing = cast.draw(1.7 * min(half))
        reach = np.maximum(np.array(half) - np.hypot(*thing.size[:2]) * 0.42, 0.005)
        x, y = rng.uniform(-1, 1, 2) * reach
        askew = lean if rng.random() < 0.7 else 0.0
        pose = heap.drop(thing, (float(x), float(y)), askew, rng)
        bodies.append(cast.put(thing, pose))
        heap.add(bodies[-1])
    return bodies


def rows(
    cast: Cast, boards: list[float], half: tuple[float, float], headroom: float, rng: Rng
) -> list[Body]:
    """Things in a row on each board, at heights `boards` (m); the front is at -y."""
    bodies = []
    for height in boards:
        x = -half[0]
        while x < half[0] - 0.04:
            thing = cast.draw(2 * half[1], upright=rng.random() < 0.8)
            if thing.size[2] > headroom * 0.95 or x + thing.size[0] > half[0]:
                x += 0.03
                continue
            slack = max(0.0, half[1] - thing.size[1] / 2)
            y = rng.uniform(-slack, slack * 0.2)
            turn = float(rng.choice([0, np.pi]) + rng.normal(0, 0.1))
            at = (float(x + thing.size[0] / 2), float(y), height)
            bodies.append(cast.put(thing, Pose(at, turn, thing.rest)))
            x += thing.size[0] + rng.uniform(0.003, 0.07)
    return bodies
