"""Looks noun phrases up in the records of a scene, by plain rules without margins."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from training.instructions.purposes import PURPOSES
from training.instructions.reading import UnreadableError, Wanted

Record = Mapping[str, Any]


class World:
    """The records of one image; `width` is the image's, pixels."""

    def __init__(self, objects: Sequence[Record], width: int) -> None:
        self.objects = objects
        self.width = width

    def look_up(self, wanted: Wanted) -> list[Record]:
        """The records that a noun phrase denotes."""
        found = [record for record in self.objects if _fits(record, wanted)]
        for name, references in wanted.links:
            found = self._related(name, found, references, wanted.number or 1)
        if wanted.half:
            left = wanted.half == "left"
            found = [r for r in found if (_middle(r)[0] < self.width / 2) == left]
        if wanted.order == "middle":
            found.sort(key=_MEASURES["right"])
            return found[len(found) // 2 : len(found) // 2 + 1]
        if wanted.order:
            found.sort(key=_MEASURES[wanted.order], reverse=True)
            if wanted.place:
                return found[wanted.place - 1 : wanted.place]
            return found[: wanted.number or 1]
        return found

    def one(self, wanted: Wanted) -> Record | None:
        """The one thing that a reference denotes, None if there is none.

        Raises:
            UnreadableError: There are several.
        """
        found = self.look_up(wanted)
        if len(found) > 1:
            raise UnreadableError("a reference fits several things")
        return found[0] if found else None

    def _related(
        self, name: str, found: list[Record], references: list[Wanted], number: int
    ) -> list[Record]:
        if name in ("holding", "carrying"):
            inner = self.look_up(references[0])
            test = _lies_in if name == "holding" else _lies_on
            return [host for host in found if any(i is not host and test(i, host) for i in inner)]
        anchors = [self.one(reference) for reference in references]
        first, last = anchors[0], anchors[-1]
        if name == "except":
            return [record for record in found if record is not first]
        if first is None or last is None:
            return []
        others = [r for r in found if r is not first and r is not last]
        if name in ("closest", "farthest"):
            others.sort(
                key=lambda r: math.hypot(_apart(r, first), _air(r, first)),
                reverse=name == "farthest",
            )
            return others[:number]
        if name == "between":
            return [r for r in others if _lies_between(r, first, last)]
        if name in ("inside", "upon"):
            test = _lies_in if name == "inside" else _lies_on
            return [r for r in others if test(r, first)]
        measure = _MEASURES[name]
        return [r for r in others if measure(r) > measure(first)]


def _trait(record: Record, about: str, value: str) -> bool:
    if about == "purpose":
        return record["kind"] in PURPOSES[value].yes
    if about in ("open", "full"):
        return value in record.get("states", ())
    return bool(record.get(about) == value)


def _fits(record: Record, wanted: Wanted) -> bool:
    if wanted.kinds is not None and record["kind"] not in wanted.kinds:
        return False
    return all(_trait(record, *trait) == meant for trait, meant in wanted.traits)


def _middle(record: Record) -> tuple[float, float]:
    x0, y0, x1, y1 = record["box"]
    return (x0 + x1) / 2, (y0 + y1) / 2


_MEASURES: dict[str, Callable[[Record], float]] = {
    "left": lambda r: -_middle(r)[0],
    "right": lambda r: _middle(r)[0],
    "near": lambda r: -r["viewer"][1],
    "far": lambda r: r["viewer"][1],
    "top": lambda r: -_middle(r)[1],
    "bottom": lambda r: _middle(r)[1],
    "big": lambda r: r["area"],
    "small": lambda r: -r["area"],
    "tall": lambda r: r["box"][3] - r["box"][1],
    "short": lambda r: r["box"][1] - r["box"][3],
}


def _apart(one: Record, other: Record) -> float:
    return math.dist(one["viewer"][:2], other["viewer"][:2])


def _air(one: Record, other: Record) -> float:
    """How high above the lower one the higher begins: on another board of a shelf, mostly."""
    apart = abs(one["viewer"][2] - other["viewer"][2])
    return max(0.0, float(apart - (one["size"][2] + other["size"][2]) / 2))


def _lies_between(record: Record, start: Record, end: Record) -> bool:
    if _air(record, start) or _air(record, end):
        return False
    (x0, y0), (x1, y1), (x, y) = (r["viewer"][:2] for r in (start, end, record))
    length = math.dist((x0, y0), (x1, y1))
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
    aside = abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length
    return 0.1 * length < along < 0.9 * length and aside < 0.45 * length


def _lies_on(record: Record, host: Record) -> bool:
    """Its foot is about as high as the host's top, or the floor of a plate, and above it."""
    foot = record["viewer"][2] - record["size"][2] / 2
    top = host["viewer"][2] + host["size"][2] / 2
    floor = top - host["size"][2] if host["kind"] in ("plate", "tray") else top
    near = _apart(record, host) < math.hypot(*host["size"][:2]) / 2
    return bool(near and floor - 0.015 < foot < top + 0.03)


def _lies_in(record: Record, host: Record) -> bool:
    """Its foot is below the host's rim and its middle within."""
    foot = record["viewer"][2] - record["size"][2] / 2
    top = host["viewer"][2] + host["size"][2] / 2
    near = _apart(record, host) < math.hypot(*host["size"][:2]) / 2
    return bool(near and top - host["size"][2] - 0.02 < foot < top)
