"""SAM3-I and the variants of it that lack a part or have another one, as training runs.

All take the same number of optimiser steps in all, but for the one that trains nothing. Runs that
two variants have in common are the same `Part` and are made once.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from sam3i_model.adapters.adapter import BottleneckAdapter, LevelAdapters, TextAdapter
from sam3i_model.instruction import Level
from sam3i_model.modeling import Sam3IModel
from training.loop.run import Begin, begin
from training.loop.settings import Phase, Settings, Span, read_settings
from training.loop.stages import trainable
from training.losses.recipes import RECIPES, Recipe
from training.samples.sample import Sample, Samples

LOSSES = ("kl", "hard", "contrast", "anchor")
"""Of stage 3's alignment."""
OWN_PATHS = {"simple": "simple", "complex": "complex"}


@dataclass(frozen=True)
class Part:
    """One training run.

    Attributes:
        name: Its folder.
        settings: What it is told.
        recipe: Its losses; None: those that the settings name.
        begin: Makes the model that it starts with.
        one_path: Whether complex sentences go the way of simple ones.
    """

    name: str
    settings: Settings
    recipe: Recipe | None = None
    begin: Begin = begin
    one_path: bool = False


@dataclass(frozen=True)
class Variant:
    """SAM3-I or something less.

    Attributes:
        name: Its name.
        says: What it is, for people.
        parts: Runs, each from where the one before ended; the first from the base.
        paths: The level that sentences of each level are asked as.
    """

    name: str
    says: str
    parts: tuple[Part, ...]
    paths: Mapping[str, str]


def stages_of(steps: int | None = None) -> list[Settings]:
    """The three shipped stages; with `steps`, so many in all, shared out as theirs are."""
    stages = [read_settings(f"stage-{name}") for name in ("1-1", "1-2", "3")]
    if steps is None:
        return stages
    bounds = np.cumsum([0, *(stage.steps for stage in stages)])
    bounds = np.rint(bounds * (steps / bounds[-1])).astype(int)
    bounds = np.minimum(bounds, steps - np.arange(len(stages), -1, -1))  # one for each at least
    return [
        replace(stage, steps=int(count))
        for stage, count in zip(stages, np.diff(bounds), strict=True)
    ]


def variants_of(stages: Sequence[Settings]) -> dict[str, Variant]:
    """All variants by name, of the method with these three stages."""
    third = stages[-1]
    usual = RECIPES[third.recipe]
    full = curriculum("full", stages)

    def unaligned(name: str, *losses: str) -> Variant:
        alignment = replace(usual.alignment, **dict.fromkeys(losses, 0.0))
        last = Part(f"{name}/{third.stage}", third, replace(usual, alignment=alignment))
        says = f"stage 3 without {name.removeprefix('no-')}"
        return Variant(name, says, (*full[:-1], last), OWN_PATHS)

    mixed = in_one_run(stages)
    one = Part("one-adapter/1-1", mixed, one_path=True)
    at_once = Part("no-curriculum/3", replace(mixed, stage="3"), begin=begin_all_at_once)
    released = curriculum("release-init", stages, begin_as_released)
    lite = curriculum("lite", [replace(stage, adapters="lite") for stage in stages])
    simple, concept = (dict.fromkeys(OWN_PATHS, path) for path in ("simple", "concept"))
    listed = [
        Variant("full", "stages 1-1, 1-2, 3", full, OWN_PATHS),
        Variant("no-adapters", "nothing trained", (), concept),
        Variant("one-adapter", "complex sentences take the S-path, too", (one,), simple),
        Variant("no-curriculum", "all adapters at once", (at_once,), OWN_PATHS),
        *(unaligned(f"no-{loss}", loss) for loss in LOSSES),
        unaligned("no-alignment", *LOSSES),
        Variant("release-init", "adapters begin as in the release", released, OWN_PATHS),
        Variant("lite", "lite adapters", lite, OWN_PATHS),
    ]
    return {variant.name: variant for variant in listed}


def curriculum(name: str, stages: Sequence[Settings], begin: Begin = begin) -> tuple[Part, ...]:
    """One run a stage."""
    return tuple(Part(f"{name}/{stage.stage}", stage, begin=begin) for stage in stages)


def in_one_run(stages: Sequence[Settings]) -> Settings:
    """All that the stages learn from, in the same shares but not in turns.

    The rest is the first stage's, whose learning rate is made for new adapters.
    """
    steps = sum(stage.steps for stage in stages)
    phases: dict[Phase, Span] = {}
    for stage in stages:
        for phase, span in stage.spans.items():
            before = phases.get(phase, Span(0, stage.phases[phase].texts))
            phases[phase] = replace(before, share=before.share + len(span) / steps)
    mixture: dict[str, float] = {}
    for stage in stages:
        for source, share in stage.mixture.items():
            part = share / sum(stage.mixture.values()) * stage.steps / steps
            mixture[source] = mixture.get(source, 0.0) + part
    return replace(stages[0], steps=steps, phases=phases, mixture=mixture)


class OnePath:
    """Samples whose complex sentences are taken for simple ones."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.kinds_known = samples.kinds_known

    def draw(self, rng: random.Random, noise: np.random.Generator, size: int, texts: int) -> Sample:
        """See `Samples`."""
        drawn = self.samples.draw(rng, noise, size, texts)
        asked = [
            replace(one, level=Level.SIMPLE) if one.level == Level.COMPLEX else one
            for one in drawn.asked
        ]
        return replace(drawn, asked=asked)


def begin_all_at_once(start: str, settings: Settings) -> tuple[Sam3IModel, PreTrainedTokenizerBase]:
    """A base with new adapters, all of which train."""
    model, tokenizer = begin(start, replace(settings, stage="1-1"))
    trainable(model, settings.stage)
    return model, tokenizer


def begin_as_released(start: str, settings: Settings) -> tuple[Sam3IModel, PreTrainedTokenizerBase]:
    """As the method begins, but with the adapters' initial weights of SAM3-I's released code.

    Before stage 1-1 it zeroes both ends of the text adapters' attention and of their bottleneck
    (the other adapters' first layers stay random), before stage 1-2 all of every C-Adapter, its
    LayerNorms included. A product of two zeros has no gradient on either side, so that hardly
    more than biases learn.
    """
    model, tokenizer = begin(start, settings)
    for module in model.modules():
        if isinstance(module, LevelAdapters):
            if settings.stage == "1-1":
                _as_released(module.simple)
            elif settings.stage == "1-2":
                _zero(module.complex)
    return model, tokenizer


def _as_released(adapter: TextAdapter | BottleneckAdapter) -> None:
    if isinstance(adapter, TextAdapter):
        for part in (adapter.attention, adapter.down_proj, adapter.up_proj):
            _zero(part)
    else:
        nn.init.xavier_uniform_(adapter.down_proj.weight)


def _zero(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
