"""Training-only heads that let a small model find its feet quickly.

A DETR learns slowly from scratch; dense targets on the feature maps teach the image encoder and
the fused tokens directly, and kinds and colours teach the text encoder. No head is part of a
checkpoint. Sums are divided by the numbers that `training.losses.counts` has of the whole step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from sam3i_model.features import ImageFeatures, LayerOutputs, TextFeatures
from training.instructions.lexicon import COLORS
from training.losses.boxes import giou
from training.losses.focal import Focal
from training.losses.targets import sampled
from training.samples.batches import Batch
from training.samples.from_world import KINDS

BACKGROUND = 0.3
"""Weight of a background cell beside that of one on a thing."""
INSIDE = Focal(0.6, 0.4, gamma=2)
"""Loss of a token's "inside something denoted"."""
LEAST = 1e-6
"""Least divisor: of nothing, the sum is nothing."""
STRIDE = 4
"""Of the coarsest image map, in cells of the batch's masks."""
FINER = 2
"""How much finer than that map things are looked up, for the small ones."""


def cell_boxes(distances: torch.Tensor) -> torch.Tensor:
    """Boxes xyxy (B, n, n, 4) from each cell's distances to the four sides (any real numbers)."""
    size = distances.shape[1]
    centre = (torch.arange(size, device=distances.device) + 0.5) / size
    y, x = torch.meshgrid(centre, centre, indexing="ij")
    reach = F.softplus(distances) * 0.1
    sides = (x - reach[..., 0], y - reach[..., 1], x + reach[..., 2], y + reach[..., 3])
    return torch.stack(sides, dim=-1)


def cell_truth(batch: Batch, size: int) -> torch.Tensor:
    """What covers each of `size` cells a side: float32 (N, size, size, 6), see `samples.Cells`."""
    rows = torch.arange(len(batch.labels), device=batch.labels.device)[:, None, None]
    return batch.objects[rows, sampled(batch.labels, size)]


def thing_truth(batch: Batch, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Things of known kind that cover the middle of some of `size` cells a side.

    Returns:
        Their kinds, int64 (M,); which cells they cover, bool (N, size, size); and which of the M
        covers each of those, int64.
    """
    kinds = cell_truth(batch, size)[..., 0]
    covered = kinds > 0
    labels = sampled(batch.labels, size)[covered]
    picture = covered.nonzero()[:, 0]
    things, rows = torch.unique(picture * 256 + labels, return_inverse=True)
    named = kinds.new_zeros(len(things)).index_put((rows,), kinds[covered])
    return named.long() - 1, rows, covered


def token_truth(batch: Batch, size: int) -> torch.Tensor:
    """Box of what a text means at each of `size` cells a side: float32 (T, size, size, 4) xyxy in
    0..1, zeros where it means nothing; where several overlap, that of one of them."""
    masks = sampled(batch.masks, size)
    truth = masks.new_zeros(len(batch.boxes), size, size, 4, dtype=torch.float32)
    first = 0
    for row, boxes in zip(truth, batch.boxes, strict=True):
        for mask, box in zip(masks[first : first + len(boxes)], boxes, strict=True):
            row[mask] = box
        first += len(boxes)
    return truth


def cell_counts(batch: Batch) -> dict[str, torch.Tensor]:
    """Things of known kind, weighted cells, cells with a known colour, covered cells: float32
    scalars."""
    size = batch.labels.shape[-1] // STRIDE
    truth = cell_truth(batch, size)
    kinds = truth[..., 0]
    return {
        "things": torch.tensor(float(len(thing_truth(batch, FINER * size)[0]))).to(kinds),
        "kinds": (kinds > 0).sum() + BACKGROUND * (kinds == 0).sum(),
        "colours": (truth[..., 1] >= 0).sum().float(),
        "covered": (kinds > 0).sum().float(),
    }


def token_counts(batch: Batch) -> dict[str, torch.Tensor]:
    """Fused tokens that lie in something denoted, a float32 scalar."""
    truth = token_truth(batch, batch.masks.shape[-1] // STRIDE)
    return {"inside": (truth[..., 2] > 0).sum().float()}


def spread(numbers: Sequence[torch.Tensor], count: int) -> torch.Tensor:
    """Shares of 0..count-1 in each list of numbers: float32 (T, count); an empty list's are 0."""
    rows = [torch.bincount(n, minlength=count) / max(1, len(n)) for n in numbers]
    return torch.stack(rows).float()


def text_counts(batch: Batch) -> dict[str, torch.Tensor]:
    """Texts that mean something of a known kind, of a known colour: float32 scalars."""
    device = batch.images.device
    counted = {"named": batch.kinds, "coloured": batch.colours}
    return {
        name: torch.tensor(float(sum(len(n) > 0 for n in numbers)), device=device)
        for name, numbers in counted.items()
    }


class CellHead(nn.Module):
    """Kind, colour and box of whatever covers a cell, on the coarsest image map (no prompt).

    The finer maps only draw outlines: told to name things as well, they don't learn it.
    """

    kind_weight: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kinds = 1 + len(KINDS)
        self.head = nn.Conv2d(width, self.kinds + len(COLORS) + 4, 1)
        self.register_buffer("kind_weight", torch.tensor([BACKGROUND] + [1.0] * len(KINDS)))

    def forward(
        self, image: ImageFeatures, batch: Batch, counts: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Cross entropies and 1 - GIoU, a scalar."""
        maps = image.maps[-1]
        said = self.head(maps).float()
        truth = cell_truth(batch, maps.shape[-1])
        kind, color = truth[..., 0].long(), truth[..., 1].long()
        kinds = F.cross_entropy(
            said[:, : self.kinds], kind, ignore_index=-1, weight=self.kind_weight, reduction="sum"
        )
        colors = F.cross_entropy(said[:, self.kinds : -4], color, ignore_index=-1, reduction="sum")
        boxes = cell_boxes(said[:, -4:].permute(0, 2, 3, 1))
        missed = 1 - giou(boxes[kind > 0], truth[kind > 0][:, 2:])
        return (
            kinds / counts["kinds"].clamp(min=LEAST)
            + 0.5 * colors / counts["colours"].clamp(min=LEAST)
            + 0.5 * missed.sum() / counts["covered"].clamp(min=LEAST)
        )


class ThingHead(nn.Module):
    """Kind of each thing from the mean of the coarsest image map over it (no prompt).

    To the cells, a thing counts as much as it covers, and a small one may cover no cell's middle.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, len(KINDS))

    def named(
        self, image: ImageFeatures, batch: Batch
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What things of known kind are taken for.

        Returns:
            Logits, float32 (M, kinds); their true kinds, int64 (M,); and their shares of the
            picture, float32 (M,).
        """
        maps = F.interpolate(image.maps[-1].float(), scale_factor=FINER, mode="bilinear")
        kinds, rows, covered = thing_truth(batch, maps.shape[-1])
        features = maps.permute(0, 2, 3, 1)[covered]
        sums = features.new_zeros(len(kinds), maps.shape[1]).index_add(0, rows, features)
        cells = torch.bincount(rows, minlength=len(kinds))
        means = sums / cells.clamp(min=1)[:, None]
        return self.head(means), kinds, cells / maps.shape[-1] ** 2

    def forward(
        self, image: ImageFeatures, batch: Batch, counts: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Cross entropy, a scalar."""
        said, kinds, _ = self.named(image, batch)
        loss = F.cross_entropy(said, kinds, reduction="sum")
        return loss / counts["things"].clamp(min=LEAST)


class TokenHead(nn.Module):
    """Whether a fused image token lies in something denoted, and that thing's box."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 5))

    def forward(
        self, outputs: LayerOutputs, batch: Batch, counts: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Focal plus 1 - GIoU, a scalar."""
        count, tokens = outputs.tokens.shape[:2]
        size = int(tokens**0.5)
        said = self.mlp(self.norm(outputs.tokens)).float().view(count, size, size, 5)
        truth = token_truth(batch, size)
        inside = truth[..., 2] > 0
        missed = 1 - giou(cell_boxes(said[..., 1:])[inside], truth[inside])
        loss = INSIDE(said[..., 0], inside.float()).sum() + missed.sum()
        return loss / counts["inside"].clamp(min=LEAST)


class TextHead(nn.Module):
    """Kinds and colours of what a text means, from its features alone (no image).

    What "something to cut paper with" means is learned from the things that answer to it. A word
    may be rare: this tells the text encoder about it long before boxes and masks could.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.kinds = nn.Linear(width, len(KINDS))
        self.colours = nn.Linear(width, len(COLORS))

    def forward(
        self, text: TextFeatures, batch: Batch, counts: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Cross entropies of both, a scalar."""
        tokens = text.mask[..., None].float()
        mean = (text.features.float() * tokens).sum(1) / tokens.sum(1)
        said = self.mlp(mean)
        loss = said.new_zeros(())
        truths = (("named", self.kinds, batch.kinds), ("coloured", self.colours, batch.colours))
        for name, head, numbers in truths:
            truth = spread(numbers, head.out_features)
            missed = -(truth * head(said).log_softmax(1)).sum()
            loss = loss + missed / counts[name].clamp(min=LEAST)
        return loss
