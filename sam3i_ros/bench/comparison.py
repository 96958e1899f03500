"""Our node and one written the usual way, one after the other under the same load."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from sam3i_ros.bench.camera import Load
from sam3i_ros.bench.rig import USUAL, measure

THIS = "this node"
OTHERS: dict[str, tuple[str, ...]] = {
    "usual node": (),
    "usual, deprojecting once": ("deproject_once:=true",),  # a frame instead of a mask
}
KEPT_UP = 0.95  # share of the camera's frames that a node has to answer


def compare(load: Load) -> dict[str, Any]:
    """Measures each node on one core, the same for all, with everything listened to.

    Figures of `measure` by node, and how many times less ours needs than the others.
    """
    core = max(os.sched_getaffinity(0))
    runs = {THIS: measure(load, core=core)}
    for name, parameters in OTHERS.items():
        runs[name] = measure(load, parameters, module=USUAL, core=core)
    ours = needs(runs[THIS])
    return {
        **asdict(load),
        "core": core,
        "nodes": runs,
        "times_less": {
            name: {what: round(value / ours[what], 2) for what, value in needs(run).items()}
            for name, run in runs.items()
            if name != THIS
        },
    }


def needs(run: Mapping[str, Any]) -> dict[str, float]:
    """What the nodes are compared by, ms."""
    return {
        "in the node, image to segments, p50": run["latency_ms"]["p50"],
        "in the node, image to segments, p95": run["latency_ms"]["p95"],
        "image's stamp to segments, p50": run["stamp_to_answer_ms"]["p50"],
        "image's stamp to segments, p95": run["stamp_to_answer_ms"]["p95"],
        "processor time per answer, pictures too": run["cpu_ms_per_answer"],
    }


def comparison_table(figures: Mapping[str, Any]) -> Table:
    """The figures of `compare`: times of each node, and in brackets the factor to ours."""
    runs, factors = figures["nodes"], figures["times_less"]
    table = Table("ms, on one core", *runs)
    for what in needs(runs[THIS]):
        cells = [f"{needs(runs[THIS])[what]:.1f}"]
        cells += [f"{needs(runs[o])[what]:.1f} ({factors[o][what]:.1f}x)" for o in factors]
        table.add_row(what, *cells)
    table.add_row("answers per second", *(f"{run['answered_hz']:g}" for run in runs.values()))
    return table


def left_behind(figures: Mapping[str, Any]) -> list[str]:
    """Nodes that the camera was too fast for, so that their times hold waiting."""
    least = KEPT_UP * figures["rate"]
    return [name for name, run in figures["nodes"].items() if run["answered_hz"] < least]
