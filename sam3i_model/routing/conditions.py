"""What narrows a noun down, and whether one single thing is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, groupby

from sam3i_model.routing import words as w
from sam3i_model.routing.lists import joins
from sam3i_model.routing.names import is_name
from sam3i_model.routing.verbs import ends_noun_phrase, is_done, qualifies

ATTRIBUTE = "a definite noun with an attribute"
_TENS = re.compile(r"[1-9]\d")
_NUMBER = re.compile(r"[a-z]{0,2}-?\d+[a-z]?")


def condition(asked: Sequence[str], phrase: Sequence[str]) -> str:
    """What narrows the noun down, or "" for a bare noun phrase."""
    if is_name(asked):
        return ""
    rest = asked[len(phrase) :]
    definite = bool(w.DEFINITE.intersection(phrase))
    body = list(dropwhile(w.DETERMINERS.__contains__, phrase))
    if w.NEGATIONS.intersection(asked):
        return "a noun with a negation"
    if any(w.is_superlative(word) for word in asked):
        return "a noun with a superlative"
    if any(word in w.COMPARATIVES for word in _without_doer(asked, phrase)) or "than" in asked:
        return "a noun with a comparison"
    if w.ORDINALS.intersection(asked) and (definite or "from" in asked):
        return "a noun with an ordinal"
    if {"left-hand", "right-hand"}.intersection(asked[:1]):
        asked = asked[1:]  # "left-hand drill bits"
    if w.SIDES.intersection(asked) or (
        w.PLACES.intersection(body[:-1]) and (definite or rest[:1] == ["of"])
    ):
        return "a noun with a position"
    whole = [*phrase, *rest] if rest[:1] == ["of"] else phrase  # "each of the two", "group of two"
    parts = [list(part) for is_of, part in groupby(whole, "of".__eq__) if not is_of]
    if "both" in phrase or any(_counts(part) for part in parts):
        return "a noun with a number"
    if phrase[0] in w.PRONOUN_HEADS and len(asked) > 1:
        return "anything with an attribute"
    if _ends_in_gap(asked) or (len(body) > 1 and _NUMBER.fullmatch(body[-1])):
        return "a noun told from others of its kind"
    if _has_owner(phrase):
        return "a noun with an owner"
    if joins(asked, phrase):
        return "several nouns"
    if rest and rest[0] in ("of", "and", "or") and not w.DEFINITE.intersection(rest[1:2]):
        rest = [word for word in rest[2:] if ends_noun_phrase(word) and word not in ("and", "or")]
    if rest:
        return "a noun with a relation or a state"
    if definite and "all" not in phrase and any(_tells(word, body[-1]) for word in body[:-1]):
        return ATTRIBUTE
    if definite and len(body) > 1 and body[-1] in ("one", "ones"):
        return "a definite one with an attribute"
    return ""


def _without_doer(asked: Sequence[str], phrase: Sequence[str]) -> list[str]:
    """Without what looks like a comparative but is a thing: "the vacuum cleaner", "a lighter"."""
    at = len(phrase) - 1
    return [word for i, word in enumerate(asked) if i != at or word not in ("cleaner", "lighter")]


def _tells(word: str, noun: str) -> bool:
    """Whether `word` tells one `noun` from another: "the sitting man"; not "the sitting room"."""
    person = noun in w.GROUPS | w.PERSONS | {"person", "boy", "girl"}
    return w.is_adjective(word) or (person and word in w.POSITIONS)


def _counts(phrase: Sequence[str]) -> bool:
    """Whether a number counts things: "two mugs"; not "the 5 mm key", "the 3 drawer cabinet"."""
    for at, word in enumerate(phrase):
        after = phrase[at + 1 :]
        if word in w.NUMBERS or _TENS.fullmatch(word):
            several = not after or w.is_plural(phrase[-1]) or phrase[-1] in w.ALWAYS_PLURAL
            alone = len(after) == 1 and word.isalpha()  # "two sheep"
            return (several or alone) and w.UNITS.isdisjoint(after[:1])
        if word not in w.DETERMINERS and not qualifies(word):
            return False  # "box 4"
    return False


def _ends_in_gap(asked: Sequence[str]) -> bool:
    """ "that scanner Jin dropped": nothing in the noun phrase looks like a clause."""
    return len(asked) > 3 and asked[0] in w.DEFINITE and is_done(asked[-1])


def _has_owner(phrase: Sequence[str]) -> bool:
    """ "the nurse's clipboard"; "women's shoes" is a kind."""
    for i, word in enumerate(phrase[:-1]):
        if word.endswith("'s"):
            kind = word[:-2] in w.GROUPS or word[:-2].endswith("s")
            return not kind or bool(w.DEFINITE.intersection(phrase[:i]))
    return False


def is_singular(asked: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether one thing is asked for: "the mug", "a mug", "leftmost mug"; not "mug", "mugs"."""
    head = phrase[: phrase.index("of")] if "of" in phrase else phrase
    if not head or joins(asked, phrase):
        return False
    if head[0] in w.EACH | {"these", "those"} or {"both", "few"}.intersection(head):
        return False
    if _counts(head):
        return False
    if is_any(head) or (len(head) > 1 and _NUMBER.fullmatch(head[-1])):  # "tote B-2207"
        return True
    picked = any(w.is_superlative(word) for word in head) or (
        "from" in asked and bool(w.ORDINALS.intersection(head))
    )
    owned = _has_owner(head)
    return (picked or owned or bool(w.DEFINITE.intersection(head))) and not w.is_plural(head[-1])


def is_any(phrase: Sequence[str]) -> bool:
    """Whether any one of its kind will do: "a mug", "another mug", "one of the mugs"."""
    return phrase[0] in w.INDEFINITE or phrase[0] in ("one", "1", "something")
