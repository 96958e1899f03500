"""What a family of instructions gives: a text and what it denotes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from training.instructions.phrases import Phrase
from training.instructions.telling import Teller
from training.instructions.things import Thing


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, the things (or parts of things, by their labels) that it denotes, how it is built.

    `whole` is whether that is everything that the noun phrase in it means.
    """

    text: str
    things: list[Thing]
    pattern: str
    whole: bool = False
    parts: tuple[int, ...] | None = None


Family = Callable[[Teller, bool], Answer | None]
"""Makes one sort of instruction; the second argument is whether nothing is to answer to it. None
where the scene has no clear-cut case."""

_FIXED = re.compile(r"\{ref\}|\{n\} (?:and|that|which) |whichever")
"""Where nothing may be moved to the end."""

Patterns = tuple[str, ...]


def put(pattern: str, phrase: Phrase, rng: Random) -> str:
    """The phrase at {n} or {N}; what follows its noun may come at the end of the sentence."""
    after = phrase.after
    if (
        after.startswith(("that ", "which "))
        and "{n} " in pattern
        and not _FIXED.search(pattern)
        and rng.random() < 0.5
    ):
        return f"{pattern.replace('{n}', phrase.head)} {after.replace('{be}', 'is')}"
    if "{n}" in pattern:
        pattern = pattern.replace("{n}", phrase.one)
    return pattern.replace("{N}", phrase.many) if "{N}" in pattern else pattern
