"""What each training stage starts from and trains (arXiv 2512.04585, curriculum).

`base` stands for SAM 3's own training: concepts, no adapters. `1-1` trains the S-Adapters on simple
instructions, `1-2` the C-Adapters with their copy of S on complex ones, `3` all adapters on pairs
that mean the same. `fine-tune` goes on with all adapters that a checkpoint has, on data of one's
own. The base is frozen in all but the first, so concept prompts stay bit for bit the same.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from sam3i_model.checkpoints.anatomy import level_of
from sam3i_model.modeling import Sam3IModel
from training.loop.settings import Settings, SettingsError, Stage

FROZEN_BLOCKS = 5
"""Blocks of the pretrained trunk that never train: edges and colours need no adaptation."""
TRAINED: dict[Stage, tuple[str, ...]] = {
    "1-1": ("simple",),
    "1-2": ("complex",),
    "3": ("simple", "complex"),
    "fine-tune": ("simple", "complex"),
}
"""Levels whose adapters and mask embedders a stage trains."""
LEVELS: dict[Stage, list[str]] = {
    "base": ["concept"],
    "1-1": ["concept", "simple"],
    "1-2": ["concept", "simple", "complex"],
    "3": ["concept", "simple", "complex"],
}
"""Levels that a checkpoint answers after a stage, if it didn't before; a fine-tune adds none."""
NEEDED: dict[Stage, tuple[str, str]] = {
    "1-2": ("simple", "1-1"),
    "3": ("complex", "1-2"),
    "fine-tune": ("simple", "1-1"),
}
"""The level that a checkpoint must answer before a stage, and the stage that teaches it."""


def enter(model: Sam3IModel, settings: Settings) -> None:
    """Make a loaded checkpoint ready for a stage.

    Raises:
        SettingsError: The checkpoint lacks what an earlier stage makes.
    """
    stage = settings.stage
    if stage == "base":
        model.remove_adapters()  # they won't fit what it becomes
    if stage == "1-1" and model.config.adapters == "none":
        model.add_adapters(settings.adapters)
    level, earlier = NEEDED.get(stage, ("", ""))
    if level and level not in model.config.trained_levels:
        raise SettingsError(f"stage {stage} starts from a checkpoint of stage {earlier}")
    if stage == "1-2":
        model.start_complex()


def trainable(model: Sam3IModel, stage: Stage) -> None:
    """Freeze what the stage doesn't train."""
    levels = TRAINED.get(stage, ())
    if stage == "fine-tune" and "complex" not in model.config.trained_levels:
        levels = ("simple",)
    early = [f"vision_encoder.blocks.{i}." for i in range(FROZEN_BLOCKS)]
    for name, parameter in model.named_parameters():
        if stage != "base":
            parameter.requires_grad_(level_of(name) in levels)
            continue
        frozen = name.startswith(("vision_encoder.stem.", *early)) or ".boxes_" in name
        parameter.requires_grad_(not (frozen or "label_embed" in name))


def groups(model: Sam3IModel, heads: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """Parameters by learning rate and weight decay."""
    backbone, matrices, others = [], list(heads.parameters()), []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith(("vision_encoder.blocks.", "vision_encoder.backbone.")):
            backbone.append(parameter)
        elif parameter.dim() < 2 or "embed" in name or "token" in name or "reference" in name:
            others.append(parameter)
        else:
            matrices.append(parameter)
    rate, decay = settings.learning_rate, settings.weight_decay
    listed = [
        {"params": backbone, "peak": settings.backbone_learning_rate, "weight_decay": decay},
        {"params": matrices, "peak": rate, "weight_decay": decay},
        {"params": others, "peak": rate, "weight_decay": 0.0},
    ]
    return [group for group in listed if group["params"]]


def levels_after(model: Sam3IModel, stage: Stage) -> list[str]:
    """Levels that the checkpoint answers when the stage is done.

    Levels that it answered before stay.
    """
    before = model.config.trained_levels
    return [name for name in LEVELS["3"] if name in before or name in LEVELS.get(stage, ())]
