"""A folder of rendered scenes: what fixes it, and how it is read without copying.

OUT/meta.json and, for every 1000 scenes, OUT/shard-0000/{rgb.npy, labels.npy, parts.npy,
objects.json}: uint8 (n, S, S, 3), uint8 (n, S, S) twice and one list of records a scene.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = 2  # of the renderer: the same version, seed and photos give the same bytes
SHARD = 1000
ARRAYS, RECORDS = ("rgb", "labels", "parts"), "objects.json"


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


def shards_of(folder: Path) -> list[Path]:
    """The finished shards of a pool, in their order."""
    return sorted(folder.glob("shard-[0-9][0-9][0-9][0-9]"))


def records_of(folder: Path) -> list[Path]:
    """The files of a pool that hold the records of its objects, in their order."""
    return sorted(folder.glob(f"shard-*/{RECORDS}"))


def length_of(shard: Path) -> int:
    """Number of scenes in a finished shard.

    Raises:
        OSError: A file is missing or cut off; one line with the remedy.
    """
    try:
        lengths = {len(_mapped(shard / f"{name}.npy")) for name in ARRAYS}
        with (shard / RECORDS).open("rb") as file:
            file.seek(-2, os.SEEK_END)
            whole = len(lengths) == 1 and file.read().strip().endswith(b"]")
    except (OSError, ValueError, EOFError):
        whole = False
    if not whole:
        raise _damaged(shard)
    return lengths.pop()


def _mapped(path: Path) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _damaged(shard: Path) -> OSError:
    return OSError(f"{shard} is damaged: delete it and render again (`sam3i render pool`)")


class WorldPool:
    """A pool on disk: len(pool) scenes; pool[i] -> (rgb, labels, records of its objects).

    rgb uint8 (S, S, 3) and labels uint8 (S, S) are read-only views of the files. Only finished
    shards count. Can be handed to other processes; each opens the files itself.

    Raises:
        OSError: There are no scenes, or a shard is damaged; one line with the remedy.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._paths = shards_of(self.folder)
        if not self._paths:
            raise FileNotFoundError(
                f"no rendered scenes in {self.folder}; make some: sam3i render pool {self.folder}"
            )
        self._starts = np.cumsum([0, *map(length_of, self._paths)])
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
            try:
                objects = json.loads((path / RECORDS).read_text(encoding="utf-8"))
            except ValueError as error:
                raise _damaged(path) from error
            rgb, labels, parts = (_mapped(path / f"{name}.npy") for name in ARRAYS)
            self._open[shard] = rgb, labels, parts, objects
        return (*self._open[shard], index - int(self._starts[shard]))
