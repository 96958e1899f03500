"""Counts what an independent reading of the text agrees with, and what it doesn't and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.instructions.executor import execute
from training.instructions.grammar import Query
from training.instructions.reading import UnreadableError

UNREAD, DIFFERENT, OTHER_SORT = "can't be read", "other things", "parts and things confused"
"""Why a text is dropped."""


def objection(
    query: Query, objects: Sequence[Mapping[str, Any]], image_size: tuple[int, int]
) -> str | None:
    """Why the text should not be used, None if the reader agrees with its labels."""
    try:
        reading = execute(query.text, objects, image_size)
    except UnreadableError:
        return UNREAD
    if reading.labels != query.labels:
        return DIFFERENT
    return OTHER_SORT if query.labels and reading.part != query.part else None


@dataclass
class Inspection:
    """Passes queries through the reader; `kept` and `dropped` count by level and by reason."""

    kept: Counter[str] = field(default_factory=Counter)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def passes(
        self, query: Query, objects: Sequence[Mapping[str, Any]], image_size: tuple[int, int]
    ) -> bool:
        """Whether the reader agrees."""
        reason = objection(query, objects, image_size)
        if reason is None:
            self.kept[query.level.name] += 1
        else:
            self.dropped[query.level.name, reason] += 1
        return reason is None

    @property
    def agreement(self) -> float:
        """The share of all queries that passed."""
        total = self.kept.total() + self.dropped.total()
        return self.kept.total() / total if total else 1.0
