"""What a scene holds: things at rest, the furniture around them, light, and where to look from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.materials import Material
from training.world.mesh import Mesh, rotation
from training.world.shapes import ANYHOW, FLAT, INVERTED, LYING, NAMED, STANDING
from training.world.shapes.form import Form

Rng = np.random.Generator
Vector = NDArray[np.float64]


_QUARTERS = {
    rest: np.rint(rotation("x", {LYING: np.pi / 2, INVERTED: np.pi}.get(rest, 0.0)))
    for rest in (STANDING, LYING, FLAT, INVERTED, ANYHOW)
}


@dataclass(frozen=True)
class Pose:
    """Where a thing rests: centre of its footprint (x, y), height (z), turn (rad), how it rests.

    `tilt` (rad) leans it about x and then y before the turn, as things in a heap do.
    """

    at: tuple[float, float, float]
    turn: float
    rest: str = ANYHOW
    tilt: tuple[float, float] = (0.0, 0.0)

    @property
    def resting(self) -> Vector:
        """Rotation (3, 3) from upright to resting, before the turn about the vertical."""
        if any(self.tilt):
            return rotation("y", self.tilt[1]) @ rotation("x", self.tilt[0]) @ _QUARTERS[self.rest]
        return _QUARTERS[self.rest]


@dataclass(frozen=True)
class Body:
    """A thing, or a piece of furniture (`furniture`: it gets no label).

    `mesh` is in its own axes; world = rotation @ own + translation. `size` (3,) are its extents
    as it rests, before it was turned about the vertical.
    """

    kind: str | None
    shape: str
    form: Form
    material: Material
    rotation: Vector
    translation: Vector
    size: Vector
    pose: Pose
    furniture: bool = False

    @property
    def mesh(self) -> Mesh:
        return self.form.mesh

    @property
    def colour(self) -> str | None:
        return self.material.colour

    @property
    def centre(self) -> Vector:
        """Middle of its bounding box, world metres."""
        x, y, z = self.pose.at
        return np.array([x, y, z + self.size[2] / 2])

    @property
    def resting(self) -> str | None:
        """ "standing", "lying" or "upside down", if one of them makes sense."""
        if self.kind is None or self.pose.rest == ANYHOW or any(self.pose.tilt):
            return None
        return LYING if self.pose.rest == FLAT else self.pose.rest


@dataclass(frozen=True)
class Lamp:
    """`direction` (3,) points to it; `spread` is its apparent radius (share of distance)."""

    direction: Vector
    spread: float
    strength: float
    shadow: float
    tint: Vector


@dataclass(frozen=True)
class Light:
    """Lamps, light from all around (`ambient`), and a weak one from the side (`fill`, (3,))."""

    lamps: tuple[Lamp, ...]
    ambient: float
    fill: Vector
    tint: Vector


@dataclass(frozen=True)
class Outlook:
    """Where a camera may be: it looks at `target` and sees `width` metres there.

    `pitch` is how far it looks down and `turn` where around the target it is, ranges in rad.
    """

    target: tuple[float, float, float]
    width: float
    pitch: tuple[float, float]
    turn: tuple[float, float] = (0.0, 2 * np.pi)


@dataclass(frozen=True)
class Scene:
    """Bodies on a table of half size `table` (x, y) metres turned by `table_turn` (rad)."""

    bodies: list[Body]
    table: tuple[float, float]
    table_turn: float
    table_texture: NDArray[np.float32]
    table_scale: float
    table_shine: float
    floor_depth: float
    floor_texture: NDArray[np.float32]
    backdrop: NDArray[np.float32]
    light: Light


def extent_of(form: Form, pose: Pose) -> tuple[Vector, Vector]:
    """Lowest and highest corner (3,) of a thing as it rests, before it is turned and moved."""
    if any(pose.tilt):
        points = form.mesh.vertices @ pose.resting.T
        return points.min(0), points.max(0)
    ends = np.stack(form.bounds) @ pose.resting.T  # by quarters of a turn: corners stay corners
    return np.minimum(*ends), np.maximum(*ends)


def place(shape: str, form: Form, material: Material, pose: Pose, furniture: bool = False) -> Body:
    """A body that rests at that pose."""
    low, high = extent_of(form, pose)
    shift = -np.array([*((low + high) / 2)[:2], low[2]])
    yaw = rotation("z", pose.turn)
    return Body(
        kind=shape if shape in NAMED and not furniture else None,
        shape=shape,
        form=form,
        material=material,
        rotation=yaw @ pose.resting,
        translation=yaw @ shift + pose.at,
        size=(high - low).astype(np.float64),
        pose=pose,
        furniture=furniture,
    )


def sample_light(rng: Rng) -> Light:
    """Lamps or windows, warm or cold, with light from all around."""
    warm = rng.normal(0, 0.07)
    tint = 1 + np.array([warm, rng.normal(0, 0.02), -warm])
    lamps = []
    for index in range(2 if rng.random() < 0.3 else 1):
        way = np.array([*rng.normal(0, 0.75, 2), 1.0])
        other = rng.normal(0, 0.12) if index else 0.0
        lamps.append(
            Lamp(
                direction=way / np.linalg.norm(way),
                spread=float(rng.uniform(0.01, 0.22)),
                strength=float(rng.uniform(0.25, 0.6)) if index else 1.0,
                shadow=float(rng.uniform(0.3, 1)),
                tint=tint + np.array([other, 0, -other]),
            )
        )
    fill = np.array([*rng.normal(0, 1, 2), 0.4])
    return Light(
        lamps=tuple(lamps),
        ambient=float(rng.uniform(0.32, 0.72)),
        fill=0.22 * rng.random() * fill / np.linalg.norm(fill),
        tint=tint,
    )
