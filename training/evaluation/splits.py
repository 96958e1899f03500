"""Figures of all rows and of the groups in which one wants to know where a model is weak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.evaluation.metrics import Figures
from training.evaluation.rows import Row

Tables = dict[str, dict[str, Figures]]
"""Split -> group -> figures."""

LEVEL = "level"
SPLITS: dict[str, Callable[[Row], str]] = {
    "granularity": lambda row: row.granularity,
    "family": lambda row: row.family,
    "object or part": lambda row: "part" if row.part else "object",
    "size": lambda row: row.size,
}
"""Split within each level -> the group that a row is of; "" is none."""
_ORDER = ("concept", "simple", "complex", "1to1", "1toN", "1toAll", "small", "medium", "large")


@dataclass(frozen=True)
class Protocol:
    """How rows are counted.

    Attributes:
        summarise: Rows to figures; `sentences` and `absent` are their numbers.
        names: The other figures -> what people call them, in the order of the columns.
        perfect: What the best answers get: 1, or 100 for percent.
        decimals: That are shown.
        official: Whether only what SAM3-I's own script asks is asked: the first of several
            wordings, and no `negative` text.
    """

    summarise: Callable[[Sequence[Row]], Figures]
    names: dict[str, str]
    perfect: int
    decimals: int
    official: bool


def grouped(rows: Sequence[Row]) -> dict[str, dict[str, list[Row]]]:
    """The rows of each split's groups.

    A split that doesn't divide a level is left out for that level, since it would say the same as
    the level does.
    """
    levels = _by(rows, lambda row: row.level)
    found: dict[str, dict[str, list[Row]]] = {LEVEL: {**levels}}
    if len(levels) > 1:
        found[LEVEL]["all"] = list(rows)
    for split, group_of in SPLITS.items():
        divided = {level: _by(listed, group_of) for level, listed in levels.items()}
        groups = {
            f"{level}: {name}": members
            for level, parts in divided.items()
            if len(parts) > 1
            for name, members in parts.items()
        }
        if groups:
            found[split] = groups
    return found


def tables(rows: Sequence[Row], protocol: Protocol) -> Tables:
    """The figures of every group of every split."""
    return {
        split: {name: protocol.summarise(members) for name, members in groups.items()}
        for split, groups in grouped(rows).items()
    }


def _by(rows: Sequence[Row], group_of: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        name = group_of(row)
        if name:
            groups.setdefault(name, []).append(row)
    return {name: groups[name] for name in sorted(groups, key=_rank)}


def _rank(name: str) -> tuple[int, str]:
    return (_ORDER.index(name), "") if name in _ORDER else (len(_ORDER), name)
