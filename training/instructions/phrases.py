"""What a scene holds, and the noun phrases that may denote it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from training.instructions import lexicon


@dataclass(frozen=True)
class Thing:
    """One visible object as the grammar sees it.

    `x`, `y`: centre of the visible box as a share of image width and height. `right`, `forward`:
    metres on the ground from the viewer. `apparent`, `tallness` and their true counterparts are
    logarithms of lengths, so a ratio is a difference.
    """

    label: int
    kind: str | None
    color: str | None
    x: float
    y: float
    right: float
    forward: float
    apparent: float
    tallness: float
    true_size: float
    true_height: float
    colors: frozenset[str] = frozenset()
    """All colours that people may see in it; `color` is None where none of them leads."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any], image_size: tuple[int, int]) -> Thing:
        """Read an object record of `training.world`. `image_size` is (width, height), pixels."""
        width, height = image_size
        x0, y0, x1, y1 = record["box"]
        size = [max(float(side), 1e-4) for side in record["size"]]
        return cls(
            label=int(record["label"]),
            kind=record["kind"],
            color=record["color"],
            x=(x0 + x1) / 2 / width,
            y=(y0 + y1) / 2 / height,
            right=float(record["viewer"][0]),
            forward=float(record["viewer"][1]),
            apparent=math.log(max(float(record["area"]), 1.0)) / 2,
            tallness=math.log(max(float(y1 - y0), 1.0)),
            true_size=math.log(math.prod(size)) / 3,
            true_height=math.log(size[2]),
            colors=frozenset(record.get("colors", ())),
        )

    def ground_distance(self, other: Thing) -> float:
        """Metres between the two centres on the ground."""
        return math.hypot(self.right - other.right, self.forward - other.forward)


Scene = Sequence[Thing]


@dataclass(frozen=True)
class Phrase:
    """A noun with perhaps a colour. `kinds` None denotes any object, empty denotes none."""

    noun: str
    kinds: frozenset[str] | None
    color: str | None = None
    words: str = ""
    """What stands before the noun."""

    def matches(self, thing: Thing) -> bool:
        if self.color is not None and thing.color != self.color:
            return False
        return self.kinds is None or thing.kind in self.kinds

    def is_clear(self, scene: Scene) -> bool:
        """Whether everybody would see the same things in it: none is partly of its colour."""
        return self.color is None or not any(
            self.color in thing.colors and thing.color != self.color
            for thing in scene
            if self.kinds is None or thing.kind in self.kinds
        )

    def among(self, scene: Scene) -> list[Thing]:
        return [thing for thing in scene if self.matches(thing)]

    @property
    def one(self) -> str:
        return f"{self.words} {self.noun}".strip()

    @property
    def many(self) -> str:
        return f"{self.words} {lexicon.plural(self.noun)}".strip()

    @property
    def indefinite(self) -> str:
        return lexicon.indefinite(self.one)

    def definite(self, count: int = 1) -> str:
        return f"the {self.one if count == 1 else self.many}"


def color_word(color: str, rng: Random) -> str:
    return rng.choice(lexicon.COLOR_WORDS.get(color, (color,)))


def phrase(noun: str, kinds: frozenset[str] | None, color: str | None, rng: Random) -> Phrase:
    return Phrase(noun, kinds, color, color_word(color, rng) if color else "")


def any_phrase(rng: Random, color: str | None = None) -> Phrase:
    """ "object", "thing" ...: everything, or everything of one colour."""
    return phrase(rng.choice(lexicon.ANY_NOUNS), None, color, rng)


def kind_phrase(kind: str, rng: Random, color: str | None = None) -> Phrase:
    """A name of `kind`, two times in three the usual one."""
    names = lexicon.NAMES[kind]
    noun = names[0] if rng.random() < 0.65 else rng.choice(names)
    return phrase(noun, lexicon.kinds_of(noun), color, rng)


def with_idle_adjective(target: Phrase, rng: Random) -> Phrase:
    """The same denotation with a word in front that changes nothing."""
    words = f"{rng.choice(lexicon.IDLE_ADJECTIVES)} {target.words}".strip()
    return Phrase(target.noun, target.kinds, target.color, words)


def describe(thing: Thing, scene: Scene, rng: Random) -> Phrase:
    """A phrase that denotes `thing` and perhaps others, with a colour only where that is clear."""
    if rng.random() < (0.16 if thing.kind else 1.0):
        candidate = any_phrase(rng, thing.color if rng.random() < 0.65 else None)
    else:
        candidate = kind_phrase(thing.kind or "", rng, thing.color if rng.random() < 0.5 else None)
    return candidate if candidate.is_clear(scene) else replace(candidate, color=None, words="")


def describe_uniquely(thing: Thing, scene: Scene, rng: Random) -> Phrase | None:
    """A phrase that denotes `thing` alone."""
    for _ in range(6):
        candidate = describe(thing, scene, rng)
        if len(candidate.among(scene)) == 1:
            return candidate
    return None


def describe_several(scene: Scene, rng: Random, least: int = 2) -> Phrase | None:
    """A phrase that denotes at least `least` things, mostly one that leaves others out."""
    if len(scene) < least:
        return None
    if rng.random() > 0.15:
        for _ in range(6):
            candidate = describe(rng.choice(scene), scene, rng)
            if least <= len(candidate.among(scene)) < len(scene):
                return candidate
    return any_phrase(rng) if rng.random() < 0.6 else None


def describe_nothing(scene: Scene, rng: Random) -> Phrase | None:
    """A phrase that denotes nothing here, mostly one that only just misses."""
    named = [thing for thing in scene if thing.kind is not None]
    draw = rng.random()
    if draw < 0.36 and named:  # right kind, wrong colour
        kind = rng.choice(named).kind or ""
        candidate = kind_phrase(kind, rng, rng.choice(_colors_near(scene, rng)))
    elif draw < 0.64 and named:  # right colour, wrong kind
        kind = rng.choice(tuple(lexicon.NAMES))
        candidate = kind_phrase(kind, rng, rng.choice(named).color)
    elif draw < 0.80:
        candidate = kind_phrase(rng.choice(tuple(lexicon.NAMES)), rng)
    elif draw < 0.88:
        candidate = any_phrase(rng, rng.choice(lexicon.COLORS))
    elif len(named) == len(scene):  # an unnamed thing might be one of these
        color = rng.choice(lexicon.COLORS) if rng.random() < 0.3 else None
        candidate = phrase(rng.choice(lexicon.OUTSIDE), frozenset(), color, rng)
    else:
        return None
    return None if candidate.among(scene) or not candidate.is_clear(scene) else candidate


def _colors_near(scene: Scene, rng: Random) -> Sequence[str]:
    """Colours to mislead with: half of the time those of the other things."""
    present = [thing.color for thing in scene if thing.color is not None]
    return present if present and rng.random() < 0.5 else lexicon.COLORS
