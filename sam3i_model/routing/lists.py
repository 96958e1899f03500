"""Lists: whether a sentence names several things, or one and what it has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sam3i_model.routing import words as w
from sam3i_model.routing.phrases import noun_phrase
from sam3i_model.routing.verbs import ends_noun_phrase

_GENERAL = w.word_set("thing things object objects item items")
_TAKES_MORE = w.TRANSITIVE | w.word_set("with without between among from to into onto")
_STOPS = w.word_set("wait come stay stop report continue return leave")
_ACTS = w.VERBS | w.COMPOUND_VERBS | _STOPS
_ACTED_ON = w.word_set("it them me us him her back up down off away out there here")


def joins(asked: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether one more thing is wanted: "the mug and the bowl", "one here and the one there"."""
    if any(
        word in ("and", "or") and after in w.DETERMINERS and before not in w.DETERMINERS
        for before, word, after in zip(phrase, phrase[1:], phrase[2:], strict=False)
    ):
        return True  # "the red and the blue block"; not "each and every block"
    return any(
        word in ("and", "or") and _adds(phrase, asked[len(phrase) : at], asked[at + 1 :])
        for at, word in enumerate(asked[:-1])
        if at >= len(phrase)
    )


def _adds(phrase: Sequence[str], told: Sequence[str], other: Sequence[str]) -> bool:
    """Whether `other`, after "and", goes with the noun phrase, not with what is told of it."""
    first, second = other[0], other[1] if len(other) > 1 else ""
    if first in ("which", "that") and second in w.AUXILIARIES | w.STATE_VERBS:
        return False  # "the mug that is red and that is empty"
    if not told and first not in w.DETERMINERS:
        return first in ("also", "then") or _adds_bare(phrase, other)
    if first not in w.DETERMINERS:
        return False
    if ("between" in told and "and" not in told) or (told and other[-1] == "other"):
        return False  # "with the chair on one side and the lamp on the other"
    if not takes_more([*phrase, *told]):
        return True
    like_told = [word in w.DEFINITE for word in told if word in w.DETERMINERS][-1:]
    definite, more = first in w.DEFINITE, len(noun_phrase(other)) < len(other)
    return definite == (phrase[0] in w.DEFINITE) and (more or like_told != [definite])


def _adds_bare(phrase: Sequence[str], other: Sequence[str]) -> bool:
    """The same for a noun without a determiner: "the knife and fork", "mugs and plates"."""
    acts = other[0] in (_ACTS if len(other) > 1 else _STOPS)  # "the nut and bolt"
    if acts or other[0] in w.NEGATIONS or (other[1:2] and other[1] in _ACTED_ON):
        return False
    if phrase[0] in w.DEFINITE:
        return True
    several = bool(w.DETERMINERS.intersection(phrase)) or w.is_plural(phrase[-1])
    return several and any(w.is_plural(word) for word in noun_phrase(other))


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
    if asked[0] in w.PREPOSITIONS:
        return False
    if not opening:
        return not w.RELATIVES.isdisjoint(asked[1:])  # "the man who has a hat"
    return opening[-1] in _TAKES_MORE or opening[-1] not in w.PREPOSITIONS
