"""SAM3-I (arXiv 2512.04585) on transformers' `Sam3Model`.

The forward pass is split where a robot needs it split: `encode_image` once a frame, `encode_text`
once an instruction, `ground` once for all instructions of a frame.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from transformers import Sam3Model
from transformers.masking_utils import create_bidirectional_mask
from transformers.models.sam3.modeling_sam3 import box_cxcywh_to_xyxy, inverse_sigmoid

from sam3i_model.adapters.adapter import LevelAdapters, Route
from sam3i_model.adapters.layers import (
    AdaptedDecoderLayer,
    AdaptedFusionLayer,
    AdaptedTextLayer,
    LevelMaskEmbedder,
    Unprompted,
    replace_layers,
)
from sam3i_model.configuration import CONTEXT_LENGTH, AdapterKind, Sam3IConfig
from sam3i_model.features import GroundingOutput, ImageFeatures, LayerOutputs, TextFeatures
from sam3i_model.lite_vision import LiteVisionEncoder

PADDING = 0
"""Token id of padding. Other ids there change the features of the text adapters' official code."""


class Sam3IModel(Sam3Model):
    """SAM 3's image model whose layers carry instruction adapters, routed row by row."""

    config_class = Sam3IConfig
    config: Sam3IConfig
    # the library's own types don't survive the exchange of layers
    vision_encoder: Any
    text_encoder: Any
    geometry_encoder: Any
    detr_encoder: Any
    detr_decoder: Any
    mask_decoder: Any

    def __init__(self, config: Sam3IConfig) -> None:
        super().__init__(config)
        text_layers = self.text_encoder.text_model.encoder.layers
        replace_layers(text_layers, AdaptedTextLayer, config.text_config)
        replace_layers(self.detr_encoder.layers, AdaptedFusionLayer, config.detr_encoder_config)
        self.detr_encoder.layers[0].first = True
        replace_layers(self.detr_decoder.layers, AdaptedDecoderLayer, config.detr_decoder_config)
        self.mask_decoder.mask_embedder = LevelMaskEmbedder(config.mask_decoder_config)
        if config.adapters != "none":
            self._make_adapters()
        if config.vision_backbone == "efficientnet_lite0":
            self.vision_encoder = LiteVisionEncoder(config.detr_encoder_config.hidden_size)
        self.post_init()

    def _make_adapters(self) -> None:
        for layer in self.adapted_layers():
            layer.add_adapters(self.config)
        self.mask_decoder.mask_embedder.add_copies()

    def adapted_layers(self) -> list[Any]:
        """The layers that hold adapters, or could: text, then fusion encoder, then decoder."""
        text = self.text_encoder.text_model.encoder.layers
        return [*text, *self.detr_encoder.layers, *self.detr_decoder.layers]

    def initialize_weights(self) -> None:
        """Initialise what was not loaded; adapters last, or their zeros would be overwritten."""
        super().initialize_weights()
        for module in self.modules():
            if isinstance(module, LevelAdapters):
                module.reset_parameters()

    def add_adapters(self, kind: AdapterKind) -> None:
        """Give a model without adapters new ones that change nothing yet (before stage 1-1)."""
        self.config.adapters = kind
        self._make_adapters()
        for layer in self.adapted_layers():
            layer.adapters.reset_parameters()
        self.mask_decoder.mask_embedder.start_simple()

    def remove_adapters(self) -> None:
        """Leave the base alone, which answers concepts as before."""
        self.config.adapters = "none"
        self.config.trained_levels = ["concept"]
        for layer in self.adapted_layers():
            layer.adapters = None
        self.mask_decoder.mask_embedder.remove_copies()

    def start_complex(self) -> None:
        """Begin the complex path from the simple one (before stage 1-2)."""
        for layer in self.adapted_layers():
            layer.adapters.start_complex()
        self.mask_decoder.mask_embedder.start_complex()

    def encode_image(self, pixel_values: torch.Tensor) -> ImageFeatures:
        """Encode normalised images (N, 3, S, S), S = `config.image_size`."""
        return self.image_features(self.vision_encoder(pixel_values))

    def image_features(self, encoded: Any) -> ImageFeatures:
        """What grounding needs of a vision encoder's output."""
        maps = tuple(encoded.fpn_hidden_states[:-1])  # SAM 3 drops the coarsest
        position = encoded.fpn_position_encoding[-2]
        return ImageFeatures(maps, position, self._geometry_token(maps[-1], position))

    def _geometry_token(self, coarse: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """CLS token (N, 1, C) of a geometry prompt without boxes.

        The official model appends it to every text prompt; `Sam3Model` leaves it out.
        """
        encoder = self.geometry_encoder
        token = encoder.prompt_layer_norm(encoder.final_proj(encoder.cls_embed.weight))
        token = token.expand(coarse.shape[0], 1, -1)
        for layer in encoder.layers:
            token = layer(
                prompt_feats=token,
                vision_feats=coarse.flatten(2).transpose(1, 2),
                vision_pos_encoding=position.flatten(2).transpose(1, 2),
                prompt_mask=None,
            )
        return encoder.output_layer_norm(token)

    def encode_text(self, input_ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures:
        """Encode T instructions.

        The text encoder itself is causal only, as in the official code; that id 0 is padding
        counts from the fusion encoder on.

        Args:
            input_ids: int64 (T, 32), padded with id 0.
            levels: int64 (T,), values of `Level`.

        Raises:
            ValueError: There are more or fewer than 32 ids.
        """
        if input_ids.shape[-1] != CONTEXT_LENGTH:
            raise ValueError(f"input_ids must be padded to {CONTEXT_LENGTH} tokens")
        encoded = self.text_encoder(input_ids=input_ids, route=Route.from_levels(levels))
        features = self.text_projection(encoded.last_hidden_state)
        return TextFeatures(features, input_ids != PADDING, levels)

    def ground_layers(
        self,
        image: ImageFeatures,
        text: TextFeatures,
        image_index: torch.Tensor | None = None,
        min_stride_index: int = 0,
        many: bool = False,
        masks: bool = True,
    ) -> LayerOutputs:
        """Ground T instructions, each in its image, and keep what every decoder layer says.

        Args:
            image: Features of N images.
            text: Features of T instructions.
            image_index: int64 (T,), the image of each instruction; may be left out for N = 1.
            min_stride_index: Finest map used for masks (1 leaves out the finest, for speed).
            many: Ask the one-to-many queries as well (DAC-DETR): the same queries without
                attention among one another, so that several may find one thing. Training only.
            masks: Say where things are to the pixel; without, boxes alone. Training only.
        """
        count = text.features.shape[0]
        if image_index is None:
            image_index = torch.zeros(count, dtype=torch.int64, device=text.features.device)
        one_image = image.position.shape[0] == 1 and not self.training
        unprompted = Unprompted(
            tokens=image.maps[-1].flatten(2).transpose(1, 2),
            position=image.position.to(text.features).flatten(2).transpose(1, 2),
            index=slice(None) if one_image else image_index,
        )
        used = image.maps[min_stride_index:] if masks else image.maps[-1:]
        image = replace(image, maps=used).rows(image_index)
        route = text.route()
        prompt = torch.cat([text.features, image.geometry.to(text.features)], dim=1)
        mask = torch.cat([text.mask, text.mask.new_ones(count, 1)], dim=1)

        fused = self.detr_encoder(
            vision_features=[image.maps[-1]],
            text_features=prompt,
            vision_pos_embeds=[image.position.to(prompt)],
            text_mask=mask,
            route=route,
            unprompted=unprompted,
        )
        if masks:
            pixels, semantic = self._embed_pixels(image.maps, fused, prompt, mask)
        else:
            pixels, semantic = (prompt.new_zeros(count, c, 0, 0) for c in (prompt.shape[-1], 1))

        def decoded(alone: bool, also: LayerOutputs | None = None) -> LayerOutputs:
            said = self.detr_decoder(
                vision_features=fused.last_hidden_state,
                text_features=prompt,
                vision_pos_encoding=fused.pos_embeds_flattened,
                text_mask=mask,
                spatial_shapes=fused.spatial_shapes,
                route=route,
                alone=alone,
            )
            queries = said.intermediate_hidden_states
            offsets = self.detr_decoder.box_head(queries)
            centres = (inverse_sigmoid(said.reference_boxes) + offsets).sigmoid()
            embedder = self.mask_decoder.mask_embedder
            return LayerOutputs(
                logits=self.dot_product_scoring(queries, prompt, mask).squeeze(-1),
                boxes=box_cxcywh_to_xyxy(centres),
                presence=said.presence_logits.squeeze(-1),
                mask_embeds=torch.stack([embedder(layer, route) for layer in queries]),
                pixels=pixels,
                semantic=semantic,
                tokens=fused.last_hidden_state,
                many=also,
            )

        return decoded(False, decoded(True) if many else None)

    def _embed_pixels(
        self,
        maps: tuple[torch.Tensor, ...],
        fused: Any,
        prompt: torch.Tensor,
        mask: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pixel embeddings (T, C, h, w) and semantic logits (T, 1, h, w) of the mask decoder."""
        decoder = self.mask_decoder
        tokens = fused.last_hidden_state
        normed = decoder.prompt_cross_attn_norm(tokens)
        attended, _ = decoder.prompt_cross_attn(
            query=normed,
            key=prompt,
            value=prompt,
            attention_mask=create_bidirectional_mask(
                config=decoder.config,
                inputs_embeds=normed,
                encoder_hidden_states=prompt,
                attention_mask=mask,
            ),
        )
        tokens = tokens + decoder.prompt_cross_attn_dropout(attended)
        embedded = decoder._embed_pixels(list(maps), tokens)
        return decoder.instance_projection(embedded), decoder.semantic_projection(embedded)

    def ground(
        self,
        image: ImageFeatures,
        text: TextFeatures,
        image_index: torch.Tensor | None = None,
    ) -> GroundingOutput:
        """Ground T instructions (arguments as `ground_layers`) and return the last layer."""
        layers = self.ground_layers(image, text, image_index)
        masks = torch.einsum("tqc,tchw->tqhw", layers.mask_embeds[-1], layers.pixels)
        return GroundingOutput(
            pred_logits=layers.logits[-1],
            pred_boxes=layers.boxes[-1],
            presence_logits=layers.presence[-1][:, None],
            pred_masks=masks,
            semantic_seg=layers.semantic,
        )
