"""What each training stage starts from, trains and minimises (arXiv 2512.04585, curriculum).

`base` stands for SAM 3's own training: concepts, no adapters. `1-1` trains the S-Adapters on simple
instructions, `1-2` the C-Adapters with their copy of S on complex ones, `3` all adapters on pairs
that mean the same. The base is frozen in all three, so concept prompts stay bit for bit the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sam3i_model.instruction import Level
from sam3i_model.modeling import ImageFeatures, LayerOutputs, Sam3IModel, TextFeatures
from sam3i_model.processing import normalise
from training.alignment import (
    FeatureQueue,
    ProjectionHead,
    Projections,
    alignment_losses,
    concept_keys,
)
from training.dataset import Batch
from training.dense_heads import CellHead, TokenHead
from training.losses import grounding_losses
from training.recipes import SMALL
from training.settings import Settings, SettingsError, Stage
from training.targets import denoted

FROZEN_BLOCKS = 5
"""Blocks of the pretrained trunk that never train: edges and colours need no adaptation."""
TRAINED: dict[Stage, tuple[str, ...]] = {
    "1-1": (".simple.",),
    "1-2": (".simple_copy.", ".complex."),
    "3": (".simple.", ".simple_copy.", ".complex."),
}
"""Parts of the names of what a stage trains."""
LEVELS: dict[Stage, list[str]] = {
    "base": ["concept"],
    "1-1": ["concept", "simple"],
    "1-2": ["concept", "simple", "complex"],
    "3": ["concept", "simple", "complex"],
}
"""Levels that a checkpoint answers after a stage."""


def enter(model: Sam3IModel, settings: Settings) -> None:
    """Make a loaded checkpoint ready for a stage.

    Raises:
        SettingsError: The checkpoint lacks what an earlier stage makes.
    """
    if settings.stage == "1-1" and model.config.adapters == "none":
        model.add_adapters(settings.adapters)
    needed = {"1-2": "simple", "3": "complex"}.get(settings.stage)
    if needed and needed not in model.config.trained_levels:
        earlier = {"1-2": "1-1", "3": "1-2"}[settings.stage]
        raise SettingsError(f"stage {settings.stage} starts from a checkpoint of stage {earlier}")
    if settings.stage == "1-2":
        model.start_complex()


def trainable(model: Sam3IModel, stage: Stage) -> None:
    """Freeze what the stage doesn't train."""
    for name, parameter in model.named_parameters():
        if stage != "base":
            parameter.requires_grad_(any(part in name for part in TRAINED[stage]))
            continue
        early = [f"vision_encoder.blocks.{i}." for i in range(FROZEN_BLOCKS)]
        frozen = name.startswith(("vision_encoder.stem.", *early)) or ".boxes_" in name
        parameter.requires_grad_(not (frozen or "label_embed" in name))


class Heads(nn.Module):
    """What only training needs: dense heads for the base, a projection head for stage 3."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cells = CellHead(width)
        self.tokens = TokenHead(width)
        self.projection = ProjectionHead(width)


def groups(model: Sam3IModel, heads: Heads, settings: Settings) -> list[dict[str, Any]]:
    """Parameters by learning rate and weight decay."""
    backbone, matrices, others = [], list(heads.parameters()), []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("vision_encoder.blocks."):
            backbone.append(parameter)
        elif parameter.dim() < 2 or "embed" in name or "token" in name or "reference" in name:
            others.append(parameter)
        else:
            matrices.append(parameter)
    rate, decay = settings.learning_rate, settings.weight_decay
    listed = [
        {"params": backbone, "peak": settings.backbone_learning_rate, "weight_decay": decay},
        {"params": matrices, "peak": rate, "weight_decay": decay},
        {"params": others, "peak": rate, "weight_decay": 0.0},
    ]
    return [group for group in listed if group["params"]]


def encode_image(model: Sam3IModel, images: torch.Tensor, train: bool) -> ImageFeatures:
    """Encode uint8 images: the frozen blocks in bfloat16, the others in float32.

    bfloat16 maps would meet a slow convolution gradient on CPUs, hence the way back to float32.
    """
    pixels = normalise(images, model.config).contiguous(memory_format=torch.channels_last)
    vision = model.vision_encoder
    device = pixels.device.type
    with torch.no_grad(), torch.autocast(device, torch.bfloat16):
        maps, taps = vision.early(pixels, FROZEN_BLOCKS)
    with torch.set_grad_enabled(train):
        encoded = vision.late(maps.float(), [tap.float() for tap in taps], FROZEN_BLOCKS)
    return model.image_features(encoded)


def losses(
    model: Sam3IModel,
    heads: Heads,
    queue: FeatureQueue,
    batch: Batch,
    settings: Settings,
    step: int,
) -> dict[str, torch.Tensor]:
    """The terms of one step; `loss` is what is minimised."""
    base = settings.stage == "base"
    image = encode_image(model, batch.images, train=base)
    terms: dict[str, torch.Tensor] = {}
    if base:
        terms["cells"] = heads.cells(image, batch)
    if step < settings.image_steps:
        return {**terms, "loss": terms["cells"]}
    coarse = step < settings.coarse_until * settings.steps
    with torch.autocast(batch.images.device.type, torch.bfloat16):
        text = model.encode_text(batch.input_ids, batch.levels)
        outputs = model.ground_layers(image, text, batch.image_index, int(coarse))
    terms |= grounding_losses(outputs, denoted(batch), SMALL)
    loss = terms["grounding"]
    if base:
        terms["tokens"] = heads.tokens(outputs, batch)
        loss = loss + terms["cells"] + 2 * terms["tokens"]
    if len(batch.pairs):
        terms |= aligned(model, heads, queue, batch, text, outputs)
        loss = loss + terms["alignment"]
    return {**terms, "loss": loss}


def aligned(
    model: Sam3IModel,
    heads: Heads,
    queue: FeatureQueue,
    batch: Batch,
    text: TextFeatures,
    outputs: LayerOutputs,
) -> dict[str, torch.Tensor]:
    """The alignment losses of the batch's pairs."""
    simple, complex_ = batch.pairs.unbind(1)
    with torch.no_grad():
        levels = torch.full_like(simple, int(Level.CONCEPT))
        concepts = model.encode_text(batch.concept_ids, levels).features
    features = Projections(
        simple=heads.projection(text.features[simple].float()),
        complex=heads.projection(text.features[complex_].float()),
        concept=heads.projection(concepts),
        keys=concept_keys(batch.concepts).to(simple.device),
    )
    maps = outputs.semantic[simple], outputs.semantic[complex_]
    return alignment_losses(*maps, features, denoted(batch, simple.tolist()), SMALL, queue)
