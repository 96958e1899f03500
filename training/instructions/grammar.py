"""Texts for a scene: what may be asked about it, and which objects answer.

Everything is read from the object records that are passed, so that flipped and cropped records
give texts that are right for the flipped and cropped image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sam3i_model.instruction import Level
from training.instructions import families, lexicon, relations, requests, templates
from training.instructions.families import Answer, Family, labels_of
from training.instructions.phrases import (
    Phrase,
    Scene,
    Thing,
    describe,
    describe_nothing,
    phrase,
    with_idle_adjective,
)

FAMILIES: dict[str, tuple[Family, float]] = {
    "superlative": (families.superlative, 5.0),
    "relation": (relations.relation, 4.0),
    "closest": (relations.closest, 1.5),
    "definite": (families.definite, 2.0),
    "ordinal": (families.ordinal, 1.5),
    "side": (families.side, 1.5),
    "comparative": (families.comparative, 1.0),
    "comparison": (relations.comparison, 1.0),
    "negation": (families.negation, 1.5),
    "between": (relations.between, 2.5),
    "count": (families.count, 0.8),
    "pair": (families.pair, 1.0),
    "farthest_from": (relations.farthest_from, 0.7),
}
"""Family of simple instructions -> how it is made and how often it is tried."""

_TRIES = 60
_TRIES_PER_FAMILY = 5


@dataclass(frozen=True)
class Query:
    """A text and the labels it denotes, ascending; () when nothing here answers to it."""

    text: str
    labels: tuple[int, ...]
    level: Level
    family: str


def scene_of(objects: Sequence[Mapping[str, Any]], image_size: tuple[int, int]) -> Scene:
    """The grammar's view of the records of one image. `image_size` is (width, height), pixels."""
    return [Thing.from_record(record, image_size) for record in objects]


def concept(
    objects: Sequence[Mapping[str, Any]],
    rng: Random,
    image_size: tuple[int, int],
    absent: float = 0.22,
) -> Query:
    """A noun phrase and every object that answers to it.

    `absent` is the share of phrases that denote nothing here. An empty scene gives only such ones.
    """
    scene = scene_of(objects, image_size)
    missing = not scene or rng.random() < absent
    target = _missing_phrase(scene, rng) if missing else describe(rng.choice(scene), scene, rng)
    matched = target.among(scene)
    text = _concept_text(target, len(matched), rng)
    if rng.random() < 0.12:
        text = _command(text, rng, many=len(matched) > 1)
    family = "absent" if missing else "noun" if target.color is None else "color"
    return Query(text, labels_of(matched), Level.CONCEPT, family)


def simple(
    objects: Sequence[Mapping[str, Any]],
    rng: Random,
    image_size: tuple[int, int],
    absent: float = 0.2,
) -> Query:
    """A noun with a condition, and the objects that meet it.

    `absent` is the share of sentences that nothing here answers to. Where a scene allows no
    clear-cut case of the drawn sort, a definite noun phrase that denotes nothing is asked instead.
    """
    scene = scene_of(objects, image_size)
    missing = not scene or rng.random() < absent
    answer = _draw(scene, rng, missing) if scene else None
    if answer is None:
        answer = "definite", (f"the {_missing_phrase(scene, rng).one}", ())
    family, (text, labels) = answer
    if rng.random() < 0.08:
        text = " ".join(word for word in text.split() if word != "the")
    if rng.random() < 0.4:
        text = _command(text, rng, many=len(labels) > 1)
    return Query(text, labels, Level.SIMPLE, family)


def _draw(scene: Scene, rng: Random, absent: bool) -> tuple[str, Answer] | None:
    names = tuple(FAMILIES)
    weights = [weight for _, weight in FAMILIES.values()]
    for _ in range(_TRIES // _TRIES_PER_FAMILY):
        name = rng.choices(names, weights)[0]
        for _ in range(_TRIES_PER_FAMILY):
            answer = FAMILIES[name][0](scene, rng, absent)
            if answer is not None:
                return name, answer
    return None


def _missing_phrase(scene: Scene, rng: Random) -> Phrase:
    for _ in range(_TRIES):
        target = describe_nothing(scene, rng)
        if target is not None:
            return target
    return phrase(rng.choice(lexicon.OUTSIDE), frozenset(), None, rng)


def _concept_text(target: Phrase, matched: int, rng: Random) -> str:
    if target.kinds and rng.random() < 0.05:
        target = with_idle_adjective(target, rng)
    many = rng.random() < (0.45 if matched > 1 else 0.15)
    patterns = templates.CONCEPT_MANY if many else templates.CONCEPT_ONE
    if matched <= 1 and not many:
        patterns = (*patterns, templates.CONCEPT_THE)
    return rng.choice(patterns).format(n=target.one, N=target.many, a=target.indefinite)


def _command(text: str, rng: Random, many: bool) -> str:
    """`text` as a person would say it to a robot."""
    draw = rng.random()
    if draw < 0.6:
        polite = f"{rng.choice(requests.POLITE)} " if rng.random() < 0.35 else ""
        text = f"{polite}{rng.choice(requests.VERBS)} {text}"
    elif draw < 0.72:
        text = (requests.WHERE_MANY if many else requests.WHERE_ONE).format(x=text)
    elif draw < 0.86:
        text = rng.choice(requests.REQUESTS).format(x=text)
    else:
        return f"{text} {rng.choice(requests.AFTER)}"
    return f"{text} {rng.choice(requests.AFTER)}" if rng.random() < 0.15 else text
