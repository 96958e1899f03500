"""How people single things out by others: beside, behind, between, in, on, part of.

Fields: {np} definite noun phrase, {be} is or are, {ref} and {ref2} definite references, {N} noun
phrase in the plural, {count} a number word, {part} and {parts} a part and more of them,
{belongs} the verb that goes with it, {inner} something in or on a thing.
"""

from __future__ import annotations

from training.instructions.answers import Patterns


def _beside(side: str) -> Patterns:
    return (
        f"{{np}} {side} of {{ref}}",
        f"{{np}} to the {side} of {{ref}}",
        f"{{np}} on the {side} of {{ref}}",
        f"{{np}} that {{be}} {side} of {{ref}}",
        f"{{np}} which {{be}} to the {side} of {{ref}}",
        f"{{np}} on the {side} side of {{ref}}",
        f"{{np}} located {side} of {{ref}}",
        f"{{np}} you see to the {side} of {{ref}}",
        f"to the {side} of {{ref}} {{np}}",
        f"{{np}} further {side} than {{ref}}",
    )


RELATION: dict[str, Patterns] = {
    "left": _beside("left"),
    "right": _beside("right"),
    "behind": (
        "{np} behind {ref}",
        "{np} that {be} behind {ref}",
        "{np} in back of {ref}",
        "{np} located behind {ref}",
        "{np} which {be} farther back than {ref}",
        "{np} you see behind {ref}",
        "behind {ref} {np}",
        "{np} at the back of {ref}",
    ),
    "front": (
        "{np} in front of {ref}",
        "{np} that {be} in front of {ref}",
        "{np} placed in front of {ref}",
        "{np} before {ref}",
        "{np} located in front of {ref}",
        "{np} which {be} closer to the camera than {ref}",
        "in front of {ref} {np}",
        "{np} nearer to me than {ref}",
    ),
}
CLOSEST: Patterns = (
    "{np} closest to {ref}",
    "{np} nearest to {ref}",
    "{np} that {be} closest to {ref}",
    "{np} nearest {ref}",
    "{np} with the least distance to {ref}",
    "{np} which {be} the nearest neighbour of {ref}",
    "{np} least far from {ref}",
)
NEXT_TO: Patterns = (
    "{np} next to {ref}",
    "{np} beside {ref}",
    "{np} near {ref}",
    "{np} by {ref}",
    "{np} close to {ref}",
    "{np} that {be} right next to {ref}",
    "{np} adjacent to {ref}",
    "{np} alongside {ref}",
    "{np} in the neighborhood of {ref}",
    "next to {ref} {np}",
)
FARTHEST_FROM: Patterns = (
    "{np} farthest from {ref}",
    "{np} furthest from {ref}",
    "{np} farthest away from {ref}",
    "{np} that {be} the farthest from {ref}",
    "{np} with the greatest distance to {ref}",
    "{np} most distant from {ref}",
)
BETWEEN: Patterns = (
    "{np} between {ref} and {ref2}",
    "{np} in between {ref} and {ref2}",
    "{np} that {be} between {ref} and {ref2}",
    "{np} in the middle between {ref} and {ref2}",
    "{np} you see between {ref} and {ref2}",
    "between {ref} and {ref2} {np}",
    "{np} with {ref} on one side and {ref2} on the other",
)
COMPARISON: dict[str, Patterns] = {
    "big": (
        "{np} bigger than {ref}",
        "{np} larger than {ref}",
        "{np} that {be} bigger than {ref}",
        "{np} which {be} larger in size than {ref}",
    ),
    "small": (
        "{np} smaller than {ref}",
        "{np} that {be} smaller than {ref}",
        "{np} which {be} smaller in size than {ref}",
    ),
    "tall": ("{np} taller than {ref}", "{np} that {be} taller than {ref}"),
    "short": ("{np} shorter than {ref}", "{np} that {be} shorter than {ref}"),
}
GROUP_NEAR: Patterns = (
    "the {count} {N} nearest {ref}",
    "the {count} {N} closest to {ref}",
    "the {count} {N} that are closest to {ref}",
    "the {count} {N} nearest to {ref}",
    "the {count} {N} with the least distance to {ref}",
)
GROUP_SIDE: dict[str, Patterns] = {
    "left": ("the {count} leftmost {N}", "the {count} {N} furthest to the left"),
    "right": ("the {count} rightmost {N}", "the {count} {N} furthest to the right"),
    "near": ("the {count} nearest {N}", "the {count} {N} closest to the camera"),
    "far": ("the {count} farthest {N}", "the {count} {N} furthest away from the camera"),
    "big": ("the {count} biggest {N}", "the {count} largest {N}"),
    "small": ("the {count} smallest {N}",),
}
INSIDE: Patterns = (
    "{np} in {ref}",
    "{np} inside {ref}",
    "{np} that {be} in {ref}",
    "{np} lying in {ref}",
    "{np} which {be} inside {ref}",
    "{np} within {ref}",
    "{np} that somebody put into {ref}",
    "{np} contained in {ref}",
)
UPON: Patterns = (
    "{np} on {ref}",
    "{np} on top of {ref}",
    "{np} that {be} on {ref}",
    "{np} lying on {ref}",
    "{np} which {be} on top of {ref}",
    "{np} resting on {ref}",
    "{np} that somebody put on {ref}",
    "{np} placed upon {ref}",
)
HOLDER: dict[str, Patterns] = {
    "inside": (
        "{np} with {inner} in it",
        "{np} that holds {inner}",
        "{np} containing {inner}",
        "{np} in which there is {inner}",
    ),
    "upon": (
        "{np} with {inner} on it",
        "{np} that carries {inner}",
        "{np} under {inner}",
        "{np} on which there is {inner}",
    ),
}
PART: Patterns = (
    "the {part} of {ref}",
    "the {part} on {ref}",
    "the {part} that {belongs} to {ref}",
    "the {part} {ref} has",
    "just the {part} of {ref}",
    "only the {part} of {ref}",
    "the {part} which {be} part of {ref}",
    "not all of {ref} but the {part}",
    "{ref} but only the {part}",
    "of {ref} the {part}",
)
PARTS_OF_ALL: Patterns = (
    "the {part} of every {n}",
    "the {part} of each {n}",
    "all the {parts} of the {N}",
    "the {parts} of all {N}",
    "every {part} of the {N}",
)
