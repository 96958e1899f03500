"""The families of simple instructions: each asks one kind of question about a scene.

A family takes the things in view, a random generator and whether the answer is to be "not there".
It returns the sentence and the labels it denotes, or None where the scene has no clear-cut case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from training.instructions import lexicon, templates
from training.instructions.axes import AXES, middle_of_row, ranked
from training.instructions.phrases import (
    Phrase,
    Scene,
    Thing,
    any_phrase,
    describe,
    describe_nothing,
    describe_several,
    describe_uniquely,
    with_idle_adjective,
)

Answer = tuple[str, tuple[int, ...]]
Family = Callable[[Scene, Random, bool], Answer | None]

_LEFT_HALF = 0.42
_RIGHT_HALF = 0.58


def labels_of(things: Scene) -> tuple[int, ...]:
    return tuple(sorted(thing.label for thing in things))


def superlative(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the leftmost mug", "the biggest object", "the box in the middle"."""
    name = rng.choice((*AXES, "left", "right", "near", "far", "middle"))
    sentence = rng.choice(templates.SUPERLATIVE[name])
    if absent:
        missing = describe_nothing(scene, rng)
        return (sentence.format(n=missing.one), ()) if missing else None
    target = describe_several(scene, rng, 3 if name == "middle" else 2)
    if target is None:
        return None
    candidates = target.among(scene)
    if name == "middle":
        winner = middle_of_row(candidates)
    else:
        order = ranked(candidates, AXES[name], 1)
        winner = order[0] if order else None
    return (sentence.format(n=target.one), (winner.label,)) if winner else None


def comparative(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the bigger mug", "the taller of the two bottles": out of exactly two."""
    name = rng.choice(tuple(templates.COMPARATIVE))
    sentence = rng.choice(templates.COMPARATIVE[name])
    if absent:
        missing = describe_nothing(scene, rng)
        return (sentence.format(n=missing.one, N=missing.many), ()) if missing else None
    target = describe_several(scene, rng)
    if target is None or len(candidates := target.among(scene)) != 2:
        return None
    order = ranked(candidates, AXES[name], 1)
    if not order:
        return None
    return sentence.format(n=target.one, N=target.many), (order[0].label,)


def ordinal(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the second mug from the left"; absent: there are fewer mugs than that."""
    name = rng.choice((*templates.ORDINAL, "left", "right"))
    sentence = rng.choice(templates.ORDINAL[name])
    if absent:
        target: Phrase | None = describe(rng.choice(scene), scene, rng)
        if target is None or (target.kinds is None and target.color is None):
            return None
        place = len(target.among(scene)) + 1
        if place > len(lexicon.ORDINALS) or place < 2:
            return None
        return sentence.format(o=lexicon.ORDINALS[place - 1], n=target.one), ()
    target = describe_several(scene, rng)
    if target is None:
        return None
    candidates = target.among(scene)
    place = rng.randint(1, min(len(candidates), len(lexicon.ORDINALS)))
    order = ranked(candidates, AXES[name], place)
    if not order:
        return None
    return (
        sentence.format(o=lexicon.ORDINALS[place - 1], n=target.one),
        (order[place - 1].label,),
    )


def side(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the mug on the left side", "all the boxes on the right": by half of the image."""
    name = rng.choice(("left", "right"))
    target = describe_nothing(scene, rng) if absent and rng.random() < 0.4 else None
    if target is None:
        target = describe(rng.choice(scene), scene, rng)
    candidates = target.among(scene)
    if any(_LEFT_HALF < thing.x < _RIGHT_HALF for thing in candidates):
        return None
    hits = [thing for thing in candidates if (thing.x < 0.5) == (name == "left")]
    if bool(hits) == absent:
        return None
    sentence = rng.choice(templates.SIDE[name])
    if len(hits) > 1 or (absent and rng.random() < 0.2):
        return sentence.format(np=rng.choice(templates.ALL_SIDE).format(N=target.many)), labels_of(
            hits
        )
    return sentence.format(np=target.definite()), labels_of(hits)


def definite(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the red mug": there is one."""
    if absent:
        target = describe_nothing(scene, rng)
    else:
        target = describe_uniquely(rng.choice(scene), scene, rng)
    if target is None or (target.kinds is None and target.color is None):
        return None
    labels = labels_of(target.among(scene))
    if target.color is None:
        if rng.random() < 0.4:
            target = with_idle_adjective(target, rng)
        return rng.choice(templates.DEFINITE).format(n=target.one), labels
    if target.kinds is None and rng.random() < 0.25:
        return f"the {target.words} one", labels
    if rng.random() < 0.1:
        return f"the {with_idle_adjective(target, rng).one}", labels
    sentence = rng.choice(templates.DEFINITE_COLOR)
    return sentence.format(color=target.words, n=target.noun), labels


def negation(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the mug that is not red", "everything except the bowl", "not the red mug but the blue"."""
    draw = rng.random()
    if draw < 0.25 and not absent:
        return _all_but_one(scene, rng)
    if draw < 0.4 and not absent:
        return _not_this_but_that(scene, rng)
    target = any_phrase(rng) if rng.random() < 0.15 else describe(rng.choice(scene), scene, rng)
    candidates = target.among(scene)
    if target.color is not None or not candidates:
        return None
    color = rng.choice(candidates).color
    if color is None or not replace(target, color=color).is_clear(candidates):
        return None
    rest = [thing for thing in candidates if thing.color != color]
    if bool(rest) == absent:
        return None
    excluded = len(candidates) - len(rest)
    patterns = templates.NOT_THE if excluded == 1 and rng.random() < 0.4 else templates.NOT_COLOR
    count = 1 if absent else len(rest)
    sentence = rng.choice(patterns).format(
        np=target.definite(count), be="is" if count == 1 else "are", color=color
    )
    return sentence, labels_of(rest)


def _all_but_one(scene: Scene, rng: Random) -> Answer | None:
    excluded = rng.choice(scene)
    reference = describe_uniquely(excluded, scene, rng)
    rest = [thing for thing in scene if thing is not excluded]
    if reference is None or not rest:
        return None
    return rng.choice(templates.NOT_KIND).format(ref=reference.definite()), labels_of(rest)


def _not_this_but_that(scene: Scene, rng: Random) -> Answer | None:
    two = _two_references(scene, rng)
    if two is None:
        return None
    first, second, _, wanted = two
    sentence = rng.choice(templates.NOT_BUT)
    return sentence.format(ref=first.definite(), ref2=second.definite()), (wanted.label,)


def count(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "both mugs", "the three red boxes"."""
    if absent:
        target = describe_nothing(scene, rng)
        number = rng.choice(tuple(lexicon.NUMBERS))
    else:
        target = describe_several(scene, rng)
        number = len(target.among(scene)) if target else 0
    if target is None or number not in lexicon.NUMBERS:
        return None
    both = number == 2 and rng.random() < 0.5
    sentence = rng.choice(templates.BOTH if both else templates.COUNT)
    word = rng.choice(lexicon.NUMBERS[number])
    return sentence.format(count=word, N=target.many), labels_of(target.among(scene))


def pair(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the red mug and the blue box"; absent: neither is there."""
    sentence = rng.choice(templates.PAIR)
    if absent:
        first, second = describe_nothing(scene, rng), describe_nothing(scene, rng)
        if first is None or second is None or first.one == second.one:
            return None
        return sentence.format(ref=first.definite(), ref2=second.definite()), ()
    two = _two_references(scene, rng)
    if two is None:
        return None
    first, second, one, other = two
    return (
        sentence.format(ref=first.definite(), ref2=second.definite()),
        labels_of([one, other]),
    )


def _two_references(scene: Scene, rng: Random) -> tuple[Phrase, Phrase, Thing, Thing] | None:
    if len(scene) < 2:
        return None
    one, other = rng.sample(list(scene), 2)
    first, second = describe_uniquely(one, scene, rng), describe_uniquely(other, scene, rng)
    return (first, second, one, other) if first and second else None
