"""What lies in or on what, and the families that speak of it."""

from __future__ import annotations

import math
from collections.abc import Callable

from training.instructions import templates_relations as templates
from training.instructions.answers import Answer, Patterns
from training.instructions.telling import Teller
from training.instructions.telling_uses import fits_many
from training.instructions.things import Thing

_VESSELS = frozenset(("bowl", "basket", "bucket", "pot", "pan", "box"))
_FLAT = frozenset(("book", "box", "laptop", "carton"))
_DISHES = frozenset(("plate", "tray"))
_SUNK = 0.01
"""Metres that things may sink into each other."""
_RESTING = 0.02
"""Metres between a thing and what it rests on."""


def inside(thing: Thing, host: Thing) -> bool | None:
    """Whether a thing lies in another one; None where people may not agree."""
    near = _overlap(thing, host)
    if near is False or thing.bottom < host.bottom - _SUNK or thing.bottom > host.top + _RESTING:
        return False
    if "closed" in host.states and thing.bottom > host.top - _SUNK:
        return False
    if host.kind not in _VESSELS or "full" in host.states or "closed" in host.states:
        return None
    if host.pose not in (None, "standing") or not near:
        return None
    deep = host.bottom - _SUNK <= thing.bottom <= host.bottom + 0.6 * (host.top - host.bottom)
    return True if deep and thing.narrow < host.narrow else None


def upon(thing: Thing, host: Thing) -> bool | None:
    """Whether a thing lies on another one; None where people may not agree."""
    near = _overlap(thing, host)
    level = host.bottom if host.kind in _DISHES else host.top  # dishes have a rim
    if near is False or thing.top < level or thing.bottom > host.top + 4 * _RESTING:
        return False
    if host.kind in _DISHES:
        low, high = host.bottom - _SUNK, host.top + _RESTING
    elif host.kind in _FLAT and "open" not in host.states:
        low, high = host.top - _SUNK, host.top + _RESTING
        if thing.bottom < host.bottom + 0.3 * (host.top - host.bottom) and near is None:
            return False
    else:
        return None
    if host.pose == "upside down" or not near:
        return None
    return True if low <= thing.bottom <= high else None


def _overlap(thing: Thing, host: Thing) -> bool | None:
    """Whether a thing's middle is over another one: clearly, clearly not, or in between."""
    apart = math.hypot(thing.right - host.right, thing.forward - host.forward)
    if apart <= 0.6 * host.narrow:
        return True
    return False if apart > 1.1 * host.reach else None


_RELATIONS: dict[str, tuple[Callable[[Thing, Thing], bool | None], Patterns]] = {
    "inside": (inside, templates.INSIDE),
    "upon": (upon, templates.UPON),
}


def held(teller: Teller, absent: bool) -> Answer | None:
    """ "the apple in the bowl", "the cup on the book"; absent: it lies beside."""
    rng = teller.rng
    name = rng.choice(tuple(_RELATIONS))
    holds, patterns = _RELATIONS[name]
    pattern = rng.choice(patterns)
    host = _host(teller, name, absent)
    reference = teller.reference(host) if host else None
    if host is None or reference is None:
        return None
    guests = [thing for thing in teller.scene if thing is not host and holds(thing, host)]
    if not guests and not absent:
        return None
    said = teller.target(rng.choice(guests)) if guests and not absent else teller.any_target()
    if said is None or said.phrase.one == reference.phrase.one:
        return None
    candidates = [thing for thing in said.things if thing is not host]
    found = [holds(thing, host) for thing in candidates]
    hits = [thing for thing, here in zip(candidates, found, strict=True) if here]
    if None in found or bool(hits) == absent or not candidates:
        return None
    number = 2 if len(hits) > 1 else 1
    if number > 1 and not fits_many(said.phrase):
        return None
    if said.phrase.after and "{be}" not in pattern:  # not "the can that is standing lying on"
        return None
    text = pattern.replace("{np}", said.phrase.definite(number))
    text = text.replace("{be}", said.phrase.be(number))
    return Answer(text.replace("{ref}", reference.phrase.definite()), hits, pattern)


def holder(teller: Teller, absent: bool) -> Answer | None:
    """ "the bowl with an apple in it", "the book under the cup"; absent: such things hold none."""
    rng = teller.rng
    name = rng.choice(tuple(_RELATIONS))
    holds, _ = _RELATIONS[name]
    pattern = rng.choice(templates.HOLDER[name])
    host = _host(teller, name, absent)
    said = teller.target(host) if host else None
    if said is None or host is None:
        return None
    guests = [thing for thing in teller.scene if thing is not host and holds(thing, host)]
    if not guests and not absent:
        return None
    inner = teller.named_target(rng.choice(guests or teller.scene))
    if inner is None or inner.phrase.after or inner.phrase.one == said.phrase.one:
        return None
    found = [
        [holds(guest, candidate) for guest in inner.things if guest is not candidate]
        for candidate in said.things
    ]
    hits = [thing for thing, each in zip(said.things, found, strict=True) if True in each]
    if any(None in each for each in found) or len(hits) != (0 if absent else 1):
        return None
    text = pattern.replace("{np}", said.phrase.definite())
    return Answer(text.replace("{inner}", inner.phrase.indefinite), hits, pattern)


def _host(teller: Teller, name: str, absent: bool) -> Thing | None:
    """Something that could hold things; one that does, unless `absent`."""
    kinds = _VESSELS if name == "inside" else _FLAT | _DISHES
    hosts = [thing for thing in teller.scene if thing.kind in kinds]
    holds = _RELATIONS[name][0]
    if not absent:
        hosts = [
            host
            for host in hosts
            if any(thing is not host and holds(thing, host) for thing in teller.scene)
        ]
    return teller.rng.choice(hosts) if hosts else None
