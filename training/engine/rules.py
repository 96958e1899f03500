"""What is wrong with a text can often be seen without asking anybody."""

from __future__ import annotations

import re

from training.instructions.lexicon import plural

GIVEAWAYS = re.compile(
    r"\b(?:(outlin|highlight|overla[iy]|annotat|segmentation)(?:d|e|e[ds]|s|ing|ions?)?"
    r"|(?:second|third) (picture|image)s?)\b",
    re.IGNORECASE,
)
"""Words that speak of what the writer was shown rather than of the scene."""
MAX_LENGTH = 160
"""Characters; about what SAM 3's 32 tokens hold."""
LEAST_WORDS = {"concept": 1, "simple_query": 2, "complex_query": 3}
MOST_CONCEPT_WORDS = 6
IRREGULAR = {
    "bookshelf": "bookshelves",
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "loaf": "loaves",
    "man": "men",
    "scarf": "scarves",
    "tooth": "teeth",
    "woman": "women",
}
"""Plurals that a data set's classes have and `plural` doesn't."""
AMBIGUOUS = frozenset(
    {"bear", "can", "control", "leaf", "light", "match", "orange", "saw", "train", "watch"}
)
"""Nouns that are everyday words of other sorts as well, which don't give the thing away."""
BEFORE_NOUNS = frozenset({"a", "an", "the", "my", "your", "our", "his", "its", "their"})
_WORD = re.compile(r"\w+")


def fault(level: str, text: str, name: str) -> str | None:
    """Why a text of a level is none, in a few words; None if nothing speaks against it.

    `name` is the class of the targets: a complex text must not name it.
    """
    count = len(text.split())
    marks = (found[found.lastindex or 0].lower() for found in GIVEAWAYS.finditer(text))
    if any(mark not in name.lower() for mark in marks):  # one may call a highlighter so
        return "speaks of the marks"
    if len(text) > MAX_LENGTH:
        return "too long"
    if count < LEAST_WORDS[level]:
        return "too short"
    if level == "concept" and count > MOST_CONCEPT_WORDS:
        return "is no bare noun phrase"
    if level == "complex_query" and _names(text, name):
        return "names the thing"
    return None


def same_kind(one: str, other: str) -> bool:
    """Whether two classes have one noun, or what one of them is isn't known."""
    first, second = _class(one), _class(other)
    return not first or not second or _same(first[-1], second[-1])


def is_class(text: str, name: str) -> bool:
    """Whether a concept says no more than a class does: "boxes" of a cardboard box."""
    said, known = [w for w in _words(text) if w not in BEFORE_NOUNS], _class(name)
    return bool(said and known) and _same(said[-1], known[-1]) and set(said[:-1]) <= set(known[:-1])


def _names(text: str, name: str) -> bool:
    """Whether the class's last word, which is its noun, is in the text, in either number."""
    known, said = _class(name), _words(text)
    if not known:
        return False
    *first, noun = known
    ambiguous = any(_same(noun, word) for word in AMBIGUOUS)
    telling = BEFORE_NOUNS.union(first)
    return any(
        _same(word, noun) and (not ambiguous or before in telling)
        for before, word in zip(["", *said], said, strict=False)
    )


def _class(name: str) -> list[str]:
    """Words of a class, its noun last: a handle is one, whatever it is the handle of."""
    return _words(name.split(" of the ")[0])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _same(one: str, other: str) -> bool:
    """Whether two words are one noun, in either number."""
    return one in _forms(other) or other in _forms(one)


def _forms(noun: str) -> set[str]:
    """A noun and its plurals: "mangos" and "mangoes" are both. A letter has none."""
    if len(noun) < 2:
        return {noun}
    return {noun, plural(noun), f"{noun}es", IRREGULAR.get(noun, noun)}
