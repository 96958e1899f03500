"""What a training run will need, before it starts: memory, disk and time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import nn

GIB = 1024**3
SPARE = 1.1
"""Factor on what is foreseen: file systems and allocators need some room."""


class ForecastError(ValueError):
    """A run would not fit; the message is one line with the remedy."""


@dataclass(frozen=True)
class Forecast:
    """Bytes and seconds.

    Attributes:
        weights: Of the model, its gradients, the optimiser's two moments and the average.
        disk: Of the state (written anew before the old one goes), the finished model, and image
            features that are kept.
        memory_left: Free memory of the device.
        disk_left: Free space where the run writes.
    """

    weights: int
    disk: int
    memory_left: int
    disk_left: int

    def check(self) -> None:
        """Refuse what can't work.

        Raises:
            ForecastError: Memory or disk doesn't suffice.
        """
        if self.disk * SPARE > self.disk_left:
            raise ForecastError(
                f"the run writes {size(self.disk)} and {size(self.disk_left)} are free: "
                "make room or name another folder"
            )
        if self.weights * SPARE > self.memory_left:
            raise ForecastError(
                f"weights and optimiser need {size(self.weights)}, {size(self.memory_left)} are "
                "free: use lite adapters, a smaller model or a larger machine"
            )


def forecast(module: nn.Module, out: Path, device: torch.device, features: int = 0) -> Forecast:
    """Of a module whose frozen parts are frozen, trained by AdamW with averaged weights; `features`
    are the bytes of those that will be kept.

    Activations are not in it: they depend on the batch, and a dry run measures them.
    """
    held = sum(t.numel() * t.element_size() for t in module.state_dict().values())
    learned = sum(p.numel() * 4 for p in module.parameters() if p.requires_grad)
    state = held + 4 * learned  # weights, two moments, average and its margin
    there = next(p for p in [out, *out.absolute().parents] if p.exists())
    return Forecast(
        weights=held + 4 * learned,  # gradients, two moments, average
        disk=2 * state + held + features,
        memory_left=free_memory(device),
        disk_left=shutil.disk_usage(there).free,
    )


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


def peak_memory(device: torch.device) -> int:
    """Bytes that this process held at most: the allocator's on a GPU, all of it on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return psutil.Process().memory_info().rss


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / GIB:.1f} GiB" if count >= 0.1 * GIB else f"{count / 1024**2:.0f} MiB"


def duration(seconds: float) -> str:
    """Seconds for people."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
