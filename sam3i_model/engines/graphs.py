"""The model cut into graphs: what `torch.onnx.export` traces.

Graphs hold tensors only. Tokenising, thresholds and the choice of instances stay outside, so they
are the same whatever runs the graphs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sam3i_model.adapters.adapter import Path, Route
from sam3i_model.engines.pixels import with_pixels
from sam3i_model.features import ImageFeatures, TextFeatures
from sam3i_model.instruction import Level
from sam3i_model.modeling import Sam3IModel

MAX_ROWS = 8
"""Instructions that a grounding graph takes at once; more go through it in turns."""


class ImageGraph(nn.Module):
    """`Sam3IModel.encode_image` of one image: maps, fine to coarse, then position, geometry."""

    def __init__(self, model: Sam3IModel) -> None:
        super().__init__()
        self.vision_encoder = model.vision_encoder
        self.geometry_encoder = model.geometry_encoder
        self._encode = model.encode_image

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        image = self._encode(pixel_values)
        return (*image.maps, image.position, image.geometry)


class TextGraph(nn.Module):
    """`Sam3IModel.encode_text` of one instruction (1, 32) of one level: its features."""

    def __init__(self, model: Sam3IModel, level: Level) -> None:
        super().__init__()
        self.text_encoder = model.text_encoder
        self.text_projection = model.text_projection
        row, none = torch.arange(1), torch.arange(0)
        self._route = Route(
            simple=row if level == Level.SIMPLE else none,
            complex=row if level == Level.COMPLEX else none,
            rows=1,
        )

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        encoded = self.text_encoder(input_ids=input_ids, route=self._route)
        return self.text_projection(encoded.last_hidden_state)


class GroundingGraph(nn.Module):
    """`Sam3IModel.ground` of one image and its instructions, of any trained levels.

    Pixels aren't projected: with weights W and bias b of the projection, and a mask's embedding e,
    e (W x + b) = (e W) x + e b, so the few embeddings are.

    Args:
        model: Stays as it is.
        several: For 2 to `MAX_ROWS` instructions, which share work on pixels that for one alone
            would be more.
    """

    def __init__(self, model: Sam3IModel, several: bool) -> None:
        super().__init__()
        model = with_pixels(model, shared=several)
        projection = model.mask_decoder.instance_projection
        model.mask_decoder.instance_projection = nn.Identity()
        self.instance_projection = projection
        self.detr_encoder = model.detr_encoder
        self.detr_decoder = model.detr_decoder
        self.mask_decoder = model.mask_decoder
        self.dot_product_scoring = model.dot_product_scoring
        self._ground = model.ground_layers
        self._trained = [Level[name.upper()] for name in model.config.trained_levels]

    def forward(
        self,
        text: torch.Tensor,
        text_mask: torch.Tensor,
        levels: torch.Tensor,
        position: torch.Tensor,
        geometry: torch.Tensor,
        maps: list[torch.Tensor],
    ) -> tuple[torch.Tensor, ...]:
        route = ChosenRoute(levels, self._trained)
        rows = RoutedText(text, text_mask, levels, route)
        with fixed_grid(self.detr_decoder, *maps[-1].shape[-2:]):
            said = self._ground(ImageFeatures(tuple(maps), position, geometry), rows)
        weight, bias = self.instance_projection.weight.flatten(1), self.instance_projection.bias
        embeds = said.mask_embeds[-1]
        masks = torch.einsum("tqc,tchw->tqhw", embeds @ weight, said.pixels)
        return (
            said.logits[-1],
            said.boxes[-1],
            said.presence[-1][:, None],
            masks + (embeds @ bias)[..., None, None],
            said.semantic,
        )


def grounding_inputs(image: ImageFeatures, text: TextFeatures) -> dict[str, Any]:
    """What a `GroundingGraph` is called with, by name; the maps are one argument."""
    return {
        "text": text.features,
        "text_mask": text.mask,
        "levels": text.levels,
        "position": image.position,
        "geometry": image.geometry,
        "maps": list(image.maps),
    }


def flat(inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Arguments by the names that a written graph has for them: each map is one of its own."""
    found: dict[str, torch.Tensor] = {}
    for name, value in inputs.items():
        if isinstance(value, list):
            found |= {f"map_{i}": item for i, item in enumerate(value)}
        else:
            found[name] = value
    return found


@contextmanager
def plain_attention(model: Sam3IModel) -> Iterator[None]:
    """Attention as products and a softmax: fused kernels differ from one runtime to the next."""
    configs: list[Any] = [module.config for module in model.modules() if hasattr(module, "config")]
    before = [config._attn_implementation for config in configs]
    for config in configs:
        config._attn_implementation = "eager"
    try:
        yield
    finally:
        for config, name in zip(configs, before, strict=True):
            config._attn_implementation = name


@contextmanager
def fixed_grid(decoder: Any, height: int, width: int) -> Iterator[None]:
    """The decoder reads the size of its grid from a tensor, which would leave it open."""
    coordinates = torch.arange(height) / height, torch.arange(width) / width
    decoder._get_coords = lambda *_, dtype, device: tuple(
        c.to(device=device, dtype=dtype) for c in coordinates
    )
    try:
        yield
    finally:
        del decoder._get_coords


@dataclass(frozen=True)
class ChosenRoute:
    """Every row takes every trained path, and its level chooses among the results.

    The same values as `Route`, which gathers rows: shapes that depend on levels fit no graph.
    """

    levels: torch.Tensor
    trained: list[Level]

    def apply(
        self,
        hidden: torch.Tensor,
        simple_path: Path,
        complex_path: Path,
        concept_path: Path | None = None,
    ) -> torch.Tensor:
        """As `Route.apply`."""
        result = hidden if concept_path is None else concept_path(hidden)
        for level, path in ((Level.SIMPLE, simple_path), (Level.COMPLEX, complex_path)):
            if level in self.trained:
                chosen = (self.levels == int(level)).view(-1, *[1] * (hidden.dim() - 1))
                result = torch.where(chosen, path(hidden), result)
        return result


@dataclass
class RoutedText(TextFeatures):
    """Text features whose route is given."""

    given: Any

    def route(self) -> Any:
        return self.given
