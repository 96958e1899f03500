"""What a scene holds, as the grammar sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLAIN_SIGHT = 0.4
"""Share of its silhouette that must be seen of a thing, or people may overlook it."""
_WHOLE = 0.8
"""Share from which on the size of what is seen is the size of the thing."""
_HIGH = 0.5
"""Share of its greatest width from which on a thing has a height to speak of."""


@dataclass(frozen=True, slots=True)
class Part:
    """A visible part: its name, its label in the map of parts, its pixels."""

    name: str
    label: int
    area: float


@dataclass(eq=False, slots=True)
class Thing:
    """One visible object as the grammar sees it.

    `x`, `y`: centre of the visible box as a share of image width and height. `right`, `forward`:
    metres on the ground from the viewer; `bottom`, `top`: metres above the table; `narrow`: half
    of its lesser width; `reach`: from its middle to a corner. `apparent`, `tallness` and their
    true counterparts are logarithms of lengths, so a ratio is a difference. `color` is None where
    none of `colors`, all that people may see in it, leads. `away`: metres from the camera, as far
    as they are known those of what is seen of it. `steep` is the angle (rad) under which one looks
    down at it, None if unknown. `evident` is whether nobody would overlook it, `whole` whether its
    size shows, `high` whether people speak of its height: not of a phone's, nor of a lying knife's.
    """

    label: int
    kind: str | None
    color: str | None
    colors: frozenset[str]
    x: float
    y: float
    right: float
    forward: float
    bottom: float
    top: float
    narrow: float
    reach: float
    apparent: float
    tallness: float
    true_size: float
    true_height: float
    away: float
    steep: float | None
    evident: bool
    whole: bool
    high: bool
    pose: str | None
    states: tuple[str, ...]
    material: str | None
    pattern: str
    parts: tuple[Part, ...]

    @classmethod
    def from_record(cls, record: Mapping[str, Any], image_size: tuple[int, int]) -> Thing:
        """Read an object record of `training.world`. `image_size` is (width, height), pixels.

        What is missing of color, pose, states, material, pattern and parts is taken as unknown.
        """
        width, height = image_size
        get = record.get
        x0, y0, x1, y1 = record["box"]
        a, b, c = record["size"]
        a, b, c = max(a, 1e-4), max(b, 1e-4), max(c, 1e-4)
        right, forward, up = record["viewer"]
        visible = get("visible", 1.0)
        inside = x0 > 0 and y0 > 0 and x1 < width and y1 < height
        return cls(
            record["label"],
            record["kind"],
            get("color"),
            frozenset(get("colors", ())),
            (x0 + x1) / 2 / width,
            (y0 + y1) / 2 / height,
            right,
            forward,
            up - c / 2,
            up + c / 2,
            min(a, b) / 2,
            math.hypot(a, b) / 2,
            math.log(max(record["area"], 1.0)) / 2,
            math.log(max(y1 - y0, 1.0)),
            math.log(a * b * c) / 3,
            math.log(c),
            math.hypot(*get("centroid", (right, forward))),
            _steepness(get("centroid"), right, forward),
            visible >= _PLAIN_SIGHT,
            visible >= _WHOLE and inside,
            c >= _HIGH * max(a, b),
            get("pose"),
            tuple(get("states", ())),
            get("material"),
            get("pattern", "plain"),
            tuple([Part(part["name"], part["label"], part["area"]) for part in get("parts", ())]),
        )

    def distance(self, other: Thing) -> float:
        """Metres between the two: of their centres on the ground, and of the air between one and
        what is above it."""
        return math.hypot(self._on_ground(other), self.air(other))

    def air(self, other: Thing) -> float:
        """Metres between the top of the lower and the bottom of the higher of the two; 0 of things
        that stand side by side or on each other."""
        return max(0.0, self.bottom - other.top, other.bottom - self.top)

    def over(self, other: Thing) -> bool:
        """Whether the middle of one is over or under the other, not beside it."""
        return self._on_ground(other) < max(self.narrow, other.narrow)

    def _on_ground(self, other: Thing) -> float:
        return math.hypot(self.right - other.right, self.forward - other.forward)


Scene = Sequence[Thing]


def scene_of(objects: Sequence[Mapping[str, Any]], image_size: tuple[int, int]) -> Scene:
    """The grammar's view of the records of one image. `image_size` is (width, height), pixels."""
    return [Thing.from_record(record, image_size) for record in objects]


def labels_of(things: Scene) -> tuple[int, ...]:
    """Their labels, ascending."""
    return tuple(sorted([thing.label for thing in things]))


def _steepness(centroid: Sequence[float] | None, right: float, forward: float) -> float | None:
    """Of the line of sight: the camera's height follows from the distance and its share on the
    ground."""
    if centroid is None:
        return None
    ground = math.hypot(right, forward)
    return math.acos(min(1.0, ground / max(math.hypot(*centroid), 1e-6)))
