"""The scenes of a pool: each depends on the pool's seed, its index and the photos alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray

from training.world.camera import sample_camera, sample_sensor
from training.world.render import Renderer, Rendering
from training.world.scene import Scene
from training.world.surroundings import Arrangement, sample_arrangement, surround

LEAST_OBJECTS = 2
VIEWS = 2  # of each arrangement
Photos = list[NDArray[np.uint8]]


def render_scene(photos: Photos, seed: int, index: int, size: int) -> Rendering:
    """Scene `index` of the pool with that seed: at least two objects, labels 1..n in a row."""
    return next(render_scenes(photos, seed, range(index, index + 1), size))


def render_scenes(photos: Photos, seed: int, indices: range, size: int) -> Iterator[Rendering]:
    """Those scenes of the pool with that seed; each depends on (seed, index) alone.

    VIEWS scenes in a row show the same things from other sides, in another room and other light,
    as arranging things costs about as much as rendering them.
    """
    for group, views in groupby(indices, lambda index: index // VIEWS):
        stage = _Stage(photos, seed, group)
        for index in views:
            for attempt in count():
                arrangement = stage.set(attempt)
                rng = np.random.default_rng((seed, index, attempt, VIEWS))
                scene = surround(arrangement.bodies, arrangement.half, photos, rng)
                camera = sample_camera(rng, arrangement.outlook, size, size)
                rendering = stage.renderer(scene).render(camera, sample_sensor(rng, size), rng)
                if len(rendering.objects) >= LEAST_OBJECTS:
                    yield _numbered(rendering)
                    break


class _Stage:
    """The arrangements tried for a group of scenes; the last one is kept."""

    def __init__(self, photos: Photos, seed: int, group: int) -> None:
        self._photos, self._seed = photos, (seed, group)
        self._kept: dict[int, Arrangement] = {}
        self._renderer: Renderer | None = None

    def set(self, attempt: int) -> Arrangement:
        """The arrangement of that attempt."""
        if attempt not in self._kept:
            rng = np.random.default_rng((*self._seed, attempt))
            self._kept = {attempt: sample_arrangement(self._photos, rng)}
            self._renderer = None
        return self._kept[attempt]

    def renderer(self, scene: Scene) -> Renderer:
        """Of a scene around the arrangement that was set last."""
        self._renderer = self._renderer.relit(scene) if self._renderer else Renderer(scene)
        return self._renderer


def _numbered(rendering: Rendering) -> Rendering:
    """Labels without gaps, in the order of the records."""
    new = np.zeros(256, np.uint8)
    objects = []
    for label, record in enumerate(rendering.objects, 1):
        new[record["label"]] = label
        objects.append({**record, "label": label})
    return replace(rendering, labels=new[rendering.labels], objects=objects)
