"""The parts of things: what they are called, which kinds may have them, what they are for."""

from __future__ import annotations

from training.instructions.lexicon import NAMES

WORDS: dict[str, tuple[str, ...]] = {
    "handle": ("handle", "grip"),
    "lid": ("lid", "cover"),
    "cap": ("cap", "top"),
    "spout": ("spout",),
    "blade": ("blade",),
    "head": ("head",),
    "bit": ("bit", "drill bit"),
    "trigger": ("trigger",),
    "battery": ("battery", "battery pack"),
    "chuck": ("chuck",),
    "bristles": ("bristles",),
    "ferrule": ("ferrule",),
    "screen": ("screen", "display"),
    "keyboard": ("keyboard", "keys"),
    "pages": ("pages",),
    "buttons": ("buttons",),
    "wheel": ("wheel", "scroll wheel"),
    "wheels": ("wheels", "tires", "tyres"),
    "laces": ("laces", "shoelaces"),
    "sole": ("sole",),
    "shackle": ("shackle",),
    "wick": ("wick",),
    "switch": ("switch",),
    "leaves": ("leaves",),
    "pot": ("pot", "flowerpot"),
    "jaw": ("jaw",),
    "screw": ("screw", "spindle"),
    "tip": ("tip",),
    "tines": ("tines", "prongs"),
    "bowl": ("bowl",),
    "shaft": ("shaft",),
    "flaps": ("flaps",),
    "camera": ("camera",),
    "bulb": ("glass bulb",),
    "base": ("base",),
}
"""Part -> its names. Parts that are not here have none that people would agree on.

Of what lacks a part, only the first is said: a book has no lid, but a cover."""

_PLURAL = (
    "bristles, pages, buttons, wheels, laces, leaves, tines, flaps, keys, tires, tyres, "
    "shoelaces, prongs"
)
ALWAYS_PLURAL: frozenset[str] = frozenset(_PLURAL.split(", "))
"""Words that one thing already has several of."""

TWO_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "scissors": {"handle": ("handles",), "blade": ("blades",)},
    "pliers": {"handle": ("handles", "grips"), "jaw": ("jaws",)},
}

_OWNERS: dict[str, str] = {
    "handle": "mug, pitcher, tray, spoon, fork, knife, spatula, pan, pot, kettle, watering can, "
    "bucket, screwdriver, hammer, wrench, pliers, scissors, drill, brush, basket, bag",
    "lid": "pitcher, cup, jar, pot, kettle",
    "cap": "bottle, carton, tube, pen",
    "spout": "pitcher, kettle, watering can",
    "blade": "knife, spatula, scissors",
    "head": "hammer, flashlight",
    "bit": "drill",
    "trigger": "drill",
    "battery": "drill",
    "chuck": "drill",
    "bristles": "brush",
    "ferrule": "brush",
    "screen": "laptop, phone",
    "keyboard": "laptop",
    "pages": "book",
    "buttons": "remote",
    "wheel": "mouse",
    "wheels": "toy car",
    "laces": "shoe",
    "sole": "shoe",
    "shackle": "padlock",
    "wick": "candle",
    "switch": "flashlight",
    "leaves": "plant",
    "pot": "plant",
    "jaw": "wrench, pliers",
    "screw": "clamp",
    "tip": "pen",
    "tines": "fork",
    "bowl": "spoon",
    "shaft": "screwdriver",
    "flaps": "box",
    "camera": "phone",
    "bulb": "light bulb",
    "base": "light bulb",
}
OWNERS: dict[str, tuple[str, ...]] = {
    part: tuple(kinds.split(", ")) for part, kinds in _OWNERS.items()
}
"""Part -> the kinds that may have it as a part of its own in the label map."""
PARTS_OF: dict[str, tuple[str, ...]] = {
    kind: tuple(part for part, kinds in OWNERS.items() if kind in kinds) for kind in NAMES
}
"""Kind -> the parts that may be spoken of."""

# Kinds that surely lack a part that others have, but for what may pass for one: the flaps of a
# box, the leaf at an apple's stem.
_BARE = "ball, apple, orange, lemon, pear, egg, banana, plate, block, sponge, box, teddy bear"
_PASSING = {"lid": "box", "leaves": "apple"}
LACKING: dict[str, tuple[str, ...]] = {
    part: tuple(kind for kind in f"{_BARE}, {more}".split(", ") if kind != _PASSING.get(part))
    for part, more in {
        "handle": "bowl, book, phone, keyboard, can, glass, candle, key, pen, carrot",
        "lid": "fork, spoon, hammer, screwdriver, wrench, key, carrot, keyboard, pliers",
        "cap": "fork, spoon, hammer, book, bowl, mug, plate, wrench, key, pan, carrot, tray",
        "spout": "mug, cup, glass, bowl, pan, pot, bucket, jar, bottle, vase, hammer, spoon",
        "blade": "spoon, hammer, mug, cup, bowl, bottle, pan, wrench, pliers, book, can, vase",
        "bristles": "spoon, fork, knife, spatula, hammer, mug, screwdriver, pen, bowl, can",
        "screen": "mug, book, bowl, hammer, bottle, shoe, mouse, keyboard, can, candle, vase",
        "wheels": "mug, book, bowl, hammer, laptop, phone, shoe, can, cup, cone, vase, drill",
        "laces": "mug, bowl, bottle, book, bag, basket, can, toy car, cone, hammer, vase",
        "wick": "light bulb, flashlight, mug, cup, can, bottle, jar, vase, book, carrot",
        "leaves": "vase, bucket, mug, bowl, basket, can, hammer, cup, candle, jar, bottle",
        "trigger": "hammer, screwdriver, wrench, pliers, scissors, mug, book, remote, spoon",
        "buttons": "mug, bowl, hammer, book, wrench, cup, fork, can, vase, knife, bottle",
        "tines": "spoon, knife, spatula, mug, hammer, screwdriver, bowl, pen, cup, wrench",
        "sole": "mug, bowl, book, hammer, laptop, can, vase, cup, phone, bottle, pan",
    }.items()
}
"""Part -> kinds that never have one."""

USES: dict[str, tuple[str, ...]] = {
    "handle": (
        "the part that i should hold {ref} by",
        "where do i grip {ref}",
        "where should my hand go to hold {ref}",
        "what can i hold {ref} by",
        "the place to take hold of {ref}",
    ),
    "blade": (
        "the sharp edge of {ref}",
        "what must i not touch on {ref} so that i stay unhurt",
        "the working end of {ref}",
    ),
    "lid": (
        "what do i lift off to look into {ref}",
        "the part that keeps dust out of {ref}",
        "what covers {ref} at the top",
    ),
    "cap": (
        "what do i take off to open {ref}",
        "the part that must come off before i can use {ref}",
        "the part that closes {ref}",
    ),
    "spout": (
        "where does the water come out of {ref}",
        "the part that i pour from with {ref}",
        "which part of {ref} points at the glass when i pour",
    ),
    "trigger": ("what do i press to start {ref}", "where does my finger go to run {ref}"),
    "battery": ("which part of {ref} do i charge", "what gives {ref} its power"),
    "bit": ("the part that makes the hole on {ref}", "what turns at the very front of {ref}"),
    "bristles": ("the part that does the scrubbing on {ref}", "the hairs of {ref}"),
    "screen": ("where do i look to watch a film on {ref}", "the part that shows pictures on {ref}"),
    "keyboard": ("where do i type on {ref}", "the part with the letters on {ref}"),
    "pages": ("what do i leaf through in {ref}", "the part of {ref} made of paper sheets"),
    "buttons": ("what do i press on {ref}", "where do my thumbs go on {ref}"),
    "wheel": ("what do i scroll with on {ref}", "the part that turns under my finger on {ref}"),
    "wheels": ("what does {ref} roll on", "the round parts that {ref} drives on"),
    "laces": ("what do i tie on {ref}", "the strings of {ref}"),
    "sole": ("the part that touches the ground when i wear {ref}", "what wears down under {ref}"),
    "shackle": ("the part that swings open on {ref}", "the bow that goes through a hasp on {ref}"),
    "wick": ("which part of {ref} do i light", "where does the flame sit on {ref}"),
    "switch": ("what do i push to turn {ref} on", "where do i turn {ref} on"),
    "leaves": ("the part that turns to the sun on {ref}", "what grows on {ref}"),
    "pot": ("what holds the soil of {ref}", "the vessel that {ref} grows in"),
    "jaw": ("the part that grips the nut on {ref}", "which end of {ref} bites"),
    "screw": ("what do i turn to tighten {ref}", "the threaded part of {ref}"),
    "tip": ("the part that leaves ink on paper on {ref}", "the end of {ref} that writes"),
    "tines": ("the pointed end of {ref}", "the part that spears food on {ref}"),
    "bowl": ("the part that scoops up soup on {ref}", "the hollow end of {ref}"),
    "camera": ("what takes the pictures on {ref}", "the lens on the back of {ref}"),
    "bulb": ("the part that glows on {ref}",),
    "base": ("the part that goes into the socket on {ref}", "the threaded end of {ref}"),
    "shaft": ("the metal rod of {ref}", "the part between handle and screw on {ref}"),
    "flaps": ("what do i fold down to shut {ref}", "the parts that fold shut on {ref}"),
}
"""Part -> how people speak of it without its name; {ref} is the thing that it belongs to."""
HEAD_USES: dict[str, tuple[str, ...]] = {
    "hammer": ("the part that hits the nail on {ref}", "the heavy end of {ref}"),
    "flashlight": ("where does the light come out of {ref}", "the part that shines on {ref}"),
}
"""The same for heads, which are different things."""


def uses_of(kind: str, part: str) -> tuple[str, ...]:
    """How people speak of a part of that kind without its name."""
    return HEAD_USES.get(kind, ()) if part == "head" else USES.get(part, ())


def lacks(kinds: frozenset[str] | None, part: str) -> bool:
    """Whether nothing of these kinds (None: of any kind) ever has such a part."""
    return kinds is not None and kinds <= set(LACKING.get(part, ()))


def words_for(kind: str, part: str) -> tuple[str, ...]:
    """What a part of that kind is called."""
    return TWO_OF.get(kind, {}).get(part) or WORDS[part]


def is_plural(word: str) -> bool:
    """Whether the part's name is for several parts of one thing."""
    return word in ALWAYS_PLURAL or word.endswith(("handles", "blades", "grips", "jaws"))


def plural_of(word: str) -> str:
    """The part's name for parts of several things."""
    if is_plural(word):
        return word
    return "batteries" if word == "battery" else f"{word}s" if word[-1] not in "xh" else f"{word}es"
