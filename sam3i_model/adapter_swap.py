"""Other adapters for a model that is in service: checked as a whole first, then put in at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sam3i_model.checkpoints.anatomy import is_adapter
from sam3i_model.checkpoints.config_file import configure
from sam3i_model.checkpoints.loading import finite, outline, single
from sam3i_model.checkpoints.weights import CheckpointError, Weights, first_line, open_weights
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel

OF_ADAPTERS = (
    "adapters",
    "adapter_dim",
    "adapter_heads",
    "trained_levels",
    "score_thresholds",
    "presence_thresholds",
    "licence",
)
"""What a configuration says of adapters, and not of their base."""
BOOKKEEPING = {"_name_or_path", "architectures", "dtype", "transformers_version"}


def read_adapters(model: Sam3IModel, source: Path) -> Sam3IModel:
    """The adapters of a checkpoint whose base is the one in service.

    The model is only read, so it may work meanwhile. Of the base, one tensor at a time is in
    memory.

    Args:
        model: In service.
        source: Folder or file of a checkpoint.

    Returns:
        A model that has no base, only adapters, on the device of `model`; for `exchange_adapters`.

    Raises:
        CheckpointError: The checkpoint is damaged, or its base is another one.
    """
    weights = open_weights(source)
    config = configure(weights)
    check_sizes(source, config, model.config)
    donor = outline(weights, config)
    donor.load_state_dict(checked_tensors(weights, model), strict=False, assign=True)
    return donor.eval()


def exchange_adapters(model: Sam3IModel, donor: Sam3IModel) -> None:
    """Give a model another's adapters, and what its configuration says of them.

    Nothing is copied. The model must not be at work.
    """
    for ours, theirs in zip(model.adapted_layers(), donor.adapted_layers(), strict=True):
        ours.adapters = theirs.adapters
    embedder, new = model.mask_decoder.mask_embedder, donor.mask_decoder.mask_embedder
    embedder.simple, embedder.complex = new.simple, new.complex
    for name in OF_ADAPTERS:
        setattr(model.config, name, getattr(donor.config, name))


def checked_tensors(weights: Weights, model: Sam3IModel) -> dict[str, torch.Tensor]:
    """The adapters' tensors on the model's device; the others are compared and let go.

    Raises:
        CheckpointError: An adapter is not finite, or the base is another one.
    """
    base = model.state_dict()
    adapters = {}
    try:
        for name, tensor in weights.tensors.items():
            if is_adapter(name):
                if not finite(tensor):
                    raise CheckpointError(f"'{weights.path}' is damaged: {name} is not finite")
                adapters[name] = single(tensor).to(model.device)
            elif not torch.equal(single(tensor).to(model.device), base[name]):
                raise other_base(weights.path, f"{name} differs")
    except CheckpointError:
        raise
    except Exception as error:  # such as a file that is cut short, or too little memory
        raise CheckpointError(f"'{weights.path}' can't be loaded: {first_line(error)}") from error
    return adapters


def check_sizes(source: Path, theirs: Sam3IConfig, ours: Sam3IConfig) -> None:
    """Compare all that configurations say of the base.

    Raises:
        CheckpointError: Something differs; it names the first.
    """
    if why := difference(of_base(theirs), of_base(ours)):
        raise other_base(source, why)


def difference(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """The first value, by name, that isn't the same in both, in words; empty if all are."""
    for name in sorted(theirs.keys() | ours.keys()):
        if theirs.get(name) != ours.get(name):
            return f"{name} is {theirs.get(name)}, not {ours.get(name)}"
    return ""


def of_base(config: Sam3IConfig) -> dict[str, Any]:
    """What a configuration says of the base, a value a dotted name."""

    def flat(content: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in content.items():
            if isinstance(value, Mapping):
                values |= flat(value, f"{prefix}{name}.")
            elif name not in BOOKKEEPING:
                values[prefix + str(name)] = value
        return values

    content = config.to_dict()
    return flat({k: v for k, v in content.items() if k not in OF_ADAPTERS}, "")


def other_base(source: Path, why: str) -> CheckpointError:
    """The error that two bases differ."""
    return CheckpointError(
        f"'{source}' was trained on another base than the one in service ({why}): take adapters "
        "trained from it, or start anew with this model"
    )
