"""`sam3i convert`: any checkpoint into our own folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import torch
import typer
from transformers import PreTrainedTokenizerBase

from sam3i_model.adapter_swap import difference, exchange_adapters, of_base
from sam3i_model.checkpoints.anatomy import is_adapter, level_of
from sam3i_model.checkpoints.folders import new_folder
from sam3i_model.checkpoints.loading import CheckpointError, keep_heads, load, save
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel
from sam3i_model.terminal import amount, failed, results

IMAGE_SIZE = "vision_config.backbone_config.image_size"
"""Where a configuration has it, as `of_base` says."""


class Precision(str, Enum):
    """How floating point weights are stored."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class Averaged(str, Enum):
    """What of several checkpoints is averaged."""

    ALL = "all"
    SIMPLE = "simple"
    COMPLEX = "complex"


def convert_command(
    checkpoint: Annotated[str, typer.Argument(help="Folder, .pt file, hub id, or 'bundled'.")],
    out: Annotated[Path, typer.Argument(help="New folder.")],
    config: Annotated[
        Path | None,
        typer.Option(help="config.json of official files of unusual sizes; a folder has its own."),
    ] = None,
    dtype: Annotated[
        Precision, typer.Option(help="float16 and bfloat16 take half the space.")
    ] = Precision.FLOAT32,
    adapters_of: Annotated[
        str, typer.Option(help="Checkpoint whose adapters go onto this base, to be trained on.")
    ] = "",
    average_with: Annotated[
        list[str] | None,
        typer.Option(help="Another run's checkpoint, to store the mean of; again for more."),
    ] = None,
    average_level: Annotated[
        Averaged, typer.Option(help="The mean of one level's adapters alone.")
    ] = Averaged.ALL,
) -> None:
    """Write a checkpoint as safetensors, config.json and tokenizer.json."""
    try:
        if average_level is not Averaged.ALL and not average_with:
            raise CheckpointError("--average-level needs --average-with, the other checkpoint")
        chosen = getattr(torch, dtype.value)
        level = "" if average_level is Averaged.ALL else average_level.value
        convert(checkpoint, out, config, chosen, average_with or (), adapters_of, level)
    except CheckpointError as error:
        raise failed(error) from error
    except OSError as error:  # what is loaded says so itself
        raise failed(f"'{out}' can't be written: {error.strerror or error}") from error
    results().print(f"checkpoint in {out}; `sam3i info {out}` says what it is", soft_wrap=True)


def convert(
    checkpoint: str,
    out: Path,
    config: Path | None,
    dtype: torch.dtype,
    others: Sequence[str] = (),
    adapters_of: str = "",
    level: str = "",
) -> None:
    """Load `checkpoint` and write it to `out`, which appears when it is complete.

    `config` is the config.json of the official files among all these; a folder has its own.

    With `others`, its weights (with `level`, those of its adapters) are the mean of them all; all
    else is the first one's. With `adapters_of`, that checkpoint's adapters replace its own first.

    Raises:
        CheckpointError: One can't be loaded or doesn't fit, `out` is there already, or the disk is
            too full.
    """
    with new_folder(out) as folder:
        model, tokenizer = load(checkpoint, "cpu", config)
        if adapters_of:
            take_adapters(model, tokenizer, adapters_of, config)
        for taken, other in enumerate(others, 1):
            average(model, tokenizer, other, config, taken, level)
        needed = sum(value.numel() * dtype.itemsize for value in model.state_dict().values())
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise CheckpointError(
                f"'{out}' needs {amount(needed)} and the disk has {amount(free)} left"
            )
        save(model, tokenizer, folder, dtype)
        keep_heads(checkpoint, folder)


def take_adapters(
    model: Sam3IModel,
    tokenizer: PreTrainedTokenizerBase,
    checkpoint: str,
    config: Path | None,
) -> None:
    """Give a model the adapters of a checkpoint, its levels and thresholds.

    They were trained on another base, so they answer badly until they are trained on.

    Raises:
        CheckpointError: `checkpoint` can't be loaded, has no adapters, or is not of the same kind.
    """
    donor, words = load(checkpoint, "cpu", config)
    if donor.config.adapters == "none":
        raise CheckpointError(f"'{checkpoint}' has no adapters")
    base = {n: value for n, value in model.state_dict().items() if not is_adapter(n)}
    theirs = {n: value for n, value in donor.state_dict().items() if not is_adapter(n)}
    same_kind(base, theirs, checkpoint)
    same_words(tokenizer, words, checkpoint)
    exchange_adapters(model, donor)


def average(
    model: Sam3IModel,
    tokenizer: PreTrainedTokenizerBase,
    checkpoint: str,
    config: Path | None,
    taken: int,
    level: str = "",
) -> None:
    """Make the mean of `taken` checkpoints that of one more (Wortsman et al. 2022, uniform soup).

    With `level`, of that level's adapters alone. What they have in common stays as it is, to the
    last bit.

    Raises:
        CheckpointError: `checkpoint` can't be loaded, or is not of the same kind.
    """
    other, words = load(checkpoint, "cpu", config)
    mean, added = model.state_dict(), other.state_dict()
    same_kind(mean, added, checkpoint)
    same_settings(model.config, other.config, checkpoint)
    same_words(tokenizer, words, checkpoint)
    moved = {
        name: value + (added[name] - value) / (taken + 1)
        for name, value in mean.items()
        if value.is_floating_point() and level in ("", level_of(name))
    }
    model.load_state_dict(moved, strict=False, assign=True)


def same_kind(
    ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor], checkpoint: str
) -> None:
    """Raises CheckpointError unless both have the same layers of the same sizes."""
    if {n: value.shape for n, value in ours.items()} != {n: v.shape for n, v in theirs.items()}:
        raise CheckpointError(
            f"'{checkpoint}' has other layers: only runs of one model can be put together"
        )


def same_settings(ours: Sam3IConfig, theirs: Sam3IConfig, checkpoint: str) -> None:
    """Raises CheckpointError unless both use their weights alike, on input of whatever size."""
    here, there = (
        of_base(config) | {IMAGE_SIZE: 0, "adapter_heads": config.adapter_heads}
        for config in (ours, theirs)
    )
    if why := difference(there, here):
        raise CheckpointError(
            f"'{checkpoint}' is another model ({why}): only runs of one can be put together"
        )


def same_words(
    ours: PreTrainedTokenizerBase, theirs: PreTrainedTokenizerBase, checkpoint: str
) -> None:
    """Raises CheckpointError unless both tokenizers know the same words."""
    if ours.get_vocab() != theirs.get_vocab():
        raise CheckpointError(
            f"'{checkpoint}' has other words: only runs of one model can be put together"
        )
