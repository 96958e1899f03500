"""A few steps of a run, to say what the whole of it needs."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from rich.table import Table

from training.loop.forecast import Forecast, duration, peak_memory, size
from training.loop.run import Run
from training.loop.settings import Settings
from training.samples.sample import Samples

TRIED = 4
"""Steps of each phase; the first warms up and isn't timed."""


@dataclass(frozen=True)
class Timed:
    """A part of a run in which steps take equally long: how many, and seconds of one."""

    name: str
    steps: int
    seconds: float


@dataclass(frozen=True)
class Trial:
    """What was measured: the phases, and the bytes of memory that were held at most."""

    phases: list[Timed]
    memory: int


def try_out(run: Run, samples: Samples) -> Trial:
    """Make a few steps of each phase, writing nothing; the run can't be used for anything else
    then."""
    run.module.cache = None
    measured = []
    for name, steps in run.settings.spans.items():
        run.step = steps.start
        stream = run.stream(samples)
        times = []
        for _ in range(TRIED):
            began = time.monotonic()
            run.take(stream)
            times.append(time.monotonic() - began)
        measured.append(Timed(name, len(steps), statistics.median(times[1:])))
    return Trial(measured, peak_memory(run.accelerator.device))


def describe(needs: Forecast, trial: Trial, settings: Settings, recurring: int) -> Table:
    """What a run needs, for people; so many `recurring` pictures have their features kept."""
    table = Table(title=f"stage {settings.stage}, {settings.steps} steps", show_header=False)
    for phase in trial.phases:
        table.add_row(phase.name, f"{phase.steps} steps of {phase.seconds:.2f} s")
    total = sum(phase.steps * phase.seconds for phase in trial.phases)
    encoded = ", less where features are kept" if recurring else ""  # none are, tried out
    table.add_row("time", f"about {duration(total)}{encoded}, validation apart")
    table.add_row(
        "memory",
        f"{size(trial.memory)} at most, of it weights and optimiser {size(needs.weights)}; "
        f"{size(needs.memory_left)} were free",
    )
    table.add_row("disk", f"{size(needs.disk)} of {size(needs.disk_left)} free")
    return table
