"""The noun phrase that is asked for, and what narrows it down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, pairwise

from sam3i_model.routing import words as w
from sam3i_model.routing.names import is_name
from sam3i_model.routing.verbs import ends_noun_phrase, qualifies

_TENS = re.compile(r"[1-9]\d")
_NUMBER = re.compile(r"[a-z]?\d+[a-z]?")
_GENERAL = w.word_set("thing things object objects item items")
_TAKES_MORE = w.TRANSITIVE | w.word_set("with without between among from to into onto")


def noun_phrase(asked: Sequence[str]) -> list[str]:
    """Determiners, adjectives and nouns up to the first word that can't be one of them."""
    if is_name(asked):
        return list(asked)
    has_noun = False
    for i, word in enumerate(asked):
        after = asked[i + 1] if i + 1 < len(asked) else ""
        if not has_noun and i and word in ("of", "and"):
            continue  # "both of the mugs", "black and white pole"
        if has_noun and not after and word in w.POSITION_VERBS:
            continue  # "drip stands"
        if not has_noun and (word in w.DETERMINERS or (qualifies(word) and after)):
            continue
        if i and not has_noun and _is_modifier(word, asked[i - 1], after):
            continue
        if word in {"can"} | w.PERSONS:  # "can" may be a tin, and people may be looked for
            ends = has_noun and _is_verb(after)
        elif i and asked[i - 1] in w.PERSONS and word.endswith("ing"):
            ends = word not in w.NOUN_HEADS  # "people eating lunch", "kids clothing"
        else:
            ends = i > 0 and ends_noun_phrase(word)
        if ends:
            return list(asked[:i])
        has_noun = True
    return list(asked)


def _is_modifier(word: str, before: str, after: str) -> bool:
    """Whether a participle stands between a determiner and its noun: "the running shoes"."""
    return (
        word in w.PARTICIPLES | w.TRANSITIVE
        and before in w.POSSESSIVE | {"the", "a", "an"}
        and bool(after)
        and (after in w.PERSONS or not ends_noun_phrase(after))
    )


def _is_verb(word: str) -> bool:
    """Whether a clause goes on with `word`: "people use", "can use"; not "can on the table"."""
    return word in w.AUXILIARIES | w.BE | w.PEOPLE or (bool(word) and not ends_noun_phrase(word))


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
    if any(word in w.COMPARATIVES for word in asked) or "than" in asked:
        return "a noun with a comparison"
    if w.ORDINALS.intersection(asked) and (definite or "from" in asked):
        return "a noun with an ordinal"
    if {"left-hand", "right-hand"}.intersection(asked[:1]):
        asked = asked[1:]  # "left-hand drill bits"
    if w.SIDES.intersection(asked) or (
        w.PLACES.intersection(body[:-1]) and (definite or rest[:1] == ["of"])
    ):
        return "a noun with a position"
    if (
        "both" in phrase
        or (w.NUMBERS.intersection([*phrase, *rest[1:2]]) and w.is_plural([*phrase, *rest][-1]))
        or any(_TENS.fullmatch(word) and w.is_plural(after) for word, after in pairwise(phrase))
    ):
        return "a noun with a number"
    if phrase[0] in w.PRONOUN_HEADS and len(asked) > 1:
        return "anything with an attribute"
    if _ends_in_gap(asked) or (len(body) > 1 and _NUMBER.fullmatch(body[-1])):
        return "a noun told from others of its kind"
    if _has_owner(phrase):
        return "a noun with an owner"
    if _joins(phrase, rest):
        return "several nouns"
    if rest and rest[0] in ("of", "and", "or") and not w.DEFINITE.intersection(rest[1:2]):
        rest = [word for word in rest[2:] if ends_noun_phrase(word)]  # "cup of coffee"
    if rest:
        return "a noun with a relation or a state"
    if definite and "all" not in phrase and any(_tells(word, body[-1]) for word in body[:-1]):
        return "a definite noun with an attribute"
    if definite and len(body) > 1 and body[-1] in ("one", "ones"):
        return "a definite one with an attribute"
    return ""


def _tells(word: str, noun: str) -> bool:
    """Whether `word` tells one `noun` from another: "the sitting man"; not "the sitting room"."""
    person = noun in w.GROUPS | w.PERSONS | {"person", "boy", "girl"}
    return w.is_adjective(word) or (person and word in w.POSITIONS)


def _ends_in_gap(asked: Sequence[str]) -> bool:
    """ "that scanner Jin dropped": nothing in the noun phrase looks like a clause."""
    return len(asked) > 3 and asked[0] in w.DEFINITE and asked[-1].endswith("ed")


def _has_owner(phrase: Sequence[str]) -> bool:
    """ "the nurse's clipboard"; "women's shoes" is a kind."""
    for i, word in enumerate(phrase[:-1]):
        if word.endswith("'s"):
            kind = word[:-2] in w.GROUPS or word[:-2].endswith("s")
            return not kind or bool(w.DEFINITE.intersection(phrase[:i]))
    return False


def _joins(phrase: Sequence[str], rest: Sequence[str]) -> bool:
    """Whether what follows a noun phrase is "and" or "or" with another one."""
    if len(rest) < 2 or rest[0] not in ("and", "or", "plus"):
        return False
    if rest[1] in ("also", "then", *w.DETERMINERS):
        return True
    several = bool(w.DETERMINERS.intersection(phrase)) or w.is_plural(phrase[-1])
    return several and any(w.is_plural(word) for word in noun_phrase(rest[1:]))


def is_singular(asked: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether one thing is asked for: "the mug", "a mug", "leftmost mug"; not "mug", "mugs"."""
    head = phrase[: phrase.index("of")] if "of" in phrase else phrase
    if not head or _joins(phrase, asked[len(phrase) :]):
        return False
    if head[0] in w.EACH | {"these", "those"} or (w.NUMBERS | {"both", "few"}).intersection(head):
        return False
    if is_any(head):
        return True
    picked = any(w.is_superlative(word) for word in head) or (
        "from" in asked and bool(w.ORDINALS.intersection(head))
    )
    owned = _has_owner(head)
    return (picked or owned or bool(w.DEFINITE.intersection(head))) and not w.is_plural(head[-1])


def is_any(phrase: Sequence[str]) -> bool:
    """Whether any one of its kind will do: "a mug", "another mug", "one of the mugs"."""
    return phrase[0] in w.INDEFINITE or phrase[0] in ("one", "1", "something")


def listed(asked: Sequence[str], phrase: Sequence[str], joined: bool) -> frozenset[str]:
    """The words that name a thing of its own in a list of things; none for "on the left", "Dave".

    `joined` tells of an "and" or "or" in its part, which makes up for a missing determiner.
    """
    bare = joined and not ends_noun_phrase(phrase[0]) and not w.is_adjective(phrase[-1])
    if not bare and phrase[0] not in w.DETERMINERS - {"its"}:
        return frozenset()
    head = phrase[phrase.index("of") - 1 if "of" in phrase else -1]
    if head in _GENERAL | w.ORDINALS | w.COMPARATIVES | w.DETERMINERS or w.is_superlative(head):
        return frozenset({"one"})  # "the mug, the biggest", "the left"
    return frozenset(phrase) - (w.DETERMINERS - {"one"}) | w.SIDES.intersection(asked)


def is_plain(asked: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether nothing follows the noun phrase but another one: "a hat", "a hat and boots"."""
    return asked[len(phrase) : len(phrase) + 1] in ([], ["and"], ["or"])


def takes_more(asked: Sequence[str]) -> bool:
    """Whether a list may go on with what the noun has: "the man with a hat", "eating a pear"."""
    opening = [
        word
        for word, after in pairwise(asked)
        if word in w.PREPOSITIONS | _TAKES_MORE or (word.endswith("ing") and after in w.DETERMINERS)
    ]
    if asked[0] in w.PREPOSITIONS or not opening:
        return False
    return opening[-1] in _TAKES_MORE or opening[-1] not in w.PREPOSITIONS
