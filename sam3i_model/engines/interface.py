"""The three calls that every engine answers, and what can go wrong with one."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

import torch

from sam3i_model.checkpoints.weights import CheckpointError
from sam3i_model.features import GroundingOutput, ImageFeatures, TextFeatures


class Backend(str, Enum):
    """What runs the model."""

    AUTO = "auto"
    """The fastest that is there and passes its check."""
    TORCH = "torch"
    ONNX = "onnx"
    """ONNX Runtime: its CPU provider, or CUDA's on a GPU."""
    TENSORRT = "tensorrt"
    """ONNX Runtime's TensorRT provider."""


class Precision(str, Enum):
    """Types that an export's graphs compute in."""

    FLOAT32 = "float32"
    MIXED = "mixed"
    """Products with weights in float16; see `precision`."""


class EngineError(CheckpointError):
    """An engine can't be made or used; one line that says why and what to do."""


class Engine(Protocol):
    """`Sam3IModel` is one; see there for arguments and results.

    Features made by one engine may be given to another of the same checkpoint.
    """

    config: Any

    @property
    def device(self) -> torch.device: ...

    def encode_image(self, pixel_values: torch.Tensor) -> ImageFeatures: ...

    def encode_text(self, input_ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures: ...

    def ground(self, image: ImageFeatures, text: TextFeatures) -> GroundingOutput: ...
