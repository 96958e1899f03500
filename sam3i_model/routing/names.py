"""Names made of a phrase: "no entry sign", "what to expect leaflet", "walk in freezer"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from sam3i_model.routing import words as w

_LEADING = w.word_set("over under in off on at by after out")
_READY = w.word_set("ready easy hard wall door end")


def is_name(words: Sequence[str]) -> bool:
    """Whether the words, with a determiner in front or not, name one kind of thing."""
    named = list(words)
    if len(named) > 2 and named[0] == "this" and named[1] in ("way", "side"):
        named[0] = "on"
    named = list(dropwhile((w.DETERMINERS - {"no"}).__contains__, named))
    if len(named) < 2:
        return False
    first, last = named[0], named[-1]
    if first in w.PRONOUN_HEADS and len(named) == 2:
        return first == "everything" and not w.is_adjective(last) and last not in w.ADVERBS
    if len(named) < 3:
        return False
    inner, articles = set(named[1:-1]), w.DETERMINERS - {"one", "your", "no", "all"}
    if last in w.SIGNS and _is_on_a_sign(named):
        return True
    if inner & articles or last in w.DETERMINERS | w.SIDES | w.PREPOSITIONS:
        return False
    if first in w.COMPOUND_VERBS and named[1] in w.COMPOUND_PARTICLES:
        return not inner - {named[1]} & w.PREPOSITIONS and len(named) < 6
    if first in _READY and named[1] == "to" and len(named) < 6:
        return not {*named[2:]} & w.PREPOSITIONS
    return first in _LEADING and len(named) < 6 and not inner & {*w.PREPOSITIONS, "of"}


def _is_on_a_sign(named: Sequence[str]) -> bool:
    first, second, before = named[0], named[1], named[-2]
    if before in w.DETERMINERS - {"one"} or before in w.PREPOSITIONS - {
        *w.COMPOUND_PARTICLES,
        "in",
    }:
        return False
    if w.SUBJECTS.intersection(named) or w.AUXILIARIES.intersection(named) - {"do", "can", "have"}:
        return False
    if first in ("what", "how", "when", "where") and second != "to":
        return False
    if first == "for" and second.endswith("ing"):
        return False
    if first == "to" and (len(named) > 3 or second not in ("do", "let", "go")):
        return False
    return first in w.SIGN_OPENERS
