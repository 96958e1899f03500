"""How people single things out by order, size, side and number.

Fields: {n} noun phrase, {N} the same in the plural, {np} definite noun phrase, {be} is or are,
{o} an ordinal.
"""

from __future__ import annotations

from training.instructions.answers import Patterns

CONCEPT_ONE: Patterns = ("{n}", "{n}", "{a}", "any {n}", "each {n}", "every {n}", "{n}")
CONCEPT_MANY: Patterns = (
    "{N}",
    "{N}",
    "the {N}",
    "all {N}",
    "all the {N}",
    "all of the {N}",
    "any {N}",
    "{N} of any sort",
    "every single {n}",
)
CONCEPT_THE: str = "the {n}"


def _on_side(side: str) -> Patterns:
    return (
        f"the {side}most {{n}}",
        f"the {{n}} on the far {side}",
        f"the {{n}} farthest to the {side}",
        f"the {{n}} furthest {side}",
        f"the {{n}} that is most to the {side}",
        f"the {side} {{n}}",
        f"the {{n}} at the {side} end",
        f"the {{n}} on the extreme {side}",
        f"the outermost {{n}} on the {side}",
        f"of all the {{N}} the {side}most one",
        f"whichever {{n}} is furthest to the {side}",
        f"the {{n}} with no other {{n}} to its {side}",
    )


SUPERLATIVE: dict[str, Patterns] = {
    "left": _on_side("left"),
    "right": _on_side("right"),
    "near": (
        "the closest {n}",
        "the nearest {n}",
        "the {n} closest to the camera",
        "the {n} nearest to the camera",
        "the {n} closest to me",
        "the {n} nearest to you",
        "the {n} closest to the robot",
        "the {n} at the front",
        "the frontmost {n}",
        "the {n} in the foreground",
        "of all the {N} the nearest one",
        "whichever {n} is nearest",
        "the {n} that i could reach first",
    ),
    "far": (
        "the farthest {n}",
        "the furthest {n}",
        "the {n} farthest from the camera",
        "the {n} furthest away from the camera",
        "the {n} farthest away",
        "the {n} most distant from the robot",
        "the {n} at the back",
        "the rearmost {n}",
        "the {n} in the background",
        "of all the {N} the most distant one",
        "whichever {n} is farthest away",
        "the hindmost {n}",
    ),
    "top": (
        "the topmost {n}",
        "the {n} at the top of the image",
        "the uppermost {n}",
        "the highest {n} in the picture",
        "the {n} closest to the top edge of the picture",
    ),
    "bottom": (
        "the bottommost {n}",
        "the {n} at the bottom of the image",
        "the lowermost {n}",
        "the lowest {n} in the picture",
        "the {n} closest to the bottom edge of the picture",
    ),
    "big": (
        "the biggest {n}",
        "the largest {n}",
        "the {n} that is the biggest",
        "the {n} with the largest size",
        "the {n} which looks the largest",
        "of all the {N} the biggest one",
        "whichever {n} is largest",
        "the {n} that takes up most room",
    ),
    "small": (
        "the smallest {n}",
        "the tiniest {n}",
        "the littlest {n}",
        "the {n} that is the smallest",
        "the {n} with the smallest size",
        "of all the {N} the smallest one",
        "whichever {n} is smallest",
        "the {n} that takes up least room",
    ),
    "tall": ("the tallest {n}", "the {n} that is the tallest", "whichever {n} is tallest"),
    "short": ("the shortest {n}", "the {n} that is the shortest", "whichever {n} is shortest"),
    "middle": (
        "the {n} in the middle",
        "the middle {n}",
        "the {n} in the center",
        "the {n} in the centre",
        "the center {n}",
        "the central {n}",
        "the {n} in the middle of the row",
        "the {n} halfway along the row",
    ),
}

COMPARATIVE: dict[str, Patterns] = {
    "left": (
        "the {n} further to the left",
        "the one of the two {N} that is on the left",
        "of the two {N} the left one",
    ),
    "right": (
        "the {n} further to the right",
        "the one of the two {N} that is on the right",
        "of the two {N} the right one",
    ),
    "near": (
        "the closer {n}",
        "the nearer of the two {N}",
        "the {n} that is closer to the camera",
        "of the two {N} the nearer one",
    ),
    "far": (
        "the farther {n}",
        "the {n} that is further away",
        "the more distant of the two {N}",
        "of the two {N} the one further off",
    ),
    "top": ("the {n} higher up in the image", "the upper of the two {N} in the picture"),
    "bottom": ("the {n} lower down in the image", "the lower of the two {N} in the picture"),
    "big": (
        "the bigger {n}",
        "the larger {n}",
        "the bigger of the two {N}",
        "the big {n}",
        "the large {n}",
        "of the two {N} the larger one",
    ),
    "small": (
        "the smaller {n}",
        "the smaller of the two {N}",
        "the small {n}",
        "the little {n}",
        "of the two {N} the smaller one",
    ),
    "tall": ("the taller {n}", "the taller of the two {N}", "of the two {N} the taller one"),
    "short": ("the shorter {n}", "the shorter of the two {N}", "of the two {N} the shorter one"),
}

ORDINAL: dict[str, Patterns] = {
    "left": (
        "the {o} {n} from the left",
        "the {o} {n} counting from the left",
        "the {o} {n} from left to right",
        "the {o} {n} starting at the left",
        "from the left the {o} {n}",
        "the {o} of the {N} from the left",
    ),
    "right": (
        "the {o} {n} from the right",
        "the {o} {n} counting from the right",
        "the {o} {n} from right to left",
        "the {o} {n} starting at the right",
        "from the right the {o} {n}",
        "the {o} of the {N} from the right",
    ),
    "near": (
        "the {o} {n} from the front",
        "the {o} closest {n}",
        "the {o} nearest {n}",
        "counting from the front the {o} {n}",
    ),
    "far": ("the {o} {n} from the back", "the {o} farthest {n}", "the {o} furthest {n}"),
    "big": ("the {o} biggest {n}", "the {o} largest {n}", "the {o} {n} by size"),
    "small": ("the {o} smallest {n}",),
    "tall": ("the {o} tallest {n}", "the {o} {n} by height"),
}


def _half(side: str) -> Patterns:
    return (
        f"{{np}} on the {side}",
        f"{{np}} on the {side} side",
        f"{{np}} on the {side} half of the image",
        f"{{np}} at the {side}",
        f"{{np}} on the {side} hand side",
        f"{{np}} towards the {side}",
        f"{{np}} in the {side} part of the photo",
        f"{{np}} over on the {side}",
        f"{{np}} to my {side}",
        f"on the {side} {{np}}",
        f"{{np}} in the {side} half",
    )


SIDE: dict[str, Patterns] = {"left": _half("left"), "right": _half("right")}

DEFINITE: Patterns = (
    "the {n}",
    "the {n}",
    "this {n}",
    "that {n}",
    "the only {n}",
    "the one {n}",
    "the single {n}",
    "my {n}",
    "our {n}",
    "your {n}",
    "precisely the {n}",
    "that one {n}",
)
DEFINITE_HERE: Patterns = (
    *DEFINITE,
    "the {n} over there",
    "the {n} i see",
    "that {n} over there",
    "the {n} lying around here",
)
