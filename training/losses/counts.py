"""How many of everything a step has: what its sums are divided by.

A loss is a sum over objects (texts, cells) divided by their number. Shared among processes and
micro-batches, each divides by the mean number over all of them; the mean of such losses is the loss
of the whole step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from training.losses.dense_heads import cell_counts, text_counts, token_counts
from training.losses.processes import process_count, summed
from training.samples.batches import Batch

Counts = dict[str, torch.Tensor]


def counts(batch: Batch) -> Counts:
    """Of one micro-batch: float32 tensors by name."""
    present = sum(len(boxes) > 0 for boxes in batch.boxes)
    numbers = {
        "texts": len(batch.boxes),
        "present": present,
        "objects": len(batch.masks),
        "pairs": len(batch.pairs),
    }
    device = batch.images.device
    named = {name: torch.tensor(float(n), device=device) for name, n in numbers.items()}
    return {**named, **cell_counts(batch), **token_counts(batch), **text_counts(batch)}


def mean_counts(batches: Sequence[Batch]) -> Counts:
    """Mean over the micro-batches of all processes; `parts` is how many those are."""
    own = [counts(batch) for batch in batches]
    parts = len(batches) * process_count()
    mean = {name: summed(torch.stack([c[name] for c in own]).sum(0)) / parts for name in own[0]}
    return {**mean, "parts": torch.tensor(float(parts))}
