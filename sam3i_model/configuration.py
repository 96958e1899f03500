"""Configuration of SAM3-I: transformers' `Sam3Config` plus the adapters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from transformers import Sam3Config

from sam3i_model.instruction import Level

AdapterKind = Literal["none", "full", "lite"]

CONTEXT_LENGTH = 32
"""Tokens of one instruction, start and end included; longer text is cut (method of the paper)."""


LITE_STRIDE = 32
"""The small encoder's coarsest map."""


class Sam3IConfig(Sam3Config):
    """SAM 3 with instruction adapters (arXiv 2512.04585).

    Args:
        adapters: `full` as in the paper; `lite` with the text adapters' attention in `adapter_dim`
            instead of the text encoder's whole width; `none` for a plain SAM 3.
        adapter_dim: Width of every adapter's bottleneck.
        adapter_heads: Heads of the attention inside the text adapters.
        vision_backbone: `sam3` for transformers' `Sam3VisionModel`, `efficientnet_lite0` for the
            small convolutional encoder of the bundled checkpoint.
        trained_levels: Names of the levels that this checkpoint was trained for. Instructions of
            other levels are rejected, since their adapters hold nothing.
        score_thresholds: Score above which an instance is kept, per level name.
        presence_thresholds: Presence below which nothing is kept, per level name.
        licence: Of the weights, in words.
        image_mean: Mean of the pixels (0..1) that the image encoder was trained with, per channel.
        image_std: Standard deviation of the same.
    """

    model_type = "sam3i"

    vision_config: Any = None
    text_config: Any = None
    geometry_encoder_config: Any = None
    detr_encoder_config: Any = None
    detr_decoder_config: Any = None
    mask_decoder_config: Any = None
    adapters: AdapterKind = "full"
    adapter_dim: int = 64
    adapter_heads: int = 4
    vision_backbone: str = "sam3"
    trained_levels: Any = None
    score_thresholds: Any = None
    presence_thresholds: Any = None
    licence: str = ""
    image_mean: Any = None
    image_std: Any = None

    @property
    def size_step(self) -> int:
        """Pixels that the side of an input must be a multiple of."""
        if self.vision_backbone != "sam3":
            return LITE_STRIDE
        return int(self.vision_config.backbone_config.patch_size)

    def __post_init__(self, **kwargs: Any) -> None:
        if self.trained_levels is None:
            self.trained_levels = ["concept"]
        if self.score_thresholds is None:
            self.score_thresholds = {"concept": 0.5, "simple": 0.5, "complex": 0.5}
        if self.presence_thresholds is None:
            self.presence_thresholds = {"concept": 0.0, "simple": 0.0, "complex": 0.0}
        if self.image_mean is None:
            self.image_mean = [0.5, 0.5, 0.5]
        if self.image_std is None:
            self.image_std = [0.5, 0.5, 0.5]
        super().__post_init__(**kwargs)

    def check(self) -> None:
        """Refuse what no instruction could be answered with.

        Raises:
            ValueError: No level is trained, or one that doesn't exist or has no thresholds between
                0 and 1, or pixels can't be normalised, or the parts don't fit one another; one line
                with the remedy.
        """
        known = [level.name.lower() for level in Level if level != Level.AUTO]
        tables = self.score_thresholds, self.presence_thresholds
        levels = self.trained_levels
        if not (isinstance(levels, list) and levels) or not all(
            level in known
            and all(isinstance(t, Mapping) and number(t.get(level)) for t in tables)
            and all(0 <= t[level] <= 1 for t in tables)
            for level in levels
        ):
            raise ValueError(
                f"its trained_levels may be one or more of {', '.join(known)}, each with a number "
                "from 0 to 1 in score_thresholds and presence_thresholds; without those two it "
                "gets 0.5 and 0, and `sam3i calibrate` chooses better ones"
            )
        channels = self.image_mean, self.image_std
        if not all(isinstance(c, list) and len(c) == 3 and all(map(number, c)) for c in channels):
            raise ValueError("its image_mean and image_std must be three numbers each")
        if min(self.image_std) <= 0:
            raise ValueError("its image_std must be above 0")
        self._check_parts()

    def _check_parts(self) -> None:
        """Refuse layers that can be built of all tensors there are, and then don't compute.

        Raises:
            ValueError: There are some.
        """
        vision, width = self.vision_config, self.vision_config.fpn_hidden_size
        sections = {"backbone_config": vision.backbone_config, "text_config": self.text_config}
        for name in ("geometry_encoder", "detr_encoder", "detr_decoder", "mask_decoder"):
            sections[f"{name}_config"] = section = getattr(self, f"{name}_config")
            if section.hidden_size != width:
                raise ValueError(
                    f"its {name}_config has hidden_size {section.hidden_size}, and vision_config "
                    f"fpn_hidden_size {width}: both must be the same"
                )
        for name, section in sections.items():
            heads = section.num_attention_heads
            if heads < 1 or section.hidden_size % heads:
                raise ValueError(
                    f"its {name} has num_attention_heads {heads}, which must divide its "
                    f"hidden_size, {section.hidden_size}"
                )
        if self.text_config.max_position_embeddings < CONTEXT_LENGTH:
            raise ValueError(f"its text_config has less than {CONTEXT_LENGTH} position embeddings")
        if self.detr_decoder_config.num_queries < 1:
            raise ValueError("its detr_decoder_config has num_queries below 1")


def number(value: object) -> bool:
    """Whether a value of a JSON file, which may say NaN, can be computed with."""
    return isinstance(value, int | float) and math.isfinite(value)
