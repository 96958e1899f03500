"""Light on the surfaces that a camera sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.mesh import unit
from training.world.scene import Lamp, Scene
from training.world.textures import look_up

Rng = np.random.Generator
Floats = NDArray[np.float32]
# Rays (N, 6), reach in metres -> 1.0 where something is in the way, else 0.0, (N,).
Blocked = Callable[[Floats, float], Floats]

TABLE, FLOOR = -1, -2  # owners of what is no body; owner 0 is nothing
COARSE = 128  # px: shadows and ambient shade are made out on about so many rows
AMBIENT_REACH = 0.12  # m, how far things darken the corners beside them
FLOOR_TILE = 1.6  # m, one width of the floor's texture
METALLIC = 0.3  # mirrors above it tint what they reflect


class Slots:
    """Tables over all groups of all bodies.

    `first` int (bodies,) is each body's first slot. By slot: owners int16
    (label), shine, gloss, mirror, clear float32, colour float32 (slots, 3), counted bool.
    """

    def __init__(self, scene: Scene) -> None:
        finishes = [finish for body in scene.bodies for finish in body.material.finishes]
        counts = [len(body.material.finishes) for body in scene.bodies]
        self.first = np.cumsum([0, *counts[:-1]])[: len(counts)]
        labels = np.repeat(np.arange(1, len(counts) + 1), counts)
        self.owners = labels.astype(np.int16)
        self.shine = np.array([f.shine for f in finishes], np.float32)
        self.gloss = np.array([f.gloss for f in finishes], np.float32)
        self.mirror = np.array([f.mirror for f in finishes], np.float32)
        self.clear = np.array([f.clear for f in finishes], np.float32)
        self.colour = np.array([f.colour for f in finishes], np.float32).reshape(-1, 3)
        self.counted = np.array([f.counted for f in finishes], bool)


@dataclass(frozen=True)
class Surface:
    """What each of N rays sees.

    owners int (N,): label of a body, TABLE, FLOOR or 0; points, rays float32 (N, 3) world;
    solid int (B,): rays that meet bodies; normals float32 (B, 3) there, facing the camera, and
    slots int (B,). Everything that is no body lies flat.
    """

    owners: NDArray[np.int16]
    points: Floats
    rays: Floats
    solid: NDArray[np.intp]
    normals: Floats
    slots: NDArray[np.int16]

    def everywhere(self, flat: float, at_solid: Floats) -> Floats:
        """A value for each ray (N,): `at_solid` (B,) on bodies, elsewhere `flat`."""
        values = np.full(len(self.owners), flat, np.float32)
        values[self.solid] = at_solid
        return values

    def normals_at(self, rays: NDArray[np.intp]) -> Floats:
        """Normals (K, 3) at the rays of those numbers (K,)."""
        row = np.full(len(self.owners), -1, np.int32)
        row[self.solid] = np.arange(len(self.solid), dtype=np.int32)
        normals = np.tile(np.array([0, 0, 1], np.float32), (len(rays), 1))
        on_body = row[rays] >= 0
        normals[on_body] = self.normals[row[rays[on_body]]]
        return normals


def albedo(scene: Scene, slots: Slots, surface: Surface) -> Floats:
    """Colours (N, 3) of what is seen, before light falls on it."""
    colour = np.empty_like(surface.points)
    for owner, texture, tile in (
        (TABLE, scene.table_texture, scene.table_scale),
        (FLOOR, scene.floor_texture, FLOOR_TILE),
    ):
        here = np.flatnonzero(surface.owners == owner)
        place = surface.points[here, :2] / np.float32(tile) + np.float32(0.5)
        colour[here] = look_up(texture, place[:, 0], place[:, 1], mirrored=True)
    away = np.flatnonzero(surface.owners == 0)
    colour[away] = _around(scene, surface.rays[away])
    order = np.argsort(surface.slots, kind="stable")
    ordered = surface.slots[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    extents: dict[int, Floats] = {}
    for start, end in zip(starts, np.append(starts, len(ordered))[1:], strict=True):
        mine = order[start:end]
        slot = int(ordered[start])
        index = int(slots.owners[slot]) - 1
        body = scene.bodies[index]
        finish = body.material.finishes[slot - int(slots.first[index])]
        pixels = surface.solid[mine]
        if finish.texture is None:
            colour[pixels] = finish.colour
            continue
        turn = body.rotation.astype(np.float32)
        own = (surface.points[pixels] - body.translation.astype(np.float32)) @ turn
        if index not in extents:
            extents[index] = np.ptp(body.mesh.vertices, axis=0)
        colour[pixels] = finish.albedo(own, surface.normals[mine] @ turn, extents[index])
    return colour


def _around(scene: Scene, ways: Floats) -> Floats:
    """Colours (N, 3) of the room in directions (N, 3)."""
    x, y, z = ways.T
    flat = np.maximum(np.hypot(x, y), np.float32(1e-6))
    along, up = np.arctan2(y, x) / np.float32(1.2), z / flat / np.float32(0.9)
    return look_up(scene.backdrop, along, np.clip(up, -50, 50), mirrored=True)


def shade(
    scene: Scene,
    slots: Slots,
    surface: Surface,
    colour: Floats,
    size: tuple[int, int],
    blocked: Blocked,
    rng: Rng,
) -> Floats:
    """Light (N, 3), about 0..1, from each pixel of a picture of `size` (H, W) to the camera.

    Lambert and Blinn-Phong with lamps whose shadows are soft, ambient light that corners miss, a
    fill from the side, and reflections of the room. `colour` is the albedo (N, 3).
    """
    light = scene.light
    fill = light.fill.astype(np.float32)
    nothing = surface.owners == 0
    lifted = _lifted(surface)
    strength = surface.everywhere(1.0, 0.78 + 0.22 * surface.normals[:, 2])
    open_share = _open_share(surface, lifted, size, blocked, rng)
    strength *= np.float32(light.ambient) * open_share
    strength += surface.everywhere(max(0.0, float(fill[2])), np.clip(surface.normals @ fill, 0, 1))
    strength[nothing] = 1
    sum_of_light = strength[:, None] * light.tint.astype(np.float32)
    highlights = np.zeros_like(colour)
    total = sum(lamp.strength for lamp in light.lamps)
    for lamp in light.lamps:
        way = lamp.direction.astype(np.float32)
        facing = surface.everywhere(float(way[2]), np.clip(surface.normals @ way, 0, 1))
        lit = facing * _lamp_share(lamp, surface, lifted, facing, size, blocked, rng)
        lit[nothing] = 0
        tint = lamp.tint.astype(np.float32)
        power = np.float32((1.08 - light.ambient) * lamp.strength / total)
        sum_of_light += (power * lit)[:, None] * tint
        _add_shine(scene, slots, surface, lamp, lit, size, highlights)
    seen = colour * sum_of_light
    _add_mirror(scene, slots, surface, colour, strength, seen)
    seen += highlights
    return seen


def _add_shine(
    scene: Scene,
    slots: Slots,
    surface: Surface,
    lamp: Lamp,
    lit: Floats,
    size: tuple[int, int],
    seen: Floats,
) -> None:
    """Highlights of a lamp, in place."""
    way = lamp.direction.astype(np.float32)
    strength = np.float32(lamp.strength)
    shine = slots.shine[surface.slots]
    shiny = np.flatnonzero((shine > 0.04) & (lit[surface.solid] > 0.02))
    pixels = surface.solid[shiny]
    half = unit(way - unit(surface.rays[pixels]))
    lean = np.clip(np.einsum("ij,ij->i", surface.normals[shiny], half), 0, 1)
    bright = strength * shine[shiny] * lean ** slots.gloss[surface.slots[shiny]]
    seen[pixels] += (bright * np.minimum(1, 3 * lit[pixels]))[:, None]
    if scene.table_shine > 0.02:
        coarse = _coarse(size)
        half = unit(way - unit(surface.rays[coarse]))
        lean = _full(np.ascontiguousarray(half[..., 2]), size, 0.5)
        pixels = np.flatnonzero((surface.owners == TABLE) & (lit > 0.02))
        bright = strength * np.float32(scene.table_shine) * lean[pixels] ** 12
        seen[pixels] += (bright * np.minimum(1, 3 * lit[pixels]))[:, None]


def _add_mirror(
    scene: Scene, slots: Slots, surface: Surface, colour: Floats, open_light: Floats, seen: Floats
) -> None:
    """Reflections of the room and the table in metal, glass and glaze, in place."""
    mirror = slots.mirror[surface.slots]
    chosen = np.flatnonzero(mirror > 0.02)
    if not len(chosen):
        return
    pixels, normals, mirror = surface.solid[chosen], surface.normals[chosen], mirror[chosen]
    ray = unit(surface.rays[pixels])
    facing = np.clip(-np.einsum("ij,ij->i", ray, normals), 0, 1)
    away = ray + 2 * facing[:, None] * normals
    room = _around(scene, away) * np.float32(1.15)
    # A ceiling above, the table below.
    high = np.clip(away[:, 2:] * 1.6 - 0.6, 0, 1)
    room = room * (1 - high) + high * np.float32(0.9)
    low = np.clip(-away[:, 2:] * 4, 0, 1)
    table = scene.table_texture.mean((0, 1)) * open_light[pixels, None]
    room = room * (1 - low) + low * table
    grazing = (1 - facing) ** 4
    share = (mirror + (1 - mirror) * grazing * np.minimum(1, 4 * mirror))[:, None]
    metal = (mirror > METALLIC)[:, None]
    tinted = room * np.where(metal, np.minimum(1, colour[pixels] * np.float32(1.3)), 1)
    seen[pixels] = seen[pixels] * (1 - share) + tinted * share


def through_glass(
    scene: Scene,
    slots: Slots,
    surface: Surface,
    clear: NDArray[np.bool_],
    behind: Surface,
    light: Floats,
) -> None:
    """Mix into `light` (N, 3), in place, what is behind glass.

    `clear` (B,) are the solid pixels of glass and `behind` is what their rays meet without it.
    """
    colour = albedo(scene, slots, behind)
    strength = behind.everywhere(0.9, 0.6 + 0.35 * behind.normals[:, 2])
    pixels = surface.solid[clear]
    slot = surface.slots[clear]
    facing = np.abs(np.einsum("ij,ij->i", unit(surface.rays[pixels]), surface.normals[clear]))
    share = (slots.clear[slot] * facing**0.5)[:, None]
    tint = slots.colour[slot]
    light[pixels] = light[pixels] * (1 - share) + share * tint * colour * strength[:, None]


def _lifted(surface: Surface) -> Floats:
    """Points just above the surface, so that a ray from there does not meet it, (N, 3)."""
    raised = surface.points.copy()
    raised[:, 2] += np.float32(5e-4)
    raised[surface.solid] += surface.normals * np.float32(1e-3)
    return raised


def _coarse(size: tuple[int, int]) -> NDArray[np.intp]:
    """Numbers of every second pixel or so, (H', W'): shadows need no more."""
    stride = max(2, round(min(size) / COARSE))
    return np.arange(size[0] * size[1]).reshape(size)[::stride, ::stride]


def _full(coarse: Floats, size: tuple[int, int], sigma: float) -> Floats:
    """A map (H', W') of the pixels of _coarse, blurred, for all pixels (N,)."""
    soft = cv2.GaussianBlur(coarse, (0, 0), sigma)
    full = cv2.resize(soft, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32).reshape(-1)


def _lamp_share(
    lamp: Lamp,
    surface: Surface,
    lifted: Floats,
    facing: Floats,
    size: tuple[int, int],
    blocked: Blocked,
    rng: Rng,
) -> Floats:
    """How much of the lamp each pixel's surface sees, (N,)."""
    coarse = _coarse(size)
    ask = coarse[(surface.owners[coarse] != 0) & (facing[coarse] > 0)]
    ways = (rng.random((len(ask), 3), dtype=np.float32) - np.float32(0.5)) * np.float32(
        2 * lamp.spread
    )
    ways += lamp.direction.astype(np.float32)
    share = np.ones(len(facing), np.float32)
    share[ask] -= np.float32(lamp.shadow) * blocked(np.concatenate([lifted[ask], ways], 1), np.inf)
    return _full(share[coarse], size, 0.5 + 5 * lamp.spread)


def _open_share(
    surface: Surface, lifted: Floats, size: tuple[int, int], blocked: Blocked, rng: Rng
) -> Floats:
    """Ambient light that reaches each pixel's surface past its neighbours, (N,), 1 = all."""
    coarse = _coarse(size)
    index = coarse[surface.owners[coarse] != 0]
    ways = unit(rng.standard_normal((len(index), 3), dtype=np.float32))
    ways += surface.normals_at(index)
    dark = np.zeros(len(surface.owners), np.float32)
    dark[index] = blocked(np.concatenate([lifted[index], unit(ways)], 1), AMBIENT_REACH)
    return 1 - np.float32(0.75) * _full(dark[coarse], size, 2.0)
