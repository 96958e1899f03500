"""Mixed precision: products with weights in float16, everything else in float32.

A policy by layer, because blanket half precision makes SAM 3's attention silently wrong. Types are
written into the graph, so what runs it has nothing to choose. Float32 stay: scores and softmax of
attention, norms, sums on the residual stream, sine positions, embeddings, the geometry token, and
all that makes scores, boxes and masks of what the trunk found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from sam3i_model.engines.interface import Precision
from sam3i_model.engines.layers import layer_values
from sam3i_model.engines.pixels import with_pixels
from sam3i_model.features import GroundingOutput, ImageFeatures, TextFeatures
from sam3i_model.modeling import Sam3IModel

TRUNK = (
    "vision_encoder.backbone.",
    "vision_encoder.neck.",
    "text_encoder.",
    "text_projection",
    "detr_encoder.",
    "detr_decoder.layers.",
    "mask_decoder.pixel_decoder.",
)
"""Beginnings of the names of modules whose products are float16.

Not the bundled model's convolutions: their rounding moved scores ten times as far as all of these.
"""
PRODUCTS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
"""No subclasses: `nn.MultiheadAttention` reads its projections' weights past their `forward`."""


@contextmanager
def half_products(model: nn.Module, computed: torch.dtype = torch.float16) -> Iterator[None]:
    """The trunk's products take, hold and give float16; their float32 weights come back unchanged.

    Args:
        model: A `Sam3IModel`, or a graph of one, whose modules have the same names.
        computed: float32 keeps what float16 can hold but computes in float32, as CPUs are slow
            in half precision.
    """
    chosen = [m for n, m in model.named_modules() if type(m) in PRODUCTS and n.startswith(TRUNK)]
    kept = [(p, p.data) for module in chosen for p in module.parameters(recurse=False)]

    def narrow(module: nn.Module, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (given[0].half().to(computed),)

    def widen(module: nn.Module, given: tuple[torch.Tensor], made: torch.Tensor) -> torch.Tensor:
        return made.half().float()

    hooks = [m.register_forward_pre_hook(narrow) for m in chosen]
    hooks += [m.register_forward_hook(widen) for m in chosen]
    try:
        for parameter, values in kept:
            parameter.data = values.half().to(computed)
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for parameter, values in kept:
            parameter.data = values


class RoundedModel:
    """A `Sam3IModel` whose values are rounded as `half_products` has them: an engine to check with.

    ONNX Runtime's CPU provider runs float16 products in float32, and leaves out roundings that it
    can, those of convolutions among them: it alone would miss values beyond float16's 65504.
    """

    name = "PyTorch, rounded to float16"
    precision = Precision.MIXED

    def __init__(self, model: Sam3IModel) -> None:
        self.config = model.config
        self.device = model.device
        self._model = with_pixels(model, shared=True)

    def encode_image(self, pixel_values: torch.Tensor) -> ImageFeatures:
        """As `Sam3IModel.encode_image`."""
        with half_products(self._model, torch.float32):
            return self._model.encode_image(pixel_values)

    def encode_text(self, input_ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures:
        """As `Sam3IModel.encode_text`."""
        with half_products(self._model, torch.float32):
            return self._model.encode_text(input_ids, levels)

    def ground(self, image: ImageFeatures, text: TextFeatures) -> GroundingOutput:
        """As `Sam3IModel.ground` in one image."""
        with half_products(self._model, torch.float32):
            return self._model.ground(image, text)

    def layer_values(
        self, name: str, graph: nn.Module, inputs: Mapping[str, Any]
    ) -> dict[str, torch.Tensor]:
        """What the layers of `graph`, which has this name, give; see `layers.layer_values`."""
        with half_products(graph, torch.float32):
            return layer_values(graph, inputs)
