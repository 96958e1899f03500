"""Load and save checkpoints of every kind: ours, transformers' SAM 3, Meta's and SAM3-I's files."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download, split_torch_state_dict_into_shards
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError
from rich.progress import track
from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerBase
from transformers.utils import logging

from sam3i_model.checkpoints.config_file import check_size, configure
from sam3i_model.checkpoints.tokenizers import tokenizer_for
from sam3i_model.checkpoints.weights import CheckpointError, Weights, first_line, open_weights
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel
from sam3i_model.terminal import notes

BUNDLED = Path(__file__).parents[1] / "bundled"
HEADS = "heads.safetensors"
"""In a checkpoint's folder, if it was trained here: what only training needs."""
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
HUB_FILES = ["*.json", "*.safetensors", "merges.txt"]
SHARD = 1_000_000_000
"""Bytes of one safetensors file; larger checkpoints are split."""
WORTH_A_BAR = 50_000_000
"""Parameters from which on loading takes long enough for a progress bar."""
ALIGNMENT = 64
"""Bytes. Matrix products take another path, and may round otherwise, at other addresses."""


def locate(model: str | Path) -> Path:
    """The folder or file that `bundled`, a path or a hub id (`owner/name`) stands for.

    A hub id is downloaded, with the user's own token, or taken from the cache.

    Raises:
        CheckpointError: There is no such checkpoint, or it lacks a file.
    """
    try:
        path = BUNDLED if str(model) == "bundled" else Path(model).expanduser()
        if path.is_file():
            return path
        if not path.is_dir():
            if isinstance(model, str) and HUB_ID.fullmatch(model):
                path = download(model)
            else:
                raise CheckpointError(
                    f"no checkpoint at '{path}': give 'bundled', a folder with config.json, "
                    "model.safetensors and tokenizer.json, a .pt file of SAM 3 or SAM3-I, or a "
                    "hub id such as facebook/sam3"
                )
        refuse_run(path)
        if not any(path.glob("*.safetensors")):
            raise CheckpointError(f"'{path}' has no model.safetensors: it is not a checkpoint")
        if not (path / "config.json").is_file():
            raise CheckpointError(f"'{path}' has no config.json: it is not a checkpoint")
    except (OSError, RuntimeError) as error:  # too long, closed to the user, nobody's home
        raise CheckpointError(f"no way to '{model}': {first_line(error)}") from error
    return path


def refuse_run(folder: Path) -> None:
    """Raises CheckpointError if a folder is that of a training run, with its checkpoint within."""
    within = folder / "model"
    if (within / "config.json").is_file() and not (folder / "config.json").is_file():
        raise CheckpointError(f"'{folder}' is the folder of a run: name its checkpoint, '{within}'")


def download(hub_id: str) -> Path:
    """The folder of a checkpoint from the hub.

    Raises:
        CheckpointError: It isn't there, isn't open to the user, or the hub can't be reached.
    """
    try:
        return Path(snapshot_download(hub_id, allow_patterns=HUB_FILES))
    except GatedRepoError as error:
        raise CheckpointError(
            f"'{hub_id}' is gated: accept its licence on its page, then run `hf auth login`"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise CheckpointError(
            f"there is no folder '{hub_id}', and the hub has no such checkpoint for you "
            f"({first_line(error)}): private and gated ones need `hf auth login`"
        ) from error


def resolve_device(device: str) -> torch.device:
    """`auto` is a GPU if there is one.

    Raises:
        CheckpointError: The device is unknown or not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:  # it lists all that there are for any machine
        raise CheckpointError(f"there is no device '{device}': use auto, cpu or cuda") from error
    try:
        torch.zeros(1, device=chosen).tolist()  # the device "meta" makes it, and holds no numbers
    except (RuntimeError, AssertionError) as error:
        raise CheckpointError(
            f"device '{device}' can't be used ({first_line(error)}): use auto, cpu or cuda"
        ) from error
    return chosen


def load(
    model: str | Path, device: str = "auto", sizes: Path | None = None, image_size: int = 0
) -> tuple[Sam3IModel, PreTrainedTokenizerBase]:
    """Load a checkpoint in float32, ready for inference.

    A SAM 3 without adapters answers concept prompts only.

    Args:
        model: `bundled`, a folder, a hub id, or an official `.pt` file.
        device: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1`, ...
        sizes: A config.json for an official file of other sizes than the released ones.
        image_size: Another side of the square input, px; 0 keeps the checkpoint's.

    Raises:
        CheckpointError: One line that says what is wrong and what to do.
    """
    target = resolve_device(device)
    source = locate(model)
    weights = open_weights(source)
    config = configure(weights, sizes)
    if image_size:
        check_size(config, image_size)
        config.image_size = image_size
    tokenizer = tokenizer_for(source)
    if len(tokenizer) > config.text_config.vocab_size:
        raise CheckpointError(
            f"'{source}' knows {config.text_config.vocab_size} tokens, its tokenizer "
            f"{len(tokenizer)}: put the right tokenizer.json into the folder"
        )
    loaded = assemble(weights, config)
    torch.nn.Module.to(loaded, target)  # the library's own `to` has a signature mypy can't read
    return loaded.eval(), tokenizer


def assemble(weights: Weights, config: Sam3IConfig) -> Sam3IModel:
    """Put tensors into a model, in float32 and in memory once.

    Float32 tensors of a `.pt` file are not copied at all: they stay mapped from it.

    Raises:
        CheckpointError: Tensors are missing, unexpected, of another shape, or not finite.
    """
    read: dict[str, torch.Tensor] = {}
    try:
        outline(weights, config)
        for name, tensor in announced(weights.tensors.items(), "reading", weights.outlines):
            if not finite(tensor):
                raise CheckpointError(f"'{weights.path}' is damaged: {name} is not finite")
            read[name] = single(tensor)
        logging.disable_progress_bar()
        return Sam3IModel.from_pretrained(None, config=config, state_dict=read, dtype=torch.float32)
    except CheckpointError:
        raise
    except Exception as error:  # such as a file that is cut short, or too little memory
        raise CheckpointError(f"'{weights.path}' can't be loaded: {first_line(error)}") from error


def outline(weights: Weights, config: Sam3IConfig) -> Sam3IModel:
    """The model that a configuration makes, without tensors (they are on the `meta` device).

    Raises:
        CheckpointError: It makes none, or one that the weights don't fit.
    """
    try:
        with torch.device("meta"):
            model = Sam3IModel(config)
    except Exception as error:  # the library builds what config.json says, and it may say anything
        raise CheckpointError(f"'{weights.path}' can't be loaded: {first_line(error)}") from error
    misfit(weights, model.state_dict())
    return model


def misfit(weights: Weights, expected: Mapping[str, torch.Tensor]) -> None:
    """Compare names and shapes with what the configuration makes, before a tensor is read.

    Raises:
        CheckpointError: Tensors are missing, unexpected or of another shape; it names some.
    """
    found = weights.outlines
    both = expected.keys() & found.keys()
    groups = {
        "missing": expected.keys() - both,
        "unexpected": found.keys() - both,
        "of another shape": {n for n in both if found[n].shape != expected[n].shape},
    }
    wrong = [
        f"{len(names)} {what} ({', '.join(sorted(names)[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in groups.items()
        if names
    ]
    if wrong:
        hint = "" if weights.origin == "folder" else ": if its sizes are not SAM 3's, give --config"
        raise CheckpointError(
            f"'{weights.path}' doesn't fit its configuration, tensors are {'; '.join(wrong)}{hint}"
        )


def finite(tensor: torch.Tensor) -> bool:
    """Whether there is no NaN or infinity, without a copy."""
    return not tensor.numel() or all(bool(bound.isfinite()) for bound in torch.aminmax(tensor))


def single(tensor: torch.Tensor) -> torch.Tensor:
    """A stored tensor as it is used: float32 unless it holds integers; itself where it can be."""
    wide = (tensor.float() if tensor.is_floating_point() else tensor).contiguous()
    # the same weights at other addresses, or in another order, would give other last digits
    return wide.clone() if wide.data_ptr() % ALIGNMENT else wide


def save(
    model: Sam3IModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write config, safetensors (in `dtype`) and tokenizer.

    A file is replaced as a whole: the model may be mapped from the very one that it replaces.

    Raises:
        CheckpointError: A weight is too large for `dtype`.
        OSError: Something can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    try:
        tokenizer.save_pretrained(folder)
    except Exception as error:  # the library knows no better one
        raise OSError(f"'{folder}' can't be written: {first_line(error)}") from error
    state = {name: value.to("cpu") for name, value in model.state_dict().items()}
    split = split_torch_state_dict_into_shards(
        state, filename_pattern="model{suffix}.safetensors", max_shard_size=SHARD
    )
    parts = split.filename_to_tensors
    for name in announced(parts, "writing", state):
        write({key: halved(key, state[key], dtype) for key in parts[name]}, folder / name)
    if split.is_sharded:
        index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))


def halved(name: str, tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A tensor as it is stored: in `dtype`, unless it holds integers.

    Raises:
        CheckpointError: It has numbers that `dtype` can't hold.
    """
    if not tensor.is_floating_point() or tensor.dtype == dtype:
        return tensor.contiguous()
    stored = tensor.contiguous().to(dtype)
    if not finite(stored):
        kind = str(dtype).removeprefix("torch.")
        raise CheckpointError(f"{name} has numbers too large for {kind}: take --dtype bfloat16")
    return stored


def write(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Write a safetensors file beside a checkpoint's config.json, as readable as that.

    Raises:
        OSError: It can't be written, and is as it was.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        save_file(tensors, partial, metadata={"format": "pt"})
        shutil.copymode(path.with_name("config.json"), partial)  # the library's own mode is 0600
        os.replace(partial, path)
    except SafetensorError as error:
        raise OSError(f"'{path}' can't be written: {first_line(error)}") from error
    finally:
        partial.unlink(missing_ok=True)


def keep_heads(origin: str | Path, folder: Path) -> None:
    """Copy what only training needs into a checkpoint that is made of another, if it has that.

    Raises:
        CheckpointError: There is no such other.
    """
    heads = locate(origin) / HEADS
    if heads.is_file():
        shutil.copyfile(heads, folder / HEADS)


def announced(items: Any, verb: str, tensors: Mapping[str, torch.Tensor]) -> Any:
    """`items` with a progress bar on the terminal, if there is much to do."""
    much = sum(tensor.numel() for tensor in tensors.values()) > WORTH_A_BAR
    console = notes()
    show = much and console.is_terminal
    return track(items, verb, console=console, transient=True) if show else items
