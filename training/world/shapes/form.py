"""What every shape is made with: its form, vessels, handles, curves.

Every mesh is in metres and as the thing usually rests: z is up, the lowest point is at z = 0 and
the axis of a turned body is the z axis. Long flat things lie along x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.world.mesh import SEGMENTS, Mesh, loft, revolve, tube

Rng = np.random.Generator
CONTENTS = "contents"


@dataclass(frozen=True)
class Form:
    """One thing of a kind: its mesh, and states as "open", "closed", "full", "empty".

    `mouth` is the half width in metres of an opening that smaller things can lie in, 0 if none.
    """

    mesh: Mesh
    states: tuple[str, ...] = ()
    mouth: float = 0.0

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest corner of the mesh, (3,) metres."""
        return self.mesh.vertices.min(0), self.mesh.vertices.max(0)

    def scaled(self, across: float, up: float) -> Form:
        """The same, stretched by `across` along x and y and by `up` along z."""
        mesh = self.mesh.scaled((across, across, up))
        return Form(mesh, self.states, self.mouth * across)


def line(*points: ArrayLike, count: int = 9) -> NDArray[np.float64]:
    """`count` points on a smooth curve through the given ones (K, D), evenly by number."""
    knots = np.asarray(points, np.float64)
    place = np.linspace(0, len(knots) - 1, count)
    first = np.clip(place.astype(int), 0, len(knots) - 2)
    t = (place - first)[:, None]
    slope = np.gradient(knots, axis=0)
    a, b, da, db = knots[first], knots[first + 1], slope[first], slope[first + 1]
    return np.asarray(
        (2 * t**3 - 3 * t**2 + 1) * a
        + (t**3 - 2 * t**2 + t) * da
        + (3 * t**2 - 2 * t**3) * b
        + (t**3 - t**2) * db
    )


def handle(radius: float, low: float, high: float, reach: float, thickness: float) -> Mesh:
    """An ear from (radius, low) to (radius, high) in the xz plane, 1.6 times as wide as thick."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 11)
    x = radius - 0.004 + reach * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.7
    z = (low + high) / 2 + (high - low) / 2 * np.sin(turn)
    path = np.stack([x, 0 * turn, z], 1)
    return loft(path, thickness, thickness * 1.6, 3.0, 8, (0, 1, 0)).named("handle")


def vessel(profile: Sequence[tuple[float, float]], wall: float, around: int = SEGMENTS) -> Mesh:
    """A turned body open at the top; `profile` is its outside, (radius, height) upwards."""
    outer = np.asarray(profile, np.float64)
    floor = wall * 1.5
    inner = np.stack([np.maximum(outer[:, 0] - wall, 1e-4), np.maximum(outer[:, 1], floor)], 1)
    return revolve([(0, 0), *outer, *inner[::-1], (0, floor)], around)


def inner_radius(profile: Sequence[tuple[float, float]], height: float) -> float:
    """Outer radius of a profile at a height."""
    radii, heights = np.asarray(profile, np.float64).T
    return float(np.interp(height, heights, radii))


def filling(profile: Sequence[tuple[float, float]], wall: float, level: float, rng: Rng) -> Mesh:
    """What a vessel holds up to `level` (share of its height): flat, or heaped a little."""
    top = profile[-1][1] * level
    radius = inner_radius(profile, top) - wall * 0.9
    heap = radius * rng.uniform(0.05, 0.2) if rng.random() < 0.25 else 0.0
    low = inner_radius(profile, top * 0.8) - wall * 0.9
    rise = [(radius * (1 - t), top + heap * (1 - (1 - t) ** 2)) for t in (0.35, 0.7, 1.0)]
    return revolve([(0, top * 0.8), (low, top * 0.8), (radius, top), *rise], 24).named(CONTENTS)


def filled(
    profile: Sequence[tuple[float, float]], wall: float, rng: Rng, share: float = 0.4
) -> tuple[list[Mesh], tuple[str, ...]]:
    """The contents of a vessel, if any, and the state that says so."""
    if rng.random() < share:
        return [filling(profile, wall, float(rng.uniform(0.55, 0.9)), rng)], ("full",)
    return [], ("empty",)


def knob(radius: float, at: float) -> Mesh:
    """A small turned grip that stands at height `at`."""
    return revolve(
        [
            (0, at),
            (radius * 0.5, at),
            (radius * 0.5, at + radius * 0.5),
            (radius, at + radius),
            (radius * 0.7, at + radius * 1.5),
            (0, at + radius * 1.6),
        ],
        16,
    )


def ring(radius: float, thick: float, stretch: float = 1.0, count: int = 24) -> Mesh:
    """A flat ring around the origin, lying on z = 0 (a torus, `stretch` times longer along x)."""
    turn = np.linspace(0, 2 * np.pi, count + 1)
    path = np.stack([stretch * radius * np.cos(turn), radius * np.sin(turn), 0 * turn + thick], 1)
    return tube(path, thick, 8, (0, 0, 1))


def stick(stations: ArrayLike, halves: ArrayLike, around: int = 12, z: float | None = None) -> Mesh:
    """A round body along x: half widths at stations (m); it touches z = 0 unless `z` is given."""
    x, radii = np.asarray(stations, np.float64), np.asarray(halves, np.float64)
    height = radii.max() if z is None else z
    return tube(np.stack([x, 0 * x, np.full(len(x), height)], 1), radii, around)


def sphere(radius: float, fineness: int = 18) -> Mesh:
    """A ball that touches z = 0, of about 3 * fineness**2 triangles."""
    turn = np.linspace(0, np.pi, fineness)
    profile = np.stack([radius * np.sin(turn), radius - radius * np.cos(turn)], 1)
    return revolve(profile, 3 * fineness // 2)
