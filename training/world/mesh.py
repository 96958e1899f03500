"""Triangle meshes and the bodies they are made of: turned, bent from a tube, or boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]

SEGMENTS = 32  # around the axis of a turned body
CREASE = np.cos(np.deg2rad(35.0))  # profiles that bend more than this keep a sharp edge


@dataclass(frozen=True)
class Mesh:
    """vertices float32 (N, 3), triangles uint32 (M, 3), normals float32 (N, 3) unit or zero."""

    vertices: Floats
    triangles: NDArray[np.uint32]
    normals: Floats

    def moved(self, rotation: ArrayLike, translation: ArrayLike) -> Mesh:
        """The mesh after x -> rotation @ x + translation."""
        turn = np.asarray(rotation, np.float32)
        shift = np.asarray(translation, np.float32)
        return Mesh(self.vertices @ turn.T + shift, self.triangles, self.normals @ turn.T)

    def scaled(self, factors: ArrayLike) -> Mesh:
        """The mesh stretched along its axes; normals follow the inverse transpose."""
        stretch = np.asarray(factors, np.float32)
        return Mesh(self.vertices * stretch, self.triangles, unit(self.normals / stretch))


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
    return Mesh(points, faces, unit(total.reshape(-1, 3)))


def merge(parts: Sequence[Mesh]) -> Mesh:
    """One mesh of several."""
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    triangles = [
        part.triangles + np.uint32(start) for part, start in zip(parts, starts, strict=True)
    ]
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate(triangles),
        np.concatenate([part.normals for part in parts]),
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
    return Mesh(_turned(points[ring], circle), faces, _turned(outward, circle))


def _turned(flat: Floats, circle: Floats) -> Floats:
    """(radius, height) pairs (K, 2) around the axis, (K * around, 3)."""
    rings = np.empty((len(flat), len(circle), 3), np.float32)
    rings[..., :2] = flat[:, None, :1] * circle
    rings[..., 2] = flat[:, 1:]
    return rings.reshape(-1, 3)


def tube(
    path: ArrayLike, radii: ArrayLike, around: int = 12, normal: ArrayLike = (0, 1, 0)
) -> Mesh:
    """A tube along a path (K, 3) that lies in a plane with the given normal."""
    points = np.asarray(path, np.float32)
    tangent = unit(np.gradient(points, axis=0))
    side = unit(np.cross(tangent, np.asarray(normal, np.float32)))
    up = np.cross(tangent, side)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False, dtype=np.float32)[None, :, None]
    ring = np.cos(angle) * side[:, None] + np.sin(angle) * up[:, None]
    width = np.broadcast_to(np.asarray(radii, np.float32), (len(points),))[:, None, None]
    return mesh_of((points[:, None] + width * ring).reshape(-1, 3), _grid(len(points), around))


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
