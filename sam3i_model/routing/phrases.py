"""The noun phrase that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sam3i_model.routing import words as w
from sam3i_model.routing.names import is_name
from sam3i_model.routing.verbs import ends_noun_phrase, qualifies


def noun_phrase(asked: Sequence[str]) -> list[str]:
    """Determiners, adjectives and nouns up to the first word that can't be one of them."""
    if is_name(asked):
        return list(asked)
    has_noun = False
    for i, word in enumerate(asked):
        after = asked[i + 1] if i + 1 < len(asked) else ""
        if not has_noun and i and word in ("of", "and"):
            continue  # "both of the mugs", "black and white pole"
        if i and _follows_noun(asked[i - 1], word, after):
            return list(asked[:i])
        if has_noun and not after and word in w.POSITION_VERBS:
            continue  # "drip stands"
        before_noun = (
            qualifies(word) or word.endswith("'s") or (word.endswith("ly") and qualifies(after))
        )
        if not has_noun and (word in w.DETERMINERS or (before_noun and after)):
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


def _follows_noun(before: str, word: str, after: str) -> bool:
    """Whether `word` tells of the noun before: "a glass full", "dog barking", "box marked x"."""
    if before in w.DETERMINERS | w.CONJUNCTIONS | w.ADVERBS | w.PREPOSITIONS | {"of"}:
        return False
    if word in w.MARKED or (word == "half" and after in w.STATES):
        return bool(after)
    if after and not ends_noun_phrase(after):
        return False
    if word.endswith("ing"):
        person = before in w.GROUPS | {"person", "boy", "girl"}
        return word in w.EVENTS or (person and word not in w.NOUN_HEADS)  # "kids clothing"
    done = word.endswith("ed") and w.is_adjective(word) and "-" not in word
    return word in w.STATES or (done and not qualifies(before))


def _is_modifier(word: str, before: str, after: str) -> bool:
    """Whether a participle stands between a determiner and its noun: "the running shoes"."""
    return (
        word in w.PARTICIPLES | w.TRANSITIVE
        and (before in w.POSSESSIVE | {"the", "a", "an"} or before.endswith("'s"))
        and bool(after)
        and (after in w.PERSONS or not ends_noun_phrase(after))
    )


def _is_verb(word: str) -> bool:
    """Whether a clause goes on with `word`: "people use", "can use"; not "can on the table"."""
    return word in w.AUXILIARIES | w.BE | w.PEOPLE or (bool(word) and not ends_noun_phrase(word))
