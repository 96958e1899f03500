"""Load and save checkpoints. Weights are safetensors; nothing in a checkpoint is ever run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging

from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel

BUNDLED = Path(__file__).parent / "bundled"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
ADAPTER = re.compile(r"\.adapters\.|\.mask_embedder\.(simple|complex)\.")


class CheckpointError(Exception):
    """A checkpoint can't be used; the message is one line with the remedy."""


def locate(model: str | Path) -> Path | str:
    """The folder that `bundled` or a path stands for; a hub id (`owner/name`) stays as it is.

    Raises:
        CheckpointError: There is no such folder, or it lacks a file.
    """
    folder = BUNDLED if str(model) == "bundled" else Path(model).expanduser()
    if not folder.is_dir():
        if isinstance(model, str) and HUB_ID.fullmatch(model):
            return model
        raise CheckpointError(
            f"no checkpoint at '{folder}': give 'bundled', a folder with config.json, "
            "model.safetensors and tokenizer.json, or a hub id such as facebook/sam3"
        )
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(f"'{folder}' has no model.safetensors: it is not a checkpoint")
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise CheckpointError(f"'{folder}' has no {name}: it is not a checkpoint")
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
    """Load a checkpoint in float32, ready for inference.

    A plain SAM 3 in transformers' format (model type sam3 or sam3_video) gets untrained adapters
    and answers concept prompts only.

    Raises:
        CheckpointError: One line that says what is wrong and what to do.
    """
    source = locate(model)
    target = resolve_device(device)
    logging.disable_progress_bar()
    options: dict[str, Any] = {"local_files_only": isinstance(source, Path)}
    try:
        config = read_config(source, options)
        loaded: Sam3IModel
        info: dict[str, Any]
        loaded, info = Sam3IModel.from_pretrained(  # type: ignore[misc]
            source,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
        tokenizer = AutoTokenizer.from_pretrained(source, config=config.text_config, **options)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        hint = "" if isinstance(source, Path) else "; gated models need `hf auth login` first"
        raise CheckpointError(f"'{source}' can't be loaded: {reason}{hint}") from error
    wrong = sorted([*info["missing_keys"], *info["unexpected_keys"]])
    if config.trained_levels == ["concept"]:
        wrong = [name for name in wrong if not ADAPTER.search(name)]
    if wrong:
        raise CheckpointError(
            f"'{source}' doesn't fit its config.json: {len(wrong)} tensors are missing or "
            f"unexpected, such as {wrong[0]}"
        )
    torch.nn.Module.to(loaded, target)  # the library's own `to` has a signature mypy can't read
    return loaded.eval(), tokenizer


def read_config(source: Path | str, options: dict[str, Any]) -> Sam3IConfig:
    """Our own config, or one for a plain SAM 3, whose image model may sit in a video model."""
    content, _ = Sam3IConfig.get_config_dict(source, **options)
    kind = content.get("model_type")
    if kind == "sam3_video":
        content = content["detector_config"]
    elif kind == "sam3i":
        return Sam3IConfig.from_dict(content)
    elif kind != "sam3":
        raise ValueError(f"its model type is {kind}, not sam3i, sam3 or sam3_video")
    parts = {name: value for name, value in content.items() if name.endswith("_config")}
    return Sam3IConfig(**parts)


def save(
    model: Sam3IModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write config, safetensors (in `dtype`) and tokenizer."""
    logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.to(dtype) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    model.save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)
