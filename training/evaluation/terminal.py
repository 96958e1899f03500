"""Figures as tables in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sam3i_model.instruction import Outcome
from training.evaluation.compare import UNWATCHED, Comparison
from training.evaluation.costs import Cost, side_by_side
from training.evaluation.report import number, signed
from training.evaluation.rows import Row
from training.evaluation.splits import Protocol, Tables

WIDE = 120
"""Columns where there is no terminal that would say."""
GROUP, COLUMN = 38, 8
"""Columns that a group's name and numbers take, and that a figure takes."""


def show(
    console: Console,
    rows: Sequence[Row],
    figures: Tables,
    protocol: Protocol,
    comparison: Comparison | None,
) -> None:
    """Print all splits; with a comparison both sides, what they took, and what is alarming."""
    width = console.width if console.is_terminal else WIDE
    console = Console(width=width, emoji=False, markup=False, file=console.file)
    console.print(_figures(figures, protocol, width))
    if comparison is None:
        return
    console.print(_beside(figures, comparison, protocol, width))
    console.print(_answers(side_by_side(rows, comparison.against, comparison.rows)))
    if comparison.concepts:
        same = comparison.concepts.identical
        console.print(Text(str(comparison.concepts), style="green" if same else "yellow"))
    if not comparison.watched:
        console.print(Text(UNWATCHED, style="yellow"))
    for figure in comparison.watched:
        if figure.worse:
            console.print(Text(f"WORSE: {figure}", style="bold red"))
        else:
            console.print(Text(f"not worse: {figure}", style="green"))


def _figures(figures: Tables, protocol: Protocol, width: int) -> Table:
    """As many columns as the width takes; the first ones matter most."""
    fitting = dict(list(protocol.names.items())[: max(1, (width - GROUP) // COLUMN)])
    table = _table("figures", ["n", "absent", *fitting.values()])
    for groups in figures.values():
        for name, values in groups.items():
            cells = [number(values[key], 0) for key in ("sentences", "absent")]
            cells += [number(values[key], protocol.decimals) for key in fitting]
            table.add_row(Text(name), *cells)
        table.add_section()
    return table


def _beside(figures: Tables, comparison: Comparison, protocol: Protocol, width: int) -> Table:
    """Of each figure that fits: the model's, the rival's and the difference; gIoU's margin."""
    fitting = dict(list(protocol.names.items())[: max(1, (width - GROUP) // (3 * COLUMN))])
    headings = [heading for said in fitting.values() for heading in (said, "other", "less")]
    table = _table(f"beside {comparison.against} (other)", headings)
    for split, groups in figures.items():
        for name, values in groups.items():
            cells = []
            for key in fitting:
                half = comparison.margins[split][name] if key == "giou" else None
                both = (values[key], comparison.tables[split][name][key])
                cells += [Text(number(value, protocol.decimals)) for value in both]
                cells.append(_difference(comparison.differences[split][name][key], half, protocol))
            table.add_row(Text(name), *cells)
        table.add_section()
    return table


def _answers(sides: Sequence[tuple[str, Cost]]) -> Table:
    outcomes = [outcome.name.replace("_", " ").lower() for outcome in Outcome]
    table = _table("answers", ["n", *outcomes, "seconds", "each", "calls"])
    for named, cost in sides:
        cells = [f"{count}" for count in (cost.sentences, *cost.outcomes.values())]
        cells += [f"{cost.seconds:.1f}", f"{cost.seconds / cost.sentences:.3f}", f"{cost.calls}"]
        table.add_row(Text(named), *cells)
    return table


def _table(title: str, headings: Sequence[str]) -> Table:
    """Names, which may be paths of any length, take what the numbers leave."""
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for heading in headings:
        lines = heading.replace(" ", "\n")
        table.add_column(Text(lines), justify="right", vertical="bottom", no_wrap=True)
    return table


def _difference(value: float | None, half: float | None, protocol: Protocol) -> Text:
    if value is None:
        return Text(number(None, 0))
    shown = round(value, protocol.decimals)
    said = signed(shown, protocol.decimals)
    if half is not None and protocol.perfect == 1:
        said += f" ± {number(half, protocol.decimals)}"
    return Text(said, style="red" if shown < 0 else "green" if shown else "dim")
