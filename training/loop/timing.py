"""Times the steps of a run that are taken in several ways, for the benches of training."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import torch
from rich.table import Table

from training.loop.run import Run
from training.samples.batches import Batch


def timed(run: Run, batches: list[Batch]) -> float:
    """Seconds of one step."""
    began = time.perf_counter()
    run.take(iter([batches]))
    return time.perf_counter() - began


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Those of each way."""
    return {name: median(values) for name, values in seconds.items()}


def facts(run: Run, steps: int) -> dict[str, Any]:
    """What the times depend on."""
    return {
        "steps": steps,
        "image_size": run.settings.image_size,
        "batch_size": run.settings.batch_size,
        "threads": torch.get_num_threads(),
    }


def shown(figures: Mapping[str, Any], title: str) -> Table:
    """Figures for people."""
    table = Table("what", "figure", title=title)
    for name, value in figures.items():
        table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
    return table
