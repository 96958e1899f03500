"""What the model is taught: boxes, classes, presence, instance masks and the semantic map.

The terms are SAM 3's (`sam3/train/loss` of the SAM3-I release); a `Recipe` sets their constants.
Per decoder layer l, N the number of objects, sums over matched pairs:

- class: focal loss, or IABCE (`recipes.IouAware`), over all queries
- l1, giou: sum of |box - truth| / N, sum of (1 - GIoU) / N
- mask: sum of (mean focal loss over the mask's cells) / N
- dice: sum of (1 - (2 * overlap + 1) / (area + true area + 1)) / N
- presence: mean over texts of the focal loss of "denotes something"

A term is the sum over layers, the early ones weighed by `recipe.early_layers`. The semantic map
has one focal and one dice term. `grounding` is the sum of all by `recipe.weights`.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from sam3i_model.features import LayerOutputs
from training.losses.boxes import coordinates, giou, iou
from training.losses.matching import Match, match
from training.losses.recipes import Recipe
from training.losses.targets import Targets, on_one_grid


def grounding_losses(
    outputs: LayerOutputs, targets: Targets, recipe: Recipe, many: LayerOutputs | None = None
) -> dict[str, torch.Tensor]:
    """All terms of one pass over T texts.

    Args:
        outputs: What the model said, float32 or bfloat16; the losses are in float32.
        targets: What the texts denote.
        recipe: Weights and constants.
        many: What the one-to-many queries said (SAM 3's training has as many of them again).
            Only `logits`, `boxes`, `mask_embeds` and `pixels` are read.

    Returns:
        Scalars by name: the unweighted terms, those of the one-to-many half with the suffix
        `_many`, and `grounding`, the weighted sum to minimise. Where `outputs` has no masks,
        there are no terms about masks or the semantic map.

    Raises:
        ValueError: `many` is given but the recipe has no one-to-many half.
    """
    if many is not None and recipe.one_to_many is None:
        raise ValueError("the recipe says nothing about one-to-many queries")
    device = outputs.logits.device
    objects = targets.number("objects").clamp(min=1 / float(targets.number("parts")))
    share = torch.full((outputs.logits.shape[0],), recipe.early_layers, device=device)
    share[-1] = 1
    pairs = match(outputs.logits, outputs.boxes, targets.boxes, recipe.matching)
    layered = query_losses(outputs, targets, pairs, objects, recipe)
    layered["presence"] = presence_loss(outputs.presence, targets, recipe)
    terms = {name: (value * share).sum() for name, value in layered.items()}
    if outputs.pixels.numel():
        terms |= semantic_losses(outputs.semantic, targets, recipe)
    loss = weighted(terms, recipe)
    if many is not None and recipe.one_to_many is not None:
        pairs = match(many.logits, many.boxes, targets.boxes, recipe.one_to_many.matching)
        layered = query_losses(many, targets, pairs, objects, recipe)
        half = {name: (value * share).sum() for name, value in layered.items()}
        loss = loss + recipe.one_to_many.weight * weighted(half, recipe)
        terms |= {f"{name}_many": value for name, value in half.items()}
    if recipe.root_of_texts:
        loss = loss * (targets.number("texts") * targets.number("parts")) ** 0.5
    return {**terms, "grounding": loss}


def weighted(terms: dict[str, torch.Tensor], recipe: Recipe) -> torch.Tensor:
    """Sum of the terms by the recipe's weights."""
    return torch.stack([recipe.weights[name] * value for name, value in terms.items()]).sum()


def query_losses(
    outputs: LayerOutputs, targets: Targets, pairs: Match, objects: torch.Tensor, recipe: Recipe
) -> dict[str, torch.Tensor]:
    """Class, box and, if there are any, mask terms of each decoder layer: float32 (L,) by name.

    Args:
        outputs: What the model said.
        targets: What the texts denote.
        pairs: Which query answers for which object.
        objects: Divisor of the sums over pairs, a scalar.
        recipe: Constants.
    """
    layers = outputs.logits.shape[0]

    def by_layer(values: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
        return values.new_zeros(layers).index_add(0, layer, values) / objects

    predicted = outputs.boxes[pairs.place].float()
    truth = torch.cat(targets.boxes)[pairs.object]
    apart = coordinates(predicted, recipe.l1_on) - coordinates(truth, recipe.l1_on)
    terms = {
        "class": class_loss(outputs, targets, pairs, objects, recipe),
        "l1": by_layer(apart.abs().sum(1), pairs.layer),
        "giou": by_layer(1 - giou(predicted, truth), pairs.layer),
    }
    if outputs.pixels.numel():
        masked = pairs if recipe.masks_in == "all" else pairs.of_layer(layers - 1)
        mask, dice_ = mask_losses(outputs, targets, masked, recipe)
        terms |= {"mask": by_layer(mask, masked.layer), "dice": by_layer(dice_, masked.layer)}
    return terms


def class_loss(
    outputs: LayerOutputs, targets: Targets, pairs: Match, objects: torch.Tensor, recipe: Recipe
) -> torch.Tensor:
    """Class term of each layer, float32 (L,); matched queries are positive.

    Plain: focal loss summed over texts and queries / `objects`. IoU-aware (IABCE), over texts that
    denote something: w+ * BCE(p, t) of matched queries, w- * p^gamma * BCE(p, 0) of the others,
    summed / (max(200, Q) * T); t as in `recipes.IouAware`, without gradient. If a query answers
    for several objects, its t is that of one of them.
    """
    logits = outputs.logits.float()
    matched = torch.zeros_like(logits, dtype=torch.bool)
    matched[pairs.place] = True
    if recipe.iou_aware is None:
        return recipe.classes(logits, matched.float()).sum((1, 2)) / objects
    aware = recipe.iou_aware
    with torch.no_grad():
        truth = torch.cat(targets.boxes)[pairs.object]
        overlap = iou(outputs.boxes[pairs.place].float(), truth)
        quality = logits[pairs.place].sigmoid() ** aware.share * overlap ** (1 - aware.share)
        target = torch.zeros_like(logits)
        target[pairs.place] = quality.clamp(min=aware.floor)
    right = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    wrong = recipe.classes(logits, torch.zeros_like(logits))
    loss = torch.where(matched, recipe.classes.positive * right, wrong)
    kept = loss * targets.presence[:, None]
    return kept.sum((1, 2)) / (max(aware.queries, logits.shape[2]) * targets.number("texts"))


def presence_loss(logits: torch.Tensor, targets: Targets, recipe: Recipe) -> torch.Tensor:
    """Presence term of each layer, float32 (L,), of logits (L, T): the mean over texts."""
    loss = recipe.presence(logits.float(), targets.presence.expand_as(logits))
    return loss.sum(1) / targets.number("texts")


def mask_losses(
    outputs: LayerOutputs, targets: Targets, pairs: Match, recipe: Recipe
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean focal loss and dice loss of each pair's mask: float32 (M,) each."""
    logits, truth = on_one_grid(
        mask_logits(outputs, pairs), targets.masks[pairs.object], recipe.grid
    )
    loss = recipe.mask(logits, truth).mean(1)
    if recipe.area_floor is not None:
        loss = loss / (truth.mean(1) + recipe.area_floor)
    return loss, dice(logits, truth)


def mask_logits(outputs: LayerOutputs, pairs: Match) -> torch.Tensor:
    """Mask logits (M, h, w) of the matched queries alone.

    They are gathered into one padded product per text, which on a CPU is several times faster
    than M small ones.
    """
    pixels = outputs.pixels
    order = torch.argsort(pairs.text, stable=True)
    texts = pairs.text[order]
    counts = torch.bincount(texts, minlength=len(pixels))
    slot = torch.arange(len(texts), device=texts.device) - torch.repeat_interleave(
        counts.cumsum(0) - counts, counts
    )
    embeds = outputs.mask_embeds[pairs.place][order]
    padded = embeds.new_zeros(len(counts), int(counts.max()), embeds.shape[-1])
    padded = padded.index_put((texts, slot), embeds)
    logits = torch.bmm(padded, pixels.flatten(2))[texts, slot]
    return logits[torch.argsort(order)].unflatten(1, pixels.shape[-2:])


def semantic_losses(
    semantic: torch.Tensor, targets: Targets, recipe: Recipe
) -> dict[str, torch.Tensor]:
    """Focal and dice term, scalars, of the union maps' logits (T, 1, h, w).

    Focal is the mean over cells and `recipe.semantic_over`, dice the mean over the texts that
    denote something.
    """
    logits, truth = on_one_grid(semantic[:, 0], targets.union, recipe.grid)
    present = targets.presence
    loss = recipe.semantic(logits, truth).mean(1)
    over = recipe.semantic_over == "present"
    # the additions are SAM 3's way to make nothing of no texts
    return {
        "semantic": (loss * present if over else loss).sum()
        / (targets.number("present" if over else "texts") + 1e-6),
        "semantic_dice": (dice(logits, truth) * present).sum() / (targets.number("present") + 1e-6),
    }


def dice(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 - dice of float32 (M, P) logits with (M, P) truth, with +1 in both parts: (M,)."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * truth).sum(1) + 1
    return 1 - overlap / (probability.sum(1) + truth.sum(1) + 1)
