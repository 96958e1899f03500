"""Figures as tables in a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.evaluation.compare import Comparison
from training.evaluation.report import number, signed
from training.evaluation.splits import Protocol, Tables

WIDE = 120
"""Columns where there is no terminal that would say."""
GROUP, COLUMN = 38, 8
"""Columns that a group's name and numbers take, and that a figure takes."""


def show(
    console: Console, figures: Tables, protocol: Protocol, comparison: Comparison | None
) -> None:
    """Print all splits, and with a comparison the differences and whether they are alarming."""
    width = console.width if console.is_terminal else WIDE
    console = Console(width=width, file=console.file)
    console.print(_table("figures", figures, protocol, width, False))
    if comparison is None:
        return
    title = f"difference from {comparison.against}"
    console.print(_table(title, comparison.differences, protocol, width, True))
    if comparison.alarms:
        for line in comparison.alarms:
            console.print(Text(f"WORSE: {line}", style="bold red"))
    else:
        console.print(Text("concepts and absent things: not worse", style="green"))


def _table(title: str, figures: Tables, protocol: Protocol, width: int, differences: bool) -> Table:
    """As many columns as the width takes; the first ones matter most."""
    fitting = dict(list(protocol.names.items())[: max(1, (width - GROUP) // COLUMN)])
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    counts = () if differences else ("sentences", "absent")
    for heading in (*counts, *fitting.values()):
        table.add_column(heading.replace("sentences", "n"), justify="right")
    for groups in figures.values():
        for name, values in groups.items():
            cells = [Text(name), *(Text(number(values[key], 0)) for key in counts)]
            cells += [_cell(values[key], protocol.decimals, differences) for key in fitting]
            table.add_row(*cells)
        table.add_section()
    return table


def _cell(value: float | None, decimals: int, difference: bool) -> Text:
    if value is None or not difference:
        return Text(number(value, decimals))
    return Text(signed(value, decimals), style="red" if value < 0 else "green" if value else "dim")
