"""Overlaps of boxes, xyxy in 0..1."""

from __future__ import annotations

from typing import Literal

import torch

BoxForm = Literal["centre", "corners"]
"""Coordinates whose differences L1 counts: centre and size (SAM 3), or xyxy."""
SMALLEST_AREA = 1e-7
"""Areas are divided by at least this: a box without extent has overlap 0, not NaN."""


def coordinates(boxes: torch.Tensor, form: BoxForm) -> torch.Tensor:
    """Boxes xyxy (..., 4) as centre x, centre y, width, height, or as they are: (..., 4)."""
    if form == "corners":
        return boxes
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Intersection over union of xyxy boxes (..., 4), broadcast: (...) in 0..1."""
    intersection, union = _areas(first, second)
    return intersection / union.clamp(min=SMALLEST_AREA)


def giou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Generalised IoU of xyxy boxes (..., 4), broadcast: (...) in -1..1.

    IoU - (hull - union) / hull (Rezatofighi et al. 2019).
    """
    intersection, union = _areas(first, second)
    hull = (
        torch.maximum(first[..., 2:], second[..., 2:])
        - torch.minimum(first[..., :2], second[..., :2])
    ).prod(-1)
    overlap = intersection / union.clamp(min=SMALLEST_AREA)
    return overlap - (hull - union) / hull.clamp(min=SMALLEST_AREA)


def _areas(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Areas of intersection and union, (...) each."""
    inner = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(
        first[..., :2], second[..., :2]
    )
    intersection = inner.clamp(min=0).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (first, second)]
    return intersection, areas[0] + areas[1] - intersection
