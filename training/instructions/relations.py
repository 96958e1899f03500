"""The families that relate a target to one or two references. See `families` for the form."""

from __future__ import annotations

import math
from random import Random

from training.instructions import templates
from training.instructions.axes import AXES, DEPTH_MARGIN, SIZE_RATIO, Axis
from training.instructions.families import Answer, labels_of
from training.instructions.phrases import (
    Phrase,
    Scene,
    Thing,
    describe,
    describe_nothing,
    describe_uniquely,
)

_AXIS_OF = {"left": "left", "right": "right", "behind": "far", "front": "near"}
_GAP_RATIO = 1.3
_GAP_MARGIN = 0.05
_NEXT_TO = 0.22
"""Metres between centres up to which things may be called neighbours."""
_BETWEEN_WIDTH = 0.3
"""Greatest distance from the line between two references, as a share of its length."""


def relation(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the mug left of the bowl", "the boxes behind the red can"."""
    name = rng.choice(tuple(templates.RELATION))
    return _compare(scene, rng, absent, AXES[_AXIS_OF[name]], templates.RELATION[name], name)


def comparison(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the mug bigger than the can"."""
    name = rng.choice(tuple(templates.COMPARISON))
    return _compare(scene, rng, absent, AXES[name], templates.COMPARISON[name], name)


def _compare(
    scene: Scene, rng: Random, absent: bool, axis: Axis, patterns: tuple[str, ...], name: str
) -> Answer | None:
    sentence = rng.choice(patterns)
    if absent and rng.random() < 0.6:
        return _missing(scene, rng, sentence)
    chosen = _target_and_reference(scene, rng)
    if chosen is None:
        return None
    target, reference, anchor, candidates = chosen
    hits = [thing for thing in candidates if axis.before(thing, anchor)]
    misses = [thing for thing in candidates if axis.before(anchor, thing)]
    if len(hits) + len(misses) != len(candidates) or bool(hits) == absent:
        return None
    if name in ("behind", "front") and any(_far_aside(thing, anchor) for thing in hits):
        return None
    return _say(sentence, target, reference, hits)


def closest(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the mug closest to the bowl", "the box next to the red can"."""
    adjacent = rng.random() < 0.5
    sentence = rng.choice(templates.NEXT_TO if adjacent else templates.CLOSEST)
    if absent:
        return _missing(scene, rng, sentence)
    chosen = _target_and_reference(scene, rng)
    if chosen is None:
        return None
    target, reference, anchor, candidates = chosen
    order = sorted(candidates, key=anchor.ground_distance)
    gaps = [anchor.ground_distance(thing) for thing in order]
    if adjacent and gaps[0] > _NEXT_TO:
        return None
    if len(gaps) > 1 and gaps[1] < max(gaps[0] * _GAP_RATIO, gaps[0] + _GAP_MARGIN):
        return None
    return _say(sentence, target, reference, order[:1])


def farthest_from(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the mug farthest from the bowl": out of at least two."""
    sentence = rng.choice(templates.FARTHEST_FROM)
    if absent:
        return _missing(scene, rng, sentence)
    chosen = _target_and_reference(scene, rng)
    if chosen is None:
        return None
    target, reference, anchor, candidates = chosen
    order = sorted(candidates, key=anchor.ground_distance, reverse=True)
    gaps = [anchor.ground_distance(thing) for thing in order]
    if len(gaps) < 2 or gaps[0] < max(gaps[1] * SIZE_RATIO, gaps[1] + _GAP_MARGIN):
        return None
    return _say(sentence, target, reference, order[:1])


def between(scene: Scene, rng: Random, absent: bool) -> Answer | None:
    """ "the mug between the box and the ball", on the ground."""
    sentence = rng.choice(templates.BETWEEN)
    first = _target_and_reference(scene, rng)
    if first is None:
        return None
    target, reference, anchor, candidates = first
    if absent and rng.random() < 0.5:
        missing = describe_nothing(scene, rng)
        if missing is None:
            return None
        target, candidates = missing, []
    others = [thing for thing in scene if thing is not anchor]
    end = rng.choice(others)
    reference2 = describe_uniquely(end, scene, rng)
    if reference2 is None or reference2.one in (reference.one, target.one):
        return None
    candidates = [thing for thing in candidates if thing is not end]
    places = {thing: _place_between(thing, anchor, end) for thing in candidates}
    hits = [thing for thing, place in places.items() if place]
    if None in places.values() or bool(hits) == absent or (not absent and not candidates):
        return None
    return _say(sentence, target, reference, hits, reference2)


def _place_between(thing: Thing, start: Thing, end: Thing) -> bool | None:
    """Whether `thing` lies between two others; None where people would not agree."""
    along_r, along_f = end.right - start.right, end.forward - start.forward
    length = math.hypot(along_r, along_f)
    if length < 3 * DEPTH_MARGIN:
        return None
    to_r, to_f = thing.right - start.right, thing.forward - start.forward
    share = (to_r * along_r + to_f * along_f) / length**2
    aside = abs(to_r * along_f - to_f * along_r) / length**2
    if 0.2 <= share <= 0.8 and aside <= _BETWEEN_WIDTH:
        return True
    if share < 0.0 or share > 1.0 or aside > 2 * _BETWEEN_WIDTH:
        return False
    return None


def _far_aside(thing: Thing, anchor: Thing) -> bool:
    """Too far to the side to be called behind or in front."""
    depth = abs(thing.forward - anchor.forward)
    return abs(thing.right - anchor.right) > max(0.15, 2 * depth)


def _target_and_reference(
    scene: Scene, rng: Random
) -> tuple[Phrase, Phrase, Thing, list[Thing]] | None:
    """A target phrase, a unique reference, the referred thing and the possible targets."""
    anchor = rng.choice(scene)
    reference = describe_uniquely(anchor, scene, rng)
    target = describe(rng.choice(scene), scene, rng)
    candidates = [thing for thing in target.among(scene) if thing is not anchor]
    if reference is None or not candidates or target.one == reference.one:
        return None
    return target, reference, anchor, candidates


def _missing(scene: Scene, rng: Random, sentence: str) -> Answer | None:
    """The sentence with a target or a reference that isn't there."""
    missing = describe_nothing(scene, rng)
    if missing is None:
        return None
    if rng.random() < 0.5:
        anchor = describe_uniquely(rng.choice(scene), scene, rng)
        return _say(sentence, missing, anchor, []) if anchor else None
    target = describe(rng.choice(scene), scene, rng)
    return _say(sentence, target, missing, []) if target.one != missing.one else None


def _say(
    sentence: str,
    target: Phrase,
    reference: Phrase,
    hits: list[Thing],
    reference2: Phrase | None = None,
) -> Answer:
    several = len(hits) > 1
    text = sentence.format(
        np=target.definite(2 if several else 1),
        be="are" if several else "is",
        ref=reference.definite(),
        ref2=reference2.definite() if reference2 else "",
    )
    return text, labels_of(hits)
