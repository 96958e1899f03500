"""Light on the surfaces that a camera sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.mesh import unit
from training.world.scene import Scene
from training.world.textures import look_up

Rng = np.random.Generator
Floats = NDArray[np.float32]
# Rays (N, 6), reach in metres -> 1.0 where something is in the way, else 0.0, (N,).
Blocked = Callable[[Floats, float], Floats]

TABLE, FLOOR = -1, -2  # owners of surfaces that are no objects; 0 is nothing
STRIDE = 2  # ambient shade is found on every second pixel
AMBIENT_REACH = 0.12  # m, how far things darken the corners beside them
FLOOR_TILE = 1.6  # m, one width of the floor's texture


@dataclass(frozen=True)
class Surface:
    """What each of the N = H * W pixels sees.

    owners int (N,): label of a body, TABLE, FLOOR or 0; points, rays float32 (N, 3) world;
    solid int (B,): pixels of bodies; normals float32 (B, 3) at those, facing the camera.
    Everything that is no body lies flat.
    """

    size: tuple[int, int]
    owners: NDArray[np.int16]
    points: Floats
    rays: Floats
    solid: NDArray[np.intp]
    normals: Floats

    def everywhere(self, flat: float, of_normals: Callable[[Floats], Floats]) -> Floats:
        """A function of the normal at all pixels (N,); `flat` is its value for (0, 0, 1)."""
        values = np.full(len(self.owners), flat, np.float32)
        values[self.solid] = of_normals(self.normals)
        return values

    def all_normals(self) -> Floats:
        """Normals at all pixels (N, 3)."""
        normals = np.zeros_like(self.points)
        normals[:, 2] = 1
        normals[self.solid] = self.normals
        return normals


def shade(scene: Scene, surface: Surface, blocked: Blocked, rng: Rng) -> Floats:
    """Light (N, 3), about 0..1, that goes from every pixel's surface to the camera.

    Lambert and Blinn-Phong with one lamp whose shadow is soft, ambient light that corners
    miss, and a fill from the side.
    """
    light = scene.light
    lamp = light.direction.astype(np.float32)
    fill = light.fill.astype(np.float32)
    facing = surface.everywhere(float(lamp[2]), lambda n: np.clip(n @ lamp, 0, 1))
    lit = facing * _lamp_share(scene, surface, blocked, facing, rng)
    strength = surface.everywhere(1.0, lambda n: 0.78 + 0.22 * n[:, 2])
    strength *= np.float32(light.ambient) * _open_share(surface, blocked, rng)
    strength += surface.everywhere(max(0.0, float(fill[2])), lambda n: np.clip(n @ fill, 0, 1))
    strength += np.float32(1.08 - light.ambient) * lit
    strength[surface.owners == 0] = 1
    seen = _albedo(scene, surface)
    seen *= strength[:, None] * light.tint.astype(np.float32)
    _add_shine(scene, surface, lit, seen)
    return seen


def _albedo(scene: Scene, surface: Surface) -> Floats:
    colour = np.empty_like(surface.points)
    for owner, texture, tile in (
        (TABLE, scene.table_texture, scene.table_scale),
        (FLOOR, scene.floor_texture, FLOOR_TILE),
    ):
        here = np.flatnonzero(surface.owners == owner)
        place = surface.points[here, :2] / np.float32(tile) + np.float32(0.5)
        colour[here] = look_up(texture, place[:, 0], place[:, 1], mirrored=True)
    away = np.flatnonzero(surface.owners == 0)
    x, y, z = surface.rays[away].T
    around, up = np.arctan2(y, x) / np.float32(1.2), z / np.hypot(x, y) / np.float32(0.9)
    colour[away] = look_up(scene.backdrop, around, up, mirrored=True)
    owners = surface.owners[surface.solid]
    for label, body in enumerate(scene.bodies, 1):
        mine = np.flatnonzero(owners == label)
        turn = body.rotation.astype(np.float32)
        pixels = surface.solid[mine]
        own = (surface.points[pixels] - body.translation.astype(np.float32)) @ turn
        normals = surface.normals[mine] @ turn
        extent = np.ptp(body.mesh.vertices, axis=0)
        colour[pixels] = body.material.albedo(own, normals, extent)
    return colour


def _add_shine(scene: Scene, surface: Surface, lit: Floats, seen: Floats) -> None:
    """Highlights of the lamp, in place."""
    strengths = np.array([scene.table_shine] + [b.material.shine for b in scene.bodies], np.float32)
    glosses = np.array([12.0] + [b.material.gloss for b in scene.bodies], np.float32)
    normals = surface.all_normals()
    who = np.maximum(surface.owners, 0)
    candidates = (surface.owners != FLOOR) & (surface.owners != 0) & (strengths[who] > 0.01)
    pixels = np.flatnonzero(candidates & (lit > 0.02))
    half = unit(scene.light.direction.astype(np.float32) - unit(surface.rays[pixels]))
    lean = np.clip(np.einsum("ij,ij->i", normals[pixels], half), 0, 1)
    bright = strengths[who[pixels]] * lean ** glosses[who[pixels]]
    seen[pixels] += (bright * np.minimum(1, 3 * lit[pixels]))[:, None]


def _lifted(surface: Surface, pixels: NDArray[Any]) -> Floats:
    """Points just above the surface, so that a ray from there does not meet it."""
    raised = surface.points.copy()
    raised[:, 2] += np.float32(5e-4)
    raised[surface.solid] += surface.normals * np.float32(1e-3)
    return raised[pixels]


def _lamp_share(
    scene: Scene, surface: Surface, blocked: Blocked, facing: Floats, rng: Rng
) -> Floats:
    """How much of the lamp each pixel's surface sees, (N,)."""
    light = scene.light
    ask = np.flatnonzero((surface.owners != 0) & (facing > 0))
    ways = (rng.random((len(ask), 3), dtype=np.float32) - np.float32(0.5)) * np.float32(
        2 * light.spread
    )
    ways += light.direction.astype(np.float32)
    share = np.ones(len(facing), np.float32)
    rays = np.concatenate([_lifted(surface, ask), ways], 1)
    share[ask] -= np.float32(light.shadow) * blocked(rays, np.inf)
    sigma = surface.size[0] / 256 * (0.5 + 6 * light.spread)
    soft = cv2.GaussianBlur(share.reshape(surface.size), (0, 0), sigma)
    return np.asarray(soft, np.float32).reshape(-1)


def _open_share(surface: Surface, blocked: Blocked, rng: Rng) -> Floats:
    """Ambient light that reaches each pixel's surface past its neighbours, (N,), 1 = all."""
    height, width = surface.size
    coarse = np.arange(height * width).reshape(height, width)[::STRIDE, ::STRIDE]
    index = coarse[surface.owners[coarse] != 0]
    normals = surface.all_normals()
    ways = unit(rng.standard_normal((len(index), 3), dtype=np.float32)) + normals[index]
    rays = np.concatenate([_lifted(surface, index), unit(ways)], 1)
    dark = np.zeros(len(surface.owners), np.float32)
    dark[index] = blocked(rays, AMBIENT_REACH)
    small = cv2.GaussianBlur(dark[coarse], (0, 0), height / 256 * 2)
    full = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return 1 - np.float32(0.75) * np.asarray(full, np.float32).reshape(-1)
