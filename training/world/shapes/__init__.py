"""All shapes: the kinds that have a name, how often they are met and how they come to rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from training.world.shapes import (
    food,
    household,
    kitchen,
    office,
    tableware,
    tools,
    toys,
    unnamed,
)
from training.world.shapes.form import Form, Rng

STANDING, LYING, FLAT, INVERTED, ANYHOW = "standing", "lying", "flat", "upside down", ""
"""Ways to rest. FLAT: made as it lies; ANYHOW: a word for it would make no sense."""


@dataclass(frozen=True)
class Kind:
    """`make` gives a new one; `weight` is how often it is met; `rests` the share of each pose."""

    make: Callable[[Rng], Form]
    weight: float = 1.0
    rests: dict[str, float] = field(default_factory=lambda: {ANYHOW: 1.0})


def _stands(lying: float = 0.0, inverted: float = 0.0) -> dict[str, float]:
    rests = {STANDING: 1 - lying - inverted, LYING: lying, INVERTED: inverted}
    return {rest: share for rest, share in rests.items() if share > 0}


_FLAT = {FLAT: 1.0}
NAMED: dict[str, Kind] = {
    "box": Kind(household.box, 2.4),
    "ball": Kind(toys.ball, 1.4),
    "can": Kind(kitchen.can, 1.8, _stands(0.2)),
    "bottle": Kind(kitchen.bottle, 2.2, _stands(0.25)),
    "bowl": Kind(tableware.bowl, 1.6, _stands(0, 0.1)),
    "mug": Kind(tableware.mug, 2.0, _stands(0.12, 0.08)),
    "cone": Kind(toys.cone, 0.6, _stands(0.06)),
    "pitcher": Kind(tableware.pitcher, 0.7, _stands(0.05)),
    "banana": Kind(food.banana, 1.1),
    "plate": Kind(tableware.plate, 1.1, _stands(0, 0.06)),
    "cup": Kind(tableware.cup, 1.1, _stands(0.15, 0.12)),
    "glass": Kind(tableware.glass, 0.8, _stands(0.05, 0.08)),
    "tray": Kind(tableware.tray, 0.5),
    "spoon": Kind(tableware.spoon, 1.3, _FLAT),
    "fork": Kind(tableware.fork, 1.1, _FLAT),
    "knife": Kind(tableware.knife, 1.2, _FLAT),
    "spatula": Kind(tableware.spatula, 0.8, _FLAT),
    "jar": Kind(kitchen.jar, 1.2, _stands()),
    "carton": Kind(kitchen.carton, 1.0, _stands(0.15)),
    "tube": Kind(kitchen.squeezed_tube, 0.8, _FLAT),
    "pan": Kind(kitchen.pan, 0.8, _stands(0, 0.06)),
    "pot": Kind(kitchen.pot, 0.9, _stands()),
    "kettle": Kind(kitchen.kettle, 0.8, _stands()),
    "watering can": Kind(kitchen.watering_can, 0.6, _stands()),
    "bucket": Kind(kitchen.bucket, 0.6, _stands(0.1)),
    "apple": Kind(food.apple, 1.2),
    "orange": Kind(food.orange, 1.0),
    "lemon": Kind(food.lemon, 0.9),
    "pear": Kind(food.pear, 0.8, {ANYHOW: 0.65, LYING: 0.35}),
    "egg": Kind(food.egg, 0.8),
    "carrot": Kind(food.carrot, 0.8, _FLAT),
    "screwdriver": Kind(tools.screwdriver, 1.3, _FLAT),
    "hammer": Kind(tools.hammer, 1.0, _FLAT),
    "wrench": Kind(tools.wrench, 1.0, _FLAT),
    "pliers": Kind(tools.pliers, 1.0, _FLAT),
    "scissors": Kind(tools.scissors, 1.3, _FLAT),
    "drill": Kind(tools.drill, 1.0, _stands(0.45)),
    "clamp": Kind(tools.clamp, 0.8, _FLAT),
    "pen": Kind(tools.marker, 1.4, _FLAT),
    "brush": Kind(tools.brush, 1.0, _FLAT),
    "tape": Kind(tools.tape, 1.0, _stands(0.25)),
    "book": Kind(office.book, 1.5, _FLAT),
    "laptop": Kind(office.laptop, 0.9),
    "phone": Kind(office.phone, 1.1, _FLAT),
    "remote": Kind(office.remote, 1.0, _FLAT),
    "mouse": Kind(office.computer_mouse, 0.9),
    "keyboard": Kind(office.keyboard, 0.6),
    "sponge": Kind(household.sponge, 1.0),
    "shoe": Kind(household.shoe, 0.8, _stands(0.12)),
    "padlock": Kind(office.padlock, 0.8, _FLAT),
    "key": Kind(office.key, 0.8, _FLAT),
    "light bulb": Kind(office.light_bulb, 0.8, _FLAT),
    "candle": Kind(office.candle, 0.8, _stands(0.1)),
    "toy car": Kind(toys.toy_car, 1.1),
    "block": Kind(toys.toy_block, 1.1),
    "vase": Kind(household.vase, 0.7, _stands(0.04)),
    "plant": Kind(household.plant, 0.8),
    "basket": Kind(household.basket, 0.6),
    "bag": Kind(household.bag, 0.8),
    "flashlight": Kind(office.flashlight, 0.9, _FLAT),
    "teddy bear": Kind(toys.toy_bear, 0.8),
}
UNNAMED: dict[str, Kind] = {
    name: Kind(make)
    for name, make in (
        ("torus", unnamed.torus),
        ("bracket", unnamed.bracket),
        ("pyramid", unnamed.pyramid),
        ("spindle", unnamed.spindle),
        ("elbow", unnamed.elbow),
        ("cross", unnamed.cross),
        ("gear", unnamed.gear),
        ("spring", unnamed.spring),
        ("dumbbell", unnamed.dumbbell),
        ("wave", unnamed.wave),
    )
}
SHAPES = {**NAMED, **UNNAMED}
KINDS = tuple(NAMED)
VARIANTS = 24  # meshes of each shape that a process keeps; each use stretches one anew
_upto = np.cumsum([kind.weight for kind in NAMED.values()])


def sample_kind(rng: Rng) -> str:
    """A named kind, by its weight."""
    return KINDS[int(np.searchsorted(_upto, rng.random() * _upto[-1], side="right"))]


@cache
def _variant(shape: str, index: int) -> Form:
    return SHAPES[shape].make(np.random.default_rng((list(SHAPES).index(shape), index)))


def sample_form(shape: str, rng: Rng) -> Form:
    """A thing of that shape: one of its variants, a little larger, smaller, squatter or taller."""
    across = rng.uniform(0.9, 1.12)
    return _variant(shape, int(rng.integers(VARIANTS))).scaled(
        across, across * rng.uniform(0.93, 1.07)
    )
