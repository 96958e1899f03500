"""The configuration that goes with a checkpoint's weights: config.json, read and checked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sam3i_model.checkpoints.anatomy import trained_levels
from sam3i_model.checkpoints.weights import UNREADABLE, CheckpointError, Weights, first_line
from sam3i_model.configuration import Sam3IConfig

MAX_LAYERS = 200
MAX_WIDTH = 1_000_000
MAX_IMAGE_SIZE = 4096
SIZES = re.compile(r"\w+_config|adapter_dim|adapter_heads")
OFFICIAL_NORM_EPS = 1e-5
"""Of the official image encoder; transformers' default of 1e-6 moves mask logits by up to 6e-4."""

SAM_LICENCE = "SAM License (Meta): its conditions hold for whoever you pass the weights on to"
STAGE_LICENCE = (
    "base weights: SAM License (Meta); adapters: SAM3-I's authors, whose release names no licence"
)


def configure(weights: Weights, sizes: Path | None = None) -> Sam3IConfig:
    """The configuration that goes with weights.

    Heads can't be read from tensors, so an official file has SAM 3's released sizes, or those in
    `sizes`, or those in a config.json beside it; all else is the file's, whoever wrote that. A
    folder has its own, whatever `sizes` says.

    Raises:
        CheckpointError: config.json can't be read or used, or is another model's.
    """
    beside = weights.path if weights.path.is_dir() else weights.path.parent
    named = sizes if weights.origin != "folder" else None
    path = named or beside / "config.json"
    content: dict[str, Any] = {}
    if named or path.is_file():
        try:
            content = json.loads(path.read_text())
            found = [content, *(v for v in content.values() if isinstance(v, dict))]
            # the image model's own sizes may lie one level down, as in a SAM 3 video model
            content = next(c for c in found if "vision_config" in c)
            beyond = oversized(content)
        except OSError as error:
            raise CheckpointError(f"'{path}' can't be read: {error.strerror}") from error
        except (*UNREADABLE, StopIteration) as error:
            raise CheckpointError(f"'{path}' holds no SAM 3 configuration") from error
        if beyond:
            raise CheckpointError(f"'{path}' asks for a model beyond any size that SAM 3 comes in")
    kind = content.get("model_type", "sam3")
    if kind not in ("sam3", "sam3i"):
        raise CheckpointError(f"'{path}' is for a {kind}, not for sam3i, sam3 or sam3_video")
    try:
        if kind == "sam3i" and weights.origin == "folder":
            config = Sam3IConfig.from_dict(content)
            config.check()
            check_size(config, config.image_size)
            return config
        parts = {name: value for name, value in content.items() if SIZES.fullmatch(name)}
        adapted = any(".adapters." in name for name in weights.tensors)
        config = Sam3IConfig(**parts, adapters="full" if adapted else "none")
        config.check()
        check_size(config, config.image_size)
    except Exception as error:  # the library's validators raise what they like
        raise CheckpointError(f"'{path}' can't be used: {first_line(error)}") from error
    config.vision_config.backbone_config.layer_norm_eps = OFFICIAL_NORM_EPS
    config.trained_levels = trained_levels(weights)
    config.licence = STAGE_LICENCE if weights.origin == "stage" else SAM_LICENCE
    return config


def oversized(content: dict[str, Any]) -> bool:
    """Whether some number in a configuration would make building the model take for ever."""
    return any(
        oversized(value)
        if isinstance(value, dict)
        else isinstance(value, int) and value > (MAX_LAYERS if "layers" in name else MAX_WIDTH)
        for name, value in content.items()
    )


def check_size(config: Sam3IConfig, size: Any) -> None:
    """Refuse what is no side of a square input, px, that the image encoder can take.

    Raises:
        CheckpointError: It can't; the line says what it can.
    """
    step = config.size_step
    if not isinstance(size, int) or size % step or not 2 * step <= size <= MAX_IMAGE_SIZE:
        raise CheckpointError(
            f"image size {size} doesn't fit: give a multiple of {step} up to {MAX_IMAGE_SIZE}"
        )
