"""One page of a model's times: self-contained, it opens from disk with no network and no scripts.

Sentences, names and paths come from outside: the template escapes all of them, and the page's own
policy forbids scripts and everything that would have to be fetched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam3i_model.pages import template

WIDTH, HEIGHT = 720, 320
"""Of the plot within its axes, px."""
BAR, GAP = 16, 6
"""Height of a bar, and space below those of one number of instructions, px."""
TICKS = 5
STAGES = ("preprocess", "image", "text", "grounding", "selection")
"""That are stacked; together they are the whole."""


@dataclass(frozen=True)
class Line:
    """Times of an engine over the number of instructions; places in px within the axes."""

    name: str
    points: list[tuple[float, float, str]]  # x, y, what it says

    @property
    def path(self) -> str:
        """For an SVG polyline."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in self.points)


@dataclass(frozen=True)
class Bar:
    """Stages of an engine at one number of instructions, side by side."""

    engine: str
    count: str
    y: float
    parts: list[tuple[str, float, float, str]]  # stage, x, width, what it says


def write_page(figures: dict[str, Any], path: Path) -> None:
    """Write it; the figures are those of `sam3i bench model`."""
    counts = [int(n) for n in next(iter(figures["ms"].values()))]
    engines = list(figures["times_faster_than_plain_calls"])
    ys = ticks(max(s["end_to_end"]["median"] for by in figures["ms"].values() for s in by.values()))
    stacked = {e: figures["ms"][e] for e in engines}
    xs = ticks(max(total(stages) for by in stacked.values() for stages in by.values()))
    page = template("sam3i_ros.bench", "model_page.html", number=number).render(
        figures=figures,
        counts=counts,
        engines=engines,
        stages=STAGES,
        lines=[line(name, by, max(counts), ys[-1]) for name, by in figures["ms"].items()],
        line_ticks=[(v, HEIGHT * (1 - v / ys[-1])) for v in ys],
        places=[(n, across(n, max(counts))) for n in counts],
        bars=bars(stacked, xs[-1]),
        bar_ticks=[(v, WIDTH * v / xs[-1]) for v in xs],
        width=WIDTH,
        height=HEIGHT,
        bar=BAR,
    )
    path.write_text(page, encoding="utf-8")


def line(name: str, by_count: dict[str, Any], most: int, top: float) -> Line:
    """Medians from the picture to the answers."""
    points = []
    for count, stages in by_count.items():
        median = stages["end_to_end"]["median"]
        said = f"{name}, {count}: {number(median)} ms"
        points.append((across(int(count), most), HEIGHT * (1 - median / top), said))
    return Line(name, points)


def bars(engines: dict[str, Any], top: float) -> list[Bar]:
    """The stages' medians, a bar for each engine and number of instructions."""
    found: list[Bar] = []
    y = 0.0
    for count in next(iter(engines.values())):
        for name, by_count in engines.items():
            x, parts = 0.0, []
            for stage in STAGES:
                median = by_count[count][stage]["median"]
                parts.append((stage, x, WIDTH * median / top, f"{stage}: {number(median)} ms"))
                x += parts[-1][2]
            found.append(Bar(name, count, y, parts))
            y += BAR + 2
        y += GAP
    return found


def total(stages: dict[str, Any]) -> float:
    """Sum of the stages' medians, ms."""
    return float(sum(stages[s]["median"] for s in STAGES))


def across(count: int, most: int) -> float:
    """Where a number of instructions is."""
    return WIDTH * count / most


def ticks(most: float) -> list[float]:
    """From nothing to `most` or more, in about TICKS steps of 1, 2 or 5 times a power of ten."""
    step = most / TICKS
    power = 10.0 ** math.floor(math.log10(step))
    step = next(power * m for m in (1, 2, 5, 10) if step <= power * m)
    return [step * i for i in range(math.ceil(most / step) + 1)]


def number(value: float) -> str:
    """Three digits or so."""
    decimals = 0 if value >= 100 or value == 0 else 1 if value >= 1 else 2
    return f"{value:.{decimals}f}"
