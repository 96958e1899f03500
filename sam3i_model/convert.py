"""`sam3i convert`: any checkpoint into our own folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import torch
import typer
from transformers import PreTrainedTokenizerBase

from sam3i_model.checkpoints import CheckpointError, keep_heads, load, save
from sam3i_model.modeling import Sam3IModel
from sam3i_model.terminal import failed, results


class Precision(str, Enum):
    """How floating point weights are stored."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


def convert_command(
    checkpoint: Annotated[str, typer.Argument(help="Folder, .pt file, hub id, or 'bundled'.")],
    out: Annotated[Path, typer.Argument(help="New folder.")],
    config: Annotated[
        Path | None, typer.Option(help="config.json of an official file of unusual sizes.")
    ] = None,
    dtype: Annotated[
        Precision, typer.Option(help="float16 and bfloat16 take half the space.")
    ] = Precision.FLOAT32,
    average_with: Annotated[
        list[str] | None,
        typer.Option(help="Another run's checkpoint, to store the mean of; again for more."),
    ] = None,
) -> None:
    """Write a checkpoint as safetensors, config.json and tokenizer.json."""
    try:
        convert(checkpoint, out, config, getattr(torch, dtype.value), average_with or ())
    except (CheckpointError, OSError) as error:
        raise failed(error) from error
    results().print(f"checkpoint in {out}; `sam3i info {out}` says what it is", soft_wrap=True)


def convert(
    checkpoint: str,
    out: Path,
    config: Path | None,
    dtype: torch.dtype,
    others: Sequence[str] = (),
) -> None:
    """Load `checkpoint` and write it to `out`, which appears when it is complete.

    With `others`, its weights are the mean of them all; all else is the first one's.

    Raises:
        CheckpointError: One can't be loaded or averaged, `out` is there already, or the disk is
            too full.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CheckpointError(f"'{out}' is there already: give a new folder")
    model, tokenizer = load(checkpoint, "cpu", config)
    for taken, other in enumerate(others, 1):
        average(model, tokenizer, other, taken)
    needed = sum(value.numel() * dtype.itemsize for value in model.state_dict().values())
    out.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(out.parent).free
    if free < needed:
        raise CheckpointError(
            f"'{out}' needs {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB left"
        )
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        save(model, tokenizer, partial, dtype)
        keep_heads(checkpoint, partial)
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def average(
    model: Sam3IModel, tokenizer: PreTrainedTokenizerBase, checkpoint: str, taken: int
) -> None:
    """Make the mean of `taken` checkpoints that of one more (Wortsman et al. 2022, uniform soup).

    What they have in common stays as it is, to the last bit.

    Raises:
        CheckpointError: `checkpoint` can't be loaded, or is not of the same kind.
    """
    other, words = load(checkpoint, "cpu")
    mean, added = model.state_dict(), other.state_dict()
    if {k: v.shape for k, v in mean.items()} != {k: v.shape for k, v in added.items()}:
        raise CheckpointError(
            f"'{checkpoint}' has other layers: only runs of one model can be averaged"
        )
    if words.get_vocab() != tokenizer.get_vocab():
        raise CheckpointError(
            f"'{checkpoint}' has other words: only runs of one model can be averaged"
        )
    moved = {
        name: value + (added[name] - value) / (taken + 1)
        for name, value in mean.items()
        if value.is_floating_point()
    }
    model.load_state_dict(moved, strict=False, assign=True)
