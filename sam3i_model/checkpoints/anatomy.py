"""What is in a checkpoint: parameters by part, and whether its adapters do anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from enum import Enum

import torch

from sam3i_model.checkpoints.weights import Weights

ADAPTER = re.compile(
    r"^(?P<place>text_encoder|detr_encoder|detr_decoder)\..*layers\.\d+"
    r"\.adapters\.(?P<copy>simple|simple_copy|complex)\.(?P<rest>.+)$"
)
MASK_COPY = "mask_decoder.mask_embedder."
STAGE_LEVELS = {"1_1": ("simple",)}
"""Levels of a stage whose file holds adapters for more of them; other stages train both."""


class Life(Enum):
    """What an adapter does to what passes through it."""

    ALIVE = "alive"
    BIAS_ONLY = "bias only"
    """It adds the same to everything: its matrices are zero."""
    IDENTITY = "does nothing"


def level_of(name: str) -> str:
    """The level whose adapters or mask embedder a tensor belongs to; empty for the base."""
    found = ADAPTER.match(name)
    if found:
        return "simple" if found["copy"] == "simple" else "complex"
    copies = (level for level in ("simple", "complex") if name.startswith(f"{MASK_COPY}{level}."))
    return next(copies, "")


def is_adapter(name: str) -> bool:
    """Whether a tensor belongs to an adapter or to a level's own mask embedder, not to the base."""
    return bool(level_of(name))


def parameters(tensors: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Parameters by part of the model, largest first; adapters and mask copies apart."""
    counts: Counter[str] = Counter()
    for name, tensor in tensors.items():
        counts["adapters" if is_adapter(name) else name.split(".")[0]] += tensor.numel()
    return {part: counts[part] for part in sorted(counts, key=counts.__getitem__, reverse=True)}


def adapter_lives(tensors: Mapping[str, torch.Tensor]) -> dict[tuple[str, str], Counter[Life]]:
    """How many layers' adapters are alive, by (place, copy)."""
    places: dict[str, tuple[str, str]] = {}
    for name in tensors:
        found = ADAPTER.match(name)
        if found:
            places[name[: found.start("rest")]] = found["place"], found["copy"]
    lives: dict[tuple[str, str], Counter[Life]] = {}
    for prefix, place in places.items():
        lives.setdefault(place, Counter())[life(tensors, prefix)] += 1
    return lives


def life(tensors: Mapping[str, torch.Tensor], prefix: str) -> Life:
    """Judge one adapter by its tensors: a path is dead if a matrix on its way is all zero."""

    def any_of(*names: str) -> bool:
        found = (prefix + name for name in names)
        return any(name in tensors and bool(tensors[name].any()) for name in found)

    attention_in = any_of("attention.in_proj_weight", "attention.in_proj.weight")
    if any_of("down_proj.weight") and any_of("up_proj.weight"):
        return Life.ALIVE
    if attention_in and any_of("attention.out_proj.weight"):
        return Life.ALIVE
    constant = any_of("up_proj.bias", "attention.out_proj.bias", "up_proj.weight")
    return Life.BIAS_ONLY if constant else Life.IDENTITY


def mask_copy_differs(tensors: Mapping[str, torch.Tensor], level: str) -> bool | None:
    """Whether a level's mask embedder has moved away from the base's; None without one."""
    base = {n: t for n, t in tensors.items() if n.startswith(f"{MASK_COPY}layers.")}
    copies = {n: tensors.get(n.replace(MASK_COPY, f"{MASK_COPY}{level}.")) for n in base}
    if not base or any(copy is None for copy in copies.values()):
        return None
    return any(not torch.equal(base[n], copy) for n, copy in copies.items() if copy is not None)


def trained_levels(weights: Weights) -> list[str]:
    """Levels that a file without a configuration of ours was trained for, by its own word.

    A level needs adapters that do something; the stage that the file names rules out others.
    """
    lives = adapter_lives(weights.tensors)
    allowed = STAGE_LEVELS.get(str(weights.fields.get("inst_stage")), ("simple", "complex"))
    working = {
        copy
        for (_, copy), count in lives.items()
        if any(count[state] for state in (Life.ALIVE, Life.BIAS_ONLY))
    }
    return ["concept", *(level for level in allowed if level in working)]
