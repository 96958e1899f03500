"""Nouns for several kinds, and kinds of which it is arguable whether a noun means them."""

from __future__ import annotations

from dataclasses import dataclass

from training.instructions.lexicon import NAMES, kinds_of
from training.instructions.purposes.purpose import UNNAMED


@dataclass(frozen=True)
class Group:
    """`yes` are the kinds that a word for several kinds means, `maybe` those one may argue about.

    The first of `words` is the usual one.
    """

    words: tuple[str, ...]
    yes: frozenset[str]
    maybe: frozenset[str] = frozenset()


def _group(words: str, yes: str, maybe: str = "") -> Group:
    return Group(
        tuple(words.split(", ")),
        frozenset(yes.split(", ")),
        frozenset(maybe.split(", ")) if maybe else frozenset(),
    )


GROUPS: tuple[Group, ...] = (
    _group("fruit, piece of fruit", "banana, apple, orange, lemon, pear", "egg, plant"),
    _group("citrus fruit", "orange, lemon"),
    _group("vegetable", "carrot", "plant, lemon"),
    _group(
        "food item, foodstuff",
        "banana, apple, orange, lemon, pear, egg, carrot",
        "can, carton, jar, bag, box, bottle, tube, plant",
    ),
    _group(
        "tool, hand tool, workshop tool",
        "screwdriver, hammer, wrench, pliers, drill, clamp",
        "scissors, knife, brush, tape, flashlight, spatula, key, pen, padlock, sponge, bucket, "
        "watering can, spoon, fork, pan, unnamed",
    ),
    _group(
        "eating utensil, piece of cutlery, piece of silverware",
        "spoon, fork, knife",
        "spatula",
    ),
    _group(
        "kitchen utensil",
        "spoon, fork, knife, spatula",
        "pan, pot, kettle, tray, scissors, sponge, brush, jar, pitcher, cup, mug, plate, bowl, "
        "glass",
    ),
    _group(
        "piece of cookware, cooking vessel",
        "pan, pot",
        "kettle, spatula, bowl, tray, jar, bucket",
    ),
    _group(
        "toy, plaything",
        "toy car, block, teddy bear",
        "ball, cone, unnamed, box, bucket, egg",
    ),
    _group(
        "electronic device, gadget, piece of electronics",
        "laptop, phone, remote, mouse, keyboard",
        "drill, flashlight, light bulb, kettle, toy car",
    ),
    _group("computer accessory", "mouse, keyboard", "laptop, remote, phone"),
    _group("drinking vessel", "mug, cup, glass", "bottle, bowl, can, pitcher, jar, carton, vase"),
    _group(
        "container",
        "box, jar, bottle, bucket, basket, carton",
        "can, bag, bowl, mug, cup, glass, pan, pot, vase, kettle, pitcher, watering can, tray, "
        "tube, plant, plate, shoe, unnamed, spoon",
    ),
    _group(
        "light source",
        "flashlight, candle, light bulb",
        "phone, laptop",
    ),
)

_DOUBTFUL: dict[str, str] = {
    "box": "carton",
    "package": "carton, bag, can",
    "carton": "box, carton",
    "cardboard box": "carton",
    "sphere": "orange, apple, unnamed",
    "ball": "orange, unnamed",
    "toy ball": "unnamed",
    "can": "watering can",
    "tin": "box, jar",
    "bottle": "flashlight, vase",
    "flask": "jar, vase, kettle, pitcher",
    "bowl": "plate, pot, basket, pan",
    "soup bowl": "plate, pot",
    "dish": "tray, pan, pot",
    "mug": "cup",
    "coffee mug": "cup",
    "cup": "glass",
    "coffee cup": "cup, glass",
    "tumbler": "glass, mug",
    "drinking cup": "mug, glass",
    "glass": "cup, jar",
    "drinking glass": "cup, jar, mug",
    "pitcher": "kettle, watering can, vase",
    "jug": "kettle, watering can, vase, jar, carton",
    "plate": "tray",
    "saucer": "bowl, tray",
    "dinner plate": "tray",
    "tray": "plate, box",
    "serving tray": "plate",
    "cone": "unnamed",
    "knife": "spatula",
    "spatula": "knife",
    "turner": "knife",
    "jar": "glass, can, cup",
    "drink carton": "box",
    "milk carton": "box",
    "juice carton": "box",
    "tube": "can, unnamed",
    "pan": "pot",
    "frying pan": "pot",
    "skillet": "pot",
    "pot": "pan, plant, kettle",
    "cooking pot": "pan, kettle",
    "saucepan": "pan",
    "kettle": "pitcher, watering can",
    "teapot": "pitcher, watering can",
    "bucket": "basket, pot",
    "pail": "basket, pot",
    "basket": "bucket",
    "bulb": "plant",
    "lock": "key",
    "car": "unnamed",
    "block": "box, unnamed",
    "toy block": "unnamed",
    "building block": "unnamed",
    "brick": "box, unnamed",
    "vase": "pitcher, bottle, jar, plant",
    "bag": "basket, box",
    "packet": "box, carton",
    "pen": "brush",
    "brush": "pen",
    "torch": "light bulb, candle",
    "wrench": "clamp, unnamed",
    "spanner": "clamp, unnamed",
    "phone": "remote",
    "keyboard": "laptop",
    "computer keyboard": "laptop",
    "lemon": "orange, pear, egg",
    "orange": "lemon, apple",
    "apple": "orange, pear",
    "pear": "apple, lemon",
    "hammer": "unnamed",
}

Meaning = tuple[frozenset[str], frozenset[str]]
"""Kinds that a noun means, and kinds that it may mean."""


def _meanings() -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for noun in {noun for names in NAMES.values() for noun in names}:
        yes = kinds_of(noun)
        maybe = frozenset(filter(None, _DOUBTFUL.get(noun, "").split(", ")))
        found[noun] = yes, maybe - yes
    for group in GROUPS:
        for word in group.words:
            found[word] = group.yes, group.maybe
    return found


MEANINGS: dict[str, Meaning] = _meanings()
"""Noun -> what it means, for names and words for groups."""

GROUPS_OF: dict[str, tuple[Group, ...]] = {
    kind: tuple(group for group in GROUPS if kind in group.yes) for kind in (*NAMES, UNNAMED)
}
"""Kind -> the groups that it belongs to."""
