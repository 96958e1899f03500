"""Finite verbs, found without a dictionary: whether words are a clause or a noun phrase."""

from __future__ import annotations

from collections.abc import Sequence

from sam3i_model.routing import words as w

OBJECTS = w.word_set("a an me him her us them it himself herself the") | w.POSSESSIVE
"""What only a finite verb can have right after it, unlike a participle."""

_NOT_NOMINAL = (
    (w.PREPOSITIONS | w.OPENERS | w.CONJUNCTIONS | w.DETERMINERS | w.FINITE | w.ADVERBS)
    | (w.NEGATIONS | w.SUBJECTS | {"of"})
) - {"one"}
_AFTER_NOUNS = (
    (w.PREPOSITIONS | w.RELATIVES | w.STATE_VERBS | w.MODALS | w.NEGATIONS | w.PEOPLE)
    | (w.TRANSITIVE | w.PARTICIPLES | w.DETERMINERS)
    | {"of", "and", "or", "can", "left", "right", "farthest", "furthest", "belongs"}
)
_IN_VERB = w.ADVERBS | w.BE | w.FINITE | {"not", "have", "got"}
_SUBJECTS = w.PEOPLE | w.DEFINITE | w.INDEFINITE | {"it"}
_QUALIFIERS = w.COMPARATIVES | w.ORDINALS | w.PLACES


def has_main_verb(words: Sequence[str]) -> bool:
    """Whether there are more finite verbs than words that open a subordinate clause."""
    openers = finites = 0
    in_verb = False
    for i, word in enumerate(words):
        before = words[i - 1] if i else ""
        if in_verb and word in _IN_VERB:
            continue
        if i and is_finite(words, i, before):
            in_verb = True
            finites += before not in w.CONJUNCTIONS
            if finites > openers:
                return True
            continue
        in_verb = False
        openers += _opens_clause(word, before, words[i + 1 : i + 2])
    return False


def _opens_clause(word: str, before: str, after: Sequence[str]) -> bool:
    if word == "that":
        return _is_nominal(before)
    if word in w.OPENERS:
        return word != "than"
    if word in _SUBJECTS:
        return _is_nominal(before) and bool(after)
    return False


def _is_nominal(word: str) -> bool:
    """Whether `word` may end a noun phrase, so that a clause about it can follow."""
    return bool(word) and word not in _NOT_NOMINAL and not word.endswith(("ing", "ed", "ly"))


def is_finite(words: Sequence[str], at: int, before: str) -> bool:
    """Whether the word there is a finite verb, given the word before it."""
    word, after = words[at], words[at + 1] if at + 1 < len(words) else ""
    if before in ("to", "a", "an", "the"):
        return False
    if word == "can":
        plural = w.is_plural(before) or before in w.PEOPLE
        return after in w.BE or (plural and bool(after) and not ends_noun_phrase(after))
    if word in w.FINITE:
        return True
    if word in w.FINITE_PLURAL:
        return w.is_plural(before) or (
            _is_nominal(before) and (after == "to" or (word != "keep" and after.endswith("ing")))
        )
    if word in w.INTRANSITIVE and not after:
        return _is_nominal(before)
    if word.endswith("ed") and after in ("in", "into", "down"):
        return _is_nominal(before) and words[at + 2 : at + 3] in (["my"], ["our"])
    if word.endswith("ed") or word in w.CUT_LIKE:
        return _is_nominal(before) and after in OBJECTS
    return False


def qualifies(word: str) -> bool:
    """Whether `word` may stand between a determiner and its noun without being a noun."""
    return w.is_adjective(word) or w.is_superlative(word) or word in _QUALIFIERS


def ends_noun_phrase(word: str) -> bool:
    return word in _AFTER_NOUNS


def has_gap(asked: Sequence[str]) -> bool:
    """Whether the object of the clause is missing, as it is in "the cup Dave is holding"."""
    if asked[0] not in w.DETERMINERS:
        return False
    verbs = [i for i, word in enumerate(asked) if word in w.GAPS or is_done(word)]
    if verbs and asked[-1] in ("ago", "earlier", "yesterday", "today", "before"):
        asked = asked[: verbs[-1] + 1]
    verb = asked[-1]
    nouns = next((i for i, word in enumerate(asked) if word in w.AUXILIARIES), len(asked) - 1)
    return nouns > 2 and (
        (verb in w.GAPS and asked[-2] not in w.DETERMINERS)  # "on the left"
        or (verb in w.PREPOSITIONS and asked[-2].endswith(("ing", "ed")))
        or (is_done(verb) and nouns == len(asked) - 1)
    )


def is_done(word: str) -> bool:
    """Whether `word` is a participle: "dropped"; not "bed"."""
    return word.endswith("ed") and w.is_adjective(word)
