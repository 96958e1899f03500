"""Words for what things are like: before the noun and after it."""

from __future__ import annotations

from training.instructions.lexicon import COLOR_WORDS, COLORS
from training.instructions.traits import Trait

BEFORE: dict[Trait, tuple[str, ...]] = {
    **{("color", color): COLOR_WORDS[color] for color in COLORS},
    ("material", "metal"): ("metal", "metallic"),
    ("material", "plastic"): ("plastic",),
    ("material", "wooden"): ("wooden", "wood"),
    ("material", "wicker"): ("wicker",),
    ("material", "glass"): ("glass", "see-through"),
    ("material", "cardboard"): ("cardboard",),
    ("pattern", "striped"): ("striped", "stripy", "stripey"),
    ("pattern", "dotted"): ("dotted", "spotted", "polka dot"),
    ("pattern", "checked"): ("checked", "checkered", "chequered"),
    ("open", "open"): ("open", "opened"),
    ("open", "closed"): ("closed", "shut"),
    ("full", "full"): ("full", "filled"),
    ("full", "empty"): ("empty",),
    ("pose", "standing"): ("upright", "standing"),
    ("pose", "lying"): ("lying", "tipped over", "toppled"),
    ("pose", "upside down"): ("upside down", "upturned", "overturned"),
}
"""Trait -> adjectives for it."""

AFTER: dict[Trait, tuple[str, ...]] = {
    **{
        ("color", color): tuple(
            pattern.format(color=word)
            for word in COLOR_WORDS[color]
            for pattern in (
                "that {{be}} {color}",
                "which {{be}} {color}",
                "with the {color} color",
                "of {color} colour",
                "in {color}",
                "coloured {color}",
                "colored {color}",
                "whose color is {color}",
                "whose colour is {color}",
            )
        )
        for color in COLORS
    },
    ("material", "metal"): ("made of metal", "that {be} made of metal", "out of metal"),
    ("material", "plastic"): ("made of plastic", "that {be} made of plastic", "out of plastic"),
    ("material", "wooden"): ("made of wood", "which {be} made of wood", "out of wood"),
    ("material", "wicker"): ("made of wicker", "that {be} made of wicker", "woven from wicker"),
    ("material", "glass"): ("made of glass", "which {be} made of glass", "one can see through"),
    ("material", "cardboard"): ("made of cardboard", "that {be} made of cardboard"),
    ("pattern", "striped"): ("with stripes", "that {be} striped", "with a striped pattern"),
    ("pattern", "dotted"): ("with dots", "with spots", "that {be} dotted", "with polka dots"),
    ("pattern", "checked"): ("with checks", "with a checked pattern", "which {be} chequered"),
    ("open", "open"): ("that {be} open", "which {be} open", "that {be} not closed"),
    ("open", "closed"): ("that {be} closed", "which {be} shut", "that {be} not open"),
    ("full", "full"): ("that {be} full", "with something in it", "which {be} not empty"),
    ("full", "empty"): ("that {be} empty", "with nothing in it", "which {be} not full"),
    ("pose", "standing"): ("that {be} standing", "standing upright", "which {be} upright"),
    ("pose", "lying"): ("lying down", "that {be} lying", "that {be} tipped over", "on its side"),
    ("pose", "upside down"): ("that {be} upside down", "turned upside down", "on its head"),
}
"""Trait -> what follows the noun; {be} is to agree with it."""
