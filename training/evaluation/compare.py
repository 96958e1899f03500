"""A model and its rival on the same questions: what got better, what got worse, what is luck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.metrics import Figures
from training.evaluation.noise import UNLIKELY, chance_of_loss, margin
from training.evaluation.rows import Row, RowsError
from training.evaluation.splits import Tables, grouped

UNWATCHED = (
    "nothing was asked that must not get worse: neither concepts nor things that aren't there"
)
"""Said where nothing is `Watched`."""
Pair = tuple[Row, Row]
"""A row of the model and the rival's about the same question."""


@dataclass(frozen=True)
class Watched:
    """A figure that must not get worse.

    Attributes:
        what: Its name.
        now: The model's, in 0..1.
        before: The rival's.
        chance: Of a loss like this if neither is better.
    """

    what: str
    now: float
    before: float
    chance: float

    @property
    def worse(self) -> bool:
        """Whether it fell, beyond what luck explains."""
        return self.now < self.before and self.chance < UNLIKELY

    def __str__(self) -> str:
        said = f"{self.what} {self.now:.4f} against {self.before:.4f}"
        if self.now >= self.before:
            return said
        return f"{said} ({'' if self.worse else 'within noise, '}p = {self.chance:.2g})"


@dataclass(frozen=True)
class Sameness:
    """Whether answers to bare concepts are the same, bit for bit.

    Attributes:
        sentences: That were asked.
        answers: Of these, with another outcome or other masks.
        scores: With other scores.
        largest: Largest difference of two scores, where there are equally many; None: nowhere.
    """

    sentences: int
    answers: int
    scores: int
    largest: float | None

    @property
    def identical(self) -> bool:
        """Whether any were asked and nothing differs."""
        return bool(self.sentences) and not (self.answers or self.scores)

    def __str__(self) -> str:
        if not self.sentences:
            return "concept answers: none were asked"
        if self.identical:
            return f"concept answers: all {self.sentences} identical bit for bit, masks and scores"
        most = f" (by {self.largest:.2g} at most)" if self.largest else ""
        return (
            f"concept answers: not identical; of {self.sentences}, {self.answers} have other masks "
            f"and {self.scores} other scores{most}"
        )


@dataclass(frozen=True)
class Comparison:
    """A model beside its rival: an older checkpoint, or a baseline.

    Attributes:
        against: Name of the rival.
        rows: The rival's.
        tables: The rival's figures.
        differences: The model's figures less the rival's; None where either is.
        margins: Half the 95 % interval of each group's difference of mean IoU: split -> group.
        watched: What must not get worse.
        concepts: Whether concept answers are the same; None if the rival answers in another way.
        regressions: The largest loss of IoU first.
    """

    against: str
    rows: Sequence[Row]
    tables: Tables
    differences: Tables
    margins: dict[str, dict[str, float | None]]
    watched: list[Watched]
    concepts: Sameness | None
    regressions: list[Pair]

    @property
    def alarms(self) -> list[Watched]:
        """What must not get worse and did."""
        return [figure for figure in self.watched if figure.worse]


def compare(
    rows: Sequence[Row],
    others: Sequence[Row],
    named: str,
    figures: tuple[Tables, Tables],
    same_way: bool = True,
) -> Comparison:
    """Compare row by row.

    Args:
        rows: Of the model.
        others: Of the one called `named`, about the same questions in the same order.
        figures: Tables of both.
        same_way: Whether both are checkpoints, whose concept answers might be the same.

    Raises:
        RowsError: The rows are about different questions.
    """
    asked = [[(row.picture, row.level, row.text) for row in listed] for listed in (rows, others)]
    if asked[0] != asked[1]:
        raise RowsError("the rows of the two are about different questions: give another --out")
    own, their = figures
    pairs = list(zip(rows, others, strict=True))
    lost = [pair for pair in pairs if pair[0].iou < pair[1].iou]
    return Comparison(
        against=named,
        rows=others,
        tables=their,
        differences={
            split: {name: _less(own[split][name], their[split][name]) for name in groups}
            for split, groups in own.items()
        },
        margins=_margins(pairs),
        watched=watched(pairs),
        concepts=sameness(pairs) if same_way else None,
        regressions=sorted(lost, key=lambda pair: pair[0].iou - pair[1].iou),
    )


def watched(pairs: Sequence[Pair]) -> list[Watched]:
    """Bare concepts and things that aren't there: what instruction tuning tends to spoil."""
    found = []
    for level in dict.fromkeys(row.level for row, _ in pairs):
        asked = [pair for pair in pairs if pair[0].level == level]
        absent = [pair for pair in asked if not pair[0].present]
        if level == "concept":
            found.append(_watch("concept: gIoU", asked, lambda row: row.iou))
        if absent:
            found.append(_watch(f"absent, {level}: N-acc", absent, lambda row: row.left_empty))
    return found


def sameness(pairs: Sequence[Pair]) -> Sameness:
    """Compare the answers to concepts bit for bit."""
    asked = [pair for pair in pairs if pair[0].level == "concept"]
    gaps = [
        abs(score - other)
        for row, their in asked
        if len(row.scores) == len(their.scores)
        for score, other in zip(row.scores, their.scores, strict=True)
    ]
    return Sameness(
        sentences=len(asked),
        answers=sum((a.outcome, a.answer) != (b.outcome, b.answer) for a, b in asked),
        scores=sum(a.scores != b.scores for a, b in asked),
        largest=max(gaps, default=None),
    )


def _watch(what: str, pairs: Sequence[Pair], value: Callable[[Row], float]) -> Watched:
    own, their = ([float(value(pair[side])) for pair in pairs] for side in (0, 1))
    changes = [now - before for now, before in zip(own, their, strict=True)]
    chance = chance_of_loss(changes, [row.picture for row, _ in pairs])
    return Watched(what, float(np.mean(own)), float(np.mean(their)), chance)


def _less(own: Figures, their: Figures) -> Figures:
    found: Figures = {}
    for name, value in own.items():
        other = their[name]
        found[name] = None if value is None or other is None else round(value - other, 4)
    return found


def _margins(pairs: Sequence[Pair]) -> dict[str, dict[str, float | None]]:
    change = {id(row): row.iou - other.iou for row, other in pairs}
    found: dict[str, dict[str, float | None]] = {}
    for split, groups in grouped([row for row, _ in pairs]).items():
        found[split] = {}
        for name, members in groups.items():
            half = margin([change[id(row)] for row in members], [row.picture for row in members])
            found[split][name] = None if half is None else round(half, 4)
    return found
