"""Ray casting of a scene: colour, exact labels, parts and depth, and a record of every object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from training.world.camera import Camera, Sensor
from training.world.colours import COLOUR_NAMES, UNCLEAR, names_of
from training.world.looks import COLOURLESS
from training.world.mesh import unit
from training.world.scene import Body, Scene
from training.world.shading import FLOOR, TABLE, Slots, Surface, albedo, shade, through_glass

Rng = np.random.Generator
Floats = NDArray[np.float32]

FLOOR_SIDE = 6.0  # m, half
LEAST_PIXELS = 60  # visible, at 256 x 256: below it an object counts as not seen
STRIDE = 4  # silhouettes are counted on every fourth pixel
NEAREST = 0.02  # m before the camera: a box that is nearer may be anywhere in the picture
MOST_PANES = 6  # of glass behind each other that one can look through
MAIN = 0.55  # of its coloured pixels: so many must have a thing's main colour, or it has none
COLOURED = 0.25  # of its pixels: so many must have a colour of its own, or it has none
SEEN = 0.1  # of its coloured pixels: a colour that people may see in it


@dataclass(frozen=True)
class Rendering:
    """rgb uint8 (H, W, 3); labels uint8 (H, W), 0 = no object; parts uint8 (H, W), 0 = no part
    that has a name; depth float32 (H, W), metres along the optical axis, NaN where nothing is
    hit; one record per visible object."""

    rgb: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    depth: Floats
    objects: list[dict[str, Any]]


def _tensor(array: NDArray[Any]) -> o3d.core.Tensor:
    return o3d.core.Tensor.from_numpy(np.ascontiguousarray(array))


def _rectangle(half: tuple[float, float], turn: float, height: float) -> Floats:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    c, s = np.cos(turn), np.sin(turn)
    flat = corners @ np.array([[c, s], [-s, c]])
    return np.c_[flat, np.full(4, height)].astype(np.float32)


class _Caster:
    """Rays into a set of triangles, each of which belongs to a slot."""

    def __init__(
        self, vertices: Floats, faces: NDArray[np.uint32], normals: Floats, slots: NDArray[np.int16]
    ) -> None:
        self._corner_normals = normals[faces]
        self.slots = slots
        self.scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        self.scene.add_triangles(_tensor(vertices), _tensor(faces))

    def trace(self, slots: Slots, start: Floats, rays: Floats) -> tuple[Surface, Floats]:
        """What rays (N, 3) from `start` (3,) or (N, 3) meet, and how many ray lengths away, (N,)."""
        start = np.broadcast_to(start, rays.shape)
        hits = self.scene.cast_rays(_tensor(np.concatenate([start, rays], 1)), nthreads=1)
        distance = hits["t_hit"].numpy()
        found = np.isfinite(distance)
        face = hits["primitive_ids"].numpy()[found].astype(np.int64)
        slot = self.slots[face]
        owner = slots.owners[slot]
        owners = np.zeros(len(rays), np.int16)
        owners[found] = owner
        points = start + rays * np.where(found, distance, 0)[:, None]
        inside = owner > 0
        solid = np.flatnonzero(found)[inside]
        uv = hits["primitive_uvs"].numpy()[found][inside]
        normals = self._normals(face[inside], uv, rays[solid])
        return Surface(owners, points, rays, solid, normals, slot[inside]), distance

    def trace_past(self, slots: Slots, rays: Floats, glass: Floats) -> Surface:
        """What rays (N, 3) that meet glass at points (N, 3) meet behind it."""
        start = glass + rays * np.float32(1e-3)
        for _ in range(MOST_PANES):
            behind, _ = self.trace(slots, start, rays)
            again = behind.solid[slots.clear[behind.slots] > 0]
            if not len(again):
                break
            start[again] = behind.points[again] + rays[again] * np.float32(1e-3)
        return behind

    def _normals(self, face: NDArray[np.int64], uv: Floats, rays: Floats) -> Floats:
        """Smooth normals (N, 3) that face the camera."""
        corners = self._corner_normals[face]
        u, v = uv[:, :1], uv[:, 1:]
        smooth = (1 - u - v) * corners[:, 0] + u * corners[:, 1] + v * corners[:, 2]
        away = np.einsum("ij,ij->i", smooth, rays) > 0
        smooth[away] *= -1
        return unit(smooth)

    def blocked(self, rays: Floats, reach: float) -> Floats:
        """1.0 where something is in the way of a ray (N, 6) within `reach` m, else 0.0, (N,)."""
        if not len(rays):
            return np.zeros(0, np.float32)
        found = self.scene.test_occlusions(_tensor(rays), tfar=reach, nthreads=1)
        return np.asarray(found.numpy(), np.float32)


class Renderer:
    """Casts rays into one scene; body i of the scene has label i + 1.

    Single-threaded. The records of a rendering are dictionaries that JSON can hold: label,
    kind (or None), color (its main colour, None where that is not clear), colors (all that
    people may see in it), viewer (right, forward, up in metres, see Camera.to_viewer), size
    (extents in metres as it rests), box (xyxy pixels), area (pixels), visible (share of its
    unoccluded silhouette in the image), centroid (mean of its visible surface points in the
    camera optical frame, metres), pose ("standing", "lying", "upside down" or None), states
    ("open", "closed", "full", "empty"), material (or None), pattern, and parts (name, label in
    the map of parts, area in pixels of each that is visible).
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._slots = Slots(scene)
        vertices, triangles, normals, slots = [], [], [], []
        count = 0
        for first, body in zip(self._slots.first, scene.bodies, strict=True):
            mesh = body.mesh.moved(body.rotation, body.translation)
            vertices.append(mesh.vertices)
            triangles.append(mesh.triangles + np.uint32(count))
            normals.append(mesh.normals)
            slots.append((first + mesh.groups).astype(np.int16))
            count += len(mesh.vertices)
        floor = (FLOOR_SIDE, FLOOR_SIDE)
        for owner, half, turn, height in (
            (TABLE, scene.table, scene.table_turn, 0.0),
            (FLOOR, floor, 0.0, -scene.floor_depth),
        ):
            vertices.append(_rectangle(half, turn, height))
            triangles.append(np.array([[0, 1, 2], [0, 2, 3]], np.uint32) + np.uint32(count))
            normals.append(np.tile(np.array([0, 0, 1], np.float32), (4, 1)))
            slots.append(np.full(2, owner, np.int16))  # the last two slots
            count += 4
        all_vertices, all_normals = np.concatenate(vertices), np.concatenate(normals)
        faces, of_faces = np.concatenate(triangles), np.concatenate(slots)
        self._caster = _Caster(all_vertices, faces, all_normals, of_faces)

    def render(self, camera: Camera, sensor: Sensor, rng: Rng) -> Rendering:
        """The scene through that camera; `rng` moves soft shadows and sensor noise only."""
        surface, depth = self._trace(camera)
        colour = albedo(self.scene, self._slots, surface)
        labels, parts, objects = self._records(camera, surface, colour)
        size = camera.height, camera.width
        light = shade(self.scene, self._slots, surface, colour, size, self._caster.blocked, rng)
        self._look_through(surface, light)
        picture = sensor.develop(light.reshape(*size, 3), rng)
        return Rendering(picture, labels, parts, depth, objects)

    def records(self, camera: Camera) -> list[dict[str, Any]]:
        """The records alone, without a picture."""
        surface, _ = self._trace(camera)
        return self._records(camera, surface, albedo(self.scene, self._slots, surface))[2]

    def _trace(self, camera: Camera) -> tuple[Surface, Floats]:
        """What every pixel meets, and the depth (H, W)."""
        rays = camera.rays().reshape(-1, 3)
        eye = camera.position.astype(np.float32)
        # Rays are dear: those that miss the boxes around all bodies are answered by the planes.
        boxed = self._near_bodies(camera)
        near, rest = np.flatnonzero(boxed), np.flatnonzero(~boxed)
        owners, far = np.empty(len(rays), np.int16), np.empty(len(rays), np.float32)
        owners[rest], far[rest] = self._planes(eye, rays[rest])
        part, far[near] = self._caster.trace(self._slots, eye, rays[near])
        owners[near] = part.owners
        found = np.isfinite(far)
        points = eye + rays * np.where(found, far, 0)[:, None]
        surface = Surface(owners, points, rays, near[part.solid], part.normals, part.slots)
        far = np.where(found, far, np.nan).astype(np.float32)
        return surface, far.reshape(camera.height, camera.width)

    def _planes(self, eye: Floats, rays: Floats) -> tuple[NDArray[np.int16], Floats]:
        """Owners of what rays (N, 3) from `eye` meet where no body is, and how far it is, (N,)."""
        scene = self.scene
        x, y, z = np.ascontiguousarray(rays.T)
        down = np.minimum(z, np.float32(-1e-9))
        table = np.float32(-eye[2]) / down
        floor = np.float32(-scene.floor_depth - eye[2]) / down
        c, s = np.float32(np.cos(scene.table_turn)), np.float32(np.sin(scene.table_turn))
        across, along = eye[0] + x * table, eye[1] + y * table
        on_table = (np.abs(c * across + s * along) < scene.table[0]) & (
            np.abs(c * along - s * across) < scene.table[1]
        )
        on_table &= (table > 0) & (z < 0)
        reach = np.maximum(np.abs(eye[0] + x * floor), np.abs(eye[1] + y * floor))
        on_floor = (reach < FLOOR_SIDE) & (floor > 0) & (z < 0) & ~on_table
        owners = np.zeros(len(rays), np.int16)
        far = np.full(len(rays), np.inf, np.float32)
        for owner, here, distance in ((TABLE, on_table, table), (FLOOR, on_floor, floor)):
            owners[here] = owner
            far[here] = distance[here]
        return owners, far

    def _near_bodies(self, camera: Camera) -> NDArray[np.bool_]:
        """Which pixels (N,) may see a body: those in the boxes around all bodies."""
        near = np.zeros((camera.height, camera.width), bool)
        signs = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, 8).T
        for body in self.scene.bodies:
            ends = np.stack(body.form.bounds).astype(np.float64)
            corners = np.where(signs, ends[1], ends[0]) @ body.rotation.T + body.translation
            seen = camera.to_optical(corners)
            if seen[:, 2].min() < NEAREST:
                near[:] = True
                break
            pixels = seen[:, :2] / seen[:, 2:] * camera.focal + camera.centre
            x0, y0 = np.maximum(np.floor(pixels.min(0)), 0).astype(int)
            x1, y1 = np.maximum(np.ceil(pixels.max(0)) + 1, 0).astype(int)
            near[y0:y1, x0:x1] = True
        return near.reshape(-1)

    def _look_through(self, surface: Surface, light: Floats) -> None:
        """Mix in what is behind glass, in place."""
        clear = self._slots.clear[surface.slots] > 0
        if not clear.any():
            return
        pixels = surface.solid[clear]
        behind = self._caster.trace_past(self._slots, surface.rays[pixels], surface.points[pixels])
        through_glass(self.scene, self._slots, surface, clear, behind, light)

    def _records(
        self, camera: Camera, surface: Surface, colour: Floats
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[dict[str, Any]]]:
        """Labels and parts (H, W) and records of the objects that are seen."""
        size = camera.height, camera.width
        flat_labels = np.zeros(size[0] * size[1], np.uint8)
        flat_parts = np.zeros_like(flat_labels)
        least = LEAST_PIXELS * len(flat_labels) / 256**2
        owners = surface.owners[surface.solid]
        order = np.argsort(owners, kind="stable")
        bounds = np.searchsorted(owners[order], np.arange(1, len(self.scene.bodies) + 2))
        whole = self._silhouettes(camera, surface, size)
        calls = names_of(colour[surface.solid])
        part_number = 0
        records = []
        for label, body in enumerate(self.scene.bodies, 1):
            chosen = order[bounds[label - 1] : bounds[label]]
            if body.furniture or len(chosen) < least:
                continue
            mine = surface.solid[chosen]
            flat_labels[mine] = label
            rows, columns = np.divmod(mine, size[1])
            sampled = np.count_nonzero((rows % STRIDE == 0) & (columns % STRIDE == 0))
            slots = surface.slots[chosen]
            main, others = _seen_colours(body, calls[chosen][self._slots.counted[slots]], len(mine))
            groups = slots - self._slots.first[label - 1]
            names = [name.partition("/")[0] for name in body.mesh.names]
            parts = []
            different = dict.fromkeys(filter(None, names))
            for name in different if len(different) > 1 else ():
                here = np.array([other == name for other in names])[groups]
                if here.any() and part_number < 255:
                    part_number += 1
                    flat_parts[mine[here]] = part_number
                    area = int(np.count_nonzero(here))
                    parts.append({"name": name, "label": part_number, "area": area})
            x0, y0 = int(columns.min()), int(rows.min())
            records.append(
                {
                    "label": label,
                    "kind": body.kind,
                    "color": main,
                    "colors": others,
                    "viewer": _rounded(camera.to_viewer(body.centre)),
                    "size": _rounded(body.size),
                    "box": [x0, y0, int(columns.max()) + 1, int(rows.max()) + 1],
                    "area": len(mine),
                    "visible": round(float(min(1.0, sampled / max(1, int(whole[label])))), 3),
                    "centroid": _rounded(camera.to_optical(surface.points[mine]).mean(0)),
                    "pose": body.resting,
                    "states": list(body.form.states),
                    "material": body.material.substance,
                    "pattern": body.material.pattern,
                    "parts": parts,
                }
            )
        return flat_labels.reshape(size), flat_parts.reshape(size), records

    def _silhouettes(
        self, camera: Camera, surface: Surface, size: tuple[int, int]
    ) -> NDArray[np.int64]:
        """How many of every STRIDE-th pixel's rays would meet each label if it stood alone."""
        many = len(self.scene.bodies) + 1
        # Only bodies hide bodies, so all silhouettes lie within the pixels of bodies.
        seen = (surface.owners > 0).reshape(size)[::STRIDE, ::STRIDE]
        rays = surface.rays.reshape(*size, 3)[::STRIDE, ::STRIDE][seen]
        if not len(rays):  # Open3D does not take none
            return np.zeros(many, np.int64)
        start = np.broadcast_to(camera.position.astype(np.float32), rays.shape)
        hits = self._caster.scene.list_intersections(
            _tensor(np.concatenate([start, rays], 1)), nthreads=1
        )
        ray = hits["ray_ids"].numpy().astype(np.int64)
        slot = self._caster.slots[hits["primitive_ids"].numpy().astype(np.int64)]
        owner = self._slots.owners[slot].astype(np.int64)
        met = np.zeros(len(rays) * many, bool)
        met[ray[owner > 0] * many + owner[owner > 0]] = True
        return np.asarray(met.reshape(-1, many).sum(0), np.int64)


def _seen_colours(
    body: Body, calls: NDArray[np.uint8], pixels: int
) -> tuple[str | None, list[str]]:
    """The main colour, if it is clear to people, and all colours that they may see.

    `calls` are the names (see colours.names_of) of the pixels that show the thing's own colour.
    """
    if len(calls) < max(1, COLOURED * pixels) or body.kind in COLOURLESS:
        return None, []
    shares = np.bincount(calls, minlength=UNCLEAR + 1) / len(calls)
    seen = [
        COLOUR_NAMES[i] for i in np.argsort(-shares[:UNCLEAR], kind="stable") if shares[i] > SEEN
    ]
    colour = body.colour or (seen[0] if seen else None)
    clear = colour is not None and shares[COLOUR_NAMES.index(colour)] >= MAIN
    return (colour if clear else None), seen


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 4) for value in values]
