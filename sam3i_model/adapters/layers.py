"""transformers' SAM 3 layers with the adapters on their residual stream.

Each `forward` repeats its parent's sum with one term replaced, because the adapters sit between
two residual additions, where no hook reaches. The feed-forward part reads the stream *before* the
adapter (SAM3-I sections on the text and fusion encoders; official code).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.models.clip.modeling_clip import CLIPEncoderLayer
from transformers.models.sam3.modeling_sam3 import (
    Sam3DetrDecoderLayer,
    Sam3DetrEncoderLayer,
    Sam3MaskEmbedder,
)

from sam3i_model.adapters.adapter import (
    BottleneckAdapter,
    FusionAdapters,
    LevelAdapters,
    Route,
    TextAdapter,
    TextAdapters,
)
from sam3i_model.configuration import Sam3IConfig


class AdaptedTextLayer(CLIPEncoderLayer):
    """CLIP text layer; without adapters, or without `route`, every text is a concept."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.adapters: TextAdapters | None = None

    def add_adapters(self, config: Sam3IConfig) -> None:
        """Put adapters of the configured kind in, uninitialised."""
        width, lite = self.embed_dim, config.adapters == "lite"
        self.adapters = TextAdapters(
            lambda: TextAdapter(width, config.adapter_dim, config.adapter_heads, lite)
        )

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        route: Route | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        attended, _ = self.self_attn(self.layer_norm1(hidden_states), attention_mask, **kwargs)
        hidden_states = hidden_states + attended
        expanded = self.mlp(self.layer_norm2(hidden_states))
        if route is not None and self.adapters is not None:
            hidden_states = self.adapters(hidden_states, route)
        return hidden_states + expanded


@dataclass(frozen=True)
class Unprompted:
    """Image tokens before they meet a prompt: the same for all texts about an image.

    Attributes:
        tokens: (N, h*w, C), one row an image.
        position: (N, h*w, C).
        index: int64 (T,), the image of each text; `slice(None)` for one image, whose row sums
            spread by themselves.
    """

    tokens: torch.Tensor
    position: torch.Tensor
    index: torch.Tensor | slice


class AdaptedFusionLayer(Sam3DetrEncoderLayer):
    """Image tokens attend to themselves and to the prompt (pre-norm).

    The first layer attends to images' tokens, once for all texts about one (`Unprompted`).
    """

    first = False

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.adapters: FusionAdapters | None = None

    def add_adapters(self, config: Sam3IConfig) -> None:
        """Put adapters in, uninitialised."""
        width = self.config.hidden_size
        self.adapters = FusionAdapters(lambda: BottleneckAdapter(width, config.adapter_dim))

    def forward(
        self,
        vision_feats: torch.Tensor,
        prompt_feats: torch.Tensor,
        vision_pos_encoding: torch.Tensor,
        prompt_cross_attn_mask: torch.Tensor | None = None,
        route: Route | None = None,
        unprompted: Unprompted | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        hidden = vision_feats
        seen = unprompted if self.first else None
        seen = seen or Unprompted(hidden, vision_pos_encoding, slice(None))
        normed = self.layer_norm1(seen.tokens)
        located = normed + seen.position
        attended, _ = self.self_attn(query=located, key=located, value=normed, **kwargs)
        hidden = self.dropout(attended[seen.index]) + hidden
        attended, _ = self.cross_attn(
            query=self.layer_norm2(hidden),
            key=prompt_feats,
            value=prompt_feats,
            attention_mask=prompt_cross_attn_mask,
            **kwargs,
        )
        hidden = self.dropout(attended) + hidden
        expanded = self.dropout(self.mlp(self.layer_norm3(hidden)))
        if route is not None and self.adapters is not None:
            hidden = self.adapters(hidden, route)
        return expanded + hidden


class AdaptedDecoderLayer(Sam3DetrDecoderLayer):
    """Presence token and queries attend to themselves, the prompt and the image (post-norm).

    `alone` leaves the first of these out, for one-to-many queries (SAM 3's `dac`).
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.adapters: LevelAdapters | None = None

    def add_adapters(self, config: Sam3IConfig) -> None:
        """Put adapters in, uninitialised."""
        width = self.config.hidden_size
        self.adapters = LevelAdapters(lambda: BottleneckAdapter(width, config.adapter_dim))

    def forward(
        self,
        hidden_states: torch.Tensor,
        query_pos: torch.Tensor,
        text_features: torch.Tensor,
        vision_features: torch.Tensor,
        vision_pos_encoding: torch.Tensor,
        text_cross_attn_mask: torch.Tensor | None = None,
        vision_cross_attn_mask: torch.Tensor | None = None,
        route: Route | None = None,
        alone: bool = False,
        **kwargs: Any,
    ) -> torch.Tensor:
        hidden = hidden_states
        query_pos = F.pad(query_pos, (0, 0, 1, 0))  # the presence token has no place in the image
        if not alone:
            located = hidden + query_pos
            attended, _ = self.self_attn(query=located, key=located, value=hidden, **kwargs)
            hidden = hidden + self.self_attn_dropout(attended)
        hidden = self.self_attn_layer_norm(hidden)
        attended, _ = self.text_cross_attn(
            query=hidden + query_pos,
            key=text_features,
            value=text_features,
            attention_mask=text_cross_attn_mask,
            **kwargs,
        )
        hidden = self.text_cross_attn_layer_norm(hidden + self.text_cross_attn_dropout(attended))
        attended, _ = self.vision_cross_attn(
            query=hidden + query_pos,
            key=vision_features + vision_pos_encoding,
            value=vision_features,
            attention_mask=vision_cross_attn_mask,
            **kwargs,
        )
        attended = self.vision_cross_attn_dropout(attended)
        hidden = self.vision_cross_attn_layer_norm(hidden + attended)
        expanded = self.mlp_dropout(self.mlp(hidden))
        if route is not None and self.adapters is not None:
            hidden = self.adapters(hidden, route)
        return self.mlp_layer_norm(hidden + expanded)


class LevelMaskEmbedder(Sam3MaskEmbedder):
    """The mask embedding MLP with one full copy for each instruction level."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.simple: Sam3MaskEmbedder | None = None
        self.complex: Sam3MaskEmbedder | None = None

    def add_copies(self) -> None:
        """Put both copies in, uninitialised."""
        self.simple = Sam3MaskEmbedder(self.config)
        self.complex = Sam3MaskEmbedder(self.config)

    def remove_copies(self) -> None:
        """Leave the base MLP alone."""
        self.simple = self.complex = None

    def start_simple(self) -> None:
        """Begin both copies from the base MLP, as the official first stage does."""
        for copy in (self.simple, self.complex):
            if copy is not None:
                copy.layers.load_state_dict(self.layers.state_dict())

    def start_complex(self) -> None:
        """Begin the complex copy from what the simple one learned."""
        if self.simple is not None and self.complex is not None:
            self.complex.load_state_dict(self.simple.state_dict())

    def forward(self, queries: torch.Tensor, route: Route | None = None) -> torch.Tensor:
        """Map (B, Q, C) queries to (B, Q, C) mask embeddings, each row with its level's MLP."""
        if route is None or self.simple is None or self.complex is None:
            return super().forward(queries)
        return route.apply(queries, self.simple, self.complex, super().forward)


def replace_layers(layers: nn.ModuleList, kind: type[nn.Module], config: Any) -> None:
    """Exchange every layer of a list for one of our own kind, made from the same config."""
    for index in range(len(layers)):
        layers[index] = kind(config)
