"""Renders a pool, shard by shard, in several processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import shutil
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.files import write_text
from training.parent import end_with_parent
from training.world.pool import RECORDS, PoolSpec, length_of, shards_of
from training.world.rendering import Photos, render_scenes
from training.world.textures import load_photos

PIXEL = 5
"""Bytes: colour, label and part."""


def write_pool(
    folder: Path, spec: PoolSpec, workers: int, command: str, advance: Callable[[int], None]
) -> None:
    """Render what is missing of a pool; `advance` hears of scenes as they are finished.

    Raises:
        ValueError: `folder` holds a pool made otherwise, or more than is wanted; one line.
        OSError: It can't be written, or a process was killed; one line.
    """
    load_photos(Path(spec.photos) if spec.photos else None)  # a wrong folder is told here
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = f"{folder} can't be a folder ({error.strerror}): name another"
        raise OSError(said) from error
    agree(folder, spec)
    lengths = {int(path.name[-4:]): length_of(path) for path in shards_of(folder)}
    there = max((shard * spec.shard + length for shard, length in lengths.items()), default=0)
    if there > spec.count:
        said = f"{folder} has scenes up to number {there}"
        raise ValueError(f"{said}: give --count {there} or more, or a new folder")
    whole = [shard for shard in lengths if lengths[shard] == spec.shard_length(shard)]
    missing = [shard for shard in range(spec.shards) if shard not in whole]
    left = sum(map(spec.shard_length, missing))
    _clear(folder)
    need, free = left * spec.size**2 * PIXEL, shutil.disk_usage(folder).free
    if need > free:
        raise OSError(
            f"{left} scenes need {need / 2**20:.0f} MiB, {free / 2**20:.0f} are free where "
            f"{folder} is: make room or render fewer"
        )
    write_text(folder / "meta.json", json.dumps({**asdict(spec), "command": command}, indent=1))
    for shard in whole:
        advance(lengths[shard])
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
    try:
        _watch(crew, done, advance)
    finally:
        _clear(folder)


def agree(folder: Path, spec: PoolSpec) -> None:
    """Refuse a folder whose pool was made otherwise.

    Raises:
        ValueError: It was, or doesn't say; one line.
    """
    path = folder / "meta.json"
    if not path.exists():
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        other = [k for k, v in asdict(spec).items() if k != "count" and found.get(k) != v]
    except (ValueError, AttributeError) as error:
        said = f"{path} can't be read, so that nobody knows how its scenes were made"
        raise ValueError(f"{said}: choose a new folder") from error
    if other:
        raise ValueError(f"{folder} holds a pool of another {other[0]}; choose a new folder")


def write_shard(
    folder: Path, spec: PoolSpec, shard: int, photos: Photos, tick: Callable[[], None]
) -> None:
    """Render one shard; it appears under its name, in a shorter one's place, when it is complete.

    Raises:
        OSError: It can't be written; nothing of it is left.
    """
    length, size = spec.shard_length(shard), spec.size
    unfinished, finished = (folder / f"{name}-{shard:04d}" for name in (".unfinished", "shard"))
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        rgb = _reserved(unfinished / "rgb.npy", (length, size, size, 3))
        labels = _reserved(unfinished / "labels.npy", (length, size, size))
        parts = _reserved(unfinished / "parts.npy", (length, size, size))
        objects = []
        start = shard * spec.shard
        scenes = render_scenes(photos, spec.seed, range(start, start + length), size)
        for row, rendering in enumerate(scenes):
            rgb[row], labels[row], parts[row] = rendering.rgb, rendering.labels, rendering.parts
            objects.append(rendering.objects)
            tick()
        for array in (rgb, labels, parts):
            array.flush()
        (unfinished / RECORDS).write_text(json.dumps(objects), encoding="utf-8")
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    shutil.rmtree(finished, ignore_errors=True)
    os.replace(unfinished, finished)


def _clear(folder: Path) -> None:
    """Give back the room of shards that a stop left unfinished."""
    for path in folder.glob(".unfinished-*"):
        shutil.rmtree(path, ignore_errors=True)


def _reserved(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """A new array on disk whose room is taken: a full disk would kill who writes into it later."""
    array = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _work(folder: Path, spec: PoolSpec, shards: Any, done: Any) -> None:
    """A worker process: render shards from a queue until it yields None.

    Says 1 for each scene, and at its end None, or what it could not write.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    end_with_parent()
    cv2.setNumThreads(1)
    photos = load_photos(Path(spec.photos) if spec.photos else None)
    try:
        for shard in iter(shards.get, None):
            write_shard(folder, spec, shard, photos, lambda: done.put(1))
        done.put(None)
    except OSError as error:
        done.put(f"{folder} can't be written ({error.strerror}): make room, and run again to go on")


def _watch(crew: list[Any], done: Any, advance: Callable[[int], None]) -> None:
    """Listen until all have said that they are done."""
    working = len(crew)
    try:
        while working:
            if any(process.exitcode for process in crew):
                raise ChildProcessError(
                    "a rendering process died (memory?): run again to go on, with fewer --workers"
                )
            try:
                said = done.get(timeout=1.0)
            except queue.Empty:
                continue
            if isinstance(said, str):
                raise OSError(said)
            if said is None:
                working -= 1
            else:
                advance(said)
    finally:
        for process in crew:
            process.terminate()
            process.join()
