"""What things are made of and which colours they come in.

`SUBSTANCES` is how a stuff shines; `LOOKS` which stuffs and colours a kind comes in; `ACCENTS`
what the parts look like that are not like the main one.
"""

from __future__ import annotations

from dataclasses import dataclass

ANY = "any"  # any of the named colours


@dataclass(frozen=True)
class Substance:
    """Ranges of shine (strength of highlights) and gloss (their sharpness), mirror 0..1.

    `word` is what people call the material, None where they don't say it. `clear` 0..1 is how
    much of what is behind shows through.
    """

    word: str | None
    shine: tuple[float, float]
    gloss: tuple[float, float]
    mirror: tuple[float, float] = (0.0, 0.0)
    clear: float = 0.0


SUBSTANCES = {
    "ceramic": Substance("ceramic", (0.2, 0.7), (30, 90), (0.03, 0.12)),
    "plastic": Substance("plastic", (0.05, 0.5), (15, 60), (0.0, 0.06)),
    "metal": Substance("metal", (0.4, 1.0), (20, 90), (0.35, 0.85)),
    "painted": Substance("metal", (0.1, 0.5), (20, 70), (0.0, 0.08)),
    "wood": Substance("wooden", (0.0, 0.15), (8, 25)),
    "glass": Substance("glass", (0.5, 1.0), (60, 120), (0.1, 0.2), 0.8),
    "cardboard": Substance("cardboard", (0.0, 0.02), (8, 12)),
    "paper": Substance("paper", (0.0, 0.05), (8, 12)),
    "coated": Substance("cardboard", (0.0, 0.25), (12, 40), (0.0, 0.03)),
    "rubber": Substance("rubber", (0.0, 0.12), (8, 20)),
    "fabric": Substance("fabric", (0.0, 0.0), (8, 10)),
    "leather": Substance("leather", (0.05, 0.25), (10, 25)),
    "wicker": Substance("wicker", (0.0, 0.1), (8, 20)),
    "foam": Substance(None, (0.0, 0.0), (8, 10)),
    "wax": Substance(None, (0.0, 0.15), (8, 20)),
    "peel": Substance(None, (0.05, 0.3), (10, 40)),
    "screen": Substance(None, (0.4, 0.9), (60, 120), (0.06, 0.18)),
}

Choice = tuple[float, str, tuple[str, ...] | str]  # share, substance, colours or ANY
_STEEL: Choice = (1.0, "metal", ("steel",))
_GRIP: tuple[Choice, ...] = (
    (0.6, "plastic", ANY),
    (0.2, "plastic", ("black",)),
    (0.2, "wood", ("wood", "brown")),
)
_CUTLERY: tuple[Choice, ...] = (
    (0.6, "metal", ("steel",)),
    (0.22, "plastic", ANY),
    (0.18, "wood", ("wood", "brown")),
)
_DISH: tuple[Choice, ...] = (
    (0.45, "ceramic", ("white", "white", "gray", "blue", "brown", "black")),
    (0.3, "ceramic", ANY),
    (0.13, "plastic", ANY),
    (0.06, "wood", ("wood",)),
    (0.06, "metal", ("steel",)),
)
_COOKWARE: tuple[Choice, ...] = (
    (0.45, "metal", ("steel",)),
    (0.3, "painted", ("black",)),
    (0.25, "painted", ANY),
)
_GADGET: tuple[Choice, ...] = ((0.7, "plastic", ("black", "white", "gray")), (0.3, "plastic", ANY))

LOOKS: dict[str, tuple[Choice, ...]] = {
    "box": ((0.35, "cardboard", ("cardboard",)), (0.5, "coated", ANY), (0.15, "plastic", ANY)),
    "ball": ((0.75, "rubber", ANY), (0.25, "plastic", ANY)),
    "can": ((0.75, "painted", ANY), (0.25, "metal", ("steel",))),
    "bottle": (
        (0.65, "plastic", ANY),
        (0.2, "glass", ("clear", "bottle green", "amber")),
        (0.15, "metal", ("steel",)),
    ),
    "bowl": _DISH,
    "mug": (
        (0.4, "ceramic", ("white", "black", "blue", "gray")),
        (0.5, "ceramic", ANY),
        (0.1, "painted", ANY),
    ),
    "cone": ((0.5, "plastic", ("orange",)), (0.5, "plastic", ANY)),
    "pitcher": ((0.45, "ceramic", ANY), (0.35, "plastic", ANY), (0.2, "metal", ("steel",))),
    "banana": ((0.85, "peel", ("yellow",)), (0.15, "peel", ("green",))),
    "plate": _DISH,
    "cup": ((0.4, "paper", ("white", "brown", "red", "green")), (0.6, "plastic", ANY)),
    "glass": ((0.8, "glass", ("clear",)), (0.2, "glass", ("bottle green", "amber", "pale blue"))),
    "tray": (
        (0.5, "plastic", ANY),
        (0.3, "wood", ("wood", "brown")),
        (0.2, "metal", ("steel",)),
    ),
    "spoon": _CUTLERY,
    "fork": _CUTLERY,
    "knife": ((0.35, "plastic", ("black",)), (0.25, "metal", ("steel",)), *_GRIP),
    "spatula": _GRIP,
    "jar": ((0.45, "glass", ("clear",)), (0.3, "ceramic", ANY), (0.25, "plastic", ANY)),
    "carton": ((0.5, "coated", ("white", "blue", "green", "red", "orange")), (0.5, "coated", ANY)),
    "tube": ((0.4, "plastic", ("white",)), (0.6, "plastic", ANY)),
    "pan": _COOKWARE,
    "pot": _COOKWARE,
    "kettle": ((0.3, "metal", ("steel",)), (0.35, "painted", ANY), (0.35, "ceramic", ANY)),
    "watering can": ((0.6, "plastic", ANY), (0.25, "painted", ANY), (0.15, "metal", ("steel",))),
    "bucket": ((0.7, "plastic", ANY), (0.3, "metal", ("steel",))),
    "apple": ((1.0, "peel", ("red", "red", "green apple", "yellow apple")),),
    "orange": ((1.0, "peel", ("orange",)),),
    "lemon": ((0.85, "peel", ("yellow",)), (0.15, "peel", ("lime",))),
    "pear": ((1.0, "peel", ("green apple", "yellow apple", "pear brown")),),
    "egg": ((1.0, "wax", ("white", "eggshell", "eggshell")),),
    "carrot": ((1.0, "peel", ("orange",)),),
    "screwdriver": _GRIP,
    "hammer": ((0.5, "wood", ("wood", "brown")), (0.5, "rubber", ANY)),
    "wrench": ((0.9, "metal", ("steel",)), (0.1, "painted", ("black", "red", "blue"))),
    "pliers": ((1.0, "rubber", ("red", "blue", "green", "yellow", "orange", "black", "red")),),
    "scissors": ((0.5, "plastic", ("black", "red", "orange", "blue")), (0.5, "plastic", ANY)),
    "drill": (
        (0.8, "plastic", ("yellow", "green", "red", "blue", "orange", "black")),
        (0.2, "plastic", ANY),
    ),
    "clamp": ((0.5, "painted", ANY), (0.5, "metal", ("steel",))),
    "pen": ((1.0, "plastic", ANY),),
    "brush": ((0.45, "wood", ("wood", "brown")), (0.55, "plastic", ANY)),
    "tape": (
        (0.35, "plastic", ("tape",)),
        (0.3, "plastic", ("gray", "black", "white")),
        (0.35, "plastic", ANY),
    ),
    "book": ((1.0, "coated", ANY),),
    "laptop": ((0.55, "metal", ("aluminium",)), (0.45, "plastic", ("black", "gray", "white"))),
    "phone": ((0.7, "plastic", ("black", "white", "gray")), (0.3, "plastic", ANY)),
    "remote": ((0.8, "plastic", ("black", "gray")), (0.2, "plastic", ("white",))),
    "mouse": _GADGET,
    "keyboard": _GADGET,
    "sponge": ((0.5, "foam", ("yellow",)), (0.5, "foam", ANY)),
    "shoe": ((0.3, "leather", ("black", "brown")), (0.7, "fabric", ANY)),
    "padlock": ((0.6, "metal", ("brass",)), (0.2, "metal", ("steel",)), (0.2, "painted", ANY)),
    "key": ((0.5, "metal", ("brass",)), (0.5, "metal", ("steel",))),
    "light bulb": ((1.0, "ceramic", ("white",)),),
    "candle": ((0.4, "wax", ("white",)), (0.6, "wax", ANY)),
    "toy car": ((1.0, "painted", ANY),),
    "block": ((0.3, "wood", ("wood",)), (0.7, "plastic", ANY)),
    "vase": ((0.8, "ceramic", ANY), (0.2, "glass", ("clear", "pale blue"))),
    "plant": ((0.6, "ceramic", ("terracotta", "white", "black")), (0.4, "ceramic", ANY)),
    "basket": ((0.8, "wicker", ("wood", "brown")), (0.2, "plastic", ANY)),
    "bag": ((0.4, "paper", ("cardboard", "white")), (0.6, "plastic", ANY)),
    "flashlight": ((0.7, "plastic", ANY), (0.3, "painted", ("black",))),
    "teddy bear": ((0.7, "fabric", ("brown", "bear")), (0.3, "fabric", ANY)),
}
OTHERWISE: tuple[Choice, ...] = ((0.7, "plastic", ANY), (0.3, "metal", ("steel",)))

TONES: dict[str, tuple[float, float, float]] = {
    "steel": (0.68, 0.68, 0.7),
    "aluminium": (0.72, 0.73, 0.75),
    "brass": (0.78, 0.6, 0.26),
    "wood": (0.72, 0.52, 0.33),
    "cardboard": (0.7, 0.54, 0.37),
    "clear": (0.86, 0.9, 0.9),
    "bottle green": (0.25, 0.5, 0.3),
    "amber": (0.55, 0.3, 0.1),
    "pale blue": (0.6, 0.75, 0.88),
    "green apple": (0.5, 0.72, 0.18),
    "yellow apple": (0.88, 0.78, 0.25),
    "pear brown": (0.66, 0.55, 0.25),
    "lime": (0.4, 0.65, 0.12),
    "eggshell": (0.82, 0.62, 0.46),
    "terracotta": (0.72, 0.38, 0.24),
    "tape": (0.75, 0.6, 0.35),
    "bear": (0.68, 0.5, 0.32),
    "paper": (0.93, 0.92, 0.86),
    "bristle": (0.85, 0.78, 0.6),
    "soil": (0.17, 0.11, 0.07),
    "stem": (0.3, 0.22, 0.1),
}
"""Colours (RGB 0..1) of stuffs; what people would call them is seen in the picture, if clear."""

ACCENTS: dict[str, tuple[Choice, ...]] = {
    **dict.fromkeys(
        ("blade", "shaft", "jaw", "head", "bit", "chuck", "ferrule", "screw", "steel"), (_STEEL,)
    ),
    **dict.fromkeys(
        ("trigger", "battery", "wheel", "switch", "dark", "black", "wick", "frame"),
        ((1.0, "plastic", ("black",)),),
    ),
    "cap": ((0.7, "plastic", ANY), (0.3, "plastic", ("white", "black"))),
    "lid": ((0.4, "metal", ("steel",)), (0.4, "plastic", ANY), (0.2, "plastic", ("white",))),
    "wheels": ((1.0, "rubber", ("black",)),),
    "display": ((1.0, "screen", ("black",)),),
    "window": ((1.0, "screen", ("black", "black", "gray")),),
    "keys": ((0.75, "plastic", ("black", "gray")), (0.25, "plastic", ("white",))),
    "buttons": ((0.7, "rubber", ("gray", "white")), (0.3, "rubber", ANY)),
    "red": ((1.0, "plastic", ("red", "red", "green")),),
    "mark": ((1.0, "plastic", ("white", "gray")),),
    "milk": ((1.0, "ceramic", ("white",)),),
    "paper": ((1.0, "paper", ("paper",)),),
    "print": ((1.0, "paper", ("paper",)),),
    "cardboard": ((1.0, "cardboard", ("cardboard",)),),
    "leaf": ((1.0, "peel", ("green",)),),
    "soil": ((1.0, "foam", ("soil",)),),
    "stem": ((1.0, "wood", ("stem",)),),
    "bristles": ((0.6, "fabric", ("bristle", "white", "black")), (0.4, "fabric", ANY)),
    "scourer": ((0.6, "fabric", ("green",)), (0.4, "fabric", ANY)),
    "snout": ((1.0, "fabric", ("bristle",)),),
    "laces": ((0.6, "fabric", ("white",)), (0.4, "fabric", ANY)),
    "sole": ((0.6, "rubber", ("white",)), (0.2, "rubber", ("black",)), (0.2, "rubber", ANY)),
    "tip": ((0.5, "plastic", ("black",)), (0.5, "plastic", ANY)),
    "accent": ((0.5, "plastic", ANY), (0.5, "metal", ("steel",))),
    "contents": (
        (0.5, "screen", ("brown", "black", "stem")),
        (0.3, "foam", ("white", "yellow", "orange")),
        (0.2, "foam", ANY),
    ),
}
"""Finish of a group (see Mesh.names) -> its looks. Groups that are not here look as the main."""

SAME_LID = 0.45  # share of lids, and of caps, that look as the rest
OTHER_HANDLE = 0.15  # share of handles that do not
DARK_HANDLES = {"pan", "pot", "kettle", "drill"}  # where they are mostly black
METALLIC = {"metal", "glass"}  # stuffs that have no colour to name
COLOURLESS = {"plant"}  # of which nobody would say that it is red when the pot is
PRINTED = {
    "box",
    "can",
    "bottle",
    "mug",
    "pitcher",
    "jar",
    "carton",
    "tube",
    "cup",
    "bag",
    "book",
    "candle",
    "tray",
    "vase",
    "bucket",
}
NEVER_PATTERNED = {
    "block",
    "banana",
    "apple",
    "orange",
    "lemon",
    "pear",
    "egg",
    "carrot",
    "light bulb",
    "key",
    "padlock",
    "wrench",
    "scissors",
    "pliers",
    "drill",
    "glass",
    "spoon",
    "fork",
    "laptop",
    "keyboard",
    "hammer",
    "knife",
    "spatula",
    "clamp",
    "phone",
    "remote",
    "mouse",
    "sponge",
    "screwdriver",
    "teddy bear",
    "plant",
}
ROUND = {
    "can",
    "bottle",
    "bowl",
    "mug",
    "cone",
    "pitcher",
    "cup",
    "jar",
    "pot",
    "pan",
    "kettle",
    "vase",
    "candle",
    "bucket",
    "watering can",
    "plant",
    "apple",
    "orange",
    "pear",
    "glass",
    "ball",
    "tape",
    "spindle",
    "basket",
}
"""Kinds whose pictures are wound around them."""
ALONG = {"banana", "lemon", "egg", "carrot"}
