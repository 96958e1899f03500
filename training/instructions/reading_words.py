"""The reader's own dictionary: what stands between nouns, and what it asks to be done.

It is kept apart from the templates on purpose: the reader must not know how a sentence was made.
"""

from __future__ import annotations

import re

Tokens = tuple[str, ...]


def tokens_of(text: str) -> list[str]:
    """Lower-case words; contractions in full."""
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = re.sub(r"\bcan't\b|\bcannot\b", "can not", text).replace("won't", "will not")
    text = text.replace("n't", " not").replace("see-through", "seethrough")
    return re.findall(r"\w+", text)


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(entries: dict[str, str]) -> dict[Tokens, str]:
    return {
        tuple(tokens_of(phrase)): value
        for value, phrases in entries.items()
        for phrase in phrases.split("|")
    }


ORDER: dict[Tokens, str] = _table(
    {
        "left": "leftmost|on the far left|farthest to the left|furthest left|most to the left|left|"
        "at the left end|on the extreme left|outermost on the left|furthest to the left|"
        "with no other to its left|further to the left|that is on the left one",
        "right": "rightmost|on the far right|farthest to the right|furthest right|"
        "most to the right|right|at the right end|on the extreme right|outermost on the right|"
        "furthest to the right|with no other to its right|further to the right",
        "near": "closest|nearest|closest to the camera|nearest to the camera|closest to me|"
        "nearest to you|closest to the robot|at the front|frontmost|in the foreground|"
        "that i could reach first|closer|nearer|closer to the camera",
        "far": "farthest|furthest|farthest from the camera|furthest away from the camera|"
        "farthest away|most distant from the robot|at the back|rearmost|in the background|"
        "most distant|hindmost|farther|further away|more distant|further off",
        "top": "topmost|at the top of the image|uppermost|highest|"
        "closest to the top edge of the picture|higher up in the image|upper",
        "bottom": "bottommost|at the bottom of the image|lowermost|lowest|"
        "closest to the bottom edge of the picture|lower down in the image|lower",
        "big": "biggest|largest|with the largest size|which looks the largest|bigger|larger|big|"
        "large|that takes up most room|looks the largest",
        "small": "smallest|tiniest|littlest|with the smallest size|smaller|small|little|"
        "that takes up least room",
        "tall": "tallest|taller",
        "short": "shortest|shorter",
        "middle": "in the middle|middle|in the center|in the centre|center|central|"
        "in the middle of the row|halfway along the row",
    }
)
"""Words that pick the first along an axis."""

COUNTING: dict[Tokens, str] = _table(
    {
        "left": "from the left|counting from the left|from left to right|starting at the left",
        "right": "from the right|counting from the right|from right to left|starting at the right",
        "near": "from the front|counting from the front|closest|nearest",
        "far": "from the back|farthest|furthest",
        "big": "biggest|largest|by size",
        "small": "smallest",
        "tall": "tallest|by height",
    }
)
"""Where an ordinal counts from."""

HALF: dict[Tokens, str] = _table(
    {
        side: f"on the {side}|on the {side} side|on the {side} half of the image|at the {side}|"
        f"on the {side} hand side|towards the {side}|in the {side} part of the photo|"
        f"over on the {side}|to my {side}|in the {side} half"
        for side in ("left", "right")
    }
)

RELATION: dict[Tokens, str] = _table(
    {
        **{
            side: f"{side} of|to the {side} of|on the {side} of|on the {side} side of|"
            f"located {side} of|you see to the {side} of|further {side} than"
            for side in ("left", "right")
        },
        "far": "behind|in back of|located behind|farther back than|you see behind|at the back of",
        "near": "in front of|placed in front of|before|located in front of|"
        "closer to the camera than|nearer to me than",
        "big": "bigger than|larger than|larger in size than",
        "small": "smaller than|smaller in size than",
        "tall": "taller than",
        "short": "shorter than",
        "closest": "closest to|nearest to|nearest|with the least distance to|"
        "the nearest neighbour of|least far from|next to|beside|near|by|close to|right next to|"
        "adjacent to|alongside|in the neighborhood of",
        "farthest": "farthest from|furthest from|farthest away from|the farthest from|"
        "with the greatest distance to|most distant from",
        "between": "between|in between|in the middle between|you see between",
        "amid": "with",
        "inside": "in|inside|lying in|within|that somebody put into|contained in",
        "upon": "on|on top of|lying on|resting on|that somebody put on|placed upon",
        "holding": "containing|that holds|in which there is",
        "carrying": "under|that carries|on which there is",
        "except": "but|except|other than|apart from|but not|without|except for|save|besides",
    }
)
"""What a second noun phrase, the reference, comes after."""

IDLE: frozenset[str] = _set(
    """
    the a an any every each all of other this that these those my our your only one single whole
    lot precisely both couple group whichever whatever as many there are is be which over here
    sight sort in i see around lying pair pairs together too size
    """
)
"""Words inside a noun phrase that change nothing."""

SKIPPED: dict[Tokens, str] = _table({"skip": "lying around|each and|in the picture|every one"})
"""Idioms that change nothing."""

ANYTHING: frozenset[str] = _set(
    """
    object objects thing things item items something anything everything
    """
)
"""Nouns that mean everything."""

STARTS: frozenset[str] = _set(
    """
    the a an any every each all this that these those both my our your something anything
    """
)
"""Words with which a new noun phrase starts."""

BEFORE_USE: frozenset[str] = _set(
    """
    to i can could people you one we somebody might would should never not is are me nobody do
    """
)
"""Words after which a use, an ability or a property may come."""

FRAME: frozenset[str] = _set(
    """
    a able about all am among an and another any anything anyone are as bare be bring can could
    dear do does everything excuse find for from get give going got hand hands have help helping
    here how i if in is it item job let like likely look looking me meant might my need needed
    never nobody not now object objects of oh one or out over pass people pick please point ready
    rest right see serve short should show so some somebody something sort take takes that the
    there these thing things time to told unable use was we well what whatever which will with
    wonder would some such you could but apart items time know things don hand bare
    """
)
"""Words around a use or a situation that ask for it."""
NEGATIVE: frozenset[str] = _set(
    """
    not never nobody unable apart but
    """
)
BEFORE_MARK: frozenset[str] = _set(
    """
    that which i can could to you one people would we somebody might able likely good
    is are
    """
)
"""Words between a noun and its use."""
