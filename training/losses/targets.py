"""What sentences denote, as the losses need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch.nn import functional as F

from training.samples.batches import Batch

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
        shared: What sums are divided by where these are a part of a step: `texts`, `present`,
            `objects`, each the mean over the step's `parts` (see `training.losses.counts`).
    """

    boxes: list[torch.Tensor]
    masks: torch.Tensor
    shared: Mapping[str, torch.Tensor] | None = None

    @cached_property
    def presence(self) -> torch.Tensor:
        """float32 (T,), 1 where something is denoted."""
        return torch.tensor([float(len(b) > 0) for b in self.boxes], device=self.masks.device)

    @cached_property
    def union(self) -> torch.Tensor:
        """bool (T, H, W), each text's masks in one."""
        parts = self.masks.split([len(boxes) for boxes in self.boxes])
        empty = self.masks.new_zeros(0, *self.masks.shape[1:])
        return torch.stack([part.any(0) for part in parts]) if parts else empty

    def number(self, name: str) -> torch.Tensor:
        """What a sum over `texts`, `present` (texts that denote something) or `objects` is
        divided by, a float32 scalar."""
        if self.shared is not None:
            return self.shared[name]
        own = {"texts": len(self.boxes), "objects": len(self.masks), "parts": 1}
        own["present"] = sum(len(boxes) > 0 for boxes in self.boxes)
        return torch.tensor(float(own[name]), device=self.masks.device)


def denoted(batch: Batch, shared: Mapping[str, torch.Tensor] | None = None) -> Targets:
    """What a batch's texts denote."""
    return Targets(batch.boxes, batch.masks, shared)


def denoted_by(batch: Batch, rows: Sequence[int], shared: Mapping[str, torch.Tensor]) -> Targets:
    """What some of a batch's texts denote; `shared` counts those."""
    parts = batch.masks.split([len(boxes) for boxes in batch.boxes])
    masks = torch.cat([parts[row] for row in rows]) if rows else batch.masks[:0]
    return Targets([batch.boxes[row] for row in rows], masks, shared)


def sampled(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Square maps (N, S, S) sampled at the middle of `size` cells a side: (N, size, size)."""
    middles = (torch.arange(size, device=maps.device) + 0.5) * maps.shape[-1] / size
    return maps[:, middles.long()][:, :, middles.long()]


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
