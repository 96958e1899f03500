"""Reads an instruction: from its words to what is to be looked up in a scene.

An independent reader of the sentences that the grammar makes, for inspection. It shares the
dictionaries (names, looks, uses, parts) with the grammar, not the code that chooses targets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.instructions import outside
from training.instructions.reading_tables import (
    AFTER,
    BEFORE,
    NOUNS,
    NUMBERS,
    ORDINALS,
    USE,
    Value,
    has,
    marked,
    match,
)
from training.instructions.reading_words import (
    ANYTHING,
    BEFORE_MARK,
    COUNTING,
    HALF,
    IDLE,
    ORDER,
    RELATION,
    SKIPPED,
    STARTS,
    Tokens,
)
from training.instructions.traits import Trait


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
    pronoun: bool = False
    traits: list[tuple[Trait, bool]] = field(default_factory=list)
    half: str = ""
    order: str = ""
    place: int = 0
    number: int = 0
    links: list[tuple[str, list[Wanted]]] = field(default_factory=list)


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
            if wanted.named and short and (word in STARTS or word in ("and", "on", "in", "then")):
                break
            if wanted.named and word in ("and", "plus"):
                break
            if not self._piece(wanted, short):
                raise UnreadableError(f"'{word}' in '{' '.join(self.tokens)}'")
        if not wanted.named and not wanted.pronoun:
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
        if self._use(wanted) or self._take(SKIPPED) is not None:
            return True
        if wanted.named or wanted.pronoun or self.at == 0:
            if not short and (self._not(wanted) or self._link(wanted)):
                return True
            if self._longer_than_relation() and self._position(wanted):
                return True
        if self._noun(wanted) or self._number(wanted) or self._position(wanted):
            return True
        if (trait := self._take(BEFORE)) is not None:
            wanted.traits.append((trait, True))
            return True
        word = self.tokens[self.at]
        if word in IDLE or word in outside.IDLE_ADJECTIVES or word in ANYTHING:
            self.at += 1
            wanted.named |= word in ANYTHING
            wanted.pronoun |= word in ("one", "whatever")
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
            if word not in BEFORE_MARK:
                return False
        return False

    def _noun(self, wanted: Wanted) -> bool:
        found = match(NOUNS, self.tokens, self.at)
        if found is None or wanted.named:
            return False
        kinds, end = found
        following = self.tokens[end] if end < len(self.tokens) else ""
        is_trait = has(BEFORE, self.tokens, self.at)
        goes_on = following in ANYTHING or following == "one" or has(NOUNS, self.tokens, end)
        behind = has(AFTER, self.tokens, end) or has(SKIPPED, self.tokens, end)
        if is_trait and not behind and (goes_on or has(BEFORE, self.tokens, end)):
            return False  # "orange mug", "glass jar"
        wanted.kinds, wanted.named = kinds, True
        self.at = end
        return True

    def _number(self, wanted: Wanted) -> bool:
        word = self.tokens[self.at]
        if word in NUMBERS:
            wanted.number = NUMBERS[word]
        elif word in ORDINALS:
            wanted.place = ORDINALS[word]
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
        if (trait := self._take(AFTER)) is not None:
            wanted.traits.append((trait, True))
            return True
        for words in _NOT:
            if tuple(self.tokens[start : start + len(words)]) == words:
                self.at = start + len(words)
                trait = self._take(BEFORE)
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
