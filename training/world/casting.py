"""Rays into a scene: Open3D finds the bodies, the table and the floor are planes."""

from __future__ import annotations

from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from training.world.camera import Camera
from training.world.mesh import unit
from training.world.scene import Body, Scene
from training.world.shading import FLOOR, TABLE, Slots, Surface

Floats = NDArray[np.float32]

FLOOR_SIDE = 6.0  # m, half
NEAREST = 0.02  # m before the camera: a box that is nearer may be anywhere in the picture
MOST_PANES = 6  # of glass behind each other that one can look through
CORNERS = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, 8).T


def _tensor(array: NDArray[Any]) -> o3d.core.Tensor:
    return o3d.core.Tensor.from_numpy(np.ascontiguousarray(array))


class Caster:
    """Casts rays at given bodies and at the planes of any scene that they are in."""

    def __init__(self, bodies: list[Body], slots: Slots) -> None:
        self._slots = slots
        vertices, triangles, normals, of_faces = [], [], [], []
        count = 0
        for first, body in zip(slots.first, bodies, strict=True):
            mesh = body.mesh.moved(body.rotation, body.translation)
            vertices.append(mesh.vertices)
            triangles.append(mesh.triangles + np.uint32(count))
            normals.append(mesh.normals)
            of_faces.append((first + mesh.groups).astype(np.int16))
            count += len(mesh.vertices)
        self._scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        if bodies:
            faces = np.concatenate(triangles)
            self._face_slots = np.concatenate(of_faces)
            self._corner_normals = np.concatenate(normals)[faces]
            self._scene.add_triangles(_tensor(np.concatenate(vertices)), _tensor(faces))

    def view(self, scene: Scene, camera: Camera) -> tuple[Surface, Floats]:
        """What every pixel of a camera meets, and how many ray lengths away that is, (N,)."""
        rays = camera.rays().reshape(-1, 3)
        # Rays are dear: only those into the boxes around the bodies are cast.
        return self.trace(scene, camera.position.astype(np.float32), rays, _boxed(scene, camera))

    def trace(
        self, scene: Scene, start: Floats, rays: Floats, cast: NDArray[np.intp] | None = None
    ) -> tuple[Surface, Floats]:
        """What rays (N, 3) from `start` (3,) or (N, 3) meet, and how far away, (N,).

        `cast` are the numbers of the rays that may meet bodies; None: all of them.
        """
        starts = np.broadcast_to(start, rays.shape)
        cast = np.arange(len(rays)) if cast is None else cast
        owners = np.zeros(len(rays), np.int16)
        far = np.full(len(rays), np.inf, np.float32)
        solid = np.zeros(0, np.intp)
        normals, slots = np.zeros((0, 3), np.float32), np.zeros(0, np.int16)
        if len(cast) and len(self._slots.first):
            both = np.concatenate([starts[cast], rays[cast]], 1)
            hits = self._scene.cast_rays(_tensor(both), nthreads=1)
            distance = hits["t_hit"].numpy()
            found = np.flatnonzero(np.isfinite(distance))
            face = hits["primitive_ids"].numpy()[found].astype(np.int64)
            solid, slots = cast[found], self._face_slots[face]
            owners[solid], far[solid] = self._slots.owners[slots], distance[found]
            normals = self._normals(face, hits["primitive_uvs"].numpy()[found], rays[solid])
        rest = np.flatnonzero(owners == 0)
        owners[rest], far[rest] = _planes(
            scene, start if start.ndim == 1 else start[rest], rays[rest]
        )
        points = start + rays * np.where(np.isfinite(far), far, 0)[:, None]
        return Surface(owners, points, rays, solid, normals, slots), far

    def trace_past(self, scene: Scene, rays: Floats, glass: Floats) -> Surface:
        """What rays (N, 3) that meet glass at points (N, 3) meet behind it."""
        start = glass + rays * np.float32(1e-3)
        for _ in range(MOST_PANES):
            behind, _ = self.trace(scene, start, rays)
            again = behind.solid[self._slots.clear[behind.slots] > 0]
            if not len(again):
                break
            start[again] = behind.points[again] + rays[again] * np.float32(1e-3)
        return behind

    def blocked(self, rays: Floats, reach: float) -> Floats:
        """1.0 where a body is in the way of a ray (N, 6) within `reach` m, else 0.0, (N,)."""
        if not len(rays) or not len(self._slots.first):
            return np.zeros(len(rays), np.float32)
        found = self._scene.test_occlusions(_tensor(rays), tfar=reach, nthreads=1)
        return np.asarray(found.numpy(), np.float32)

    def silhouettes(self, eye: Floats, rays: Floats) -> NDArray[np.int64]:
        """How many of the rays (N, 3) from `eye` (3,) would meet each label if it stood alone."""
        many = len(self._slots.first) + 1
        if not len(rays):  # Open3D does not take none
            return np.zeros(many, np.int64)
        both = np.concatenate([np.broadcast_to(eye, rays.shape), rays], 1)
        hits = self._scene.list_intersections(_tensor(both), nthreads=1)
        ray = hits["ray_ids"].numpy().astype(np.int64)
        slot = self._face_slots[hits["primitive_ids"].numpy().astype(np.int64)]
        met = np.zeros(len(rays) * many, bool)
        met[ray * many + self._slots.owners[slot].astype(np.int64)] = True
        return np.asarray(met.reshape(-1, many).sum(0), np.int64)

    def _normals(self, face: NDArray[np.int64], uv: Floats, rays: Floats) -> Floats:
        """Smooth normals (N, 3) that face the camera."""
        corners = self._corner_normals[face]
        u, v = uv[:, :1], uv[:, 1:]
        smooth = (1 - u - v) * corners[:, 0] + u * corners[:, 1] + v * corners[:, 2]
        away = np.einsum("ij,ij->i", smooth, rays) > 0
        smooth[away] *= -1
        return unit(smooth)


def _planes(scene: Scene, start: Floats, rays: Floats) -> tuple[NDArray[np.int16], Floats]:
    """Owners of the planes that rays (N, 3) from (N, 3) or (3,) meet, 0 for none; how far, (N,)."""
    x0, y0, z0 = start.T
    x, y, z = np.ascontiguousarray(rays.T)
    down = np.minimum(z, np.float32(-1e-9))
    table = -z0 / down
    floor = (np.float32(-scene.floor_depth) - z0) / down
    c, s = np.float32(np.cos(scene.table_turn)), np.float32(np.sin(scene.table_turn))
    across, along = x0 + x * table, y0 + y * table
    on_table = (np.abs(c * across + s * along) < scene.table[0]) & (
        np.abs(c * along - s * across) < scene.table[1]
    )
    on_table &= (table > 0) & (z < 0)
    reach = np.maximum(np.abs(x0 + x * floor), np.abs(y0 + y * floor))
    on_floor = (reach < FLOOR_SIDE) & (floor > 0) & (z < 0) & ~on_table
    owners = np.zeros(len(rays), np.int16)
    far = np.full(len(rays), np.inf, np.float32)
    for owner, here, distance in ((TABLE, on_table, table), (FLOOR, on_floor, floor)):
        owners[here] = owner
        far[here] = distance[here]
    return owners, far


def _boxed(scene: Scene, camera: Camera) -> NDArray[np.intp]:
    """Numbers of the pixels that may see a body: those in the boxes around all bodies."""
    near = np.zeros((camera.height, camera.width), bool)
    for body in scene.bodies:
        low, high = body.form.bounds
        corners = np.where(CORNERS, high, low) @ body.rotation.T + body.translation
        seen = camera.to_optical(corners)
        if seen[:, 2].min() < NEAREST:
            near[:] = True
            break
        pixels = seen[:, :2] / seen[:, 2:] * camera.focal + camera.centre
        x0, y0 = np.maximum(np.floor(pixels.min(0)), 0).astype(int)
        x1, y1 = np.maximum(np.ceil(pixels.max(0)) + 1, 0).astype(int)
        near[y0:y1, x0:x1] = True
    return np.flatnonzero(near)
