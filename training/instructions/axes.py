"""Orders of things: from the left, from the camera, by size. Only clear-cut cases count."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from training.instructions.things import Scene, Thing

IMAGE_MARGIN = 0.05
"""Share of the image's width or height by which two centres must differ."""
DEPTH_MARGIN = 0.05
"""Metres."""
SIZE_RATIO = 1.15
SIZE_MARGIN = math.log(SIZE_RATIO)


@dataclass(frozen=True)
class Axis:
    """`score` orders the things, the highest first. `witness` must not contradict it.

    `whole` is whether the things must be seen wholly to be compared.
    """

    score: Callable[[Thing], float]
    margin: float
    witness: Callable[[Thing], float]
    whole: bool = False

    def before(self, first: Thing, second: Thing) -> bool:
        """Whether `first` comes clearly before `second`."""
        if self.whole and not (first.whole and second.whole):
            return False
        return self.score(first) - self.score(second) >= self.margin and self.witness(
            first
        ) >= self.witness(second)


def _reversed(axis: Axis) -> Axis:
    return Axis(lambda t: -axis.score(t), axis.margin, lambda t: -axis.witness(t), axis.whole)


_RIGHT = Axis(lambda t: t.x, IMAGE_MARGIN, lambda t: t.x)
_FAR = Axis(lambda t: t.forward, DEPTH_MARGIN, lambda t: math.hypot(t.right, t.forward))
_BOTTOM = Axis(lambda t: t.y, IMAGE_MARGIN, lambda t: t.y)
_BIG = Axis(lambda t: t.apparent, SIZE_MARGIN, lambda t: t.true_size, whole=True)
_TALL = Axis(lambda t: t.tallness, SIZE_MARGIN, lambda t: t.true_height, whole=True)

AXES: dict[str, Axis] = {
    "left": _reversed(_RIGHT),
    "right": _RIGHT,
    "near": _reversed(_FAR),
    "far": _FAR,
    "top": _reversed(_BOTTOM),
    "bottom": _BOTTOM,
    "big": _BIG,
    "small": _reversed(_BIG),
    "tall": _TALL,
    "short": _reversed(_TALL),
}


def ranked(things: Scene, axis: Axis, places: int) -> list[Thing]:
    """`things` along `axis`, or [] unless each of the first `places` is clearly before the rest."""
    order = sorted(things, key=axis.score, reverse=True)
    clear = all(
        axis.before(order[i], later)
        for i in range(min(places, len(order)))
        for later in order[i + 1 :]
    )
    return order if clear else []


def middle_of_row(things: Scene) -> Thing | None:
    """The middle one of three or five from left to right, clearly apart from its neighbours."""
    if len(things) not in (3, 5):
        return None
    order = ranked(things, AXES["left"], len(things))
    return order[len(order) // 2] if order else None
