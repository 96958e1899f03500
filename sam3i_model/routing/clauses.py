"""The shape of a clause: whether it names its target or leaves it to be worked out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from sam3i_model.routing import words as w
from sam3i_model.routing.verbs import (
    OBJECTS,
    ends_noun_phrase,
    has_gap,
    has_main_verb,
    is_finite,
    qualifies,
)

_SITUATION = "a situation instead of a target"
_QUESTION = "a question or an aim instead of a target"
_PURPOSE = "a purpose instead of a target"
_UNSEEN = w.word_set("something anything somewhere anywhere nowhere")
_FITTING = w.word_set("suitable appropriate proper fitting")
_ABOUT_USE = w.ADVERBS | w.PURPOSE | w.PROPERTIES
_ABOUT_HEAD = w.word_set("here there that which who ever exactly of")


def open_target(asked: Sequence[str]) -> str:
    """Why the target has to be worked out, or ""."""
    first, second = asked[0], asked[1] if len(asked) > 1 else ""
    if first in w.SUBJECTS and second not in ("beam", "beams", ""):
        return _SITUATION
    if first in ("these", "those", "this", "that", "there") and second in w.AUXILIARIES:
        return _SITUATION
    if first in w.AUXILIARIES and (second in w.PEOPLE | {"it"} or first in w.MODALS):
        return _QUESTION
    if first in ("how", "why", "where", "help") or (first == "when" and second in w.AUXILIARIES):
        return _QUESTION
    if first in w.SUBORDINATORS and second:
        return _SITUATION
    if (
        (first, second) in (("put", "out"), ("cover", "up"), ("give", "me"), ("lend", "me"))
        or (first, second) == ("do", "something")
        or list(asked[:3]) == ["in", "order", "to"]
    ):
        return _QUESTION
    if (first == "to" and second not in ("", "go", "the")) or (
        first == "for" and (second.endswith("ing") or second in ("when", "if"))
    ):
        return _PURPOSE
    if first in w.AIMS and second in w.DETERMINERS | OBJECTS | {"sure", "room", "up", "down"}:
        return _QUESTION
    if _is_activity(first, second) or _lacks_subject(asked):
        return _SITUATION
    if first == "what":
        return _open_what(asked)
    if "what" in asked[:3] or ("what" in asked and "how" not in asked):
        return _QUESTION
    if list(asked[:2]) == ["which", "of"] and len(asked) == 4 and asked[2] in ("these", "those"):
        return "no target noun"
    head = general_head(asked)
    if head is not None:
        if asked[head] in w.NOUN_HEADS and not w.PROPERTIES.isdisjoint(asked[:head]):
            return "a property instead of a target noun"
        if head == len(asked) - 1 and not _FITTING.isdisjoint(asked[:head]):
            return "no target noun"
        return _open_head(asked[head:])
    bare = list(dropwhile(w.DETERMINERS.__contains__, asked))
    if (
        bare[:1]
        and bare[0] in w.ABSTRACT_HEADS
        and "".join(bare[1:2]) in ("for", "from", "to", "against", "with", "of", "out")
    ):
        return _PURPOSE
    if len(bare) == 1 and bare[0] in w.COMFORTS:
        return _PURPOSE
    if _is_told_place(asked) or has_gap(asked):
        return ""
    return _SITUATION if has_main_verb(asked) else ""


def _is_told_place(asked: Sequence[str]) -> bool:
    """ "the mug is not left of the box", "on the box is a mug": things placed by other things."""
    verb = next((i for i, word in enumerate(asked) if word in w.FINITE_BE), len(asked))
    place = [word for word in asked[verb + 1 : verb + 3] if word != "not"]
    beside = w.SIDES | {"next", "between", "closest", "nearest"}
    if asked[0] in w.PREPOSITIONS:
        said_of = asked[verb - 1] not in w.SUBJECTS  # "for me it is a problem"
        return said_of and not (w.DETERMINERS - {"no"}).isdisjoint(place[:1])
    return asked[0] == "the" and bool(place) and place[0] in beside


def _is_activity(first: str, second: str) -> bool:
    """ "drying the dishes", "sitting down"; not "cutting board"."""
    return (
        first.endswith("ing")
        and first not in w.PREPOSITIONS | w.POSITIONS | w.PRONOUN_HEADS
        and second in OBJECTS | {"up", "down", "off", "out", "this", "these", "those"}
    )


def _lacks_subject(asked: Sequence[str]) -> bool:
    """ "too cold in here", "out of petrol", "no milk left"."""
    first, second = asked[0], asked[1] if len(asked) > 1 else ""
    if second == "to" and first in w.YEARNING and len(asked) > 2:
        return True
    if first in ("need", "want") and second in w.DETERMINERS:
        return True  # no request for a noun, or it would have been taken away
    if second == "and" and first in w.FEELINGS:
        return asked[-1] in w.FEELINGS
    if first in w.FEELINGS and (not second or second in {*w.PREPOSITIONS, "of", "here"}):
        return True
    if first == "do" and second == "not":
        return asked[2:3] in (["want"], ["need"], ["know"], ["have"], ["feel"], ["like"], ["see"])
    if first in w.PRESENT or (first == "better" and second in w.VERBS | {"hurry", "be"}):
        return bool(second)
    if first.endswith("ed") and (second in w.POSSESSIVE or second in ("myself", "ourselves")):
        return True
    if first in ("feeling", "getting") or (first == "too" and len(asked) < 6):
        return bool(second)
    if first in ("almost", "nearly") and second == "out":
        return True
    return (first == "out" and second == "of") or (first == "no" and asked[-1] == "left")


def _open_what(asked: Sequence[str]) -> str:
    """ "what is left of the mug" and "what box is the biggest" have a condition, others don't."""
    if len(asked) > 2 and asked[2] in w.BE and asked[1] not in (*w.STATE_VERBS, *w.PEOPLE):
        return open_target(["which", *asked[1:]])
    return "" if len(asked) > 2 and _narrows(asked[1:], relative=True) else "no target noun"


def general_head(asked: Sequence[str]) -> int | None:
    """Where a noun stands that names no kind ("thing", "something"), if it is the head."""
    strange = 0
    for i, word in enumerate(asked):
        after = asked[i + 1] if i + 1 < len(asked) else ""
        if word in w.SORTS and after == "of":
            continue
        tin = after == "can" and not (w.FINITE_BE | {"has"}).isdisjoint(asked[i + 2 : i + 3])
        if (word in w.PRONOUN_HEADS and (word != "who" or not i)) or (
            word in ("which", "whichever") and (after in w.AUXILIARIES or not after) and not tin
        ):
            return i
        if word in w.NOUN_HEADS and (word != "one" or i > 0 or after in w.RELATIVES):
            ends = not after or ends_noun_phrase(after) or after in w.ADVERBS | w.PURPOSE
            ends = ends or (after.endswith("ing") and _has_object(asked[i + 2 :]))
            return i if ends and (not strange or word in w.WIDE_HEADS) else None
        if word in ("these", "those", "them") and after in w.AUXILIARIES:
            return i
        if word == "of" or word in w.DETERMINERS:
            continue
        if not (qualifies(word) or w.is_vague(word) or word in _ABOUT_USE):
            strange += 1
            if strange > 1 or ends_noun_phrase(word):
                return None
    return None


def _has_object(said: Sequence[str]) -> bool:
    """Whether a participle in front of these words is the start of a clause."""
    return not said or said[0] in w.DETERMINERS | w.PREPOSITIONS | w.SUBJECTS | {"me", "us", "my"}


def _open_head(rest: Sequence[str]) -> str:
    """The same for a clause from its general head on."""
    head, said = rest[0], rest[1:]
    if head in w.PERSON_HEADS and head != "who" and said and is_finite(said, 0, head):
        return _SITUATION
    if said and not _narrows(said, head in ("which", "who", "whatever", "whoever"), head):
        return _PURPOSE + " noun"
    if not said and head in w.PRONOUN_HEADS:
        return "no target noun"
    return ""


def _narrows(said: Sequence[str], relative: bool = False, head: str = "") -> bool:
    """Whether words after a general head tell what or where it is, not what it is for."""
    if _has_purpose(said):
        return False
    if said[0] in ("of", "and", "or", "instead"):
        return True
    at = 0
    while at < len(said) and (said[at] in _ABOUT_HEAD or said[at] in w.ADVERBS - {"else"}):
        relative = relative or said[at] in w.RELATIVES
        at += 1
    if at == len(said):
        return head not in w.PRONOUN_HEADS or relative
    word, after = said[at], [word for word in said[at + 1 :] if word not in w.ADVERBS | {"not"}]
    then = after[0] if after else ""
    if word in w.PEOPLE:
        return any(word in w.POSITIONS | w.TRANSITIVE for word in said)
    if word in w.FINITE_BE or (word == "not" and not relative):
        other = "not" in said[at:] and head in w.NOUN_HEADS and not then.endswith("ing")
        return other or then in w.DETERMINERS or _is_state(then, after[1:], head)
    if word in ("has", "have", "had"):
        return bool(then) and then != "to"
    if word in ("do", "does", "did"):
        return then in w.STATE_VERBS
    if word in w.STATE_VERBS - {"shows", "show", "moves"} | w.PAST:
        return True
    if head in _UNSEEN and (word in w.TOUCH or word.endswith(("able", "ible"))):
        return False
    if relative and not word.endswith("ed"):
        return word in w.PREPOSITIONS or _is_narrowing(word)
    return _is_state(word, after, head) or (
        not word.endswith("ing") and _is_placed(said[at : at + 2])
    )


def _is_state(word: str, after: Sequence[str], head: str) -> bool:
    """Whether `word`, as in "the thing (that is) `word`", is a place, a quality or a posture."""
    if head in w.PERSON_HEADS | {"one", "ones"} and word in w.TRANSITIVE:
        return True
    if word.endswith("ing") and word not in w.PREPOSITIONS:
        acts = bool(after) and after[0] in OBJECTS and word not in w.TRANSITIVE
        return word in w.POSITIONS and not acts
    return _is_narrowing(word) or word in w.PREPOSITIONS | {"as", "than", "most"}


def _is_narrowing(word: str) -> bool:
    return (
        w.is_adjective(word)
        or w.is_superlative(word)
        or word in w.PARTICIPLES | w.COMPARATIVES | w.NEGATIONS | w.SIDES | w.PLACES | w.ORDINALS
    )


def _is_placed(words: Sequence[str]) -> bool:
    return any(word in w.PREPOSITIONS | w.SIDES for word in words)


def _has_purpose(said: Sequence[str]) -> bool:
    """Whether a clause says what the target is for, or who could do what with it."""
    for i, word in enumerate(said):
        before, after = said[i - 1] if i else "", said[i + 1] if i + 1 < len(said) else ""
        if word in w.MODALS or word in w.PURPOSE or (before, word) == ("in", "charge"):
            return True
        if word == "can" and (not before or before in w.RELATIVES | w.PEOPLE or after in w.BE):
            return True
        if word == "for" and before not in ("except", "looking"):
            return True
        if word in ("which", "whom") and before in w.PREPOSITIONS and after in w.PEOPLE:
            return True
        if word == "to" and _opens_purpose(before, after):
            return True
        if word in w.PEOPLE and after in ("use", "need", "want", "can", "put", "keep", "have"):
            return True
        if word == "way" and before in ("the", "my", "our") and "in" in said:
            return True
        if word == "you" and after in w.VERBS and said[-1] in ("by", "with", "from", "in", "on"):
            return True  # "the part you grab it by"
    return False


def _opens_purpose(before: str, after: str) -> bool:
    """Whether "to" between these words starts an infinitive."""
    places = before in w.PREPOSITIONS | w.SIDES or w.is_superlative(before)
    if before == "about":
        return True
    return (
        bool(after)
        and not places
        and before not in ("close", "closer", "attached", "connected", "similar", "nearer", "tied")
        and after not in w.DETERMINERS | w.SIDES
    )
