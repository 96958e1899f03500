"""A rendered scene as training sees it: cut out, mirrored, exposed anew, records following.

Everything depends on the generators that are passed, so that a resumed run sees what it would
have seen.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from training.world.pool import WorldPool

LEAST_AREA = 40
"""Pixels of a 256 px picture below which a thing can't be asked for; a part needs half of it."""
WHOLE_VIEW = 0.15
"""Share of scenes that are not cut: things are small in a camera's picture."""
CUT = (0.25, 0.8)
"""Of a scene's side, what is cut out for a picture of 256 px: half of all things are narrower than
20 px in a whole view of that size, too small to learn from. Larger pictures hold more."""


@dataclass(frozen=True)
class Scene:
    """A picture and what is in it.

    Attributes:
        image: uint8 RGB (S, S, 3).
        labels: uint8 (S, S), objects' labels, 0 is background.
        parts: uint8 (S, S), labels of objects' parts, 0 is none.
        objects: Records of what is visible; boxes are xyxy pixels, a part has one as well.
    """

    image: np.ndarray
    labels: np.ndarray
    parts: np.ndarray
    objects: list[dict[str, Any]]


def scene_at(pool: WorldPool, index: int) -> Scene:
    """Scene `index` of a pool, views of its files."""
    image, labels, objects = pool[index]
    return Scene(image, labels, pool.parts(index), objects)


def augment(scene: Scene, size: int, rng: random.Random, noise: np.random.Generator) -> Scene:
    """Cut, mirror and re-expose a scene to (size, size); what is hardly visible then leaves it."""
    cut = resized(window(scene, rng, size), size)
    mirrored = rng.random() < 0.5
    if mirrored:
        cut = Scene(cut.image[:, ::-1], cut.labels[:, ::-1], cut.parts[:, ::-1], cut.objects)
    kept = recorded(cut, mirrored)
    return replace(kept, image=expose(kept.image, rng, noise))


def window(scene: Scene, rng: random.Random, size: int) -> Scene:
    """The whole scene or a part of it, of varied size and proportions, to be seen at (size, size).

    From 256 px on, things are as large in pixels whatever the size. What the cut goes through is
    less visible than it was: nobody is asked for a sliver as if it were there in plain sight."""
    if rng.random() < WHOLE_VIEW:
        return scene
    side = scene.image.shape[0]
    least, most = (share * max(1.0, size / 256) for share in CUT)
    height = int(side * min(1.0, rng.uniform(least, most)))
    width = min(side, max(side // 5, int(height * rng.uniform(0.72, 1.38))))
    top, left = rng.randint(0, side - height), rng.randint(0, side - width)
    part = np.s_[top : top + height, left : left + width]
    remaining = np.bincount(scene.labels[part].ravel(), minlength=256)
    objects = [
        {**record, "visible": record["visible"] * remaining[record["label"]] / record["area"]}
        for record in scene.objects
    ]
    return Scene(scene.image[part], scene.labels[part], scene.parts[part], objects)


def resized(scene: Scene, size: int) -> Scene:
    """Stretched to (size, size), as the model does with any picture."""
    if scene.image.shape[:2] == (size, size):
        return scene
    shrinks = scene.image.shape[0] > size
    picture = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return Scene(
        cv2.resize(scene.image, (size, size), interpolation=picture),
        cv2.resize(scene.labels, (size, size), interpolation=cv2.INTER_NEAREST),
        cv2.resize(scene.parts, (size, size), interpolation=cv2.INTER_NEAREST),
        scene.objects,
    )


def recorded(scene: Scene, mirrored: bool) -> Scene:
    """Records (box, area, viewer's right, parts) of what is large enough, maps without the rest."""
    least = LEAST_AREA * (scene.image.shape[0] / 256) ** 2
    labels, parts = scene.labels.copy(), scene.parts.copy()
    areas = np.bincount(labels.ravel(), minlength=256)
    part_areas = np.bincount(parts.ravel(), minlength=256)
    kept = []
    for record in scene.objects:
        label = record["label"]
        if areas[label] < least:
            parts[labels == label] = 0
            labels[labels == label] = 0
            continue
        right, forward, up = record["viewer"]
        shown = []
        for part in record.get("parts", ()):
            if part_areas[part["label"]] < least / 2:
                parts[parts == part["label"]] = 0
                continue
            area = int(part_areas[part["label"]])
            shown.append({**part, "area": area, "box": box_of(parts == part["label"])})
        kept.append(
            {
                **record,
                "box": box_of(labels == label),
                "area": int(areas[label]),
                "viewer": [-right if mirrored else right, forward, up],
                "parts": shown,
            }
        )
    return Scene(scene.image, labels, parts, kept)


def box_of(mask: np.ndarray) -> list[int]:
    """The box xyxy of a bool (H, W) mask, pixels, right and lower side outside."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return [x, y, x + width, y + height]


def boxes_by_label(objects: list[dict[str, Any]], of_parts: bool) -> Mapping[int, list[int]]:
    """Boxes of objects, or of their parts, by label."""
    if of_parts:
        return {part["label"]: part["box"] for record in objects for part in record["parts"]}
    return {record["label"]: record["box"] for record in objects}


def expose(image: np.ndarray, rng: random.Random, noise: np.random.Generator) -> np.ndarray:
    """Random gain, white balance, contrast, sensor noise and blur: uint8 (H, W, 3)."""
    out = image.astype(np.float32)
    if rng.random() < 0.7:
        balance = 1 + noise.normal(size=3).astype(np.float32) * 0.04
        out = out * np.float32(rng.uniform(0.7, 1.3)) * balance
        mean = out.mean()
        out = (out - mean) * np.float32(rng.uniform(0.8, 1.25)) + mean
    if rng.random() < 0.3:
        grain = noise.standard_normal(out.shape, dtype=np.float32)
        out += grain * np.float32(rng.uniform(2, 12))
    if rng.random() < 0.15:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.2)).astype(np.float32)
    return np.clip(out, 0, 255).astype(np.uint8)
