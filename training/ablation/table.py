"""Variants beside the whole method: as JSON, as Markdown and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from training.ablation.measuring import Measured
from training.ablation.variants import Variant
from training.evaluation.noise import UNLIKELY, chance_of_loss, margin
from training.evaluation.report import number, signed

WHOLE = "full"
"""The variant that all others are compared with."""
HEADINGS = (
    "variant",
    "steps",
    "gIoU simple",
    "less full",
    "gIoU complex",
    "less full",
    "N-acc",
    "presence recall",
)
NOTE = (
    f"N-acc and presence recall: simple / complex. ±: half the 95 % interval of the sentences, by "
    f"picture; *: beyond it by the sign-flip test (p < {UNLIKELY}). Luck of the training isn't in "
    "it: each variant was trained once."
)
Entry = tuple[Variant, Mapping[str, Measured]]
"""A variant and how it answered, by level."""


@dataclass(frozen=True)
class Less:
    """A variant's gIoU less the whole method's, on the same sentences.

    Attributes:
        giou: The difference.
        margin: Half its 95 % interval; None for fewer than two pictures.
        chance: Of one as large if neither is better: Fisher's sign-flip test, on the side that
            the difference is on.
    """

    giou: float
    margin: float | None
    chance: float

    def __str__(self) -> str:
        said = f"{signed(self.giou, 3)} ± {number(self.margin, 3)}"
        return f"{said} *" if self.chance < UNLIKELY else said


def less(own: Measured, whole: Measured) -> Less:
    """Compare sentence by sentence.

    Raises:
        ValueError: They were asked about different pictures.
    """
    if own.pictures != whole.pictures:
        raise ValueError("the two were asked about different pictures")
    changes = np.subtract(own.ious, whole.ious)
    lost = changes if changes.sum() < 0 else -changes
    return Less(
        float(changes.mean()),
        margin(changes.tolist(), own.pictures),
        chance_of_loss(lost.tolist(), own.pictures),
    )


def compared(entries: Sequence[Entry]) -> list[dict[str, Less | None]]:
    """Each entry's levels beside the whole method; None for itself, and where it isn't there."""
    whole = next((measured for variant, measured in entries if variant.name == WHOLE), None)
    return [
        {
            level: less(one, whole[level]) if whole and variant.name != WHOLE else None
            for level, one in measured.items()
        }
        for variant, measured in entries
    ]


def steps_of(variant: Variant) -> int:
    """Optimiser steps, all its runs together."""
    return sum(part.settings.steps for part in variant.parts)


def records(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """All that is known of the variants, for JSON."""
    found = []
    for (variant, measured), beside in zip(entries, compared(entries), strict=True):
        levels = {}
        for level, one in measured.items():
            difference = beside[level]
            levels[level] = {
                "thresholds": {"score": one.score, "presence": one.presence},
                "figures": one.figures,
                "less_full": difference and asdict(difference),
            }
        facts = {"name": variant.name, "says": variant.says, "steps": steps_of(variant)}
        runs = [part.name for part in variant.parts]
        found.append({**facts, "runs": runs, "levels": levels})
    return found


def cells(entries: Sequence[Entry]) -> list[list[str]]:
    """A row for each variant, below `HEADINGS`."""
    rows = []
    for (variant, measured), beside in zip(entries, compared(entries), strict=True):
        row = [variant.name, f"{steps_of(variant)}"]
        for level, one in measured.items():
            row += [number(one.figures["giou"], 3), str(beside[level] or "")]
        for figure in ("n_acc", "presence_recall"):
            row.append(" / ".join(number(one.figures[figure], 2) for one in measured.values()))
        rows.append(row)
    return rows


def on_terminal(rows: Sequence[Sequence[str]]) -> Table:
    """For people at a terminal."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=Text(NOTE), caption_justify="left")
    for index, heading in enumerate(HEADINGS):
        # Eight columns are wide: a cell with two numbers may have two lines.
        lines, whole = heading.replace(" ", "\n"), index < 2 or "gIoU" in heading
        table.add_column(lines, justify="right" if index else "left", no_wrap=whole)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def as_markdown(rows: Sequence[Sequence[str]], facts: Sequence[str]) -> str:
    """For a page; `facts` are its first lines."""
    lines = [HEADINGS, ("---", *("---:" for _ in HEADINGS[1:])), *rows]
    table = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([*facts, "", *table, "", NOTE, ""])
