"""Ray casting of a scene: colour, exact labels and depth, and a record of every object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from training.world.camera import Camera, Sensor
from training.world.mesh import unit
from training.world.scene import Scene
from training.world.shading import FLOOR, TABLE, Surface, shade

Rng = np.random.Generator
Floats = NDArray[np.float32]

FLOOR_SIDE = 6.0  # m, half
LEAST_PIXELS = 60  # visible, at 256 x 256: below it an object counts as not seen
STRIDE = 3  # silhouettes are counted on every third pixel


@dataclass(frozen=True)
class Rendering:
    """rgb uint8 (H, W, 3); labels uint8 (H, W), 0 = no object; depth float32 (H, W), metres
    along the optical axis, NaN where nothing is hit; one record per visible object."""

    rgb: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    depth: Floats
    objects: list[dict[str, Any]]


def _tensor(array: NDArray[Any]) -> o3d.core.Tensor:
    return o3d.core.Tensor.from_numpy(np.ascontiguousarray(array))


def _rectangle(half: tuple[float, float], turn: float, height: float) -> Floats:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    c, s = np.cos(turn), np.sin(turn)
    flat = corners @ np.array([[c, s], [-s, c]])
    return np.c_[flat, np.full(4, height)].astype(np.float32)


class Renderer:
    """Casts rays into one scene; body i of the scene has label i + 1.

    Single-threaded. The records of a rendering are dictionaries that JSON can hold: label,
    kind (or None), color, viewer (right, forward, up in metres, see Camera.to_viewer), size
    (extents in metres as it lies), box (xyxy pixels), area (pixels), visible (share of its
    unoccluded silhouette in the image), centroid (mean of its visible surface points in the
    camera optical frame, metres).
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        vertices, triangles, normals, owners = [], [], [], []
        count = 0
        for label, body in enumerate(scene.bodies, 1):
            mesh = body.mesh.moved(body.rotation, body.translation)
            vertices.append(mesh.vertices)
            triangles.append(mesh.triangles + np.uint32(count))
            normals.append(mesh.normals)
            owners.append(np.full(len(mesh.triangles), label, np.int16))
            count += len(mesh.vertices)
        floor = (FLOOR_SIDE, FLOOR_SIDE)
        for owner, half, turn, height in (
            (TABLE, scene.table, scene.table_turn, 0.0),
            (FLOOR, floor, 0.0, -scene.floor_depth),
        ):
            vertices.append(_rectangle(half, turn, height))
            triangles.append(np.array([[0, 1, 2], [0, 2, 3]], np.uint32) + np.uint32(count))
            normals.append(np.tile(np.array([0, 0, 1], np.float32), (4, 1)))
            owners.append(np.full(2, owner, np.int16))
            count += 4
        faces = np.concatenate(triangles)
        self._corner_normals = np.concatenate(normals)[faces]
        self._owners = np.concatenate(owners)
        self._caster = o3d.t.geometry.RaycastingScene(nthreads=1)
        self._caster.add_triangles(_tensor(np.concatenate(vertices)), _tensor(faces))

    def render(self, camera: Camera, sensor: Sensor, rng: Rng) -> Rendering:
        """The scene through that camera; `rng` moves soft shadows and sensor noise only."""
        surface, depth = self._trace(camera)
        labels, objects = self._records(camera, surface)
        light = shade(self.scene, surface, self._blocked, rng).reshape(*surface.size, 3)
        return Rendering(sensor.develop(light, rng), labels, depth, objects)

    def records(self, camera: Camera) -> list[dict[str, Any]]:
        """The records alone, without a picture."""
        return self._records(camera, self._trace(camera)[0])[1]

    def _trace(self, camera: Camera) -> tuple[Surface, Floats]:
        """What every pixel meets, and the depth (H, W)."""
        size = camera.height, camera.width
        rays = camera.rays().reshape(-1, 3)
        eye = camera.position.astype(np.float32)
        start = np.broadcast_to(eye, rays.shape)
        hits = self._caster.cast_rays(_tensor(np.concatenate([start, rays], 1)), nthreads=1)
        distance = hits["t_hit"].numpy()
        found = np.isfinite(distance)
        face = hits["primitive_ids"].numpy()[found].astype(np.int64)
        owners = np.zeros(len(rays), np.int16)
        owners[found] = self._owners[face]
        points = eye + rays * np.where(found, distance, 0)[:, None]
        inside = owners[found] > 0
        solid = np.flatnonzero(owners > 0)
        uv = hits["primitive_uvs"].numpy()[found][inside]
        normals = self._normals(face[inside], uv, rays[solid])
        depth = np.where(found, distance, np.nan).astype(np.float32).reshape(size)
        return Surface(size, owners, points, rays, solid, normals), depth

    def _normals(self, face: NDArray[np.int64], uv: Floats, rays: Floats) -> Floats:
        """Smooth normals (N, 3) that face the camera."""
        corners = self._corner_normals[face]
        u, v = uv[:, :1], uv[:, 1:]
        smooth = (1 - u - v) * corners[:, 0] + u * corners[:, 1] + v * corners[:, 2]
        away = np.einsum("ij,ij->i", smooth, rays) > 0
        smooth[away] *= -1
        return unit(smooth)

    def _blocked(self, rays: Floats, reach: float) -> Floats:
        if not len(rays):
            return np.zeros(0, np.float32)
        found = self._caster.test_occlusions(_tensor(rays), tfar=reach, nthreads=1)
        return found.numpy().astype(np.float32)

    def _records(
        self, camera: Camera, surface: Surface
    ) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
        """Labels (H, W) and records of the objects that are seen."""
        labels = np.maximum(surface.owners, 0).astype(np.uint8).reshape(surface.size)
        least = LEAST_PIXELS * labels.size / 256**2
        # Only bodies hide bodies, so all silhouettes lie within the pixels of bodies.
        sampled = labels[::STRIDE, ::STRIDE] > 0
        whole = self._silhouettes(
            camera, surface.rays.reshape(*labels.shape, 3)[::STRIDE, ::STRIDE][sampled]
        )
        owners = surface.owners[surface.solid]
        records = []
        for label, body in enumerate(self.scene.bodies, 1):
            mine = surface.solid[owners == label]
            rows, columns = np.divmod(mine, labels.shape[1])
            if len(mine) < least:
                labels[rows, columns] = 0
                continue
            part = np.count_nonzero((rows % STRIDE == 0) & (columns % STRIDE == 0))
            middle = camera.to_optical(surface.points[mine]).mean(0)
            records.append(
                {
                    "label": label,
                    "kind": body.kind,
                    "color": body.colour,
                    "viewer": _rounded(camera.to_viewer(body.centre)),
                    "size": _rounded(body.size),
                    "box": [
                        int(columns.min()),
                        int(rows.min()),
                        int(columns.max()) + 1,
                        int(rows.max()) + 1,
                    ],
                    "area": len(rows),
                    "visible": round(min(1.0, part / max(1, int(whole[label]))), 3),
                    "centroid": _rounded(middle),
                }
            )
        return labels, records

    def _silhouettes(self, camera: Camera, rays: Floats) -> NDArray[np.int64]:
        """How many of the rays would meet each label if it stood alone."""
        if not len(rays):  # Open3D does not take none
            return np.zeros(len(self.scene.bodies) + 1, np.int64)
        start = np.broadcast_to(camera.position.astype(np.float32), rays.shape)
        all_hits = self._caster.list_intersections(
            _tensor(np.concatenate([start, rays], 1)), nthreads=1
        )
        ray = all_hits["ray_ids"].numpy().astype(np.int64)
        owner = self._owners[all_hits["primitive_ids"].numpy().astype(np.int64)].astype(np.int64)
        many = len(self.scene.bodies) + 1
        pairs = np.unique(ray[owner > 0] * many + owner[owner > 0])
        return np.bincount(pairs % many, minlength=many)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 4) for value in values]
