"""What the model is taught: boxes, classes, presence, instance masks and the semantic map.

The terms are SAM 3's; focal and weight settings are those that a small model was measured to
learn well with (see the model card of the bundled checkpoint).
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from sam3i_model.modeling import LayerOutputs
from training.dataset import Batch
from training.matching import Match, giou, match

WEIGHTS = {
    "class": 4.0,
    "l1": 5.0,
    "giou": 2.0,
    "mask": 2.0,
    "dice": 3.0,
    "presence": 4.0,
    "semantic": 4.0,
    "semantic_dice": 1.0,
}
AUXILIARY_WEIGHT = 0.5
"""Weight of every decoder layer but the last."""
COPIES = 2
"""Queries per object in all layers but the last."""


def grounding_losses(outputs: LayerOutputs, batch: Batch) -> dict[str, torch.Tensor]:
    """All terms, unweighted: scalars by name. `total` weighs them."""
    layers = outputs.logits.shape[0]
    weights = outputs.logits.new_full((layers,), AUXILIARY_WEIGHT, dtype=torch.float32)
    weights[-1] = 1
    pairs = match(outputs.logits, outputs.boxes, batch.boxes, COPIES)
    objects = max(1, sum(len(t) for t in batch.targets))
    terms = {
        "class": class_loss(outputs.logits, pairs, weights) / objects,
        "presence": presence_loss(outputs.presence, batch.presence, weights),
        **semantic_losses(outputs.semantic, batch),
    }
    if len(pairs.layer):
        share = weights[pairs.layer]
        predicted = outputs.boxes[pairs.layer, pairs.text, pairs.query].float()
        target = torch.cat(batch.boxes)[pairs.object]
        terms["l1"] = ((predicted - target).abs().sum(1) * share).sum() / objects
        terms["giou"] = ((1 - giou(predicted, target)) * share).sum() / objects
        mask, dice = mask_losses(outputs, batch, pairs)
        terms["mask"] = (mask * share).sum() / objects
        terms["dice"] = (dice * share).sum() / objects
    return terms


def total(terms: dict[str, torch.Tensor]) -> torch.Tensor:
    """Weighted sum of the terms."""
    return torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum()


def class_loss(logits: torch.Tensor, pairs: Match, weights: torch.Tensor) -> torch.Tensor:
    """Focal loss (alpha 0.6, gamma 2) over (L, T, Q) logits; matched queries are positive."""
    target = torch.zeros_like(logits, dtype=torch.float32)
    target[pairs.layer, pairs.text, pairs.query] = 1
    return (focal(logits.float(), target, alpha=0.6, gamma=2).sum((1, 2)) * weights).sum()


def presence_loss(
    logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Cross entropy of (L, T) presence logits with float (T,) truth."""
    loss = F.binary_cross_entropy_with_logits(
        logits.float(), target.expand_as(logits), reduction="none"
    )
    return (loss.mean(1) * weights).sum()


def mask_losses(
    outputs: LayerOutputs, batch: Batch, pairs: Match
) -> tuple[torch.Tensor, torch.Tensor]:
    """Focal and dice loss of each matched query's mask: (M,) each.

    Only matched queries get a mask. They are gathered into one padded product per text, which on
    a CPU is several times faster than M small ones.
    """
    embeds = outputs.mask_embeds[pairs.layer, pairs.text, pairs.query]
    order = torch.argsort(pairs.text, stable=True)
    texts = pairs.text[order]
    counts = torch.bincount(texts, minlength=len(batch.targets))
    slot = torch.arange(len(texts), device=texts.device) - torch.repeat_interleave(
        counts.cumsum(0) - counts, counts
    )
    padded = embeds.new_zeros(len(counts), int(counts.max()), embeds.shape[-1])
    padded = padded.index_put((texts, slot), embeds[order])
    logits = torch.bmm(padded, outputs.pixels.flatten(2))[texts, slot].float()
    labels = batch.maps(outputs.pixels.shape[-1]).flatten(1)
    wanted = torch.cat(batch.targets)[pairs.object[order]]
    target = (labels[texts] == wanted[:, None]).float()
    back = torch.argsort(order)
    # small objects would drown in the background without the division by their area
    mask = focal(logits, target, alpha=0.5, gamma=1).mean(1) / (target.mean(1) + 0.02) * 0.6
    return mask[back], dice(logits, target)[back]


def semantic_losses(semantic: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """Cross entropy and dice of the (T, 1, h, w) union map."""
    labels = batch.maps(semantic.shape[-1])
    union = torch.stack(
        [torch.isin(own, target) for own, target in zip(labels, batch.targets, strict=True)]
    ).float()
    logits = semantic[:, 0].float()
    present = batch.presence
    overlap = dice(logits.flatten(1), union.flatten(1)) * present
    return {
        "semantic": F.binary_cross_entropy_with_logits(logits, union),
        "semantic_dice": overlap.sum() / present.sum().clamp(min=1),
    }


def label_maps(batch: Batch, size: int) -> torch.Tensor:
    """The batch's label maps sampled down to `size` cells a side."""
    stride = batch.labels.shape[-1] // size
    return batch.labels[:, stride // 2 :: stride, stride // 2 :: stride]


def focal(logits: torch.Tensor, target: torch.Tensor, alpha: float, gamma: float) -> torch.Tensor:
    """Focal loss (Lin et al. 2017), element by element; positives weigh `alpha`."""
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    probability = logits.sigmoid()
    right = probability * target + (1 - probability) * (1 - target)
    return (alpha * target + (1 - alpha) * (1 - target)) * (1 - right) ** gamma * entropy


def dice(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """1 - dice of (M, P) logits with (M, P) truth, with +1 in both parts: (M,)."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * target).sum(1) + 1
    return 1 - overlap / (probability.sum(1) + target.sum(1) + 1)
