"""Image features on disk: a frozen encoder says the same of the same pixels every time."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from sam3i_model.modeling import ImageFeatures

Encode = Callable[[torch.Tensor], ImageFeatures]


class FeatureCache:
    """Features of pictures with a key, in bfloat16 as training reads them.

    Args:
        folder: Made when the first features are kept.
        encoder: What makes them; others' features are never taken for its own.
    """

    def __init__(self, folder: Path, encoder: nn.Module) -> None:
        value = 0
        for name, tensor in sorted(encoder.state_dict().items()):
            raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
            value = zlib.crc32(raw, zlib.crc32(name.encode(), value))
        self.folder = folder / f"{value:08x}"

    def features(self, encode: Encode, images: torch.Tensor, keys: Sequence[str]) -> ImageFeatures:
        """Features of images (N, 3, S, S): kept ones are read, new ones made and kept."""
        paths = [self._path(key) if key else None for key in keys]
        kept = [path is not None and path.is_file() for path in paths]
        rows: list[ImageFeatures | None] = [None] * len(keys)
        new = [row for row, there in enumerate(kept) if not there]
        if new:
            made = encode(images[new])
            for place, row in enumerate(new):
                rows[row] = made.rows(torch.tensor([place], device=images.device))
        for row, path in enumerate(paths):
            if kept[row] and path is not None:
                rows[row] = read(path, images.device)
            elif path is not None:
                write(path, rows[row])  # type: ignore[arg-type]
        return stacked([row for row in rows if row is not None])

    def room(self, one: ImageFeatures, pictures: int) -> int:
        """Bytes on disk that so many pictures' features take beyond what is kept, if each takes
        what `one` does."""
        kept = sum(1 for _ in self.folder.glob("*.safetensors"))
        numbers = sum(t.numel() for t in (*one.maps, one.position, one.geometry))
        return max(0, pictures - kept) * numbers * torch.bfloat16.itemsize

    def _path(self, key: str) -> Path:
        return (
            self.folder / f"{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.safetensors"
        )


def stacked(rows: Sequence[ImageFeatures]) -> ImageFeatures:
    """Features of several images in one."""
    maps = zip(*(row.maps for row in rows), strict=True)
    return ImageFeatures(
        tuple(torch.cat([m.float() for m in level]) for level in maps),
        torch.cat([row.position.float() for row in rows]),
        torch.cat([row.geometry.float() for row in rows]),
    )


def write(path: Path, features: ImageFeatures) -> None:
    """Keep one image's features; a kill never leaves half a file."""
    named = {f"map{n}": level for n, level in enumerate(features.maps)}
    named |= {"position": features.position, "geometry": features.geometry}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    save_file({n: t.detach().bfloat16().cpu().contiguous() for n, t in named.items()}, partial)
    os.replace(partial, path)


def read(path: Path, device: torch.device) -> ImageFeatures:
    """Kept features."""
    with safe_open(path, "pt", device=str(device)) as file:
        names = sorted(name for name in file.keys() if name.startswith("map"))  # noqa: SIM118
        maps = tuple(file.get_tensor(name) for name in names)
        return ImageFeatures(maps, file.get_tensor("position"), file.get_tensor("geometry"))
