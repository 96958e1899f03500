"""Engines that are watched from outside, so that what is timed is what answers a robot."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from sam3i_model.engines.interface import Engine
from sam3i_model.engines.shared_work import plain_model
from sam3i_model.features import GroundingOutput, ImageFeatures, TextFeatures
from sam3i_model.modeling import PADDING, Sam3IModel


class Stopwatch:
    """An engine that notes when it began and ended to encode an image, and to ground.

    Attributes:
        marks: Seconds of those moments, in their order.
    """

    def __init__(self, engine: Engine) -> None:
        self.config: Any = engine.config
        self.device = engine.device
        self.marks: list[float] = []
        self._engine = engine

    def now(self) -> float:
        """Seconds, once the device has finished what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def encode_image(self, pixel_values: torch.Tensor) -> ImageFeatures:
        """As the engine."""
        return self._noted(lambda: self._engine.encode_image(pixel_values))

    def encode_text(self, input_ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures:
        """As the engine."""
        return self._engine.encode_text(input_ids, levels)

    def ground(self, image: ImageFeatures, text: TextFeatures) -> GroundingOutput:
        """As the engine."""
        return self._noted(lambda: self._engine.ground(image, text))

    def _noted(self, call: Callable[[], Any]) -> Any:
        self.marks.append(self.now())
        answer = call()
        self.marks.append(self.now())
        return answer


class PlainCalls:
    """transformers' `Sam3Model` called with pixels and one instruction at a time.

    An engine whose features are the pixels and the tokens themselves; all is done in `ground`.
    """

    def __init__(self, model: Sam3IModel) -> None:
        """Call it on the tensors of `model`."""
        self.config: Any = model.config
        self.device = model.device
        self._plain = plain_model(model)

    def encode_image(self, pixel_values: torch.Tensor) -> ImageFeatures:
        """The pixels."""
        return ImageFeatures((pixel_values,), pixel_values, pixel_values)

    def encode_text(self, input_ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures:
        """The tokens."""
        return TextFeatures(input_ids, input_ids != PADDING, levels)

    def ground(self, image: ImageFeatures, text: TextFeatures) -> GroundingOutput:
        """A call for each instruction."""
        said = [
            self._plain(
                pixel_values=image.maps[0], input_ids=ids[None], attention_mask=mask[None].long()
            )
            for ids, mask in zip(text.features, text.mask, strict=True)
        ]
        return GroundingOutput(
            **{
                name: torch.cat([s[name] for s in said])
                for name in GroundingOutput.__dataclass_fields__
            }
        )
