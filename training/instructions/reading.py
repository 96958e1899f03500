"""Reads an instruction: from its words to what is to be looked up in a scene.

An independent reader of the sentences that the grammar makes, for inspection. It shares the
dictionaries (names, looks, uses, parts) with the grammar, not the code that chooses targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from training.instructions import lexicon, outside, wording
from training.instructions.nouns import MEANINGS
from training.instructions.purposes import PURPOSES, Purpose
from training.instructions.reading_words import (
    ANYTHING,
    BEFORE_USE,
    COUNTING,
    HALF,
    IDLE,
    ORDER,
    RELATION,
    STARTS,
    Tokens,
    tokens_of,
)
from training.instructions.traits import Trait

Value = TypeVar("Value")


class UnreadableError(ValueError):
    """The reader doesn't know what is meant."""


@dataclass
class Wanted:
    """A noun phrase as it was read.

    `kinds` None is any object. `traits` are (trait, wanted or not). `order` is where the things
    are counted from, `place` which of them, `number` how many. `links` are relations with their
    references.
    """

    kinds: frozenset[str] | None = None
    named: bool = False
    traits: list[tuple[Trait, bool]] = field(default_factory=list)
    half: str = ""
    order: str = ""
    place: int = 0
    number: int = 0
    links: list[tuple[str, list[Wanted]]] = field(default_factory=list)


def _by_tokens(entries: Iterable[tuple[str, Value]]) -> dict[Tokens, Value]:
    return {tuple(tokens_of(text)): value for text, value in entries}


_NOUNS: dict[Tokens, frozenset[str]] = _by_tokens(
    entry
    for noun, (kinds, _) in MEANINGS.items()
    for entry in ((noun, kinds), (lexicon.plural(noun), kinds))
)
_NOUNS.update(
    _by_tokens(
        entry
        for noun in outside.OUTSIDE
        for entry in ((noun, frozenset[str]()), (lexicon.plural(noun), frozenset[str]()))
    )
)
_BEFORE: dict[Tokens, Trait] = _by_tokens(
    (word, trait) for trait, words in wording.BEFORE.items() for word in words
)
_AFTER: dict[Tokens, Trait] = _by_tokens(
    (text.replace("{be}", be), trait)
    for trait, texts in wording.AFTER.items()
    for text in texts
    for be in ("is", "are")
)
_NUMBERS = {word: number for number, words in lexicon.NUMBERS.items() for word in words}
_ORDINALS = {word: place for place, word in enumerate(lexicon.ORDINALS, 1)}

USE = "use:"
"""Marks a use among the tokens; its name follows."""


def mark_of(purpose: Purpose) -> str:
    """The token that stands for a use."""
    return USE + purpose.name.replace(" ", "_")


def marked(token: str) -> str:
    """The name of the use that a token stands for."""
    return token[len(USE) :].replace("_", " ")


def _uses() -> dict[Tokens, str]:
    found: dict[Tokens, str] = {}
    for purpose in PURPOSES.values():
        for text in (*purpose.uses, *purpose.goals, *purpose.abilities, *purpose.properties):
            found[tuple(tokens_of(text))] = mark_of(purpose)
    return found


_USES = _uses()
_SITUATIONS: dict[Tokens, str] = _by_tokens(
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
        if found is None and at and tokens[at - 1] in BEFORE_USE:
            found = match(_USES, tokens, at)
        if found is None:
            out.append(tokens[at])
            at += 1
        else:
            out.append(found[0])
            at = found[1]
    return out


class Reader:
    """Reads noun phrases from tokens, left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.tokens)

    def phrase(self, short: bool = False) -> Wanted:
        """A noun phrase with all that belongs to it; a `short` one ends with its noun."""
        wanted = Wanted()
        while not self.done:
            word = self.tokens[self.at]
            if wanted.named and short and (word in STARTS or word in ("and", "on", "then")):
                break
            if wanted.named and word in ("and", "plus"):
                break
            if not self._piece(wanted, short):
                raise UnreadableError(f"'{word}' in '{' '.join(self.tokens)}'")
        if not wanted.named and not wanted.traits:
            raise UnreadableError(f"no noun in '{' '.join(self.tokens)}'")
        return wanted

    def expect(self, *words: str) -> None:
        """Go past these words."""
        for word in words:
            if self.done or self.tokens[self.at] != word:
                raise UnreadableError(f"no '{word}' in '{' '.join(self.tokens)}'")
            self.at += 1

    def _take(self, table: Mapping[Tokens, Value]) -> Value | None:
        found = match(table, self.tokens, self.at)
        if found is None:
            return None
        self.at = found[1]
        return found[0]

    def _piece(self, wanted: Wanted, short: bool) -> bool:
        """Read the next piece into `wanted`; False if it makes no sense here."""
        if self._use(wanted):
            return True
        if wanted.named or self.at == 0:
            if not short and (self._not(wanted) or self._link(wanted)):
                return True
            if self._longer_than_relation() and self._position(wanted):
                return True
        if self._noun(wanted) or self._number(wanted) or self._position(wanted):
            return True
        if (trait := self._take(_BEFORE)) is not None:
            wanted.traits.append((trait, True))
            return True
        word = self.tokens[self.at]
        if word in IDLE or word in outside.IDLE_ADJECTIVES or word in ANYTHING:
            self.at += 1
            wanted.named |= word in ANYTHING or word == "one"
            return True
        return False

    def _use(self, wanted: Wanted) -> bool:
        """ "that i can <use>", "to <use>", "able to <use>"."""
        for ahead in range(6):
            if self.at + ahead >= len(self.tokens):
                return False
            word = self.tokens[self.at + ahead]
            if word.startswith(USE):
                wanted.traits.append((("purpose", marked(word)), True))
                wanted.named = True
                self.at += ahead + 1
                return True
            if word not in _BEFORE_MARK:
                return False
        return False

    def _noun(self, wanted: Wanted) -> bool:
        found = match(_NOUNS, self.tokens, self.at)
        if found is None or wanted.named:
            return False
        kinds, end = found
        following = self.tokens[end] if end < len(self.tokens) else ""
        is_trait = match(_BEFORE, self.tokens, self.at)
        goes_on = following in ANYTHING or following == "one" or match(_NOUNS, self.tokens, end)
        if is_trait and (goes_on or match(_BEFORE, self.tokens, end)):
            return False  # "orange mug", "glass jar"
        wanted.kinds, wanted.named = kinds, True
        self.at = end
        return True

    def _number(self, wanted: Wanted) -> bool:
        word = self.tokens[self.at]
        if word in _NUMBERS:
            wanted.number = _NUMBERS[word]
        elif word in _ORDINALS:
            wanted.place = _ORDINALS[word]
        else:
            return False
        self.at += 1
        return True

    def _longer_than_relation(self) -> bool:
        order, link = match(ORDER, self.tokens, self.at), match(RELATION, self.tokens, self.at)
        half = match(HALF, self.tokens, self.at)
        ends = [found[1] for found in (order, half) if found]
        return bool(ends) and (link is None or max(ends) >= link[1])

    def _position(self, wanted: Wanted) -> bool:
        if wanted.place and (order := self._take(COUNTING)):
            wanted.order = order
            return True
        half, order_at = match(HALF, self.tokens, self.at), match(ORDER, self.tokens, self.at)
        if half and (not order_at or half[1] > order_at[1]):
            wanted.half, self.at = half
            return True
        if order_at:
            wanted.order, self.at = order_at
            return True
        return False

    def _not(self, wanted: Wanted) -> bool:
        """Looks behind the noun, and "that is not red", "other than the red one"."""
        start = self.at
        if (trait := self._take(_AFTER)) is not None:
            wanted.traits.append((trait, True))
            return True
        for words in _NOT:
            if tuple(self.tokens[start : start + len(words)]) == words:
                self.at = start + len(words)
                trait = self._take(_BEFORE)
                if trait is not None:
                    rest = self.tokens[self.at : self.at + 1]
                    if rest in (["one"], ["color"]):
                        self.at += 1
                    elif words[-1] in ("the", "without"):
                        break
                    wanted.traits.append((trait, False))
                    return True
        self.at = start
        return False

    def _link(self, wanted: Wanted) -> bool:
        start = self.at
        while not self.done and self.tokens[self.at] in ("that", "which", "is", "are"):
            self.at += 1
        found = match(RELATION, self.tokens, self.at) or match(RELATION, self.tokens, start)
        if found is None or self._shorter_than_position(found[1]):
            self.at = start
            return False
        name, self.at = found
        if name == "amid":
            return self._with(wanted, start)
        try:
            references = [self.phrase(short=True)]
            if name == "between":
                self.expect("and")
                references.append(self.phrase(short=True))
        except UnreadableError:
            self.at = start
            return False
        wanted.links.append((name, references))
        return True

    def _shorter_than_position(self, end: int) -> bool:
        ends = [
            found[1]
            for found in (
                match(ORDER, self.tokens, self.at),
                match(HALF, self.tokens, self.at),
                match(COUNTING, self.tokens, self.at),
            )
            if found
        ]
        return bool(ends) and max(ends) > end

    def _with(self, wanted: Wanted, start: int) -> bool:
        """ "with an apple in it", "with the mug on one side and the box on the other"."""
        try:
            references = [self.phrase(short=True)]
            rest = self.tokens[self.at :]
            if rest[:3] == ["on", "one", "side"]:
                self.at += 3
                self.expect("and")
                references.append(self.phrase(short=True))
                self.expect("on", "the", "other")
                name = "between"
            else:
                if self.done and self.tokens[-2:] == ["in", "it"]:
                    raise UnreadableError("no reference")
                name = "holding" if rest[:1] == ["in"] else "carrying"
                self.at += 1
                self.expect("it")
        except UnreadableError:
            self.at = start
            return False
        wanted.links.append((name, references))
        return True


_BEFORE_MARK = frozenset(
    "that which i can could to you one people would we somebody might may serve meant able likely "
    "is are".split()
)
_NOT: tuple[Tokens, ...] = tuple(
    tuple(text.split())
    for text in (
        "that is not the",
        "that are not the",
        "which is not the",
        "which are not the",
        "that is not",
        "that are not",
        "which is not",
        "which are not",
        "not",
        "other than the",
        "but not the",
        "of any color but",
        "of any colour but",
        "without",
        "of another colour than",
    )
)
