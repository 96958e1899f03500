"""Training-only heads that let a small model find its feet quickly.

A DETR learns slowly from scratch; dense targets on the feature maps teach the image encoder and
the fused tokens directly. Neither head is part of a checkpoint.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from sam3i_model.modeling import ImageFeatures, LayerOutputs
from training.dataset import KINDS, Batch
from training.instructions.lexicon import COLORS
from training.losses import focal, label_maps
from training.matching import giou


def cell_boxes(distances: torch.Tensor) -> torch.Tensor:
    """Boxes xyxy (B, n, n, 4) from each cell's distances to the four sides (any real numbers)."""
    size = distances.shape[1]
    centre = (torch.arange(size, device=distances.device) + 0.5) / size
    y, x = torch.meshgrid(centre, centre, indexing="ij")
    reach = F.softplus(distances) * 0.1
    sides = (x - reach[..., 0], y - reach[..., 1], x + reach[..., 2], y + reach[..., 3])
    return torch.stack(sides, dim=-1)


class CellHead(nn.Module):
    """Kind, colour and box of whatever covers a cell, on the image maps alone (no prompt)."""

    kind_weight: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kinds = 1 + len(KINDS)
        outputs = self.kinds + len(COLORS) + 4
        self.heads = nn.ModuleList(nn.Conv2d(width, outputs, 1) for _ in range(3))
        self.register_buffer("kind_weight", torch.tensor([0.3] + [1.0] * len(KINDS)))

    def forward(self, image: ImageFeatures, batch: Batch) -> torch.Tensor:
        """Sum of the losses over the maps, a scalar."""
        loss = image.maps[0].new_zeros(())
        rows = torch.arange(len(batch.labels), device=batch.labels.device)[:, None, None]
        for head, maps in zip(self.heads, image.maps, strict=True):
            said = head(maps).float()
            truth = batch.objects[rows, label_maps(batch, maps.shape[-1])]
            kind, color = truth[..., 0].long(), truth[..., 1].long()
            covered = kind > 0
            loss = loss + F.cross_entropy(
                said[:, : self.kinds], kind, ignore_index=-1, weight=self.kind_weight
            )
            if not covered.any():
                continue
            colors = said[:, self.kinds : -4]
            loss = loss + 0.5 * F.cross_entropy(colors, color, ignore_index=-1)
            if maps is not image.maps[0]:
                boxes = cell_boxes(said[:, -4:].permute(0, 2, 3, 1))
                loss = loss + 0.5 * (1 - giou(boxes[covered], truth[covered][:, 2:])).mean()
        return loss


class TokenHead(nn.Module):
    """Whether a fused image token lies in something denoted, and that thing's box."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 5))

    def forward(self, outputs: LayerOutputs, batch: Batch) -> torch.Tensor:
        """Focal plus 1 - GIoU, a scalar."""
        count, tokens = outputs.tokens.shape[:2]
        size = int(tokens**0.5)
        said = self.mlp(self.norm(outputs.tokens)).float().view(count, size, size, 5)
        labels = batch.maps(size)
        inside = torch.stack([torch.isin(m, t) for m, t in zip(labels, batch.targets, strict=True)])
        loss = focal(said[..., 0], inside.float(), alpha=0.6, gamma=2).sum() / inside.sum().clamp(
            min=1
        )
        boxed = inside & ~batch.part[:, None, None]  # the table knows no boxes of parts
        if boxed.any():
            rows, cells = batch.image_index[:, None, None], labels.where(boxed, 0)
            truth = batch.objects[rows, cells][..., 2:]
            boxes = cell_boxes(said[..., 1:])
            loss = loss + (1 - giou(boxes[boxed], truth[boxed])).mean()
        return loss
