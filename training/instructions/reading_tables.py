"""The dictionaries that the grammar and the reader share, as the reader looks things up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from training.instructions import lexicon, outside, wording
from training.instructions.nouns import MEANINGS
from training.instructions.purposes import PURPOSES, Purpose
from training.instructions.reading_words import BEFORE_USE, Tokens, tokens_of
from training.instructions.traits import Trait

Value = TypeVar("Value")


def by_tokens(entries: Iterable[tuple[str, Value]]) -> dict[Tokens, Value]:
    return {tuple(tokens_of(text)): value for text, value in entries}


NOUNS: dict[Tokens, frozenset[str]] = by_tokens(
    entry
    for noun, (kinds, _) in MEANINGS.items()
    for entry in ((noun, kinds), (lexicon.plural(noun), kinds))
)
NOUNS.update(
    by_tokens(
        entry
        for noun in outside.OUTSIDE
        for entry in ((noun, frozenset[str]()), (lexicon.plural(noun), frozenset[str]()))
    )
)
BEFORE: dict[Tokens, Trait] = by_tokens(
    (word, trait) for trait, words in wording.BEFORE.items() for word in words
)
AFTER: dict[Tokens, Trait] = by_tokens(
    (text.replace("{be}", be), trait)
    for trait, texts in wording.AFTER.items()
    for text in texts
    for be in ("is", "are")
)
NUMBERS = {word: number for number, words in lexicon.NUMBERS.items() for word in words}
ORDINALS = {word: place for place, word in enumerate(lexicon.ORDINALS, 1)}

USE = "use:"
"""Marks a use among the tokens; its name follows."""


def mark_of(purpose: Purpose) -> str:
    """The token that stands for a use."""
    return USE + purpose.name.replace(" ", "_")


def marked(token: str) -> str:
    """The name of the use that a token stands for."""
    return token[len(USE) :].replace("_", " ")


_PROPERTIES: dict[Tokens, str] = by_tokens(
    (text, mark_of(purpose)) for purpose in PURPOSES.values() for text in purpose.properties
)
_USES: dict[Tokens, str] = by_tokens(
    (text, mark_of(purpose))
    for purpose in PURPOSES.values()
    for text in (*purpose.uses, *purpose.goals, *purpose.abilities)
)
_SITUATIONS: dict[Tokens, str] = by_tokens(
    (text, mark_of(purpose)) for purpose in PURPOSES.values() for text in purpose.situations
)


def match(table: Mapping[Tokens, Value], tokens: list[str], at: int) -> tuple[Value, int] | None:
    """The longest entry that stands at `at`, and where it ends."""
    longest = _longest(table)
    for length in range(min(longest, len(tokens) - at), 0, -1):
        found = table.get(tuple(tokens[at : at + length]))
        if found is not None:
            return found, at + length
    return None


def has(table: Mapping[Tokens, object], tokens: list[str], at: int) -> bool:
    """Whether an entry stands at `at`."""
    return match(table, tokens, at) is not None


_LENGTHS: dict[int, int] = {}


def _longest(table: Mapping[Tokens, Value]) -> int:
    """Kept, as the tables don't change."""
    key = id(table)
    if key not in _LENGTHS:
        _LENGTHS[key] = max(map(len, table))
    return _LENGTHS[key]


def with_uses_marked(tokens: list[str]) -> list[str]:
    """The tokens with every use and situation in one, the longest first."""
    out: list[str] = []
    at = 0
    while at < len(tokens):
        found = match(_SITUATIONS, tokens, at)
        before = tokens[at - 1] if at else ""
        if found is None and before in BEFORE_USE:
            found = match(_USES, tokens, at)
        if before in ("is", "are", "not"):
            other = match(_PROPERTIES, tokens, at)
            found = max(filter(None, (found, other)), key=lambda each: each[1], default=None)
        if found is None:
            out.append(tokens[at])
            at += 1
        else:
            out.append(found[0])
            at = found[1]
    return out
