"""Families that relate a target to one or two references. See `answers` for the form."""

from __future__ import annotations

import math

from training.instructions import lexicon
from training.instructions import templates_relations as templates
from training.instructions.answers import Answer, Patterns
from training.instructions.axes import AXES, DEPTH_MARGIN, SIZE_RATIO, Axis
from training.instructions.phrases import Phrase
from training.instructions.telling import Said, Teller
from training.instructions.telling_uses import fits_many
from training.instructions.things import Thing

_AXIS_OF = {"left": "left", "right": "right", "behind": "far", "front": "near"}
_GAP_RATIO = 1.3
_GAP_MARGIN = 0.05
_NEXT_TO = 0.22
"""Metres between centres up to which things may be called neighbours."""
_BETWEEN_WIDTH = 0.3
"""Greatest distance from the line between two references, as a share of its length."""


def relation(teller: Teller, absent: bool) -> Answer | None:
    """ "the mug left of the bowl", "the boxes behind the red can"."""
    name = teller.rng.choice(tuple(templates.RELATION))
    return _compare(teller, absent, AXES[_AXIS_OF[name]], templates.RELATION[name], name)


def comparison(teller: Teller, absent: bool) -> Answer | None:
    """ "the mug bigger than the can"."""
    name = teller.rng.choice(tuple(templates.COMPARISON))
    return _compare(teller, absent, AXES[name], templates.COMPARISON[name], name)


def _compare(
    teller: Teller, absent: bool, axis: Axis, patterns: Patterns, name: str
) -> Answer | None:
    pattern = teller.rng.choice(patterns)
    if absent and teller.rng.random() < 0.5:
        return _missing(teller, pattern)
    chosen = _target_and_reference(teller)
    if chosen is None:
        return None
    target, reference, candidates = chosen
    anchor = reference.things[0]
    hits = [thing for thing in candidates if axis.before(thing, anchor)]
    misses = [thing for thing in candidates if axis.before(anchor, thing)]
    if len(hits) + len(misses) != len(candidates) or bool(hits) == absent:
        return None
    if name in _AXIS_OF and any(thing.over(anchor) for thing in hits):
        return None
    if name in ("behind", "front") and any(_aside(thing, anchor) for thing in hits):
        return None
    return _say(pattern, target.phrase, reference.phrase, hits)


def closest(teller: Teller, absent: bool) -> Answer | None:
    """ "the mug closest to the bowl", "the box next to the red can"."""
    adjacent = teller.rng.random() < 0.5
    pattern = teller.rng.choice(templates.NEXT_TO if adjacent else templates.CLOSEST)
    if absent:
        return _missing(teller, pattern)
    chosen = _target_and_reference(teller)
    if chosen is None:
        return None
    target, reference, candidates = chosen
    anchor = reference.things[0]
    order = sorted(candidates, key=anchor.distance)
    if adjacent and (anchor.distance(order[0]) > _NEXT_TO or anchor.over(order[0])):
        return None
    if not _gap_after(anchor, order, 1):
        return None
    return _say(pattern, target.phrase, reference.phrase, order[:1])


def group_near(teller: Teller, absent: bool) -> Answer | None:
    """ "the two cups nearest the kettle", "the three leftmost boxes"; absent: no such cups."""
    rng = teller.rng
    number = rng.choice((2, 2, 3))
    word = rng.choice(lexicon.NUMBERS[number])
    name = rng.choice(tuple(templates.GROUP_SIDE)) if rng.random() < 0.4 else ""
    pattern = rng.choice(templates.GROUP_SIDE[name] if name else templates.GROUP_NEAR)
    reference = None if name else teller.reference()
    if reference is None and not name:
        return None
    if absent:
        phrase, hits = teller.nothing(), []
    else:
        said = teller.several(number + 1)
        if said is None:
            return None
        phrase = said.phrase
        hits = _group(said.things, name, reference.things[0] if reference else None, number)
        if not hits:
            return None
    if phrase is None or not fits_many(phrase):
        return None
    text = pattern.replace("{count}", word).replace("{N}", phrase.many)
    if reference:
        text = text.replace("{ref}", reference.phrase.definite())
    return Answer(text, hits, pattern)


def _group(things: list[Thing], name: str, anchor: Thing | None, number: int) -> list[Thing]:
    """The first few, if all of them come clearly before the rest; their own order is open."""
    if anchor is not None:
        order = sorted((thing for thing in things if thing is not anchor), key=anchor.distance)
        return order[:number] if len(order) > number and _gap_after(anchor, order, number) else []
    axis = AXES[name]
    order = sorted(things, key=axis.score, reverse=True)
    clear = all(axis.before(one, other) for one in order[:number] for other in order[number:])
    return order[:number] if clear and len(order) > number else []


def farthest_from(teller: Teller, absent: bool) -> Answer | None:
    """ "the mug farthest from the bowl": out of at least two."""
    pattern = teller.rng.choice(templates.FARTHEST_FROM)
    if absent:
        return _missing(teller, pattern)
    chosen = _target_and_reference(teller)
    if chosen is None:
        return None
    target, reference, candidates = chosen
    anchor = reference.things[0]
    order = sorted(candidates, key=anchor.distance, reverse=True)
    gaps = [anchor.distance(thing) for thing in order[:2]]
    if len(gaps) < 2 or gaps[0] < max(gaps[1] * SIZE_RATIO, gaps[1] + _GAP_MARGIN):
        return None
    return _say(pattern, target.phrase, reference.phrase, order[:1])


def between(teller: Teller, absent: bool) -> Answer | None:
    """ "the mug between the box and the ball", on the ground."""
    rng = teller.rng
    pattern = rng.choice(templates.BETWEEN)
    chosen = _target_and_reference(teller)
    if chosen is None:
        return None
    target, reference, candidates = chosen
    phrase, anchor = target.phrase, reference.things[0]
    if absent and rng.random() < 0.5:
        missing = teller.nothing()
        if missing is None:
            return None
        phrase, candidates = missing, []
    second = teller.reference()
    if second is None or second.phrase.one in (reference.phrase.one, phrase.one):
        return None
    end = second.things[0]
    candidates = [thing for thing in candidates if thing is not end]
    if end is anchor or not (candidates or absent):
        return None
    places = [(thing, _place_between(thing, anchor, end)) for thing in candidates]
    hits = [thing for thing, place in places if place]
    if any(place is None for _, place in places) or bool(hits) == absent:
        return None
    return _say(pattern, phrase, reference.phrase, hits, second.phrase)


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
        pairs = ((thing, start), (thing, end), (start, end))
        return None if any(one.air(other) or one.over(other) for one, other in pairs) else True
    if share < 0.0 or share > 1.0 or aside > 2 * _BETWEEN_WIDTH:
        return False
    return None


def _aside(thing: Thing, anchor: Thing) -> bool:
    """Too far to the side, or too high or low, to be called behind or in front."""
    depth = abs(thing.forward - anchor.forward)
    return thing.air(anchor) > 0 or abs(thing.right - anchor.right) > max(0.15, 2 * depth)


def _gap_after(anchor: Thing, order: list[Thing], number: int) -> bool:
    """Whether the first `number` of those sorted by distance are clearly nearer than the next."""
    if len(order) <= number:
        return True
    last, following = (anchor.distance(thing) for thing in order[number - 1 : number + 1])
    return following >= max(last * _GAP_RATIO, last + _GAP_MARGIN)


def _target_and_reference(teller: Teller) -> tuple[Said, Said, list[Thing]] | None:
    """A target phrase, a unique reference and the possible targets."""
    reference = teller.reference()
    if reference is None:
        return None
    target = teller.any_target()
    if target is None or target.phrase.one == reference.phrase.one:
        return None
    candidates = [thing for thing in target.things if thing is not reference.things[0]]
    return (target, reference, candidates) if candidates else None


def _missing(teller: Teller, pattern: str) -> Answer | None:
    """The sentence with a target or a reference that isn't there."""
    if teller.rng.random() < 0.5:
        phrase, reference = teller.nothing(), teller.reference()
        return _say(pattern, phrase, reference.phrase, []) if phrase and reference else None
    said, missing = teller.any_target(), teller.named_nothing()
    if said is None or missing is None or missing.after or said.phrase.one == missing.one:
        return None
    return _say(pattern, said.phrase, missing, [])


def _say(
    pattern: str,
    target: Phrase,
    reference: Phrase,
    hits: list[Thing],
    reference2: Phrase | None = None,
) -> Answer | None:
    number = 2 if len(hits) > 1 else 1
    if number > 1 and not fits_many(target):
        return None
    text = pattern.replace("{np}", target.definite(number)).replace("{be}", target.be(number))
    text = text.replace("{ref}", reference.definite())
    if reference2:
        text = text.replace("{ref2}", reference2.definite())
    return Answer(text, hits, pattern)
