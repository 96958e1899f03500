"""What sentences denote, as the losses need it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch.nn import functional as F

from training.dataset import Batch

Grid = Literal["target", "map"]
"""Where predicted and true masks are compared: the prediction is resized to the true mask
(bilinear), or the true mask is sampled at the middle of the prediction's cells (cheap)."""


@dataclass
class Targets:
    """The objects that T texts denote, M in all; masks may overlap.

    Attributes:
        boxes: Per text, float32 (n_t, 4) xyxy in 0..1, all with an extent; a text may denote
            nothing.
        masks: bool (M, H, W), over all texts in a row.
    """

    boxes: list[torch.Tensor]
    masks: torch.Tensor

    @cached_property
    def presence(self) -> torch.Tensor:
        """float32 (T,), 1 where something is denoted."""
        return torch.tensor([float(len(b) > 0) for b in self.boxes], device=self.masks.device)

    @cached_property
    def union(self) -> torch.Tensor:
        """bool (T, H, W), each text's masks in one."""
        parts = self.masks.split([len(boxes) for boxes in self.boxes])
        return torch.stack([part.any(0) for part in parts])


def denoted(batch: Batch, rows: list[int] | None = None) -> Targets:
    """The targets of a batch of rendered scenes, or of some of its texts; masks from its maps."""
    rows = list(range(len(batch.targets))) if rows is None else rows
    targets = [batch.targets[row] for row in rows]
    counts = torch.tensor([len(t) for t in targets], device=batch.image_index.device)
    maps = text_maps(batch)[rows].repeat_interleave(counts, dim=0)
    return Targets([batch.boxes[row] for row in rows], maps == torch.cat(targets)[:, None, None])


def text_maps(batch: Batch) -> torch.Tensor:
    """The map that each text's labels refer to, of objects or of parts: int64 (T, S, S)."""
    images = batch.image_index
    return torch.where(batch.of_parts[:, None, None], batch.parts[images], batch.labels[images])


def label_maps(batch: Batch, size: int) -> torch.Tensor:
    """The batch's label maps sampled down to `size` cells a side."""
    return sampled(batch.labels, size)


def sampled(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Square maps (N, S, S) sampled at the middle of `size` cells a side: (N, size, size)."""
    stride = maps.shape[-1] // size
    return maps[:, stride // 2 :: stride, stride // 2 :: stride]


def on_one_grid(
    logits: torch.Tensor, masks: torch.Tensor, grid: Grid
) -> tuple[torch.Tensor, torch.Tensor]:
    """Bring predictions and truth to one size.

    Args:
        logits: (N, h, w), float32 or bfloat16.
        masks: bool (N, H, W).
        grid: The size.

    Returns:
        Logits and truth, float32 (N, P) each, P the cells of the grid.
    """
    logits = logits.float()
    if grid == "map":
        masks = sampled(masks, logits.shape[-1])
    else:
        logits = F.interpolate(
            logits[:, None], size=masks.shape[-2:], mode="bilinear", align_corners=False
        )[:, 0]
    return logits.flatten(1), masks.flatten(1).float()
