"""What each part of SAM3-I brings: `sam3i ablate POOL OUT --from BASE --validation POOL2`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sam3i_model.checkpoints.loading import CheckpointError
from sam3i_model.memory import keep_freed_memory
from sam3i_model.terminal import failed, notes, results
from training.ablation.folder import PAGE, TABLE, Answers, agree, base_of, begin, identity
from training.ablation.measuring import AblationError, check, measure
from training.ablation.running import left, needs, trained
from training.ablation.table import on_terminal
from training.ablation.variants import Part, Variant, stages_of, variants_of
from training.loop.dry_run import Trial
from training.loop.forecast import Forecast, ForecastError, duration, size
from training.loop.settings import SettingsError
from training.world.pool import WorldPool


def ablate_command(
    pool: Annotated[Path, typer.Argument(help="Scenes to train on (`sam3i render pool`).")],
    out: Annotated[Path, typer.Argument(help="Checkpoints, figures and tables go here.")],
    start: Annotated[str, typer.Option("--from", help="Checkpoint whose base all start from.")],
    validation: Annotated[
        Path | None, typer.Option(help="Other scenes, to measure on; none: only train.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Of each variant, all its stages together; none: theirs.", min=5),
    ] = None,
    only: Annotated[str, typer.Option(help="Such as full,no-kl; none: all variants.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is left to train: memory, disk, time.")
    ] = False,
) -> None:
    """Train variants of SAM3-I that lack a part, and measure them; run again to go on."""
    console = results()
    keep_freed_memory(large=True)
    command = ["sam3i", "ablate", str(pool), str(out), "--from", start]
    command += ["--validation", str(validation)] if validation else []
    command += ["--steps", str(steps)] if steps else []
    try:
        stages = stages_of(steps)
        variants = variants_of(stages)
        chosen = named(only, variants)
        scenes = WorldPool(pool)
        answers = Answers(out, WorldPool(validation)) if validation else None
        if answers:
            check(answers.pool)
        arguments = identity(start, scenes, stages)
        agree(out, arguments)
        parts = left(chosen, out)
        if parts:
            foreseen, trial = needs(stages[-1], start, scenes, out, len(parts), dry_run)
            if trial:
                console.print(described(parts, foreseen, trial))
            foreseen.check()
        elif dry_run:
            console.print("nothing is left to train")
        if dry_run:
            return
        begin(out, arguments)
        start = base_of(start, out)
        rows: list[list[str]] = []
        for variant in chosen:
            checkpoint = trained(variant, start, scenes, out, console.print)
            if answers:
                if variant not in answers:
                    answers[variant] = measure(variant, checkpoint, answers.pool)
                rows = answers.publish(variants.values(), arguments, shlex.join(command))
        if rows:
            console.print(on_terminal(rows))
            console.print(f"tables in {out / PAGE} and {out / TABLE}", soft_wrap=True)
    except (
        AblationError,
        SettingsError,
        CheckpointError,
        ForecastError,
        OSError,
    ) as error:
        raise failed(error) from error
    except KeyboardInterrupt:
        notes().print("stopped; the same command goes on from what is kept")
        raise typer.Exit(130) from None


def named(only: str, variants: Mapping[str, Variant]) -> list[Variant]:
    """The variants that are wanted, in their usual order; all if none is named.

    Raises:
        AblationError: There is none of that name.
    """
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in variants]
    if unknown:
        raise AblationError(f"there is no variant {unknown[0]}, only {', '.join(variants)}")
    return [variant for name, variant in variants.items() if name in wanted or not wanted]


def described(parts: Sequence[Part], foreseen: Forecast, trial: Trial) -> Table:
    """What is left to train and what it takes, for people."""
    table = Table(title="left to train", show_header=False)
    for part in parts:
        table.add_row(part.name, f"{part.settings.steps} steps")
    table.add_section()
    steps = sum(part.settings.steps for part in parts)
    tried = sum(phase.steps for phase in trial.phases)
    seconds = sum(phase.steps * phase.seconds for phase in trial.phases) / tried
    table.add_row(
        "time",
        f"{steps} steps of {seconds:.2f} s at most: {duration(steps * seconds)}, measuring apart",
    )
    table.add_row("memory", f"{size(trial.memory)}; {size(foreseen.memory_left)} were free")
    table.add_row("disk", f"{size(foreseen.disk)} of {size(foreseen.disk_left)} free")
    return table
