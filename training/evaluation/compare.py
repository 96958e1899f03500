"""Two checkpoints on the same questions: what got better, and what got worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from training import metrics
from training.evaluation.rows import Row
from training.evaluation.splits import Tables, grouped
from training.metrics import Figures


@dataclass(frozen=True)
class Comparison:
    """A model beside the one it is to be better than.

    Attributes:
        against: Name of the other one.
        tables: The other one's figures.
        differences: The model's figures less the other one's; None where either is.
        margins: Half the 95 % interval of each group's difference of mean IoU: split -> group.
        alarms: What must not get worse and did, a line each.
        regressions: Pairs (row, the other one's row), the largest loss of IoU first.
    """

    against: str
    tables: Tables
    differences: Tables
    margins: dict[str, dict[str, float | None]]
    alarms: list[str]
    regressions: list[tuple[Row, Row]]


def compare(
    rows: Sequence[Row], others: Sequence[Row], named: str, figures: tuple[Tables, Tables]
) -> Comparison:
    """Compare row by row.

    Args:
        rows: Of the model.
        others: Of the one called `named`, about the same questions in the same order.
        figures: Tables of both.

    Raises:
        ValueError: The rows are about different questions.
    """
    asked = [[(row.picture, row.level, row.text) for row in listed] for listed in (rows, others)]
    if asked[0] != asked[1]:
        raise ValueError("the rows of the two checkpoints are about different questions")
    own, their = figures
    pairs = list(zip(rows, others, strict=True))
    lost = [pair for pair in pairs if pair[0].iou < pair[1].iou]
    return Comparison(
        against=named,
        tables=their,
        differences={
            split: {name: _less(own[split][name], their[split][name]) for name in groups}
            for split, groups in own.items()
        },
        margins=_margins(rows, others),
        alarms=alarms(rows, others),
        regressions=sorted(lost, key=lambda pair: pair[0].iou - pair[1].iou),
    )


def alarms(rows: Sequence[Row], others: Sequence[Row]) -> list[str]:
    """Bare concepts and things that aren't there: what instruction tuning tends to spoil.

    A difference counts from the fourth decimal on, as figures are rounded to it.
    """
    lines = []
    for level in dict.fromkeys(row.level for row in rows):
        own = metrics.summarise([row for row in rows if row.level == level])
        their = metrics.summarise([row for row in others if row.level == level])
        watched = [("n_acc", f"absent, {level}: N-acc")]
        if level == "concept":
            watched.insert(0, ("giou", "concept: gIoU"))
        for name, said in watched:
            now, before = own[name], their[name]
            if now is not None and before is not None and now < before:
                lines.append(f"{said} fell from {before:.4f} to {now:.4f}")
    return lines


def _less(own: Figures, their: Figures) -> Figures:
    found: Figures = {}
    for name, value in own.items():
        other = their[name]
        found[name] = None if value is None or other is None else round(value - other, 4)
    return found


def _margins(rows: Sequence[Row], others: Sequence[Row]) -> dict[str, dict[str, float | None]]:
    """1.96 standard errors of the mean paired difference; None for fewer than two sentences."""
    change = {id(row): row.iou - other.iou for row, other in zip(rows, others, strict=True)}
    found: dict[str, dict[str, float | None]] = {}
    for split, groups in grouped(rows).items():
        found[split] = {}
        for name, members in groups.items():
            values = [change[id(row)] for row in members]
            error = float(np.std(values, ddof=1)) / sqrt(len(values)) if len(values) > 1 else None
            found[split][name] = None if error is None else round(1.96 * error, 4)
    return found
