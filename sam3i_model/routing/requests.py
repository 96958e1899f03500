"""What of a part of a sentence only asks: greetings, "could you find me", "when you can"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sam3i_model.routing import words as w
from sam3i_model.routing.names import is_name
from sam3i_model.routing.openings import ASIDE, CALLED, FILLER, LEAD_IN, ON_THE_WAY, REASON, TAIL
from sam3i_model.routing.phrases import noun_phrase
from sam3i_model.routing.questions import asked_about
from sam3i_model.routing.verbs import has_gap, has_main_verb, qualifies

_NOTHING = w.word_set(
    "it them they this that these those one some me us you him her he she on off up down away back"
    " in out over here there is are again and know now both all any"
)
_PARTICLES = w.word_set("on off up down out in away back over")
DIRECTIONS = w.word_set(
    "away back over clockwise counterclockwise anticlockwise forward forwards backward backwards"
    " sideways upstairs downstairs"
)
"""They tell of the doing where they end what is asked for."""
_APART = w.word_set("up down out off away back")
"""Particles that seldom follow a noun without a determiner."""
_GOING = w.word_set(
    "go come walk drive move travel navigate return arrive climb crawl hover look listen reach wait"
    " stop stay stand park dock sit kneel lean bend knock align connect aim attach rotate squeeze"
    " proceed advance retreat back dispose check"
)
"""Verbs that come to their object by a preposition: "wait at the door"."""
_ROLLING = w.word_set("roll step fly turn head swing jump hold")
"""The same, but things as well: "roll on the table"."""
_LEADING_ON = w.PREPOSITIONS | _PARTICLES | {"of"}
_PLACING = w.word_set("on in at under near by with")
_SWITCHED = w.word_set("power plug screw bring push hand fill tuck")
_HOW = w.word_set("together twice first ready")
_BEFORE_OBJECTS = w.POSSESSIVE | w.word_set("the a an every each both this these those")
_DONE_TO = w.word_set("stop warm cool dry heat fix")
_UNSEEN = w.word_set("room house air leak problem cause music thirst hunger headache")
"""What is seldom to be found where something is to be done to it: "warm the room"."""
_PARTICIPLE = re.compile(r"\w*[aeiouy]\w*ing|\w*[^e]ed")
_NO_IMPERATIVES = (
    (w.PREPOSITIONS | w.OPENERS | w.CONJUNCTIONS | w.DETERMINERS | w.FINITE | w.FINITE_PLURAL)
    | (w.NEGATIONS | w.PEOPLE | w.AUXILIARIES | w.ADVERBS | w.PRONOUN_HEADS | w.ORDINALS)
    | (w.AIMS | w.YEARNING | w.FEELINGS | w.GAPS | w.CUT_LIKE | {"it", "of"})
    | w.word_set("dr mr mrs ms prof")
)


def without_request(words: Sequence[str]) -> tuple[list[str], bool]:
    """What is left when fillers and requests are taken away, and whether a request was there."""
    text = " ".join(words)
    if ASIDE.fullmatch(text):
        return [], False
    text, requested = after_request(text)
    while text != (shorter := TAIL.sub("", text)):
        text = shorter
    if requested:
        text = REASON.sub("", text)
    left = text.split()
    if left[:1] in (["any"], ["some"]) and "left" in left[2:]:
        left = _without_left(left)
    if requested and _ends_in_manner(left):
        left = left[:-1]
    pointed = left[1:2] in (["it"], ["them"]) or _NOTHING.issuperset(left[1:])
    if len(left) > 1 and left[0] in w.VERBS and pointed:
        return [], True
    return ([] if _NOTHING.issuperset(left) else left), requested


def _without_left(words: list[str]) -> list[str]:
    """Without what is no side in "any milk left in the fridge"."""
    at = words.index("left", 2)
    side = words[at - 1] in w.DETERMINERS | w.PREPOSITIONS
    return words if side or words[at + 1 : at + 2] == ["of"] else words[:at] + words[at + 1 :]


def after_request(text: str) -> tuple[str, bool]:
    """What follows the fillers and requests at the start, and whether a request was there."""
    requested = False
    while text:
        if filler := FILLER.match(f"{text} "):
            text = text[filler.end() :]
            continue
        rest = _asked_for(text)
        if not rest:
            break
        text, requested = rest, True
    return text, requested


def _ends_in_manner(left: Sequence[str]) -> bool:
    """Whether the last word tells of the doing: "(turn) the lamp off", "the pages together"."""
    if left[-1:] and left[-1] in DIRECTIONS and len(left) > 2 and left[-2] not in ("way", "ways"):
        said = left[-2] in w.DETERMINERS or left[-2].endswith("ing")  # "the crate falling over"
        return left[0] in w.DEFINITE | w.INDEFINITE and not said
    if left[-1:] and left[-1] in _PARTICLES:  # "the way out" is a name of its own
        return left[-2:-1] not in (["way"], ["ways"]) and noun_phrase(left) == left[:-1]
    if len(left) < 3 or qualifies(left[-2]):  # "the green jelly"
        return False
    return (left[-1] in _HOW or left[-1].endswith("ly")) and noun_phrase(left) == left


def is_way(words: Sequence[str]) -> bool:
    """Whether a part says where to go or where to put what another part names."""
    return bool(ON_THE_WAY.match(" ".join(words)))


def _asked_for(text: str) -> str:
    """What a request that the text starts with asks for, or ""."""
    words = text.split()
    rest = asked_about(text)
    if not rest and (start := LEAD_IN.match(text)):
        rest = text[start.end() :]
    rest = rest or " ".join(_object(words)) or _after_call(text)
    thing = rest.partition(" ")[0] in w.DETERMINERS - {"no"}
    return "" if is_name(words) and not thing else rest  # "press the ...", "push to ..."


def _after_call(text: str) -> str:
    """What follows a name or a manner before a request: "pepper find ...", "gently lift ..."."""
    first, _, rest = text.partition(" ")
    if not rest or first in _NO_IMPERATIVES - w.ADVERBS or first.endswith("'s"):
        return ""
    manner = (first.endswith("ly") or first == "very") and bool(_asked_for(rest))
    return rest if manner or (CALLED.match(rest) and not _tells(rest.split())) else ""


def _tells(words: Sequence[str]) -> bool:
    """Whether words are a clause rather than a verb and its object."""
    return has_main_verb(words[1:]) or has_gap(["the", *words]) or _is_said_of(words[1:])


def _object(words: Sequence[str]) -> Sequence[str]:
    """What follows a verb, whatever verb, as its object: "rinse the cup", "wait at the door"."""
    first, rest = words[0], words[_length_of_verb(words) :]
    if len(rest) < 2 or not _begins_object(rest):
        return []
    if noun_phrase(rest)[-1] in _UNSEEN or _is_said_of(rest):
        return []
    if first in _DONE_TO:  # "stop the door from closing" tells more than its object
        aim = qualifies(rest[-1]) or (len(rest) > 2 and bool(_PARTICIPLE.fullmatch(rest[-1])))
        return rest if rest[0] == "the" and noun_phrase(rest) == rest and not aim else []
    if first in _NO_IMPERATIVES - _GOING or w.is_plural(first) or _PARTICIPLE.fullmatch(first):
        return []
    return [] if _tells(words) else rest[rest[0] == "only" :]


def _begins_object(rest: Sequence[str]) -> bool:
    """Whether words begin as an object does: "the ...", "all the ...", "Anna's lunch"."""
    first = rest[rest[0] in ("all", "only", "half")]
    return first in _BEFORE_OBJECTS or (first.endswith("'s") and len(first) > 3)


def _length_of_verb(words: Sequence[str]) -> int:
    """How many words a verb at the start takes: "set down", "power on", "back away from"."""
    first, *after = words
    if first in _GOING and after[:3] == ["in", "front", "of"]:
        return 4
    at = 0
    if after[:1] and after[0] in _APART and first not in w.AIMS - _DONE_TO | {"put", "cover"}:
        at = 1  # "keep off the grass", "put out the fire"
    goes = first in _GOING or (first in _ROLLING and _PLACING.isdisjoint(after[:1]))
    while goes and at < min(2, len(after)) and after[at] in _LEADING_ON:
        at += 1
    if after[:1] and first in _SWITCHED and after[0] in ("in", "on", "over"):
        at = 1
    return at + 1


def _is_said_of(rest: Sequence[str]) -> bool:
    """Whether words are a noun and its verb, as in "box (that) the cat sleeps in"."""
    clause = rest[:-1] if rest[-1] in w.PREPOSITIONS else rest
    if len(clause) < 3 or not w.is_plural(clause[-1]):
        return False
    noun = clause[-2]
    return not (qualifies(noun) or noun.endswith("'s") or noun in w.DETERMINERS)
