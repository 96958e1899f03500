"""What things are like: colour, material, pattern, state, pose, use. Three-valued: True, False,
and None where careful people may not agree."""

from __future__ import annotations

from collections.abc import Callable

from training.instructions.purposes import PURPOSES
from training.instructions.things import Thing

Trait = tuple[str, str]
"""What it is about, one of the keys of `VERDICTS`, and the value."""


def _kinds(text: str) -> frozenset[str]:
    return frozenset(text.split(", "))


# Kinds whose material anybody sees, with the materials that they come in.
_SURE: dict[str | None, frozenset[str]] = {
    kind: frozenset(materials.split())
    for kind, materials in {
        "fork": "metal plastic wooden",
        "spoon": "metal plastic wooden",
        "tray": "metal plastic wooden",
        "block": "wooden plastic",
        "basket": "wicker plastic",
        "bucket": "metal plastic",
        "glass": "glass",
        "jar": "glass",
        "vase": "glass",
        "bottle": "glass",
        "wrench": "metal",
        "key": "metal",
        "padlock": "metal",
        "clamp": "metal",
        "kettle": "metal",
        "pot": "metal",
        "pan": "metal",
        "watering can": "metal",
        "box": "cardboard",
    }.items()
}
# Of several materials: a word for one of them would be arguable.
_MIXED: frozenset[str | None] = frozenset(
    (
        None,
        *_kinds(
            "hammer, brush, screwdriver, knife, spatula, pliers, scissors, drill, flashlight, "
            "laptop, light bulb, plant, toy car, phone, tape, pen, can, candle, shoe, book, bag, "
            "carton, remote, padlock"
        ),
    )
)
_SOFT = frozenset((None, "wooden", "wicker", "cardboard", "fabric", "leather", "paper", "glass"))
_STRIKING = frozenset(("wooden", "wicker", "glass"))
MATERIALS: tuple[str, ...] = ("metal", "plastic", "wooden", "wicker", "glass", "cardboard")
PATTERNS: tuple[str, ...] = ("striped", "dotted", "checked")

# Colours that people may call stuff by that has none of its own.
_COLORS_OF_STUFF: dict[str | None, frozenset[str]] = {
    "metal": frozenset(("gray", "white", "yellow", "orange", "brown", "black")),
    "wooden": frozenset(("brown", "orange", "yellow", "red", "white")),
    "wicker": frozenset(("brown", "orange", "yellow")),
    "cardboard": frozenset(("brown", "orange", "yellow")),
}

_OPENABLE = frozenset(
    ("box", "pitcher", "jar", "pot", "pen", "book", "laptop", "scissors", "padlock")
)
_FILLABLE = frozenset(("bowl", "mug", "cup", "glass", "jar", "pot", "bucket", "pitcher"))
# Kinds of which it shows whether they stand or lie, and which may be upside down.
_STANDING_OR_LYING = _kinds(
    "can, bottle, mug, cone, pitcher, cup, glass, carton, bucket, candle, vase"
)
_PATTERNED = _kinds(
    "box, ball, can, bottle, bowl, mug, cone, pitcher, plate, cup, tray, jar, carton, tube, "
    "bucket, book, candle, vase, bag, shoe, basket, pen"
)
_TURNABLE = frozenset(("bowl", "mug", "cup", "glass"))
_LOOK_IN = 0.6
"""Rad: from so steep one sees what a vessel holds."""
_CONTENTS_SEEN = 25
"""Pixels of contents that nobody overlooks."""


def _color(thing: Thing, value: str) -> bool | None:
    if thing.color == value:
        return True
    if thing.color is not None or value in thing.colors:
        return None if value in thing.colors else False
    stuff = _COLORS_OF_STUFF.get(thing.material)
    return None if stuff is None or value in stuff else False


def _material(thing: Thing, value: str) -> bool | None:
    stuff, sure = thing.material, _SURE.get(thing.kind, frozenset())
    painted = stuff == "metal" and thing.color is not None
    if thing.kind in _MIXED and thing.kind not in _SURE:
        return None
    if stuff == value:
        return None if painted or value not in sure else True
    if value in _STRIKING or (value in sure and stuff in sure and not painted):
        return False
    if value == "metal":
        return False if stuff in _SOFT else None
    if value == "cardboard":
        return None if stuff in (None, "paper", "plastic", "wooden", "cardboard") else False
    return False if stuff in _SOFT or (stuff == "metal" and not painted) else None


def _pattern(thing: Thing, value: str) -> bool | None:
    if thing.pattern == value:
        return True
    return None if thing.pattern == "printed" else False


def _open(thing: Thing, value: str) -> bool | None:
    if thing.kind not in _OPENABLE:
        return None
    return True if value in thing.states else False if thing.states else None


def _full(thing: Thing, value: str) -> bool | None:
    if thing.kind not in _FILLABLE or "closed" in thing.states:
        return None
    if thing.pose not in (None, "standing") or (thing.steep is not None and thing.steep < _LOOK_IN):
        return None
    seen = any(part.name == "contents" and part.area >= _CONTENTS_SEEN for part in thing.parts)
    if "full" in thing.states:
        return (value == "full") if seen else None
    return (value == "empty") if "empty" in thing.states else None


def _pose(thing: Thing, value: str) -> bool | None:
    kinds = _TURNABLE if value == "upside down" else _STANDING_OR_LYING
    if thing.kind not in kinds or thing.pose is None:
        return None
    return thing.pose == value


def _purpose(thing: Thing, value: str) -> bool | None:
    return PURPOSES[value].verdict(thing.kind)


VERDICTS: dict[str, Callable[[Thing, str], bool | None]] = {
    "color": _color,
    "material": _material,
    "pattern": _pattern,
    "open": _open,
    "full": _full,
    "pose": _pose,
    "purpose": _purpose,
}
"""What a trait is about -> whether a thing has the value."""


def verdict(thing: Thing, traits: tuple[Trait, ...]) -> bool | None:
    """Whether a thing has all of the traits."""
    result: bool | None = True
    for about, value in traits:
        found = VERDICTS[about](thing, value)
        if found is False:
            return False
        if found is None:
            result = None
    return result


def may_have(kind: str, trait: Trait) -> bool:
    """Whether it makes sense to say that of a thing of that kind."""
    about, value = trait
    if about == "material":
        return value in _SURE.get(kind, ())
    if about == "pattern":
        return kind in _PATTERNED
    if about == "pose":
        return kind in (_TURNABLE if value == "upside down" else _STANDING_OR_LYING)
    return kind in (_OPENABLE if about == "open" else _FILLABLE) or about == "color"


def traits_of(thing: Thing) -> list[Trait]:
    """All that may be said of how a thing looks, apart from its colour."""
    found: list[Trait] = []
    if thing.material in MATERIALS:
        found.append(("material", thing.material))
    if thing.pattern in PATTERNS:
        found.append(("pattern", thing.pattern))
    for state in thing.states:
        found.append(("open" if state in ("open", "closed") else "full", state))
    if thing.pose is not None:
        found.append(("pose", thing.pose))
    return [trait for trait in found if VERDICTS[trait[0]](thing, trait[1])]
