"""Rules over words: what of a sentence is a request, its noun phrase, its conditions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile

from sam3i_model import words as w

_CONTRACTIONS = (
    (re.compile(r"[’`]"), "'"),  # noqa: RUF001
    (re.compile(r"\b(can|won|shan)'t\b"), "cannot"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(what|where|that|there|it|who|which|here)'s\b"), r"\1 is"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"'ve\b"), " have"),
)
_WORD = re.compile(r"\w+(?:[-'/.]\w+)*")

_FINDING = (
    "find|locate|segment|highlight|detect|identify|fetch|bring|retrieve|localize|recogni[sz]e|see"
)
_VERB = "|".join(sorted(w.VERBS))
_LEAD_IN = re.compile(
    rf"""(?:
      please | kindly | now | then | just | ok | okay | so | also | quickly | carefully
    | (?:hey|hi|hello)(?:\ (?:robot|there))?
    | (?:robot|next|first|let\ us|let\ me)(?=\ (?:please|can|could|{_FINDING}|{_VERB})\b)
    | my\ target\ is | there\ should\ be
    | (?:what\ is\ )?the\ (?:position|location|pose|mask|outline|contour|pixels)\ of
    | (?:can|could|would|will)\ you(?:\ see)?
    | i\ (?:want|need|would\ like)\ you\ to | you\ (?:should|must|need\ to|have\ to)
    | i\ (?:want|need|would\ like|have)\ to(?=\ (?:{_FINDING}|pick|have|get|grab|take)\b)
    | i\ (?:want|need|would\ like|see|mean|am\ looking\ for)(?!\ to\b)
    | (?:help\ me|help\ me\ to)(?=\ (?:{_FINDING}|pick|get|grab|take)\b)
    | looking\ for | try\ to | go\ and | go\ ahead\ and
    | let\ me\ have | (?:can|could|may)\ i\ have | do\ you\ (?:see|have)
    | there\ (?:is|are) | (?:is|are)\ there | how\ many | how\ about | what\ about
    | (?:tell|show)\ (?:me\ |us\ )?(?:where|which|what)(?=\ )(?!\ (?:i|we|to|can)\b)
    | where\ (?:is|are|can\ i\ find|do\ you\ see)
    | (?:{_FINDING})(?:\ me|\ us|\ out)?
    | (?:show|give|hand|pass|get|take|tell|grab|pick)\ (?:me|us)(?:\ about)?
    | (?:pick|lift|clean|hold|wipe)\ up | pick\ out | point\ (?:at|to|out) | zoom\ in\ on
    | (?:look|search|reach|watch\ out|head|go|ask)\ for | look\ at | hand\ over | focus\ on
    | put\ (?:away|down|back) | (?:go|drive|walk|move|navigate|turn)\ (?:over\ )?to
    | (?:turn|switch)\ (?:on|off)(?=\ (?:the|a|an|this|that|my|all|both)\b)
    | (?:throw|take)\ (?:away|out) | get\ rid\ of | let\ go\ of | move\ away
    | (?:{_VERB})
        (?=\ (?:the|a|an|this|that|these|those|my|your|all|both|every|each|any|some|another|one
               |{"|".join(sorted(w.NUMBERS | w.PRONOUN_HEADS))})\b)
    | all\ of(?=\ the\b)
    )\ """,
    re.VERBOSE,
)
_TAIL = re.compile(
    r" (?:please|now|thanks|thank you|for me|for us|right now|here|is|are|are there|is located"
    r"|again|slowly|quickly|carefully|in view|if you can|with your (?:gripper|arm|hand)"
    r"|do you see|can you see|that you (?:can )?see|(?:in|from) (?:the|this|that) (?:camera )?"
    r"(?:image|picture|scene|photo|frame|view))$"
)


def split(text: str) -> list[str]:
    for pattern, plain in _CONTRACTIONS:
        text = pattern.sub(plain, text)
    return _WORD.findall(text)


def without_lead_in(spoken: Sequence[str]) -> list[str]:
    """What is left when greetings, requests and "is it here" are taken away."""
    text = " ".join(spoken)
    while (start := _LEAD_IN.match(text)) and text[start.end() :]:
        text = text[start.end() :]
    while end := _TAIL.search(text):
        text = text[: end.start()]
    return text.split()


def open_target(asked: Sequence[str]) -> str:
    """Why the target has to be worked out, or ""."""
    first, second = asked[0], asked[1] if len(asked) > 1 else ""
    if first in ("i", "we", "he", "she", "they", "it") and second not in ("beam", "beams"):
        return "a situation instead of a target"
    if first in ("how", "why", "when", "if", "because", "where", "help", "whoever"):
        return "a question or an aim instead of a target"
    if (first == "to" and second not in ("", "go", "the")) or (
        first == "for" and second.endswith("ing")
    ):
        return "a purpose instead of a target"
    if first in ("my", "our", "his", "her") and any(word in w.BE for word in asked[2:4]):
        return "a situation instead of a target"
    if first in ("make", "keep", "let") and second in ("it", "the", "me", "sure", "room", "my"):
        return "an aim instead of a target"
    if first == "what":
        return _open_what(asked)
    if "what" in asked:
        return "a question or an aim instead of a target"
    head = _general_head(asked)
    if head is None:
        return ""
    rest = asked[head:]
    if _has_purpose(rest):
        return "a purpose instead of a target noun"
    if rest[0] in w.PRONOUN_HEADS and not _is_placed(rest) and not _described(rest):
        return "no target noun"
    return ""


def _open_what(asked: Sequence[str]) -> str:
    """ "what is left of the mug" and "what box is the biggest" have a condition, others don't."""
    if len(asked) > 2 and asked[2] in w.BE and asked[1] not in (*w.STATE_VERBS, *w.PEOPLE):
        return open_target(["which", *asked[1:]])
    placed = len(asked) > 2 and asked[1] in w.STATE_VERBS and _is_placed(asked[2:])
    return "" if placed and not _has_purpose(asked) else "no target noun"


def _general_head(asked: Sequence[str]) -> int | None:
    """Where a noun stands that names no kind ("thing", "something"), if it is the head."""
    for i, word in enumerate(asked):
        after = asked[i + 1] if i + 1 < len(asked) else ""
        if word in w.PRONOUN_HEADS or (word == "which" and (after in w.BE or after in w.MODALS)):
            return i
        if word in w.NOUN_HEADS and (word not in ("one",) or i > 0 or after in w.RELATIVES):
            return i if not after or _ends_noun_phrase(after) or after in w.PURPOSE else None
        if word in ("these", "those", "them") and after in ("can", *w.MODALS, *w.BE):
            return i
        if not (word in w.DETERMINERS or word == "of" or _qualifies(word)):
            return None
    return None


def _has_purpose(rest: Sequence[str]) -> bool:
    """Whether a clause says what the target is for, or who could do what with it."""
    for i, word in enumerate(rest[1:], 1):
        before, after = rest[i - 1], rest[i + 1] if i + 1 < len(rest) else ""
        if word in w.MODALS or word in w.PURPOSE:
            return True
        if word in w.PEOPLE and before not in w.PREPOSITIONS:
            return True
        if word == "can" and (i == 1 or before in (*w.RELATIVES, *w.PEOPLE) or after in w.BE):
            return True
        if word == "for" and before not in ("except", "looking"):
            return True
        if word == "to" and _opens_purpose(before, after):
            return True
        if word in ("that", "which") and after and after not in w.STATE_VERBS | w.DETERMINERS:
            return not (w.is_superlative(after) or after in w.PREPOSITIONS)
        if word == "way" and before in ("the", "my", "our") and "in" in rest:
            return True
    return False


def _opens_purpose(before: str, after: str) -> bool:
    """Whether "to" between these words starts an infinitive."""
    places = before in w.PREPOSITIONS | w.SIDES or w.is_superlative(before)
    return (
        bool(after)
        and not places
        and before not in ("close", "closer", "attached", "connected", "similar", "nearer")
        and after not in w.DETERMINERS | w.SIDES
    )


def _is_placed(words: Sequence[str]) -> bool:
    return any(
        word in w.PREPOSITIONS | w.SIDES | w.COMPARATIVES or w.is_superlative(word)
        for word in words
    )


def _described(words: Sequence[str]) -> bool:
    return any(w.is_adjective(word) or word in w.NEGATIONS for word in words)


def _qualifies(word: str) -> bool:
    return (
        w.is_adjective(word)
        or w.is_superlative(word)
        or word in w.COMPARATIVES | w.ORDINALS | w.PLACES
    )


def _ends_noun_phrase(word: str) -> bool:
    return (
        word in w.PREPOSITIONS | w.RELATIVES | w.STATE_VERBS | w.MODALS | w.NEGATIONS | w.PEOPLE
        or word in w.TRANSITIVE | w.PARTICIPLES | w.DETERMINERS
        or word in ("of", "and", "or", "can", "left", "right", "farthest", "furthest")
    )


def noun_phrase(asked: Sequence[str]) -> list[str]:
    """Determiners, adjectives and nouns up to the first word that can't be one of them."""
    has_noun = False
    for i, word in enumerate(asked):
        after = asked[i + 1] if i + 1 < len(asked) else ""
        if not has_noun and i and word in ("of", "and"):
            continue  # "both of the mugs", "black and white pole"
        if not has_noun and (word in w.DETERMINERS or (_qualifies(word) and after)):
            continue
        if (has_noun and _is_verb(after)) if word == "can" else (i and _ends_noun_phrase(word)):
            return list(asked[:i])
        has_noun = True
    return list(asked)


def _is_verb(word: str) -> bool:
    """Whether "can" before `word` is a modal verb, not a tin."""
    return word in w.BE | w.PEOPLE or (bool(word) and not _ends_noun_phrase(word))


def condition(asked: Sequence[str], phrase: Sequence[str]) -> str:
    """What narrows the noun down, or "" for a bare noun phrase."""
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
    if w.SIDES.intersection(asked) or (definite and w.PLACES.intersection(body[:-1])):
        return "a noun with a position"
    if "both" in phrase or (
        w.NUMBERS.intersection([*phrase, *rest[1:2]]) and w.is_plural([*phrase, *rest][-1])
    ):
        return "a noun with a number"
    if _joins(rest):
        return "several nouns"
    if rest and rest[0] in ("of", "and", "or") and not w.DEFINITE.intersection(rest[1:2]):
        rest = [word for word in rest[2:] if _ends_noun_phrase(word)]  # "cup of coffee"
    if rest:
        return "a noun with a relation or a state"
    if definite and "all" not in phrase and any(w.is_adjective(word) for word in body[:-1]):
        return "a definite noun with an attribute"
    return ""


def _joins(rest: Sequence[str]) -> bool:
    """Whether what follows a noun phrase is "and" or "or" with another one."""
    if len(rest) < 2 or rest[0] not in ("and", "or", "plus"):
        return False
    return rest[1] in ("also", *w.DETERMINERS) or any(
        w.is_plural(word) for word in noun_phrase(rest[1:])
    )


def is_singular(asked: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether one thing is asked for: "the mug", "a mug", "leftmost mug"; not "mug", "mugs"."""
    head = phrase[: phrase.index("of")] if "of" in phrase else phrase
    if not head or _joins(asked[len(phrase) :]) or head[0] in w.EACH:
        return False
    if "both" in head or w.NUMBERS.intersection(head):
        return False
    if is_any(head):
        return True
    picked = any(w.is_superlative(word) for word in head) or (
        "from" in asked and bool(w.ORDINALS.intersection(head))
    )
    return (picked or bool(w.DEFINITE.intersection(head))) and not w.is_plural(head[-1])


def is_any(phrase: Sequence[str]) -> bool:
    """Whether any one of its kind will do: "a mug", "another mug", "one of the mugs"."""
    return phrase[0] in w.INDEFINITE or phrase[0] in ("one", "1", "something")
