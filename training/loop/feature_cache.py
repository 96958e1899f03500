"""Image features on disk: a frozen encoder says the same of the same pixels every time."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from sam3i_model.features import ImageFeatures

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
        """Features of images (N, 3, S, S): kept ones are read, new ones made and kept.

        To the last digit they are the same whether they were kept already or not, so that a run
        that goes on learns what an unbroken one does. Whence each new one is encoded alone.

        Raises:
            OSError: New ones can't be kept; one line.
        """
        rows = {n: self._kept(encode, images[n, None], key) for n, key in enumerate(keys) if key}
        passing = [n for n, key in enumerate(keys) if not key]
        if passing:
            made = encode(images[passing])
            for place, number in enumerate(passing):
                rows[number] = made.rows(torch.tensor([place], device=images.device))
        return stacked([rows[number] for number in range(len(keys))])

    def _kept(self, encode: Encode, image: torch.Tensor, key: str) -> ImageFeatures:
        path = self._path(key)
        row = read(path, image.device)
        if row is None:
            row = rounded(encode(image))
            write(path, row)
        return row

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


def rounded(features: ImageFeatures) -> ImageFeatures:
    """As they are kept: in bfloat16, without gradient."""
    maps, position, geometry = features.maps, features.position, features.geometry
    return ImageFeatures(
        tuple(level.detach().bfloat16() for level in maps),
        position.detach().bfloat16(),
        geometry.detach().bfloat16(),
    )


def write(path: Path, features: ImageFeatures) -> None:
    """Keep one image's `rounded` features; a kill never leaves half a file.

    Raises:
        OSError: The disk is full, or can't be written; one line.
    """
    named = {f"map{n}": level for n, level in enumerate(features.maps)}
    named |= {"position": features.position, "geometry": features.geometry}
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({n: t.cpu().contiguous() for n, t in named.items()}, partial)
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OSError(
            f"features can't be kept in {path.parent} ({error}): make room, and the same command "
            "goes on"
        ) from error


def read(path: Path, device: torch.device) -> ImageFeatures | None:
    """Kept features; None if there are none, or what a power cut has left of them."""
    try:
        with safe_open(path, "pt", device=str(device)) as file:
            names = sorted(name for name in file.keys() if name.startswith("map"))  # noqa: SIM118
            maps = tuple(file.get_tensor(name) for name in names)
            return ImageFeatures(maps, file.get_tensor("position"), file.get_tensor("geometry"))
    except (OSError, SafetensorError):
        return None
