"""Triangle meshes and the bodies they are made of: turned, lofted along a path, plates, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]

SEGMENTS = 32  # around the axis of a turned body
CREASE = np.cos(np.deg2rad(35.0))  # profiles that bend more than this keep a sharp edge


@dataclass(frozen=True)
class Mesh:
    """vertices float32 (N, 3), triangles uint32 (M, 3), normals float32 (N, 3) unit or zero.

    Triangle i belongs to the group names[groups[i]], groups uint8 (M,). A name is "part" or
    "part/finish": what people call that part ("" = it has no name) and what it looks like.
    """

    vertices: Floats
    triangles: NDArray[np.uint32]
    normals: Floats
    groups: NDArray[np.uint8]
    names: tuple[str, ...] = ("",)

    def moved(self, rotation: ArrayLike, translation: ArrayLike) -> Mesh:
        """The mesh after x -> rotation @ x + translation."""
        turn = np.asarray(rotation, np.float32)
        shift = np.asarray(translation, np.float32)
        return replace(self, vertices=self.vertices @ turn.T + shift, normals=self.normals @ turn.T)

    def at(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """The mesh shifted by that many metres."""
        return replace(self, vertices=self.vertices + np.array([x, y, z], np.float32))

    def turned(self, axis: str, angle: float) -> Mesh:
        """The mesh turned about "x", "y" or "z" by `angle` (rad, right-handed)."""
        return self.moved(rotation(axis, angle), (0, 0, 0))

    def scaled(self, factors: ArrayLike) -> Mesh:
        """The mesh stretched along its axes (factors > 0); normals follow inversely."""
        stretch = np.asarray(factors, np.float32)
        return replace(self, vertices=self.vertices * stretch, normals=unit(self.normals / stretch))

    def named(self, name: str) -> Mesh:
        """The mesh with all its triangles in the group of that name."""
        return replace(self, groups=np.zeros(len(self.triangles), np.uint8), names=(name,))

    def grounded(self) -> Mesh:
        """The mesh with the middle of its footprint over the origin and its lowest point at 0."""
        low, high = self.vertices.min(0), self.vertices.max(0)
        return replace(
            self, vertices=self.vertices - np.array([*((low + high) / 2)[:2], low[2]], np.float32)
        )

    def areas(self) -> Floats:
        """Areas of the triangles (M,), square metres."""
        corners = self.vertices[self.triangles]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return np.asarray(np.sqrt((across**2).sum(1)) / 2, np.float32)


def rotation(axis: str, angle: float) -> NDArray[np.float64]:
    """Rotation (3, 3) about "x", "y" or "z" by `angle` (rad, right-handed)."""
    c, s = np.cos(angle), np.sin(angle)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turn = np.eye(3)
    turn[[first, first, second, second], [first, second, first, second]] = c, -s, s, c
    return turn


def unit(vectors: Floats) -> Floats:
    """Vectors (..., 3) scaled to length 1; zero stays zero."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return (vectors / np.maximum(length, 1e-12)).astype(np.float32)


def mesh_of(vertices: ArrayLike, triangles: ArrayLike) -> Mesh:
    """A mesh with vertex normals averaged over the triangles that share a vertex."""
    points = np.asarray(vertices, np.float32)
    faces = np.asarray(triangles, np.uint32)
    corners = points[faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    slots = faces.astype(np.int64)[..., None] * 3 + np.arange(3)
    weights = np.broadcast_to(area[:, None], corners.shape)
    total = np.bincount(slots.ravel(), weights.ravel(), points.size).astype(np.float32)
    return _plain(points, faces, unit(total.reshape(-1, 3)))


def _plain(vertices: Floats, triangles: NDArray[np.uint32], normals: Floats) -> Mesh:
    return Mesh(vertices, triangles, normals, np.zeros(len(triangles), np.uint8))


def merge(parts: Sequence[Mesh]) -> Mesh:
    """One mesh of several."""
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    triangles = [
        part.triangles + np.uint32(start) for part, start in zip(parts, starts, strict=True)
    ]
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    groups = [
        np.array([names.index(name) for name in part.names], np.uint8)[part.groups]
        for part in parts
    ]
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate(triangles),
        np.concatenate([part.normals for part in parts]),
        np.concatenate(groups),
        names,
    )


def _grid(rings: int, around: int) -> NDArray[np.uint32]:
    """Triangles between consecutive closed rings of `around` vertices each."""
    start = np.arange(0, (rings - 1) * around, around)[:, None]
    here = start + np.arange(around)
    after = start + np.roll(np.arange(around), -1)
    quads = [np.stack([here, after, after + around], -1)]
    quads.append(np.stack([here, after + around, here + around], -1))
    return np.concatenate([quad.reshape(-1, 3) for quad in quads]).astype(np.uint32)


def revolve(profile: ArrayLike, around: int = SEGMENTS) -> Mesh:
    """The body made by turning (radius, height) points about z; sharp bends stay sharp."""
    points = np.asarray(profile, np.float32)
    steps = unit(points[1:] - points[:-1])
    bend = np.einsum("ij,ij->i", steps[:-1], steps[1:])
    sharp = np.r_[True, bend < CREASE, True]
    # A sharp point makes two rings: one ends the strip before it, one begins the next.
    ring = np.repeat(np.arange(len(points)), np.r_[1, np.where(sharp[1:-1], 2, 1), 1])
    begins = np.r_[False, ring[1:] == ring[:-1]]
    ends = sharp[ring] & ~begins
    before = np.where(begins, ring, ring - 1).clip(0, len(steps) - 1)
    behind = np.where(ends, ring - 1, ring).clip(0, len(steps) - 1)
    slope = unit(steps[before] + steps[behind])
    outward = np.stack([slope[:, 1], -slope[:, 0]], 1)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)
    strips = _grid(len(ring), around).reshape(2, len(ring) - 1, around, 3)
    faces = strips[:, ~begins[1:]].reshape(-1, 3)
    return _plain(_turned(points[ring], circle), faces, _turned(outward, circle))


def _turned(flat: Floats, circle: Floats) -> Floats:
    """(radius, height) pairs (K, 2) around the axis, (K * around, 3)."""
    rings = np.empty((len(flat), len(circle), 3), np.float32)
    rings[..., :2] = flat[:, None, :1] * circle
    rings[..., 2] = flat[:, 1:]
    return rings.reshape(-1, 3)


def loft(
    path: ArrayLike,
    widths: ArrayLike,
    heights: ArrayLike,
    power: float = 2.0,
    around: int = 12,
    normal: ArrayLike = (0, 0, 1),
) -> Mesh:
    """A closed body along a path (K, 3): half `widths` across, half `heights` along `normal`.

    Sections are superellipses: `power` 2 is round, 8 nearly a rectangle. `normal` must not be
    along the path.
    """
    points = np.asarray(path, np.float32)
    tangent = unit(np.gradient(points, axis=0))
    side = unit(np.cross(tangent, np.asarray(normal, np.float32)))
    up = np.cross(tangent, side)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False) + np.pi / around
    shape = np.array([np.cos(angle), np.sin(angle)], np.float32)
    shape = np.sign(shape) * np.abs(shape) ** np.float32(2 / power)
    wide, high = (
        np.broadcast_to(np.asarray(half, np.float32), (len(points),))[:, None, None]
        for half in (widths, heights)
    )
    rings = points[:, None] + wide * shape[0][:, None] * side[:, None]
    rings = rings + high * shape[1][:, None] * up[:, None]
    wall = mesh_of(rings.reshape(-1, 3), _grid(len(points), around))
    return merge([wall, _fan(rings[0], False), _fan(rings[-1], True)])


def _fan(ring: Floats, ahead: bool) -> Mesh:
    """The flat end of a loft, facing along the path or back."""
    here = np.arange(len(ring))
    after = np.roll(here, -1)
    pair = (here, after) if ahead else (after, here)
    middle = np.full(len(ring), len(ring))
    return mesh_of(np.concatenate([ring, ring.mean(0)[None]]), np.stack([middle, *pair], 1))


def tube(
    path: ArrayLike, radii: ArrayLike, around: int = 12, normal: ArrayLike = (0, 1, 0)
) -> Mesh:
    """A round rod along a path (K, 3) that lies in a plane with the given normal."""
    return loft(path, radii, radii, 2.0, around, normal)


def prism(outline: ArrayLike, height: float) -> Mesh:
    """A plate from z = 0 to `height` with a simple outline (K, 2), counterclockwise from above."""
    flat = np.asarray(outline, np.float32)
    count = len(flat)
    edge = np.roll(flat, -1, 0) - flat
    out = unit(np.stack([edge[:, 1], -edge[:, 0], 0 * edge[:, 0]], 1))
    before, after = np.roll(out, 1, 0), np.roll(out, -1, 0)
    smooth_start = ((before * out).sum(1) > CREASE)[:, None]
    smooth_end = ((after * out).sum(1) > CREASE)[:, None]
    start = np.where(smooth_start, unit(before + out), out)
    end = np.where(smooth_end, unit(after + out), out)
    low = np.c_[flat, np.zeros(count, np.float32)]
    high = np.c_[flat, np.full(count, height, np.float32)]
    corners = np.stack([low, np.roll(low, -1, 0), np.roll(high, -1, 0), high], 1).reshape(-1, 3)
    normals = np.stack([start, end, end, start], 1).reshape(-1, 3)
    first = 4 * np.arange(count)[:, None]
    quads = np.concatenate([first + triple for triple in np.array([[0, 1, 2], [0, 2, 3]])])
    quads = quads.astype(np.uint32)
    ears = _ears(flat)
    top = mesh_of(high, ears)
    return merge([_plain(corners, quads, normals), top, mesh_of(low, ears[:, ::-1])])


def _ears(outline: Floats) -> NDArray[np.uint32]:
    """Triangles (K - 2, 3) of a simple counterclockwise polygon (K, 2), by cutting ears."""
    points = [(float(x), float(y)) for x, y in outline]
    left = list(range(len(points)))
    ears = []

    def cross(a: int, b: int, c: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = points[a], points[b], points[c]
        return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

    while len(left) > 3:
        for place, tip in enumerate(left):
            a, c = left[place - 1], left[(place + 1) % len(left)]
            if cross(a, tip, c) <= 0:
                continue
            others = (p for p in left if p not in (a, tip, c))
            if not any(
                cross(a, tip, p) >= 0 and cross(tip, c, p) >= 0 and cross(c, a, p) >= 0
                for p in others
            ):
                break
        ears.append((left[place - 1], left[place], left[(place + 1) % len(left)]))
        left.pop(place)
    return np.array([*ears, left], np.uint32)


def _cube() -> Mesh:
    """From -1 to 1 along each axis; every face has its own vertices."""
    faces = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            corners = np.zeros((4, 3), np.float32)
            corners[:, axis] = sign
            corners[:, (axis + 1) % 3] = (-1, 1, 1, -1)
            corners[:, (axis + 2) % 3] = (-1, -1, 1, 1)
            order = [[0, 1, 2], [0, 2, 3]] if sign > 0 else [[0, 2, 1], [0, 3, 2]]
            faces.append(mesh_of(corners, order))
    return merge(faces)


CUBE = _cube()


def cuboid(width: float, depth: float, height: float) -> Mesh:
    """A box that stands centred over the origin."""
    return CUBE.scaled((width / 2, depth / 2, height / 2)).moved(np.eye(3), (0, 0, height / 2))


def block(width: float, depth: float, height: float, edge: float = 0.3) -> Mesh:
    """A box with rounded corners that stands centred over the origin; `edge` 0..1 is how round."""
    bevel = edge * min(width, depth, height) / 2
    z = [0, bevel * 0.3, bevel, height - bevel, height - bevel * 0.3, height]
    inset = np.array([bevel, bevel * 0.3, 0, 0, bevel * 0.3, bevel])
    path = [(0, 0, h) for h in z]
    power = 2 + 8 * (1 - edge)
    return loft(path, depth / 2 - inset, width / 2 - inset, power, 24, (1, 0, 0))
