"""The words of the grammar: what the rendered kinds are called, and what they are not."""

from __future__ import annotations

NAMES: dict[str, tuple[str, ...]] = {
    "box": ("box", "block", "package", "carton", "cardboard box"),
    "ball": ("ball", "sphere", "toy ball"),
    "can": ("can", "tin", "cylinder", "soda can"),
    "bottle": ("bottle", "flask", "water bottle"),
    "bowl": ("bowl", "dish", "soup bowl"),
    "mug": ("mug", "cup", "coffee mug", "coffee cup"),
    "cone": ("cone", "traffic cone"),
    "pitcher": ("pitcher", "jug"),
    "banana": ("banana",),
    "plate": ("plate", "saucer", "dish", "dinner plate"),
}
"""Kind of a rendered object -> its names, the usual one first."""

COLORS: tuple[str, ...] = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "white",
    "gray",
    "black",
)

COLOR_WORDS: dict[str, tuple[str, ...]] = {
    **{color: (color,) for color in COLORS},
    "gray": ("gray", "grey"),
    "purple": ("purple", "purple", "violet"),
}

ANY_NOUNS: tuple[str, ...] = ("object", "object", "thing", "item")
"""Nouns that denote every object, also the unnamed ones."""

NUMBERS: dict[int, tuple[str, ...]] = {
    2: ("two", "2"),
    3: ("three", "3"),
    4: ("four", "4"),
    5: ("five", "5"),
}
ORDINALS: tuple[str, ...] = ("first", "second", "third", "fourth", "fifth")

_PLURALS = {"knife": "knives", "leaf": "leaves", "shelf": "shelves", "person": "people"}
_ALWAYS_PLURAL = ("scissors", "pliers", "headphones", "goggles", "tongs", "dice", "fish")


def plural(noun: str) -> str:
    """The plural of a noun phrase whose last word is its head."""
    *rest, head = noun.split()
    if head in _ALWAYS_PLURAL:
        many = head
    elif head in _PLURALS:
        many = _PLURALS[head]
    elif head.endswith(("s", "x", "ch", "sh", "tomato", "potato")):
        many = head + "es"
    elif head.endswith("y") and head[-2] not in "aeiou":
        many = head[:-1] + "ies"
    else:
        many = head + "s"
    return " ".join([*rest, many])


def kinds_of(noun: str) -> frozenset[str]:
    """Every kind that `noun` may name: a dish is a bowl or a plate."""
    return frozenset(kind for kind, names in NAMES.items() if noun in names)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Nouns for things the world never shows. They stay out of the vocabulary, so that the model learns
# from them that a noun it doesn't know isn't there.
OUTSIDE: tuple[str, ...] = _words(
    """
    scissors stapler laptop shoe phone keyboard mouse lamp chair book pencil pen ruler eraser
    hammer wrench screwdriver drill pliers saw nail screw bolt nut washer gear motor battery cable
    charger adapter plug socket switch fuse sensor tripod monitor printer scanner router
    headphones speaker microphone remote controller drone helmet glove goggles vest boot sock
    jacket hat scarf belt bag backpack suitcase wallet purse key lock chain rope tape glue string
    ribbon envelope stamp letter newspaper magazine notebook folder binder clipboard calendar clock
    watch mirror comb toothbrush toothpaste soap sponge towel tissue brush broom mop bucket vacuum
    fork knife spoon spatula ladle whisk grater peeler tongs pan kettle toaster blender oven fridge
    microwave tray lid cork straw napkin candle vase flower plant leaf tree rock shell feather
    apple pear peach plum grape lemon melon strawberry carrot potato tomato onion pepper mushroom
    bread sandwich cookie cake pizza egg cheese sausage burger doughnut chocolate
    bear duck train truck car bus bicycle airplane boat puppet puzzle dice card domino
    guitar violin piano drum trumpet flute umbrella pillow blanket curtain carpet ladder shovel
    rake hose pipe valve brick tile plank wheel tire hook spring magnet whistle dog cat bird fish
    person spider
    """
)

# Modifiers that say nothing about which object is meant. They stay out of the vocabulary as well:
# an unknown word before a known noun is no reason to refuse.
IDLE_ADJECTIVES: tuple[str, ...] = _words(
    """
    shiny dusty plastic metal wooden ceramic rubber cheap expensive new old clean pretty ugly nice
    ordinary typical simple fancy modern vintage lovely matte glossy smooth sturdy handy fragile
    lightweight beautiful weird solid decorative standard
    """
)
