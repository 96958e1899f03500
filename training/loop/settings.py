"""What a training run is told: a YAML file, checked, unknown keys refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from training.loop.yaml_file import YamlError, read_yaml
from training.samples.sample import ABSENT, MASK_STRIDE

Stage = Literal["base", "1-1", "1-2", "3", "fine-tune"]
RecipeName = Literal["small", "sam3"]
Precision = Literal["bf16", "fp32"]
AdapterChoice = Literal["full", "lite"]
Phase = Literal["images", "words", "boxes", "coarse", "fine"]
"""What the steps of a run learn, in this order; a run need not have all."""
UNGROUNDED: tuple[Phase, ...] = ("images", "words")
"""Phases in which nothing is pointed at: a validation would say nothing."""
SOURCES = ("concept", "simple", "complex", "plain", "row", "order", "triplet")
LEAST = {
    **dict.fromkeys(("steps", "batch_size", "accumulate", "workers", "validate_every"), 1),
    **dict.fromkeys(("seed", "warmup", "queue", "variants", "patience", "weight_decay"), 0),
    **dict.fromkeys(("learning_rate", "backbone_learning_rate"), 0),
}
"""What settings must be at least."""
MOST_SEED = 2**32 - 1
"""Generators take 64 bits, of which a step's number has its part."""
CONFIGS = Path(__file__).parents[1] / "configs"


class SettingsError(ValueError):
    """A settings file can't be used; the message is one line with the remedy."""


@dataclass(frozen=True)
class Span:
    """How long a phase is, and how much is asked in it.

    Args:
        share: Of the run's steps; shares are made to add up to 1.
        texts: Sentences an image; none in `images`.
    """

    share: float
    texts: int = 0


@dataclass(frozen=True)
class Settings:
    """One training run.

    Args:
        stage: `base` trains everything but the adapters, `1-1` the S-Adapters alone, `1-2` the
            C-Adapters and their copy of S, `3` all adapters on sentences that mean the same,
            `fine-tune` the adapters that there are.
        seed: Of weights, data order and sentences.
        steps: Optimiser steps in all.
        batch_size: Images a step, over all processes and micro-batches.
        phases: Which phases the run has. `images` trains a base's image encoder alone, to name what
            it shows: a picture costs least here. `words` has no grounding: texts learn what they
            mean and, in a base, image maps what they show; a sentence costs little here. `boxes`
            has classes,
            boxes and presence but no masks: which thing is meant is learned from many sentences,
            and masks are most of what one costs. `coarse` has masks at stride 8, `fine` at
            stride 4.
        image_size: Of the pictures, pixels a side; 0: what the checkpoint is used at. A small base
            learns on smaller ones at first.
        mixture: Share of each source of sentences (`concept`, `simple`, `complex`, `triplet`;
            `plain`, `row` and `order`, simple ones about kind, colour and number alone, about left
            and right, about any order).
        absent: Share of sentences about what isn't there, of each source; of an order half as many,
            of triplets none.
        learning_rate: Of new weights, after warm-up.
        backbone_learning_rate: Of the pretrained image trunk; its first blocks stay frozen.
        constant_until: Share of steps after which the learning rate decays (cosine, to 2 %).
        warmup: Steps of linear warm-up; 0: none.
        weight_decay: AdamW's.
        clip: Gradient norm at most.
        queue: Past samples that the contrast of stage 3 keeps.
        recipe: Losses of a small model, or those of SAM 3 (`training.losses.recipes`).
        precision: bfloat16 where it does no harm, or float32 throughout.
        accumulate: Micro-batches that each process splits its share of a step into, for less
            memory.
        workers: Processes that make batches.
        variants: Different cuts and exposures of each picture of one's own data, whose image
            features are then kept on disk; 0: always new ones, nothing kept.
        rehearsal: Share of pictures that come from the rehearsal data, if such are given.
        hold_out: Share of one's own pictures, the last ones, to validate on if no other data are
            given for that.
        validate_every: Steps between validations.
        patience: Validations without a better one after which the run ends, with its best
            weights; 0: it runs to the end, with its last.
        adapters: Kind of the new adapters: `full`, or `lite` with a tenth of the parameters.
        ema: Decay of the averaged weights, which are the ones that are kept.
    """

    stage: Stage
    seed: int
    steps: int
    batch_size: int
    phases: dict[Phase, Span]
    mixture: dict[str, float]
    learning_rate: float
    backbone_learning_rate: float
    constant_until: float
    image_size: int = 0
    absent: float = ABSENT
    adapters: AdapterChoice = "full"
    warmup: int = 80
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    queue: int = 256
    recipe: RecipeName = "small"
    precision: Precision = "bf16"
    accumulate: int = 1
    workers: int = 1
    variants: int = 0
    rehearsal: float = 0.3
    hold_out: float = 0.0
    validate_every: int = 1000
    patience: int = 0

    @property
    def spans(self) -> dict[Phase, range]:
        """The steps of each phase that the run has."""
        total = sum(span.share for span in self.phases.values())
        found: dict[Phase, range] = {}
        first, done = 0, 0.0
        for name in get_args(Phase):
            if name in self.phases:
                done += self.phases[name].share / total
                end = round(done * self.steps)
                if end > first:
                    found[name] = range(first, end)
                first = end
        return found

    def phase_at(self, step: int) -> Phase:
        """The phase of a step; beyond the end, for which data are made ahead, the last one."""
        return [name for name, steps in self.spans.items() if step >= steps.start][-1]

    def texts_at(self, step: int) -> int:
        """Sentences an image in a step."""
        return self.phases[self.phase_at(step)].texts

    def __post_init__(self) -> None:
        choices = {
            "stage": Stage,
            "adapters": AdapterChoice,
            "recipe": RecipeName,
            "precision": Precision,
        }
        for name, choice in choices.items():
            if getattr(self, name) not in get_args(choice):
                allowed = ", ".join(get_args(choice))
                raise SettingsError(f"{name} is '{getattr(self, name)}', must be one of {allowed}")
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise SettingsError(f"{name} must be at least {least}")
        if self.seed > MOST_SEED:
            raise SettingsError(f"seed must be at most {MOST_SEED}")
        for name in ("rehearsal", "hold_out", "absent", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 0 and below 1")
        if not 0 <= self.constant_until <= 1:
            raise SettingsError("constant_until must be at least 0 and at most 1")
        if self.clip <= 0:
            raise SettingsError("clip must be above 0")
        if self.variants and self.stage == "base":
            raise SettingsError("variants: a base's image features change while it learns")
        if self.image_size and (self.image_size % MASK_STRIDE or self.image_size < 64):
            raise SettingsError(
                f"image_size must be a multiple of {MASK_STRIDE}, at least 64, or 0 for the "
                "checkpoint's own"
            )
        if not self.phases or set(self.phases) - set(get_args(Phase)):
            named = sorted(map(str, self.phases))
            raise SettingsError(f"phases names {', '.join(get_args(Phase))}, not {named}")
        if "images" in self.phases and self.stage != "base":
            raise SettingsError("phase images is a base's: no other stage trains the image encoder")
        for name, span in self.phases.items():
            if span.share <= 0 or (span.texts > 0) == (name == "images"):
                raise SettingsError(
                    "a phase's share must be above 0, its texts at least 1; images has none"
                )
        unknown = set(self.mixture) - set(SOURCES)
        if unknown or not self.mixture:
            raise SettingsError(
                f"mixture names {', '.join(SOURCES)}, not {sorted(map(str, unknown))}"
            )
        if min(self.mixture.values()) < 0 or not any(self.mixture.values()):
            raise SettingsError("mixture's shares must be at least 0, one of them above")
        for shares in (self.mixture.values(), [span.share for span in self.phases.values()]):
            if not math.isfinite(sum(shares)):
                raise SettingsError("shares are too large to be added up: make them about 1")


def shipped() -> list[str]:
    """Names of the settings that come with the package."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def number(name: str, value: Any, kind: Any) -> Any:
    """A value as a field of type `kind` takes it. YAML says 1.0e-4 for a number and takes 1e-4 for
    a text; both are one here.

    Raises:
        SettingsError: The field is a number, and the value isn't a finite one.
    """
    if kind not in (int, float):
        return value
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found) or (kind is int and found % 1):
        raise SettingsError(f"{name} is '{value}', must be a {'whole ' * (kind is int)}number")
    return value if isinstance(value, kind) else kind(found)


def check_keys(kind: type, content: Mapping[Any, Any], where: str) -> None:
    """Whether a dataclass can be made of these fields.

    Raises:
        SettingsError: One is unknown or missing.
    """
    known = {f.name: f.default is MISSING for f in fields(kind)}
    if unknown := sorted(map(str, content.keys() - known)):
        raise SettingsError(f"{where}: unknown keys {', '.join(unknown)}")
    if missing := [name for name, needed in known.items() if needed and name not in content]:
        raise SettingsError(f"{where} must say {', '.join(missing)}")


def numbers(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """What a dataclass is made of, with numbers where its fields are some.

    Raises:
        SettingsError: Something else is there.
    """
    kinds = get_type_hints(kind)
    return {name: number(name, value, kinds[name]) for name, value in content.items()}


def read_settings(name: str | Path, **changes: Any) -> Settings:
    """Read settings: one of `shipped()` by name, or a YAML file; `changes` that aren't None
    override them.

    Raises:
        SettingsError: The file is missing, or a key is unknown, missing or of a wrong type.
    """
    path = CONFIGS / f"{name}.yaml" if name in shipped() else Path(name)
    if not path.is_file():
        raise SettingsError(f"{name} is no file and none of {', '.join(shipped())}")
    try:
        content = read_yaml(path)
    except YamlError as error:
        raise SettingsError(error) from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold keys and values, one a line")
    content.update({k: v for k, v in changes.items() if v is not None})
    check_keys(Settings, content, f"{path}")
    if content["stage"] == 3:
        content["stage"] = "3"  # YAML takes a bare 3 for a number
    try:
        for name, span in content["phases"].items():
            check_keys(Span, span, f"{path}: phase {name}")
            content["phases"][name] = Span(**numbers(Span, span))
        mixture = content["mixture"].items()
        content["mixture"] = {n: number(f"mixture {n}", share, float) for n, share in mixture}
    except AttributeError as error:
        raise SettingsError(
            f"{path} must name phases, each with its share and texts, and a mixture, each source "
            "with its share"
        ) from error
    return Settings(**numbers(Settings, content))
