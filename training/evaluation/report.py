"""One page about an evaluation: self-contained, it opens from disk with no network and no scripts.

Sentences, names and paths come from outside: the template escapes all of them, and the page's own
policy forbids scripts and everything that would have to be fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sam3i_model.pages import data_uri, template
from training.evaluation.compare import UNWATCHED, Comparison
from training.evaluation.costs import side_by_side
from training.evaluation.pictures import draw
from training.evaluation.rows import Row
from training.evaluation.splits import LEVEL, Protocol, Tables
from training.files import write_text
from training.questions import Source

WORST, BEST = 8, 4
"""Cases of a level that are shown."""
REGRESSIONS = 10
MAX_LISTED = 2_000
"""Sentences that are listed one by one beside a rival."""
MAX_TEXT = 300
"""Characters of a sentence that are shown."""


@dataclass(frozen=True)
class Case:
    """One sentence as the page shows it: the row, and with a rival its row and what is meant.

    Pictures are data URIs.
    """

    row: Row
    picture: str
    other: Row | None = None
    other_picture: str = ""
    meant_picture: str = ""


@dataclass(frozen=True)
class Gallery:
    """Cases under one title."""

    title: str
    note: str
    cases: list[Case]


def worst(rows: Sequence[Row]) -> list[Row]:
    """Least IoU first, of those the surest; one of each picture, then others."""
    wrong = [row for row in rows if row.iou < 1]
    return _varied(sorted(wrong, key=lambda row: (row.iou, -max(row.scores, default=0.0))), WORST)


def best(rows: Sequence[Row]) -> list[Row]:
    """Largest IoU first, of those that mean something; one of each picture, then others."""
    right = [row for row in rows if row.present and row.iou >= 0.5]
    return _varied(sorted(right, key=lambda row: -row.iou), BEST)


def write_report(
    path: Path,
    rows: Sequence[Row],
    figures: Tables,
    protocol: Protocol,
    source: Source,
    facts: dict[str, str],
    comparison: Comparison | None = None,
) -> None:
    """Write the page.

    Args:
        path: Of the page.
        rows: All that was asked.
        figures: Of the rows.
        protocol: That the figures were counted by.
        source: Has the pictures of the rows.
        facts: Shown as they are: `model`, which is the title, and whatever else.
        comparison: With a rival, if there is one.

    Raises:
        OSError: It can't be written.
        QuestionError: A picture can't be read any more.
    """
    lead, second = list(protocol.names)[:2]
    page = template("training.evaluation", "report.html", number=number, signed=signed).render(
        facts=facts,
        figures=figures,
        names=protocol.names,
        decimals=protocol.decimals,
        lead=lead,
        second=second,
        perfect=protocol.perfect,
        tiles=figures[LEVEL],
        galleries=list(_galleries(rows, source, comparison)),
        comparison=comparison,
        unwatched=UNWATCHED,
        sentences=len(rows),
        **_beside(rows, comparison),
    )
    write_text(path, page)


def number(value: float | None, decimals: int) -> str:
    """A figure; a dash where there is none."""
    return "-" if value is None else f"{value:.{decimals}f}"


def signed(value: float, decimals: int) -> str:
    """A difference, with its sign."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}"  # never -0.000


def _galleries(
    rows: Sequence[Row], source: Source, comparison: Comparison | None
) -> Iterable[Gallery]:
    if comparison and comparison.regressions:
        pairs = comparison.regressions[:REGRESSIONS]
        cases = [
            replace(
                _case(row, source),
                other=_short(other),
                other_picture=_picture(other, source),
                meant_picture=_picture(row, source, answered=False),
            )
            for row, other in pairs
        ]
        note = f"{len(comparison.regressions)} of {len(rows)} sentences lost IoU; largest first."
        yield Gallery("Worst regressions", note, cases)
    for level in dict.fromkeys(row.level for row in rows):
        listed = [row for row in rows if row.level == level]
        for title, chosen, note in (
            (
                "worst",
                worst(listed),
                "Least IoU first, then the surest; one of each picture, then others.",
            ),
            ("best", best(listed), "Largest IoU first; one of each picture, then others."),
        ):
            if chosen:
                cases = [_case(row, source) for row in chosen]
                yield Gallery(f"{level.capitalize()}: {title}", note, cases)


def _case(row: Row, source: Source) -> Case:
    return Case(_short(row), _picture(row, source))


def _picture(row: Row, source: Source, answered: bool = True) -> str:
    return data_uri(draw(source[row.picture].rgb, row, answered))


def _beside(rows: Sequence[Row], comparison: Comparison | None) -> dict[str, Any]:
    """What the page says of a rival beyond figures and pictures."""
    if comparison is None:
        return {"costs": [], "pairs": []}
    pairs = zip(rows[:MAX_LISTED], comparison.rows, strict=False)
    return {
        "costs": side_by_side(rows, comparison.against, comparison.rows),
        "pairs": [(_short(row), other) for row, other in pairs],
    }


def _short(row: Row) -> Row:
    text = row.text if len(row.text) <= MAX_TEXT else row.text[: MAX_TEXT - 1] + "…"
    return replace(row, text=text)


def _varied(rows: Iterable[Row], count: int) -> list[Row]:
    """The first row of each picture, then others, at most `count`."""
    first: dict[int, Row] = {}
    again = [row for row in rows if first.setdefault(row.picture, row) is not row]
    return [*first.values(), *again][:count]
