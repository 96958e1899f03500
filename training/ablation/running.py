"""Trains what variants consist of, each run once, and goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from training.ablation.variants import OnePath, Part, Variant, begin_all_at_once
from training.loop.dry_run import Trial, try_out
from training.loop.forecast import Forecast, forecast
from training.loop.run import Run
from training.loop.settings import Settings
from training.samples.from_world import WorldSamples
from training.train import MODEL, STATE, train
from training.world.pool import WorldPool


def is_done(part: Part, out: Path) -> bool:
    """Whether a run has ended: its checkpoint is there, and nothing to go on from."""
    folder = out / part.name
    return (folder / MODEL).is_dir() and not (folder / STATE).exists()


def left(variants: Iterable[Variant], out: Path) -> list[Part]:
    """The runs that are still to be made or finished, each once."""
    parts = {part.name: part for variant in variants for part in variant.parts}
    return [part for part in parts.values() if not is_done(part, out)]


def trained(
    variant: Variant, base: str, pool: WorldPool, out: Path, tell: Callable[[str], None]
) -> str:
    """Make the runs that a variant still lacks; the checkpoint that it ends with."""
    start = base
    for part in variant.parts:
        folder = out / part.name
        if not is_done(part, out):
            tell(f"{part.name}: {part.settings.steps} steps")
            samples = WorldSamples(pool, part.settings.mixture, part.settings.absent)
            run = Run(part.settings, start, recipe=part.recipe, begin=part.begin)
            train(run, OnePath(samples) if part.one_path else samples, folder)
            (folder / STATE).unlink()
        start = str(folder / MODEL)
    return start


def needs(
    settings: Settings, base: str, pool: WorldPool, out: Path, runs: int, attempt: bool
) -> tuple[Forecast, Trial | None]:
    """What `runs` runs of the costliest kind take: all adapters with the alignment losses.

    Args:
        settings: Of stage 3.
        base: Checkpoint that all starts from.
        pool: Scenes to train on.
        out: Where it will be written.
        runs: How many; each leaves a checkpoint.
        attempt: Make a few steps to time them.
    """
    run = Run(settings, base, begin=begin_all_at_once)
    one = forecast(run.module, out, run.accelerator.device)
    model = sum(t.numel() * t.element_size() for t in run.model.state_dict().values())
    trial = try_out(run, WorldSamples(pool, settings.mixture, settings.absent)) if attempt else None
    return replace(one, disk=one.disk + (runs - 1) * model), trial
