"""Orders of things: from the left, from the camera, by size. Only clear-cut cases count."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from training.instructions.things import Scene, Thing

IMAGE_MARGIN = 0.05
"""Share of the image's width or height by which two centres must differ."""
DEPTH_MARGIN = 0.05
"""Metres."""
SIZE_RATIO = 1.15
SIZE_MARGIN = math.log(SIZE_RATIO)
_TRUE_MARGIN = math.log(1.05)
"""Of sizes in truth: that of two alike the nearer one looks larger makes it no larger one."""


@dataclass(frozen=True)
class Axis:
    """`score` orders the things, the highest first, if they differ by `margin`; `witness` must say
    the same, by `sure`. `fit` is whether a thing can be compared at all.
    """

    score: Callable[[Thing], float]
    margin: float
    witness: Callable[[Thing], float]
    sure: float = 0.0
    fit: Callable[[Thing], bool] = lambda _: True

    def before(self, first: Thing, second: Thing) -> bool:
        """Whether `first` comes clearly before `second`."""
        return (
            self.fit(first)
            and self.fit(second)
            and self.score(first) - self.score(second) >= self.margin
            and self.witness(first) - self.witness(second) >= self.sure
        )


def _reversed(axis: Axis) -> Axis:
    score, witness = axis.score, axis.witness
    return replace(axis, score=lambda t: -score(t), witness=lambda t: -witness(t))


_RIGHT = Axis(lambda t: t.x, IMAGE_MARGIN, lambda t: t.x)
_FAR = Axis(lambda t: t.forward, DEPTH_MARGIN, lambda t: t.away)
_BOTTOM = Axis(lambda t: t.y, IMAGE_MARGIN, lambda t: t.y)
_BIG = Axis(
    lambda t: t.apparent, SIZE_MARGIN, lambda t: t.true_size, _TRUE_MARGIN, lambda t: t.whole
)
_TALL = Axis(
    lambda t: t.tallness,
    SIZE_MARGIN,
    lambda t: t.true_height,
    _TRUE_MARGIN,
    lambda t: t.whole and t.high,
)

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
    """The middle one of three or five from left to right, clearly apart from its neighbours; of
    none that lie on several boards of a shelf."""
    if len(things) not in (3, 5) or any(one.air(other) for one in things for other in things):
        return None
    order = ranked(things, AXES["left"], len(things))
    return order[len(order) // 2] if order else None
