"""One request after another: "go to the table and pick up the mug", "if you can, could you ..."."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile

from sam3i_model.routing import words as w
from sam3i_model.routing.narration import ARTICLE, FIND, VERB, YOU
from sam3i_model.routing.requests import after_request, without_request

_LATER = re.compile(
    rf"(?P<before>.*?)\b(?:{YOU} (?!use|sit|stand|reach)|i would (?:like|need|want) you to "
    rf"|(?:please|so|and|but|then) (?=(?:please )?(?:{FIND}|{VERB})"
    rf"(?: on| off| up| down| out)? (?:me|us|{ARTICLE})\b))"
)
_POINTED = w.word_set("it them")
_CONDITIONS = w.word_set("if when once whenever unless")
_FIRST = w.word_set("please then now just and")
_NO_DEEDS = w.SUBJECTS | w.PEOPLE | w.DETERMINERS | w.AUXILIARIES | w.OPENERS | w.PREPOSITIONS
_DEEDS = w.VERBS | w.COMPOUND_VERBS | w.AIMS


def steps(words: Sequence[str]) -> list[list[str]]:
    """The requests that "and" or "then" joins, each for itself, or all the words as they are."""
    if words[0] in _CONDITIONS:
        for at in range(4, len(words)):
            if words[at] in _DEEDS and acts_on_it(words[at:]):
                return [list(words[:at]), list(words[at:])]  # "if it is dirty put it in the sink"
    if {"and", "then"}.isdisjoint(words):
        return [list(words)]
    start = len(words) - len(after_request(" ".join(words))[0].split())
    for at in range(max(start, 1), len(words) - 1):
        before, later = list(words[:at]), list(words[at + 1 :])
        if words[at] in ("and", "then") and _is_step(later):
            if without_request(before)[1]:
                return [before, *steps(later)]
            if w.SUBJECTS.isdisjoint(before[:1]) and w.DETERMINERS.isdisjoint(before):
                return steps(later)  # "turn round and pick up the mug"
    return [list(words)]


def _is_step(words: Sequence[str]) -> bool:
    """Whether words ask for a thing, not only where to put the one before: "open the door"."""
    left, requested = without_request(words)
    pointed = not _POINTED.isdisjoint(words[:3]) or left[:1] in (["its"], ["their"])
    return requested and not pointed and not w.DETERMINERS.isdisjoint(left[:1])


def conditioned(words: Sequence[str]) -> list[str]:
    """The noun phrase that a condition is about: of "if the drawer is open" "the drawer"."""
    if words[0] not in _CONDITIONS or w.DETERMINERS.isdisjoint(words[1:2]):
        return []
    verbs = w.AUXILIARIES | w.FINITE | {"turns", "starts", "stops"}
    verb = next((at for at, word in enumerate(words) if at > 2 and word in verbs), -1)
    return list(words[1:verb])


def placed(words: Sequence[str]) -> list[str]:
    """What a sentence tells the place of: of "my bag is on the chair" "my bag"."""
    verb = next((at for at, word in enumerate(words) if word in w.FINITE_BE), 0)
    there = not w.PREPOSITIONS.isdisjoint(words[verb + 1 : verb + 2])
    return list(words[:verb]) if verb and there and words[0] in w.DEFINITE else []


def acts_on_it(words: Sequence[str]) -> bool:
    """Whether words ask to do something to a thing told of before: "then turn it off"."""
    words = list(dropwhile(_FIRST.__contains__, words))
    return _NO_DEEDS.isdisjoint(words[:1]) and not _POINTED.isdisjoint(words[1:3])


def later_request(words: Sequence[str]) -> list[str]:
    """From the request on that follows a reason: "when you get a moment could you ..."."""
    found = _LATER.match(" ".join(words))
    if not found or found["before"].split()[-1:] in ([], *([word] for word in w.OPENERS)):
        return []
    return " ".join(words)[found.end() :].split()
