"""A folder of rendered scenes: written in shards by several processes, read without copying.

OUT/meta.json and, for every 1000 scenes, OUT/shard-0000/{rgb.npy, labels.npy, parts.npy,
objects.json}: uint8 (n, S, S, 3), uint8 (n, S, S) twice and one list of records a scene.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import count, groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.camera import sample_camera, sample_sensor
from training.world.render import Renderer, Rendering
from training.world.scene import Scene
from training.world.surroundings import Arrangement, sample_arrangement, surround
from training.world.textures import load_photos

VERSION = 2  # of the renderer: the same version, seed and photos give the same bytes
SHARD = 1000
LEAST_OBJECTS = 2
VIEWS = 2  # of each arrangement
Photos = list[NDArray[np.uint8]]


@dataclass(frozen=True)
class PoolSpec:
    """What fixes every byte of a pool, apart from its own photos folder."""

    count: int
    seed: int
    size: int
    version: int = VERSION
    photos: str | None = None
    shard: int = SHARD

    def shard_length(self, shard: int) -> int:
        """Number of scenes in that shard."""
        return min(self.shard, self.count - shard * self.shard)

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.count // self.shard)


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


def _shard_path(folder: Path, shard: int) -> Path:
    return folder / f"shard-{shard:04d}"


def records_of(folder: Path) -> list[Path]:
    """The files of a pool that hold the records of its objects, in their order."""
    return sorted(folder.glob("shard-*/objects.json"))


def write_shard(
    folder: Path, spec: PoolSpec, shard: int, photos: Photos, tick: Callable[[], None]
) -> None:
    """Render one shard; it appears under its name only when it is complete."""
    length = spec.shard_length(shard)
    unfinished = folder / f".unfinished-{shard:04d}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    size = spec.size
    create = np.lib.format.open_memmap
    rgb = create(unfinished / "rgb.npy", "w+", np.uint8, (length, size, size, 3))
    labels = create(unfinished / "labels.npy", "w+", np.uint8, (length, size, size))
    parts = create(unfinished / "parts.npy", "w+", np.uint8, (length, size, size))
    objects = []
    start = shard * spec.shard
    scenes = render_scenes(photos, spec.seed, range(start, start + length), size)
    for row, rendering in enumerate(scenes):
        rgb[row], labels[row], parts[row] = rendering.rgb, rendering.labels, rendering.parts
        objects.append(rendering.objects)
        tick()
    for array in (rgb, labels, parts):
        array.flush()
    (unfinished / "objects.json").write_text(json.dumps(objects), encoding="utf-8")
    os.replace(unfinished, _shard_path(folder, shard))


def _work(folder: Path, spec: PoolSpec, shards: Any, done: Any) -> None:
    """A worker process: render shards from a queue until it yields None."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    cv2.setNumThreads(1)
    photos = load_photos(Path(spec.photos) if spec.photos else None)
    for shard in iter(shards.get, None):
        write_shard(folder, spec, shard, photos, lambda: done.put(1))


def write_pool(
    folder: Path, spec: PoolSpec, workers: int, command: str, advance: Callable[[int], None]
) -> None:
    """Render what is missing of a pool; `advance` hears of scenes as they are finished.

    Raises ValueError if `folder` holds a pool made otherwise, RuntimeError if a worker died.
    """
    load_photos(Path(spec.photos) if spec.photos else None)  # a wrong folder is told here
    folder.mkdir(parents=True, exist_ok=True)
    meta = folder / "meta.json"
    wanted = asdict(spec)
    if meta.exists():
        found = json.loads(meta.read_text(encoding="utf-8"))
        other = [key for key in wanted if key != "count" and found.get(key) != wanted[key]]
        if other:
            raise ValueError(f"{folder} holds a pool of another {other[0]}; choose a new folder")
    missing = []
    for shard in range(spec.shards):
        path = _shard_path(folder, shard)
        if path.exists() and _length(path) == spec.shard_length(shard):
            advance(spec.shard_length(shard))
        else:
            shutil.rmtree(path, ignore_errors=True)
            missing.append(shard)
    meta.write_text(json.dumps({**wanted, "command": command}, indent=1), encoding="utf-8")
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    crew = [
        context.Process(target=_work, args=(folder, spec, todo, done), daemon=True)
        for _ in range(min(workers, len(missing)))
    ]
    for item in [*missing, *([None] * len(crew))]:
        todo.put(item)
    for process in crew:
        process.start()
    _watch(crew, done, sum(map(spec.shard_length, missing)), advance)


def _watch(crew: list[Any], done: Any, expected: int, advance: Callable[[int], None]) -> None:
    while expected:
        try:
            expected -= done.get(timeout=1.0)
            advance(1)
        except queue.Empty:
            if any(process.exitcode not in (None, 0) for process in crew):
                for process in crew:
                    process.terminate()
                raise RuntimeError("a rendering process died; run again to go on") from None
    for process in crew:
        process.join()


def _length(path: Path) -> int:
    return len(np.load(path / "labels.npy", mmap_mode="r", allow_pickle=False))


class WorldPool:
    """A pool on disk: len(pool) scenes; pool[i] -> (rgb, labels, records of its objects).

    rgb uint8 (S, S, 3) and labels uint8 (S, S) are read-only views of the files. Only finished
    shards count. Can be handed to other processes; each opens the files itself.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._paths = sorted(self.folder.glob("shard-[0-9][0-9][0-9][0-9]"))
        if not self._paths:
            raise FileNotFoundError(
                f"no rendered scenes in {self.folder}; make some: sam3i render pool {self.folder}"
            )
        self._starts = np.cumsum([0, *map(_length, self._paths)])
        self._open: dict[int, tuple[Any, Any, Any, list[list[dict[str, Any]]]]] = {}

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def __getitem__(
        self, index: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[dict[str, Any]]]:
        rgb, labels, _, objects, row = self._at(index)
        return rgb[row], labels[row], objects[row]

    def parts(self, index: int) -> NDArray[np.uint8]:
        """The map of parts of one scene, uint8 (S, S); its objects' records say what they are."""
        _, _, parts, _, row = self._at(index)
        return np.asarray(parts[row])

    def _at(self, index: int) -> tuple[Any, Any, Any, list[list[dict[str, Any]]], int]:
        """The arrays and records of the shard that holds a scene, and its row there."""
        if not 0 <= index < len(self):
            raise IndexError(f"scene {index} of a pool of {len(self)}")
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        if shard not in self._open:
            path = self._paths[shard]
            self._open[shard] = (
                np.load(path / "rgb.npy", mmap_mode="r", allow_pickle=False),
                np.load(path / "labels.npy", mmap_mode="r", allow_pickle=False),
                np.load(path / "parts.npy", mmap_mode="r", allow_pickle=False),
                json.loads((path / "objects.json").read_text(encoding="utf-8")),
            )
        return (*self._open[shard], index - int(self._starts[shard]))
