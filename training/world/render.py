"""Ray casting of a scene: colour, exact labels, parts and depth, and a record of every object."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world.camera import Camera, Sensor
from training.world.casting import Caster
from training.world.colours import COLOUR_NAMES, UNCLEAR, names_of
from training.world.looks import COLOURLESS
from training.world.scene import Body, Scene
from training.world.shading import Slots, Surface, albedo, shade, through_glass

Rng = np.random.Generator
Floats = NDArray[np.float32]

LEAST_PIXELS = 60  # visible, at 256 x 256: below it an object counts as not seen
SAMPLED = 96  # px: silhouettes are counted on about so many rows
MAIN = 0.55  # of its coloured pixels: so many must have a thing's main colour, or it has none
COLOURED = 0.25  # of its pixels: so many must have a colour of its own, or it has none
COLOUR_SAMPLES = 500  # about so many pixels of a thing tell its colours
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
        self._caster = Caster(scene.bodies, self._slots)

    def relit(self, scene: Scene) -> Renderer:
        """A renderer of the same bodies in another room, on another table, in other light."""
        if scene.bodies is not self.scene.bodies:
            raise ValueError("a relit scene must hold the very same list of bodies")
        other = copy(self)
        other.scene = scene
        return other

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
        surface, far = self._caster.view(self.scene, camera)
        depth = np.where(np.isfinite(far), far, np.nan).astype(np.float32)
        return surface, depth.reshape(camera.height, camera.width)

    def _look_through(self, surface: Surface, light: Floats) -> None:
        """Mix in what is behind glass, in place."""
        clear = self._slots.clear[surface.slots] > 0
        if not clear.any():
            return
        pixels = surface.solid[clear]
        behind = self._caster.trace_past(self.scene, surface.rays[pixels], surface.points[pixels])
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
        stride = max(3, min(size) // SAMPLED)
        # Only bodies hide bodies, so all silhouettes lie within the pixels of bodies.
        seen = (surface.owners > 0).reshape(size)[::stride, ::stride]
        rays = surface.rays.reshape(*size, 3)[::stride, ::stride][seen]
        whole = self._caster.silhouettes(camera.position.astype(np.float32), rays)
        part_number = 0
        records = []
        for label, body in enumerate(self.scene.bodies, 1):
            chosen = order[bounds[label - 1] : bounds[label]]
            if body.furniture or len(chosen) < least:
                continue
            mine = surface.solid[chosen]
            flat_labels[mine] = label
            rows, columns = np.divmod(mine, size[1])
            sampled = np.count_nonzero((rows % stride == 0) & (columns % stride == 0))
            slots = surface.slots[chosen]
            some = slice(None, None, 1 + len(mine) // COLOUR_SAMPLES)
            own = self._slots.counted[slots[some]]
            main, others = _seen_colours(body, names_of(colour[mine[some]][own]), len(own))
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
                    "visible": round(min(1.0, max(1, int(sampled)) / max(1, int(whole[label]))), 3),
                    "centroid": _rounded(camera.to_optical(surface.points[mine]).mean(0)),
                    "pose": body.resting,
                    "states": list(body.form.states),
                    "material": body.material.substance,
                    "pattern": body.material.pattern,
                    "parts": parts,
                }
            )
        return flat_labels.reshape(size), flat_parts.reshape(size), records


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
