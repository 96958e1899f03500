"""One pass of training: a batch in, the terms of its loss out."""

from __future__ import annotations

import torch
from torch import nn

from sam3i_model.features import ImageFeatures, LayerOutputs, TextFeatures
from sam3i_model.instruction import Level
from sam3i_model.lite_vision import LiteVisionEncoder
from sam3i_model.modeling import Sam3IModel
from sam3i_model.processing import normalise
from training.loop.feature_cache import FeatureCache
from training.loop.settings import Settings
from training.loop.stages import FROZEN_BLOCKS
from training.losses.alignment import (
    FeatureQueue,
    ProjectionHead,
    Projections,
    alignment_losses,
    concept_keys,
)
from training.losses.counts import Counts
from training.losses.dense_heads import CellHead, TextHead, ThingHead, TokenHead
from training.losses.grounding import grounding_losses
from training.losses.recipes import Recipe
from training.losses.targets import denoted, denoted_by
from training.samples.batches import Batch


class Heads(nn.Module):
    """What only training needs: dense heads, and a projection head for stage 3."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cells = CellHead(width)
        self.things = ThingHead(width)
        self.tokens = TokenHead(width)
        self.projection = ProjectionHead(width)
        self.texts = TextHead(width)


class Step(nn.Module):
    """The model with what only training needs, as one module that can be shared among processes.

    Args:
        model: Frozen as its stage wants it.
        settings: Of the run.
        recipe: Its losses.
        cache: Where features of recurring pictures are kept, if they are.
    """

    def __init__(
        self,
        model: Sam3IModel,
        settings: Settings,
        recipe: Recipe,
        cache: FeatureCache | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.heads = Heads(model.config.detr_encoder_config.hidden_size)
        self.queue = FeatureQueue(settings.queue)
        self.settings = settings
        self.cache = cache
        self.recipe = recipe
        self.base = settings.stage == "base"
        self.learn()

    def learn(self) -> None:
        """Training mode for a base; all else in eval mode.

        Its frozen parts are to stay as they are, and the adapters' dropout (of the text adapters'
        attention) would make a run depend on how it is shared among processes.
        """
        self.train(self.base)

    def forward(self, batch: Batch, counts: Counts, step: int) -> dict[str, torch.Tensor]:
        """The terms of one micro-batch; `loss` is what is minimised."""
        phase = self.settings.phase_at(step)
        if phase == "images":
            terms = self.name(self.see(batch), batch, counts)
            return {**terms, "loss": terms["cells"] + terms["things"]}
        with self.lower_precision(batch.images.device):
            text = self.model.encode_text(batch.input_ids, batch.levels)
        terms = {"texts": self.heads.texts(text, batch, counts)}
        loss = terms["texts"]
        early = phase == "words"
        if early and not self.base:
            return {**terms, "loss": loss}
        image = self.see(batch)
        if self.base:
            terms |= self.name(image, batch, counts)
            loss = loss + 2 * (terms["cells"] + terms["things"])
        if early:
            return {**terms, "loss": loss}
        with self.lower_precision(batch.images.device):
            outputs = self.model.ground_layers(
                image,
                text,
                batch.image_index,
                min_stride_index=int(phase == "coarse"),
                many=self.recipe.one_to_many is not None,
                masks=phase != "boxes",
            )
        terms |= grounding_losses(outputs, denoted(batch, counts), self.recipe, outputs.many)
        loss = loss + terms["grounding"]
        if self.base:
            terms["tokens"] = self.heads.tokens(outputs, batch, counts)
            loss = loss + 2 * terms["tokens"]
        if counts["pairs"] > 0 and phase != "boxes":
            terms |= self.align(batch, counts, text, outputs)
            loss = loss + terms["alignment"]
        return {**terms, "loss": loss}

    def name(self, image: ImageFeatures, batch: Batch, counts: Counts) -> dict[str, torch.Tensor]:
        """Losses of what image maps show, no matter what is asked."""
        return {
            "cells": self.heads.cells(image, batch, counts),
            "things": self.heads.things(image, batch, counts),
        }

    def lower_precision(self, device: torch.device) -> torch.autocast:
        """bfloat16 where the settings allow it."""
        wanted = self.settings.precision == "bf16"
        return torch.autocast(device.type, torch.bfloat16, enabled=wanted)

    def see(self, batch: Batch) -> ImageFeatures:
        """Features of a batch's images, kept ones where there are any."""
        if self.cache is None or not any(batch.keys):
            return self.encode_image(batch.images)
        return self.cache.features(self.encode_image, batch.images, batch.keys)

    def room(self, pictures: int) -> int:
        """Bytes on disk that kept features of so many pictures will take beyond what is there."""
        if self.cache is None or not pictures:
            return 0
        side, device = self.settings.image_size, next(self.parameters()).device
        blank = torch.zeros(1, 3, side, side, dtype=torch.uint8, device=device)
        return self.cache.room(self.encode_image(blank), pictures)

    def encode_image(self, images: torch.Tensor) -> ImageFeatures:
        """Encode uint8 images (N, 3, S, S).

        Of the small encoder, the blocks that never train run in bfloat16 and the others in
        float32, since bfloat16 maps would meet a slow convolution gradient on CPUs.
        """
        model, device = self.model, images.device
        pixels = normalise(images, model.config).contiguous(memory_format=torch.channels_last)
        vision = model.vision_encoder
        if not isinstance(vision, LiteVisionEncoder):
            with torch.set_grad_enabled(self.base), self.lower_precision(device):
                return model.encode_image(pixels)
        with torch.no_grad(), self.lower_precision(device):
            maps, taps = vision.early(pixels, FROZEN_BLOCKS)
        with torch.set_grad_enabled(self.base):
            encoded = vision.late(maps.float(), [tap.float() for tap in taps], FROZEN_BLOCKS)
        return model.image_features(encoded)

    def align(
        self, batch: Batch, counts: Counts, text: TextFeatures, outputs: LayerOutputs
    ) -> dict[str, torch.Tensor]:
        """The alignment losses of the batch's pairs, of which there may be none."""
        simple, complex_ = batch.pairs.unbind(1)
        concepts = text.features[:0]
        if len(simple):
            with torch.no_grad():
                levels = torch.full_like(simple, int(Level.CONCEPT))
                concepts = self.model.encode_text(batch.concept_ids, levels).features
        projection = self.heads.projection
        features = Projections(
            simple=projection(text.features[simple].float()),
            complex=projection(text.features[complex_].float()),
            concept=projection(concepts.float()),
            keys=concept_keys(batch.concepts).to(simple.device),
        )
        maps = outputs.semantic[simple], outputs.semantic[complex_]
        targets = denoted_by(batch, simple.tolist(), {**counts, "texts": counts["pairs"]})
        return alignment_losses(*maps, features, targets, self.recipe, self.queue)
