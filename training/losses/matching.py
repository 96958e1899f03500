"""Which query answers for which object.

A `Matcher` pairs one text's queries with its objects, `Matching` says which matcher the last
decoder layer has and which the earlier ones, `match` goes over texts and layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from training.losses.boxes import BoxForm, coordinates, giou, iou
from training.losses.focal import Focal

Pairs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""int64 (M,) each of layer, query and object of one text."""


@dataclass
class Match:
    """M matched pairs: int64 (M,) each of decoder layer, text, query and object.

    `object` counts over all texts' objects in a row.
    """

    layer: torch.Tensor
    text: torch.Tensor
    query: torch.Tensor
    object: torch.Tensor

    @property
    def place(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Index of the pairs in tensors (L, T, Q, ...)."""
        return self.layer, self.text, self.query

    def of_layer(self, layer: int) -> Match:
        """The pairs of one decoder layer."""
        chosen = self.layer == layer
        return Match(*(column[chosen] for column in (*self.place, self.object)))


class Matcher(Protocol):
    """A rule of matching."""

    def pairs(self, logits: torch.Tensor, boxes: torch.Tensor, target: torch.Tensor) -> Pairs:
        """Match float32 logits (L, Q) and boxes xyxy (L, Q, 4) with n > 0 objects' (n, 4)."""


@dataclass(frozen=True)
class Hungarian:
    """The assignment of least cost, every object to `copies` queries (DETR, SAM 3).

    Cost: classes * class + l1 * L1 - giou * GIoU. The class cost is -p, or with `focal` the focal
    loss of saying yes less that of saying no (SAM 3's matcher, alpha 0.25 and gamma 2).

    Args:
        l1_on: Coordinates of the L1 cost.
        classes: Weight of the class cost.
        l1: Weight of the L1 cost.
        giou: Weight of the GIoU.
        focal: Of the class cost; none: -p.
        copies: Queries for each object, fewer where there are too few queries; more than one
            gives early layers more to learn from.
    """

    l1_on: BoxForm
    classes: float = 2.0
    l1: float = 5.0
    giou: float = 2.0
    focal: Focal | None = None
    copies: int = 1

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise ValueError(f"copies is {self.copies}, must be at least 1")
        if min(self.classes, self.l1, self.giou) < 0:
            raise ValueError("weights of the cost must not be negative")

    def cost(self, logits: torch.Tensor, boxes: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Cost of every pair: (L, Q, n)."""
        if self.focal is None:
            classes = -logits.sigmoid()
        else:
            yes, no = torch.ones_like(logits), torch.zeros_like(logits)
            classes = self.focal(logits, yes) - self.focal(logits, no)
        apart = torch.cdist(coordinates(boxes, self.l1_on), coordinates(target, self.l1_on), p=1)
        overlap = giou(boxes[..., None, :], target)
        return self.classes * classes[..., None] + self.l1 * apart - self.giou * overlap

    def pairs(self, logits: torch.Tensor, boxes: torch.Tensor, target: torch.Tensor) -> Pairs:
        """See `Matcher`."""
        queries, count = logits.shape[1], len(target)
        repeat = min(self.copies, max(1, queries // count))
        found = []
        costs = self.cost(logits, boxes, target).nan_to_num()  # the loss will tell
        for layer, cost in enumerate(costs.numpy()):
            rows, columns = linear_sum_assignment(np.tile(cost, (1, repeat)))
            found.append(np.stack([np.full_like(rows, layer), rows, columns % count]))
        layer, query, item = torch.from_numpy(np.concatenate(found, axis=1))
        return layer, query, item


@dataclass(frozen=True)
class TopQueries:
    """The best few queries of every object (DAC-DETR, SAM 3's one-to-many half).

    A pair scores share * p + (1 - share) * IoU. It is kept if that is above `threshold` and above
    the (1 - count / Q) quantile of the object's Q scores. An object may stay without a query, and
    a query may answer for several objects.

    Args:
        share: Weight of the class probability in the score.
        threshold: Scores up to this never match.
        count: Queries for each object at most.
    """

    share: float = 0.3
    threshold: float = 0.4
    count: int = 4

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share}, must be 0 to 1")
        if self.count < 1:
            raise ValueError(f"count is {self.count}, must be at least 1")

    def pairs(self, logits: torch.Tensor, boxes: torch.Tensor, target: torch.Tensor) -> Pairs:
        """See `Matcher`."""
        overlap = iou(boxes[..., None, :], target)
        score = self.share * logits.sigmoid()[..., None] + (1 - self.share) * overlap
        rank = max(0.0, 1 - self.count / logits.shape[1])
        bar = torch.quantile(score, rank, dim=1, keepdim=True)
        layer, query, item = ((score > bar) & (score > self.threshold)).nonzero(as_tuple=True)
        return layer, query, item


@dataclass(frozen=True)
class Matching:
    """The matchers of the earlier decoder layers and of the last one."""

    early: Matcher
    last: Matcher


@torch.no_grad()
def match(
    logits: torch.Tensor, boxes: torch.Tensor, targets: Sequence[torch.Tensor], matching: Matching
) -> Match:
    """Match queries to objects in every decoder layer.

    Args:
        logits: (L, T, Q), float32 or bfloat16.
        boxes: (L, T, Q, 4) xyxy in 0..1.
        targets: Per text, the objects' boxes (n_t, 4); texts without objects match nothing.
        matching: The matchers.
    """
    device, final = logits.device, logits.shape[0] - 1
    logits, boxes = logits.float().cpu(), boxes.float().cpu()
    columns: list[torch.Tensor] = [torch.zeros(4, 0, dtype=torch.int64)]
    offset = 0
    for text, target in enumerate(targets):
        if not len(target):
            continue
        for matcher, first, end in ((matching.early, 0, final), (matching.last, final, final + 1)):
            if first == end:
                continue
            said = (logits[first:end, text], boxes[first:end, text])
            layer, query, item = matcher.pairs(*said, target.float().cpu())
            place = (layer + first, torch.full_like(layer, text), query)
            columns.append(torch.stack([*place, item + offset]))
        offset += len(target)
    return Match(*torch.cat(columns, dim=1).to(device))
