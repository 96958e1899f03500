"""Texts for a scene: what may be asked about it, and which objects answer.

Everything is read from the object records that are passed, so that flipped and cropped records
give texts that are right for the flipped and cropped image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sam3i_model.instruction import Level
from training.instructions import families, holding, partly, purposely, relations, templates
from training.instructions.answers import Answer, Family, put
from training.instructions.phrases import Phrase
from training.instructions.telling import Teller, outside_phrase
from training.instructions.telling_uses import UseTeller, fits_many
from training.instructions.things import Thing, labels_of, scene_of
from training.instructions.wrapping import wrapped

Families = Mapping[str, tuple[Family, float]]

_COMMON: dict[str, tuple[Family, float]] = {
    "superlative": (families.superlative, 4.5),
    "relation": (relations.relation, 4.0),
    "closest": (relations.closest, 1.7),
    "ordinal": (families.ordinal, 1.6),
    "side": (families.side, 1.6),
    "comparative": (families.comparative, 1.2),
    "comparison": (relations.comparison, 1.8),
    "between": (relations.between, 4.5),
    "count": (families.count, 1.0),
    "farthest_from": (relations.farthest_from, 1.0),
    "group": (relations.group_near, 2.6),
    "held": (holding.held, 3.5),
    "holder": (holding.holder, 2.5),
    "all_but": (families.all_but, 1.0),
    "negation": (families.negation, 4.0),
    "everyone": (families.everyone, 1.2),
}
SIMPLE: Families = {
    **_COMMON,
    "definite": (families.definite, 1.5),
    "pair": (families.pair, 1.0),
    "not_but": (families.not_but, 0.5),
    "part": (partly.part, 1.8),
    "parts": (partly.parts_of_all, 2.0),
}
"""Family of simple instructions -> how it is made and how often it is tried."""
COMPLEX: Families = {
    **{name: (family, 0.62 * weight) for name, (family, weight) in _COMMON.items()},
    "definite": (families.definite, 0.9),
    "asked": (purposely.asked, 14.0),
    "unfit": (purposely.unfit, 1.4),
    "part_use": (partly.part_use, 2.0),
}
"""The same for complex instructions."""
_ORDERS = ("superlative", "ordinal", "comparative", "comparison", "closest", "farthest_from")
ORDER: Families = {name: _COMMON[name] for name in _ORDERS}
"""Those of `SIMPLE` that tell like things apart by their order: from the left, from the camera, by
size, by how close they are to something."""
PLAIN: Families = {name: SIMPLE[name] for name in ("definite", "everyone", "pair")}
"""Those of `SIMPLE` that say no more than kind, colour and number: what a planner asks most."""
ROW: Families = {"superlative": (families.outermost, 1.0)}
"""Left or right alone: the first order to learn, as which of several is meant is learned from one
pair of words in minutes, and from all of them at once in hours."""

_ANY_NUMBER = frozenset(
    ("noun", "part", "parts", "part_use", "everyone", "count", "all_but", "unfit")
)
"""Families whose noun may be singular for several things and the other way round."""
_ARTICLES = frozenset(("the", "a", "an", "any", "all", "every", "each"))
_PLAIN = (*templates.DEFINITE_HERE, *templates.SUPERLATIVE["left"], *templates.SUPERLATIVE["far"])
_PAIRS = frozenset(("scissors", "pliers"))
"""Nouns that are plural for one thing, unless "a pair of" goes before them."""
_TRIES = 16
_TRIES_PER_FAMILY = 6
MAX_WORDS = 30
"""Of a text, so that with its two ends it fits into the 32 tokens that the model reads."""


@dataclass(frozen=True)
class Query:
    """A text and what it denotes.

    Attributes:
        text: What is asked.
        labels: Labels of the objects meant, or with `part` of the parts meant in the map of parts,
            ascending; () when nothing here answers to it.
        level: Concept, simple or complex.
        family: The sort of condition.
        granularity: "1to1" one, "1toN" several, "1toAll" all that the noun phrase means or all of
            their kind; "" when nothing is denoted.
        part: Whether parts of things are asked for.
        template: The text without its content.
    """

    text: str
    labels: tuple[int, ...]
    level: Level
    family: str
    granularity: str = ""
    part: bool = False
    template: str = ""


def concept(
    objects: Sequence[Mapping[str, Any]],
    rng: Random,
    image_size: tuple[int, int],
    absent: float = 0.22,
) -> Query:
    """A noun phrase and every object that answers to it.

    `absent` is the share of phrases that denote nothing here. An empty scene gives only such ones.
    """
    teller = Teller(scene_of(objects, image_size), rng)
    missing = not teller.scene or rng.random() < absent
    answer = None
    for _ in range(_TRIES if teller.scene else 0):
        answer = _concept(teller, missing)
        if answer is not None:
            break
    answer = answer or _outside(teller, "{n}")
    family = "absent" if not answer.things else "part" if answer.parts is not None else "noun"
    return query_of(answer, Level.CONCEPT, family, rng, commands=0.12)


def simple(
    objects: Sequence[Mapping[str, Any]],
    rng: Random,
    image_size: tuple[int, int],
    absent: float = 0.2,
    sorts: Families = SIMPLE,
) -> Query:
    """A noun with a condition, and the objects or parts that meet it.

    `absent` is the share of sentences that nothing here answers to. Where a scene allows no
    clear-cut case of the drawn sort, a definite noun phrase that denotes nothing is asked instead.
    `sorts` are `SIMPLE`, or some of them.
    """
    teller = Teller(scene_of(objects, image_size), rng)
    return _instruction(teller, sorts, Level.SIMPLE, absent)


def complex_(
    objects: Sequence[Mapping[str, Any]],
    rng: Random,
    image_size: tuple[int, int],
    absent: float = 0.2,
) -> Query:
    """A sentence that does not name its target, and the objects or parts that it denotes.

    `absent` as for `simple`. Where nothing clear can be asked, a use that nothing serves is.
    """
    teller = UseTeller(scene_of(objects, image_size), rng)
    return _instruction(teller, COMPLEX, Level.COMPLEX, absent)


def _instruction(teller: Teller, sorts: Families, level: Level, absent: float) -> Query:
    rng = teller.rng
    missing = not teller.scene or rng.random() < absent
    drawn = _draw(teller, sorts, missing) if teller.scene else None
    if drawn is None and not missing:
        drawn = _draw(teller, sorts, True) if teller.scene else None
    if drawn is None and level is Level.COMPLEX:
        drawn = _draw(teller, {"asked": COMPLEX["asked"]}, True)
    if drawn is None:
        drawn, level = ("definite", _outside(teller, rng.choice(_PLAIN))), Level.SIMPLE
    family, answer = drawn
    return query_of(answer, level, family, rng, commands=0.0 if family == "asked" else 0.4)


def _draw(teller: Teller, sorts: Families, absent: bool) -> tuple[str, Answer] | None:
    rng = teller.rng
    names = tuple(sorts)
    weights = [weight for _, weight in sorts.values()]
    for _ in range(_TRIES):
        name = rng.choices(names, weights)[0]
        family = sorts[name][0]
        for _ in range(_TRIES_PER_FAMILY):
            answer = family(teller, absent)
            if answer is not None and _short(answer.text):
                return name, answer
    return None


def _outside(teller: Teller, pattern: str) -> Answer:
    """What may always be asked: for a thing that no scene shows."""
    phrase = outside_phrase(teller.rng)
    return Answer(put(pattern, phrase, teller.rng), [], pattern)


def _concept(teller: Teller, absent: bool) -> Answer | None:
    rng = teller.rng
    if rng.random() < 0.14:
        return partly.part_concept(teller, absent)
    if absent:
        phrase, things = teller.named_nothing(), list[Thing]()
    else:
        said = teller.any_target()
        if said is None:
            return None
        phrase, things = said
    if phrase is None:
        return None
    many = rng.random() < (0.45 if len(things) > 1 else 0.15) and fits_many(phrase)
    patterns = templates.CONCEPT_MANY if many else templates.CONCEPT_ONE
    if len(things) <= 1 and not many:
        patterns = (*patterns, templates.CONCEPT_THE)
    pattern = rng.choice(patterns)
    return Answer(_noun_text(pattern, phrase, rng), things, _noun_form(pattern, phrase), True)


def _noun_text(pattern: str, phrase: Phrase, rng: Random) -> str:
    if "{a}" in pattern:
        return pattern.replace("{a}", phrase.indefinite)
    return put(pattern, phrase, rng)


def _noun_form(pattern: str, phrase: Phrase) -> str:
    return re.sub(r"\{[nNa]\}", lambda _: phrase.form, pattern)


def query_of(answer: Answer, level: Level, family: str, rng: Random, commands: float) -> Query:
    """The answer as a query, a share `commands` as a person would say it to a robot."""
    text, labels = answer.text, answer.parts
    number = len(answer.things)
    if level is Level.CONCEPT and text.split(" ", 1)[0] not in _ARTICLES:
        commands = 0.0
    unknown = family in _ANY_NUMBER or not number or not _PAIRS.isdisjoint(text.split())
    singular = number == 1 or text.startswith("every ")
    be = None if unknown else "is" if singular else "are"
    text = wrapped(text, rng, be, share=commands)
    if not _short(text):
        text = answer.text
    return Query(
        text=text,
        labels=labels_of(answer.things) if labels is None else labels,
        level=level,
        family=family,
        granularity=_granularity(answer, level),
        part=labels is not None,
        template=answer.pattern,
    )


def _granularity(answer: Answer, level: Level) -> str:
    number = len(answer.things if answer.parts is None else answer.parts)
    if number == 0:
        return ""
    if level is Level.CONCEPT:
        return "1toAll"
    return "1to1" if number == 1 else "1toAll" if answer.whole else "1toN"


def _short(text: str) -> bool:
    return len(re.findall(r"\w+", text)) <= MAX_WORDS
