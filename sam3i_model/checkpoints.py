"""Load and save checkpoints. Weights are safetensors; nothing in a checkpoint is ever run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils import logging

from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel

BUNDLED = Path(__file__).parent / "bundled"


class CheckpointError(Exception):
    """A checkpoint can't be used; the message is one line with the remedy."""


def locate(model: str | Path) -> Path:
    """The folder that `bundled` or a path stands for.

    Raises:
        CheckpointError: There is no such folder, or it lacks a file.
    """
    folder = BUNDLED if str(model) == "bundled" else Path(model).expanduser()
    if not folder.is_dir():
        raise CheckpointError(
            f"no checkpoint at '{folder}': give 'bundled' or a folder with config.json, "
            "model.safetensors and tokenizer.json"
        )
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).is_file():
            raise CheckpointError(f"'{folder}' has no {name}: it is not a sam3i checkpoint")
    return folder


def resolve_device(device: str) -> torch.device:
    """`auto` is a GPU if there is one.

    Raises:
        CheckpointError: The device is unknown or not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"device '{device}' can't be used ({reason}): use auto, cpu or cuda"
        ) from error
    return chosen


def load(model: str | Path, device: str = "auto") -> tuple[Sam3IModel, PreTrainedTokenizerBase]:
    """Load a checkpoint folder in float32, ready for inference.

    Raises:
        CheckpointError: One line that says what is wrong and what to do.
    """
    folder = locate(model)
    target = resolve_device(device)
    logging.disable_progress_bar()
    try:
        config = Sam3IConfig.from_pretrained(folder, local_files_only=True)
        loaded: Sam3IModel
        info: dict[str, Any]
        loaded, info = Sam3IModel.from_pretrained(  # type: ignore[misc]
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            attn_implementation="eager" if target.type == "cpu" else "sdpa",
        )
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"'{folder}' can't be loaded: {reason}") from error
    wrong = sorted([*info["missing_keys"], *info["unexpected_keys"]])
    if wrong:
        raise CheckpointError(
            f"'{folder}' doesn't fit its config.json: {len(wrong)} tensors are missing or "
            f"unexpected, such as {wrong[0]}"
        )
    torch.nn.Module.to(loaded, target)  # the library's own `to` has a signature mypy can't read
    return loaded.eval(), tokenizer


def save(
    model: Sam3IModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write config, safetensors (in `dtype`) and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.to(dtype) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    model.save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)
