"""What goes between the parts of SAM3-I: encoded images and instructions, answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sam3i_model.adapters.adapter import Route


@dataclass
class ImageFeatures:
    """N encoded images.

    Attributes:
        maps: Feature maps (N, C, h, w), fine to coarse (strides 4, 8, 16 of the bundled encoder).
        position: Position encoding (N, C, h, w) of the coarsest map.
        geometry: The geometry encoder's CLS token (N, 1, C), part of every prompt.
    """

    maps: tuple[torch.Tensor, ...]
    position: torch.Tensor
    geometry: torch.Tensor

    def rows(self, index: torch.Tensor) -> ImageFeatures:
        """Features of image `index[t]` (int64 (T,)) for each text t; one image is not copied.

        The finer maps of one image stay a single row, which sums spread by themselves.
        """

        def pick(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.shape[0] == 1:
                return tensor.expand(index.shape[0], *tensor.shape[1:])
            return tensor[index]

        *fine, coarse = self.maps
        finer = [m if m.shape[0] == 1 else m[index] for m in fine]
        return ImageFeatures((*finer, pick(coarse)), pick(self.position), pick(self.geometry))


@dataclass
class TextFeatures:
    """T encoded instructions.

    Attributes:
        features: (T, 32, C), padding included.
        mask: bool (T, 32), true where a token is.
        levels: int64 (T,), values of `Level`, never AUTO.
    """

    features: torch.Tensor
    mask: torch.Tensor
    levels: torch.Tensor

    def route(self) -> Route:
        """Which rows take which path through the adapters."""
        return Route.from_levels(self.levels)

    def first(self) -> TextFeatures:
        """The first instruction alone."""
        return TextFeatures(self.features[:1], self.mask[:1], self.levels[:1])

    @classmethod
    def stack(cls, rows: Sequence[TextFeatures]) -> TextFeatures:
        """One batch of several, in their order."""
        return cls(
            torch.cat([r.features for r in rows]),
            torch.cat([r.mask for r in rows]),
            torch.cat([r.levels for r in rows]),
        )


@dataclass
class LayerOutputs:
    """What every decoder layer says, for the losses; the last one is the answer.

    Attributes:
        logits: (L, T, Q) class logits.
        boxes: (L, T, Q, 4) xyxy in 0..1.
        presence: (L, T) presence logits.
        mask_embeds: (L, T, Q, C); a mask is its dot product with `pixels`.
        pixels: (T, C, h, w); h = w = 0 where masks weren't asked for.
        semantic: (T, 1, h, w) logits of the union mask.
        tokens: (T, h16*w16, C) fused image tokens.
        many: The same by the one-to-many queries, where they were asked for.
    """

    logits: torch.Tensor
    boxes: torch.Tensor
    presence: torch.Tensor
    mask_embeds: torch.Tensor
    pixels: torch.Tensor
    semantic: torch.Tensor
    tokens: torch.Tensor
    many: LayerOutputs | None = None


@dataclass
class GroundingOutput:
    """The answer to T instructions, named as in transformers.

    Attributes:
        pred_logits: (T, Q).
        pred_boxes: (T, Q, 4) xyxy in 0..1.
        presence_logits: (T, 1).
        pred_masks: (T, Q, h, w) logits.
        semantic_seg: (T, 1, h, w) logits.
    """

    pred_logits: torch.Tensor
    pred_boxes: torch.Tensor
    presence_logits: torch.Tensor
    pred_masks: torch.Tensor
    semantic_seg: torch.Tensor

    @property
    def presence(self) -> torch.Tensor:
        """How likely what is asked for is there at all: float32 (T, 1) in 0..1."""
        return self.presence_logits.float().sigmoid()

    @property
    def scores(self) -> torch.Tensor:
        """Of every query, as in SAM 3: sigmoid(logit) * sigmoid(presence), float32 (T, Q)."""
        return self.pred_logits.float().sigmoid() * self.presence
