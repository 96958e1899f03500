"""Nouns, colours and numbers: what the rendered kinds are called, and how words are inflected."""

from __future__ import annotations

import re

NAMES: dict[str, tuple[str, ...]] = {
    "box": ("box", "package", "carton", "cardboard box"),
    "ball": ("ball", "sphere", "toy ball"),
    "can": ("can", "tin", "soda can"),
    "bottle": ("bottle", "flask", "water bottle"),
    "bowl": ("bowl", "dish", "soup bowl"),
    "mug": ("mug", "cup", "coffee mug", "coffee cup"),
    "cone": ("cone", "traffic cone"),
    "pitcher": ("pitcher", "jug"),
    "banana": ("banana",),
    "plate": ("plate", "saucer", "dish", "dinner plate"),
    "cup": ("cup", "tumbler", "drinking cup"),
    "glass": ("glass", "drinking glass"),
    "tray": ("tray", "serving tray"),
    "spoon": ("spoon",),
    "fork": ("fork",),
    "knife": ("knife",),
    "spatula": ("spatula", "turner"),
    "jar": ("jar",),
    "carton": ("carton", "drink carton", "milk carton", "juice carton"),
    "tube": ("tube", "toothpaste tube", "toothpaste"),
    "pan": ("pan", "frying pan", "skillet"),
    "pot": ("pot", "cooking pot", "saucepan"),
    "kettle": ("kettle", "teapot", "tea kettle"),
    "watering can": ("watering can",),
    "bucket": ("bucket", "pail"),
    "apple": ("apple",),
    "orange": ("orange",),
    "lemon": ("lemon",),
    "pear": ("pear",),
    "egg": ("egg",),
    "carrot": ("carrot",),
    "screwdriver": ("screwdriver",),
    "hammer": ("hammer",),
    "wrench": ("wrench", "spanner"),
    "pliers": ("pliers",),
    "scissors": ("scissors",),
    "drill": ("drill", "power drill", "cordless drill"),
    "clamp": ("clamp",),
    "pen": ("pen", "marker", "felt pen"),
    "brush": ("brush",),
    "tape": ("tape", "tape roll", "adhesive tape"),
    "book": ("book",),
    "laptop": ("laptop", "notebook computer", "laptop computer"),
    "phone": ("phone", "smartphone", "mobile phone", "cell phone"),
    "remote": ("remote", "remote control"),
    "mouse": ("mouse", "computer mouse"),
    "keyboard": ("keyboard", "computer keyboard"),
    "sponge": ("sponge",),
    "shoe": ("shoe", "sneaker"),
    "padlock": ("padlock", "lock"),
    "key": ("key",),
    "light bulb": ("light bulb", "bulb", "lightbulb"),
    "candle": ("candle",),
    "toy car": ("toy car", "car", "model car"),
    "block": ("block", "toy block", "building block", "brick"),
    "vase": ("vase", "flower vase"),
    "plant": ("plant", "potted plant", "houseplant"),
    "basket": ("basket", "woven basket"),
    "bag": ("bag", "packet"),
    "flashlight": ("flashlight", "torch"),
    "teddy bear": ("teddy bear", "teddy", "stuffed bear", "bear"),
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

ANY_NOUNS: tuple[str, ...] = ("object", "thing", "item")
"""Nouns that denote every object, also the unnamed ones."""

NUMBERS: dict[int, tuple[str, ...]] = {
    2: ("two", "2"),
    3: ("three", "3"),
    4: ("four", "4"),
    5: ("five", "5"),
}
ORDINALS: tuple[str, ...] = ("first", "second", "third", "fourth", "fifth")

_PLURALS = {
    "knife": "knives",
    "leaf": "leaves",
    "shelf": "shelves",
    "person": "people",
    "mouse": "mice",
}
_VOWEL = re.compile("(?!us|uk)[aeiou]|hour")  # as it's spoken
_PAIRS = ("scissors", "pliers", "headphones", "goggles", "tongs", "binoculars")
_ALWAYS_PLURAL = (*_PAIRS, "dice", "fish")


def plural(noun: str) -> str:
    """The plural of a noun phrase whose last word is its head."""
    first, of, stuff = noun.partition(" of ")  # "pieces of fruit"
    *rest, head = first.split()
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
    return " ".join([*rest, many]) + of + stuff


def is_pair(noun: str) -> bool:
    """Whether one of it is spoken of in the plural, as scissors are."""
    return noun.split()[-1] in _PAIRS


def indefinite(phrase: str) -> str:
    """A noun phrase with its article: "an apple", "a red mug", "a pair of scissors"."""
    if is_pair(phrase):
        return f"a pair of {phrase}"
    return f"{'an' if _VOWEL.match(phrase) else 'a'} {phrase}"


def kinds_of(noun: str) -> frozenset[str]:
    """Every kind that `noun` may name: a dish is a bowl or a plate."""
    return frozenset(kind for kind, names in NAMES.items() if noun in names)
