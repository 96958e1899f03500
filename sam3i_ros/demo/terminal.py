"""The demo's results as tables in the terminal."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from sam3i_ros.demo.scoring import Tally

USUAL = (0.7, 1.0)  # s that an answer of the bundled checkpoint takes on two cores
STYLES = {True: "green", False: "red", None: "dim"}  # right, wrong, counts neither way


def number(value: float | None, digits: int = 2, factor: float = 1.0) -> str:
    """The number for people; a dash for None."""
    return "-" if value is None else f"{value * factor:.{digits}f}"


def brief(value: float) -> str:
    """Two decimals below ten, none from there on."""
    return f"{value:.{2 if value < 10 else 0}f}"


def counts(counter: Counter[str]) -> str:
    """Such as "FOUND 62, NOT_FOUND 3"; only the name if there is but one."""
    if len(counter) == 1:
        return next(iter(counter))
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def instruction_table(title: str, tallies: list[Tally]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("instruction")
    table.add_column("read as")
    table.add_column("outcome")
    for name in ("right", "score", "IoU", "centre, cm", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for tally in tallies:
        table.add_row(
            tally.instruction,
            counts(tally.levels),
            counts(tally.outcomes),
            Text(f"{tally.right}/{tally.counted}", style=STYLES[tally.mostly_right]),
            number(tally.score),
            number(tally.iou),
            number(tally.centroid_error_m, 1, 100),
            number(tally.latency_ms, 0),
        )
    return table


def summary_line(summary: dict[str, Any]) -> str:
    """The figures of a source in one line."""
    parts = [f"{summary['frames_grounded']} of {summary['frames_played']} frames grounded"]
    for level, figures in summary["levels"].items():
        parts.append(f"gIoU {level} {number(figures['giou_in_view'])}")
    absent = summary["absent"]["not_found_rate"]
    if absent is not None:
        parts.append(f"absent NOT_FOUND {absent:.0%}")
    parts.append(f"centre {number(summary['centroid_error']['median_m'], 1, 100)} cm")
    latency = summary["latency_ms"]
    parts.append(f"latency {number(latency['median'], 0)} ms, p95 {number(latency['p95'], 0)} ms")
    return " · ".join(parts)


def slow_note(summary: dict[str, Any]) -> str:
    """Why few frames were answered, if answers took twice as long as usual; else nothing."""
    took = summary["latency_ms"]["median"] / 1000
    if took < 2 * USUAL[1]:
        return ""
    return (
        f"Only {summary['frames_grounded']} of {summary['frames_played']} frames were answered, as "
        f"an answer took {took:.1f} s and the camera doesn't wait. With the bundled checkpoint it "
        f"is {USUAL[0]:g} to {USUAL[1]:g} s on two cores that have nothing else to do: is this "
        "machine busy?"
    )
