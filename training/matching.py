"""Which query answers for which object: Hungarian matching on class, L1 and GIoU (DETR, SAM 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

CLASS_COST, L1_COST, GIOU_COST = 2.0, 5.0, 2.0


@dataclass
class Match:
    """M matched pairs: int64 (M,) each of decoder layer, text, query and object.

    `object` counts over all texts' objects in a row.
    """

    layer: torch.Tensor
    text: torch.Tensor
    query: torch.Tensor
    object: torch.Tensor


def pairwise_giou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Generalised IoU (Rezatofighi et al. 2019) of xyxy (A, 4) with (B, 4): (A, B) in -1..1."""
    return giou(first[:, None], second[None])


def giou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Generalised IoU of xyxy boxes (..., 4), broadcast: (...)."""
    inner = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(
        first[..., :2], second[..., :2]
    )
    outer = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(
        first[..., :2], second[..., :2]
    )
    intersection = inner.clamp(min=0).prod(-1)
    areas = (first[..., 2:] - first[..., :2]).prod(-1) + (second[..., 2:] - second[..., :2]).prod(
        -1
    )
    union = areas - intersection
    hull = outer.prod(-1)
    return intersection / (union + 1e-7) - (hull - union) / (hull + 1e-7)


@torch.no_grad()
def match(
    logits: torch.Tensor, boxes: torch.Tensor, targets: list[torch.Tensor], copies: int = 1
) -> Match:
    """Match queries to objects in every decoder layer.

    Args:
        logits: (L, T, Q).
        boxes: (L, T, Q, 4) xyxy in 0..1.
        targets: Per text, the objects' boxes (n_t, 4).
        copies: Queries that may answer for one object in all layers but the last; more than one
            gives the early layers more to learn from.
    """
    layers, _, queries = logits.shape
    scores = logits.float().sigmoid().cpu()
    boxes = boxes.float().cpu()
    columns: list[list[np.ndarray]] = [[], [], [], []]
    offset = 0
    for text, target in enumerate(targets):
        count = len(target)
        if not count:
            continue
        flat = boxes[:, text].reshape(-1, 4)
        cost = L1_COST * torch.cdist(flat, target.cpu(), p=1)
        cost -= GIOU_COST * pairwise_giou(flat, target.cpu())
        cost -= CLASS_COST * scores[:, text].reshape(-1, 1)
        for layer, layer_cost in enumerate(cost.view(layers, queries, count).numpy()):
            repeat = min(copies, max(1, queries // count)) if layer < layers - 1 else 1
            rows, picked = linear_sum_assignment(np.concatenate([layer_cost] * repeat, axis=1))
            pairs = (np.full_like(rows, layer), np.full_like(rows, text), rows)
            for column, values in zip(columns, (*pairs, offset + picked % count), strict=True):
                column.append(values)
        offset += count
    joined = [
        torch.from_numpy(np.concatenate(c)) if c else torch.zeros(0, dtype=torch.int64)
        for c in columns
    ]
    return Match(*(column.to(logits.device) for column in joined))
