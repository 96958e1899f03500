"""The same things said at three levels: a concept, a simple and a complex instruction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from sam3i_model.instruction import Level
from training.instructions import families, partly, purposely, relations, templates
from training.instructions.answers import Answer, Family, put
from training.instructions.grammar import Query, query_of
from training.instructions.telling import Teller, name_phrase
from training.instructions.telling_uses import PURPOSES_OF, UseTeller, fits_many, use_phrase
from training.instructions.things import Scene, Thing, scene_of

_TRIES = 12
_FAMILY_TRIES = 30
_ORDERLY: tuple[tuple[str, Family], ...] = (
    ("superlative", families.superlative),
    ("relation", relations.relation),
    ("closest", relations.closest),
    ("ordinal", families.ordinal),
    ("side", families.side),
    ("comparative", families.comparative),
    ("definite", families.definite),
    ("everyone", families.everyone),
    ("count", families.count),
    ("group", relations.group_near),
)
_USEFUL: tuple[tuple[str, Family], ...] = (*_ORDERLY, *(3 * (("asked", purposely.asked),)))


class Triplet(NamedTuple):
    """Three texts that denote the same objects, or the same parts."""

    concept: Query
    simple: Query
    complex: Query


def triplets(
    objects: Sequence[Mapping[str, Any]],
    rng: Random,
    image_size: tuple[int, int],
    count: int = 1,
    absent: float = 0.1,
) -> list[Triplet]:
    """At most `count` triplets about a scene; fewer where it allows no more.

    `absent` is the share of those that denote nothing here.
    """
    scene = scene_of(objects, image_size)
    found = []
    for _ in range(count * _TRIES if scene else 0):
        draw = rng.random()
        if draw < absent:
            triplet = _of_nothing(scene, rng)
        elif draw < absent + 0.15:
            triplet = _of_part(scene, rng)
        else:
            triplet = _of_things(scene, rng)
        if triplet is not None:
            found.append(triplet)
            if len(found) == count:
                break
    return found


def _of_things(scene: Scene, rng: Random) -> Triplet | None:
    said = Teller(scene, rng).named_target(rng.choice(scene))
    if said is None or said.phrase.kinds is None:
        return None
    names, uses = Teller(scene, rng), UseTeller(scene, rng)
    names.focus = uses.focus = said.things
    simple = _about(said.things, names, _ORDERLY)
    complex_ = _about(said.things, uses, _USEFUL) if simple else None
    if simple is None or complex_ is None:
        return None
    many = len(said.things) > 1 and fits_many(said.phrase)
    pattern = rng.choice(templates.CONCEPT_MANY if many else templates.CONCEPT_ONE)
    if "{a}" in pattern:
        text = pattern.replace("{a}", said.phrase.indefinite)
    else:
        text = put(pattern, said.phrase, rng)
    return _triplet(rng, Answer(text, said.things, pattern, True), simple, complex_)


def _about(
    things: list[Thing], teller: Teller, sorts: Sequence[tuple[str, Family]]
) -> tuple[str, Answer] | None:
    """An instruction that denotes exactly those things."""
    wanted = {id(thing) for thing in things}
    for _ in range(_FAMILY_TRIES):
        name, family = teller.rng.choice(sorts)
        answer = family(teller, False)
        if answer is not None and {id(thing) for thing in answer.things} == wanted:
            return name, answer
    return None


def _of_part(scene: Scene, rng: Random) -> Triplet | None:
    teller = Teller(scene, rng)
    for _ in range(_TRIES):
        compound = partly.part_concept(teller, False)
        if compound is not None and compound.parts and len(compound.parts) == 1:
            break
    else:
        return None
    for _ in range(4 * _TRIES):
        simple, complex_ = partly.part(teller, False), partly.part_use(teller, False)
        if simple and complex_ and simple.parts == complex_.parts == compound.parts:
            return _triplet(rng, compound, ("part", simple), ("part_use", complex_))
    return None


def _of_nothing(scene: Scene, rng: Random) -> Triplet | None:
    """About a kind that isn't here, nor anything else for its use."""
    kind = rng.choice(tuple(kind for kind in PURPOSES_OF if kind))
    noun = name_phrase(kind, rng)
    use = use_phrase(rng.choice(PURPOSES_OF[kind]), rng)
    if noun.among(scene) != [] or use.among(scene) != []:
        return None
    pattern = rng.choice(templates.SUPERLATIVE[rng.choice(("left", "right", "near", "far", "big"))])
    pattern = pattern if rng.random() < 0.6 and "{N}" not in pattern else "the {n}"
    simple = Answer(put(pattern, noun, rng), [], pattern)
    complex_ = Answer(use.free or f"the {use.one}", [], use.form)
    concept = Answer(rng.choice((noun.one, noun.indefinite, noun.many)), [], "{name}")
    return _triplet(rng, concept, ("definite", simple), ("asked", complex_))


def _triplet(
    rng: Random, concept: Answer, simple: tuple[str, Answer], complex_: tuple[str, Answer]
) -> Triplet:
    return Triplet(
        query_of(concept, Level.CONCEPT, "noun", rng, commands=0.1),
        query_of(simple[1], Level.SIMPLE, simple[0], rng, commands=0.3),
        query_of(complex_[1], Level.COMPLEX, complex_[0], rng, commands=0.0),
    )
