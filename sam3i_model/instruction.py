"""What is asked: the instruction, its level, and the rules that pick a level from its text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

import ftfy

from sam3i_model import routing
from sam3i_model.routing.cutting import cut_out

MAX_TEXT_LENGTH = 1000
"""Characters."""


class Level(IntEnum):
    """How much an instruction leaves to be worked out (the levels of SAM3-I)."""

    AUTO = 0
    CONCEPT = 1
    """A bare noun phrase: every instance of it."""
    SIMPLE = 2
    """A noun with conditions: attribute, place, relation, state, number, negation."""
    COMPLEX = 3
    """No target noun: a purpose, an intention or a situation instead."""


LEVELS = tuple(level.name.lower() for level in Level if level != Level.AUTO)


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
    """How a sentence is read.

    Attributes:
        level: Never AUTO.
        why: A short reason for the level.
        singular: Whether one single thing is asked for.
        definite: Whether it is a certain one ("the mug"), not any one ("a mug"). Never at COMPLEX,
            where whatever serves will do.
        prompt: What a model is to read: the target's own words, cut out of the cleaned text; all of
            that where they can't be told apart.
        kind: What says the same to a model without adapters: "red mug" of "the red mug". Empty
            where that would say less, and where the level was given.
    """

    level: Level
    why: str
    singular: bool
    definite: bool
    prompt: str
    kind: str = ""


def clean(text: str) -> str:
    """Repair broken Unicode, unescape HTML twice, collapse white space, lower the case.

    What SAM 3's tokenizer does before anything else.
    """
    repaired = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(repaired.split()).lower()


def route(text: str) -> Routing:
    """Pick the level of an English sentence by rules. Never raises; what fits no rule is a concept.

    Only the first `MAX_TEXT_LENGTH` characters are read. A line tells a thing of its own.
    """
    return _read(text[:MAX_TEXT_LENGTH])


@lru_cache(1024)  # the same sentence is asked of every frame, and named by every answer of a bag
def _read(text: str) -> Routing:
    lines = text.strip().splitlines()
    cleaned = clean("; ".join(lines))
    reading = routing.read(cleaned)
    prompt, kind = (cut_out(words.split(), cleaned) for words in (reading.prompt, reading.kind))
    if prompt and reading.level == routing.COMPLEX:  # its end may tell of the need: "too hot here"
        prompt = cleaned[cleaned.index(prompt) :].rstrip(" .!?")
    return Routing(
        Level(reading.level),
        reading.why,
        reading.singular,
        reading.definite,
        prompt or clean(text),
        kind,
    )


def understand(instruction: Instruction, trained: Sequence[str] = LEVELS) -> Routing:
    """How an instruction is read: as `route` says, or whole at the level that it gives itself.

    A model that was `trained` for concepts alone is asked for the kind where that says the same.
    """
    routing, level = route(instruction.text), instruction.level
    if level != Level.AUTO:
        return replace(routing, level=level, why="as asked", prompt=instruction.text, kind="")
    if routing.kind and routing.level.name.lower() not in trained:
        return replace(routing, level=Level.CONCEPT, prompt=routing.kind)
    return routing


def refusal(text: str) -> str:
    """Why a text can't be asked, with the remedy; empty if it can."""
    if len(text) > MAX_TEXT_LENGTH:
        return f"the text has {len(text)} characters; use at most {MAX_TEXT_LENGTH}"
    asked = clean(text)  # "&nbsp;" has letters, and nothing to look for
    if not asked:
        return "the text is empty; say what to look for"
    if not any(map(str.isalnum, asked)):
        return "the text has no words; say what to look for"
    return ""
