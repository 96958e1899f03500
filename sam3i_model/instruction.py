"""What is asked: the instruction, its level, and the rules that pick a level from its text."""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass
from enum import IntEnum

MAX_TEXT_LENGTH = 1000
"""Characters. A longer text is rejected by the segmenter."""


class Level(IntEnum):
    """How much an instruction leaves to be worked out (SAM3-I, section 3)."""

    AUTO = 0
    CONCEPT = 1
    SIMPLE = 2
    COMPLEX = 3


class Outcome(IntEnum):
    """What became of an instruction in one frame."""

    FOUND = 1
    NOT_FOUND = 2
    AMBIGUOUS = 3
    REJECTED = 4


@dataclass(frozen=True)
class Instruction:
    """One sentence to ground. `max_instances` and `threshold` of 0 mean the default."""

    text: str
    id: str = "default"
    level: Level = Level.AUTO
    max_instances: int = 0
    threshold: float = 0.0


@dataclass(frozen=True)
class Routing:
    """A level (never AUTO), a short reason, and whether one single thing is asked for."""

    level: Level
    why: str
    singular: bool


def clean(text: str) -> str:
    """Unescape HTML, fold compatibility characters, collapse white space, lower the case."""
    folded = unicodedata.normalize("NFKC", html.unescape(html.unescape(text)))
    return " ".join(folded.split()).lower()


def route(text: str) -> Routing:
    """Pick the level of `text`. Never raises."""
    words = clean(text).split()
    singular = bool(words) and words[0] in ("the", "a", "an")
    if words and words[0] in ("something", "anything", "what"):
        return Routing(Level.COMPLEX, "no target noun", singular)
    if len(words) > 3:
        return Routing(Level.SIMPLE, "a noun with conditions", singular)
    return Routing(Level.CONCEPT, "a bare noun phrase", singular)
