"""What stands where: random but physically possible arrangements on a table."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world import textures
from training.world.materials import COLOUR_NAMES, Material, sample_material
from training.world.mesh import Mesh
from training.world.shapes import KINDS, NAMED, UNNAMED

Rng = np.random.Generator
Photos = list[NDArray[np.uint8]]

KIND_WEIGHTS = np.array([0.18, 0.11, 0.15, 0.13, 0.1, 0.12, 0.06, 0.06, 0.05, 0.04])
MOST_THINGS = 10
TRIES = 25  # places tried for a thing before it is left out
LYING = {"can": 0.18, "bottle": 0.18, "mug": 0.06, "pitcher": 0.04, "cone": 0.05}
Rectangle = tuple[tuple[float, float], tuple[float, float], float]  # centre, size (mm), degrees


@dataclass(frozen=True)
class Pose:
    """Where a thing rests: centre of its footprint (x, y), height (z), turn (rad), lying or up."""

    at: tuple[float, float, float]
    turn: float
    lying: bool = False

    @property
    def rest(self) -> NDArray[np.float64]:
        """Rotation (3, 3) from upright to resting, before the turn about the vertical."""
        return np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0.0]]) if self.lying else np.eye(3)


@dataclass(frozen=True)
class Body:
    """A thing on the table.

    `mesh` is upright in its own axes; world = rotation @ own + translation. `size` (3,) are
    its extents as it lies, before it was turned about the vertical.
    """

    kind: str | None
    shape: str
    colour: str
    mesh: Mesh
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    size: NDArray[np.float64]
    pose: Pose
    material: Material

    @property
    def centre(self) -> NDArray[np.float64]:
        """Middle of its bounding box, world metres."""
        x, y, z = self.pose.at
        return np.array([x, y, z + self.size[2] / 2])


@dataclass(frozen=True)
class Light:
    """`direction` (3,) points to the lamp; `spread` is its apparent radius (share of distance)."""

    direction: NDArray[np.float64]
    spread: float
    ambient: float
    shadow: float
    fill: NDArray[np.float64]
    tint: NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """Bodies on a table of half size `table` (x, y) metres turned by `table_turn` (rad)."""

    bodies: list[Body]
    spread: float
    table: tuple[float, float]
    table_turn: float
    table_texture: NDArray[np.float32]
    table_scale: float
    table_shine: float
    floor_depth: float
    floor_texture: NDArray[np.float32]
    backdrop: NDArray[np.float32]
    light: Light


def _yaw(angle: float) -> NDArray[np.float64]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def footprint(size: NDArray[np.float64], pose: Pose) -> Rectangle:
    """The rectangle a thing of that size covers, in mm and degrees as OpenCV wants it."""
    centre = (pose.at[0] * 1000, pose.at[1] * 1000)
    return centre, (float(size[0]) * 1000, float(size[1]) * 1000), float(np.rad2deg(pose.turn))


def place(shape: str, colour: str, mesh: Mesh, material: Material, pose: Pose) -> Body:
    """A body that rests at that pose."""
    points = mesh.vertices @ pose.rest.T
    low, high = points.min(0), points.max(0)
    shift = -np.array([*((low + high) / 2)[:2], low[2]])
    yaw = _yaw(pose.turn)
    return Body(
        kind=shape if shape in NAMED else None,
        shape=shape,
        colour=colour,
        mesh=mesh,
        rotation=yaw @ pose.rest,
        translation=yaw @ shift + pose.at,
        size=(high - low).astype(np.float64),
        pose=pose,
        material=material,
    )


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether two footprints share ground."""
    reach = (np.hypot(*a[1]) + np.hypot(*b[1])) / 2
    if np.hypot(a[0][0] - b[0][0], a[0][1] - b[0][1]) > reach:
        return False
    return cv2.rotatedRectangleIntersection(a, b)[0] != cv2.INTERSECT_NONE


def _stand_on(bodies: list[Body], size: NDArray[np.float64]) -> Body | None:
    """A box that can carry something of that size, if there is one."""
    reach = np.hypot(size[0], size[1])
    for body in bodies:
        fits = body.shape == "box" and body.size[2] < 0.12 and min(body.size[:2]) > reach
        taken = any(other.pose.at[:2] == body.pose.at[:2] for other in bodies if other is not body)
        if fits and not taken:
            return body
    return None


def find_pose(
    bodies: list[Body], size: NDArray[np.float64], lying: bool, spread: float, rng: Rng
) -> Pose | None:
    """A pose on a box that can carry the thing, or a free one on the table, if there is one."""
    turn = float(rng.uniform(0, 2 * np.pi))
    carrier = _stand_on(bodies, size) if rng.random() < 0.35 else None
    if carrier is not None:
        x, y, _ = carrier.pose.at
        return Pose((x, y, float(carrier.size[2])), turn, lying)
    for _ in range(TRIES):
        x, y = rng.uniform(-spread, spread, 2)
        pose = Pose((float(x), float(y), 0.0), turn, lying)
        ground = footprint(size, pose)
        if not any(overlap(ground, footprint(other.size, other.pose)) for other in bodies):
            return pose
    return None


def sample_bodies(photos: Photos, rng: Rng, spread: float) -> list[Body]:
    """3 to 10 things; kinds and colours repeat often, so that words must tell them apart."""
    count = int(rng.integers(3, MOST_THINGS + 1))
    weights = KIND_WEIGHTS / KIND_WEIGHTS.sum()
    few_kinds = rng.choice(KINDS, max(2, count // 2), p=weights)
    few_colours = rng.choice(COLOUR_NAMES, max(2, count // 2))
    odd = int(rng.integers(1, 4)) if rng.random() < 0.25 else 0
    bodies: list[Body] = []
    for index in range(count):
        shape = str(rng.choice(few_kinds) if rng.random() < 0.45 else rng.choice(KINDS, p=weights))
        if index < odd:
            shape = str(rng.choice(list(UNNAMED)))
        colour = str(rng.choice(few_colours if rng.random() < 0.45 else COLOUR_NAMES))
        if shape == "banana" and rng.random() < 0.7:
            colour = "yellow"
        mesh = (NAMED.get(shape) or UNNAMED[shape])(rng)
        lying = rng.random() < LYING.get(shape, 0.0)
        extent = np.ptp(mesh.vertices, axis=0).astype(np.float64)
        size = extent[[0, 2, 1]] if lying else extent
        pose = find_pose(bodies, size, lying, spread, rng)
        if pose is not None:
            bodies.append(
                place(shape, colour, mesh, sample_material(shape, colour, photos, rng), pose)
            )
    return bodies


def sample_light(rng: Rng) -> Light:
    """One lamp or window, light from all around, and a weak fill from the side."""
    lamp = np.array([*rng.normal(0, 0.75, 2), 1.0])
    fill = np.array([*rng.normal(0, 1, 2), 0.4])
    warm = rng.normal(0, 0.05)
    return Light(
        direction=lamp / np.linalg.norm(lamp),
        spread=float(rng.uniform(0.01, 0.22)),
        ambient=float(rng.uniform(0.25, 0.7)),
        shadow=float(rng.uniform(0.3, 1)),
        fill=0.22 * rng.random() * fill / np.linalg.norm(fill),
        tint=1 + np.array([warm, rng.normal(0, 0.02), -warm]),
    )


def surround(bodies: list[Body], spread: float, photos: Photos, rng: Rng) -> Scene:
    """A random table, room and light around given bodies."""
    half = spread + rng.uniform(0.08, 0.55)
    return Scene(
        bodies=bodies,
        spread=spread,
        table=(float(half * rng.uniform(1, 1.5)), float(half)),
        table_turn=float(rng.uniform(0, 2 * np.pi)),
        table_texture=textures.table_top(photos, rng),
        table_scale=float(rng.uniform(0.3, 1.2)),
        table_shine=float(rng.uniform(0, 0.2) * rng.random()),
        floor_depth=float(rng.uniform(0.4, 0.9)),
        floor_texture=textures.backdrop(photos, rng),
        backdrop=textures.backdrop(photos, rng),
        light=sample_light(rng),
    )


def sample_scene(photos: Photos, rng: Rng) -> Scene:
    """A random table with random things on it."""
    spread = float(rng.uniform(0.15, 0.34))
    return surround(sample_bodies(photos, rng, spread), spread, photos, rng)
