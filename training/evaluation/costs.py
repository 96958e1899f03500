"""What answers took, and how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sam3i_model.instruction import Outcome
from training.evaluation.rows import Row
from training.evaluation.splits import LEVEL, grouped


@dataclass(frozen=True)
class Cost:
    """Of some sentences.

    Attributes:
        sentences: How many.
        outcomes: Name of an outcome -> how many ended so; all outcomes are there.
        seconds: Until the answers, all together.
        calls: Requests to a language model, all together.
    """

    sentences: int
    outcomes: dict[str, int]
    seconds: float
    calls: int


def costs(rows: Sequence[Row]) -> dict[str, Cost]:
    """Of each level and of all."""
    return {name: _cost(members) for name, members in grouped(rows)[LEVEL].items()}


def side_by_side(
    rows: Sequence[Row], against: str, others: Sequence[Row]
) -> list[tuple[str, Cost]]:
    """Of each level and of all: of a model's rows, then of those of its rival `against`."""
    return [
        (f"{named}: {level}", cost)
        for named, listed in (("this", rows), (against, others))
        for level, cost in costs(listed).items()
    ]


def _cost(rows: Sequence[Row]) -> Cost:
    ended = Counter(row.outcome for row in rows)
    return Cost(
        sentences=len(rows),
        outcomes={outcome.name: ended[outcome.name] for outcome in Outcome},
        seconds=round(sum(row.seconds for row in rows), 3),
        calls=sum(row.calls for row in rows),
    )
