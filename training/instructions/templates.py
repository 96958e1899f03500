"""What the grammar says about things. `vocabulary` reads its words from here and `requests`.

Fields: {n} noun phrase, {N} the same in the plural, {a} the same with a or an, {np} definite noun
phrase, {be} is or are, {ref} and {ref2} definite references, {color}, {count} a number word, {o} an
ordinal.
"""

from __future__ import annotations

CONCEPT_ONE: tuple[str, ...] = ("{n}", "{n}", "{n}", "{a}", "any {n}", "every {n}", "each {n}")
CONCEPT_MANY: tuple[str, ...] = (
    "{N}",
    "{N}",
    "{N}",
    "the {N}",
    "all {N}",
    "all the {N}",
    "all of the {N}",
    "any {N}",
    "every {n}",
)
CONCEPT_THE: str = "the {n}"

SUPERLATIVE: dict[str, tuple[str, ...]] = {
    "left": (
        "the leftmost {n}",
        "the {n} on the left",
        "the {n} on the far left",
        "the {n} farthest to the left",
        "the {n} furthest left",
        "the {n} that is most to the left",
        "the left {n}",
        "the {n} at the left end",
        "the {n} on the extreme left",
        "the {n} on the left hand side",
        "the outermost {n} on the left",
    ),
    "right": (
        "the rightmost {n}",
        "the {n} on the right",
        "the {n} on the far right",
        "the {n} farthest to the right",
        "the {n} furthest right",
        "the {n} that is most to the right",
        "the right {n}",
        "the {n} at the right end",
        "the {n} on the extreme right",
        "the {n} on the right hand side",
        "the outermost {n} on the right",
    ),
    "near": (
        "the closest {n}",
        "the nearest {n}",
        "the {n} closest to the camera",
        "the {n} nearest to the camera",
        "the {n} closest to me",
        "the {n} nearest to you",
        "the {n} closest to the robot",
        "the {n} in front",
        "the {n} at the front",
        "the frontmost {n}",
        "the {n} in the foreground",
        "the {n} at the least distance from the viewer",
    ),
    "far": (
        "the farthest {n}",
        "the furthest {n}",
        "the {n} farthest from the camera",
        "the {n} furthest away from the camera",
        "the {n} farthest away",
        "the {n} most distant from the robot",
        "the {n} at the back",
        "the {n} in the back",
        "the rearmost {n}",
        "the {n} in the background",
        "the {n} at the far end of the table",
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
    ),
    "small": (
        "the smallest {n}",
        "the tiniest {n}",
        "the littlest {n}",
        "the {n} that is the smallest",
        "the {n} with the smallest size",
    ),
    "tall": ("the tallest {n}", "the {n} that is the tallest"),
    "short": ("the shortest {n}", "the {n} that is the shortest"),
    "middle": (
        "the {n} in the middle",
        "the middle {n}",
        "the {n} in the center",
        "the {n} in the centre",
        "the center {n}",
        "the central {n}",
        "the {n} in the middle of the row",
    ),
}

COMPARATIVE: dict[str, tuple[str, ...]] = {
    "left": ("the {n} further to the left", "the one of the two {N} that is on the left"),
    "right": ("the {n} further to the right", "the one of the two {N} that is on the right"),
    "near": ("the closer {n}", "the nearer of the two {N}", "the {n} that is closer to the camera"),
    "far": ("the farther {n}", "the {n} that is further away", "the more distant of the two {N}"),
    "top": ("the {n} higher up in the image",),
    "bottom": ("the {n} lower down in the image",),
    "big": (
        "the bigger {n}",
        "the larger {n}",
        "the bigger of the two {N}",
        "the big {n}",
        "the large {n}",
    ),
    "small": (
        "the smaller {n}",
        "the smaller of the two {N}",
        "the small {n}",
        "the little {n}",
    ),
    "tall": ("the taller {n}", "the taller of the two {N}", "the tall {n}"),
    "short": ("the shorter {n}", "the shorter of the two {N}", "the short {n}"),
}

ORDINAL: dict[str, tuple[str, ...]] = {
    "left": (
        "the {o} {n} from the left",
        "the {o} {n} counting from the left",
        "the {o} {n} from left to right",
        "the {o} {n} starting at the left",
    ),
    "right": (
        "the {o} {n} from the right",
        "the {o} {n} counting from the right",
        "the {o} {n} from right to left",
        "the {o} {n} starting at the right",
    ),
    "near": ("the {o} {n} from the front", "the {o} closest {n}", "the {o} nearest {n}"),
    "far": ("the {o} {n} from the back", "the {o} farthest {n}", "the {o} furthest {n}"),
    "big": ("the {o} biggest {n}", "the {o} largest {n}"),
    "small": ("the {o} smallest {n}",),
    "tall": ("the {o} tallest {n}",),
}

SIDE: dict[str, tuple[str, ...]] = {
    "left": (
        "{np} on the left",
        "{np} on the left side",
        "{np} on the left side of the table",
        "{np} on the left half of the image",
        "{np} at the left",
        "{np} on the left hand side",
        "{np} towards the left",
        "{np} in the left part of the photo",
    ),
    "right": (
        "{np} on the right",
        "{np} on the right side",
        "{np} on the right side of the table",
        "{np} on the right half of the image",
        "{np} at the right",
        "{np} on the right hand side",
        "{np} towards the right",
        "{np} in the right part of the photo",
    ),
}

RELATION: dict[str, tuple[str, ...]] = {
    "left": (
        "{np} left of {ref}",
        "{np} to the left of {ref}",
        "{np} on the left of {ref}",
        "{np} that {be} left of {ref}",
        "{np} which {be} to the left of {ref}",
        "{np} on the left side of {ref}",
        "{np} standing left of {ref}",
        "{np} directly to the left of {ref}",
        "{np} located left of {ref}",
    ),
    "right": (
        "{np} right of {ref}",
        "{np} to the right of {ref}",
        "{np} on the right of {ref}",
        "{np} that {be} right of {ref}",
        "{np} which {be} to the right of {ref}",
        "{np} on the right side of {ref}",
        "{np} standing right of {ref}",
        "{np} directly to the right of {ref}",
        "{np} located right of {ref}",
    ),
    "behind": (
        "{np} behind {ref}",
        "{np} that {be} behind {ref}",
        "{np} in back of {ref}",
        "{np} standing behind {ref}",
        "{np} located behind {ref}",
        "{np} which {be} farther back than {ref}",
    ),
    "front": (
        "{np} in front of {ref}",
        "{np} that {be} in front of {ref}",
        "{np} standing in front of {ref}",
        "{np} placed in front of {ref}",
        "{np} before {ref}",
        "{np} located in front of {ref}",
        "{np} which {be} closer to the camera than {ref}",
    ),
}
CLOSEST: tuple[str, ...] = (
    "{np} closest to {ref}",
    "{np} nearest to {ref}",
    "{np} that {be} closest to {ref}",
    "{np} nearest {ref}",
    "{np} with the least distance to {ref}",
)
NEXT_TO: tuple[str, ...] = (
    "{np} next to {ref}",
    "{np} beside {ref}",
    "{np} near {ref}",
    "{np} by {ref}",
    "{np} close to {ref}",
    "{np} that {be} right next to {ref}",
    "{np} sitting next to {ref}",
    "{np} adjacent to {ref}",
    "{np} alongside {ref}",
    "{np} lying beside {ref}",
)
FARTHEST_FROM: tuple[str, ...] = (
    "{np} farthest from {ref}",
    "{np} furthest from {ref}",
    "{np} farthest away from {ref}",
    "{np} that {be} the farthest from {ref}",
)
BETWEEN: tuple[str, ...] = (
    "{np} between {ref} and {ref2}",
    "{np} in between {ref} and {ref2}",
    "{np} that {be} between {ref} and {ref2}",
    "{np} standing between {ref} and {ref2}",
    "{np} in the middle between {ref} and {ref2}",
)
COMPARISON: dict[str, tuple[str, ...]] = {
    "big": (
        "{np} bigger than {ref}",
        "{np} larger than {ref}",
        "{np} that {be} bigger than {ref}",
    ),
    "small": ("{np} smaller than {ref}", "{np} that {be} smaller than {ref}"),
    "tall": (
        "{np} taller than {ref}",
        "{np} that {be} taller than {ref}",
    ),
    "short": ("{np} shorter than {ref}", "{np} that {be} shorter than {ref}"),
}

DEFINITE: tuple[str, ...] = (
    "the {n}",
    "the {n}",
    "the {n}",
    "this {n}",
    "that {n}",
    "the {n} over there",
    "the only {n}",
)
DEFINITE_COLOR: tuple[str, ...] = (
    "the {color} {n}",
    "the {color} {n}",
    "the {color} {n}",
    "the {n} that is {color}",
    "the {n} which is {color}",
    "the {n} with the {color} color",
    "the {color} colored {n}",
    "the {color} coloured {n}",
    "the {n} of {color} colour",
    "the {n} in {color}",
)

NOT_COLOR: tuple[str, ...] = (
    "{np} that {be} not {color}",
    "{np} which {be} not {color}",
    "{np} not {color}",
    "{np} that {be}n't {color}",
    "{np} which {be}n't {color}",
    "{np} of any color but {color}",
    "{np} without {color} color",
)
NOT_THE: tuple[str, ...] = (
    "{np} which {be}n't the {color} one",
    "{np} that {be} not the {color} one",
    "{np} other than the {color} one",
    "{np} but not the {color} one",
)
NOT_KIND: tuple[str, ...] = (
    "all objects except {ref}",
    "everything except {ref}",
    "everything but {ref}",
    "every object other than {ref}",
    "all things that are not {ref}",
    "all the items without {ref}",
    "the objects which aren't {ref}",
)
NOT_BUT: tuple[str, ...] = (
    "not {ref} but {ref2}",
    "{ref2} not {ref}",
    "{ref2} and not {ref}",
    "{ref2} instead of {ref}",
)

COUNT: tuple[str, ...] = (
    "the {count} {N}",
    "all {count} {N}",
    "{count} {N}",
    "all of the {count} {N}",
    "the group of {count} {N}",
)
BOTH: tuple[str, ...] = ("both {N}", "both of the {N}", "both the {N}", "the pair of {N}")
ALL_SIDE: tuple[str, ...] = ("all the {N}", "all {N}", "the {N}", "every one of the {N}")

PAIR: tuple[str, ...] = (
    "{ref} and {ref2}",
    "both {ref} and {ref2}",
    "{ref} and also {ref2}",
    "{ref} as well as {ref2}",
    "{ref} together with {ref2}",
    "{ref} plus {ref2}",
)
