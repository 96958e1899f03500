"""Finding words for things: phrases that denote some, exactly one, or nothing of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from training.instructions import lexicon, outside
from training.instructions.nouns import GROUPS_OF, MEANINGS
from training.instructions.phrases import Phrase
from training.instructions.things import Scene, Thing
from training.instructions.traits import Trait, may_have, traits_of
from training.instructions.wording import AFTER, BEFORE

_TRIES = 6
_NAMES = tuple(lexicon.NAMES)
_SAYABLE: tuple[Trait, ...] = tuple(trait for trait in BEFORE if trait[0] != "color")


class Said(NamedTuple):
    """A phrase and the things that it denotes here."""

    phrase: Phrase
    things: list[Thing]


class Teller:
    """Speaks of the things of a scene by their names; of those in `focus`, mostly all."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        self.scene = scene
        self.rng = rng
        self.focus = scene
        self.named = all(thing.kind is not None for thing in scene)

    def target(self, thing: Thing) -> Said | None:
        """A clear phrase that denotes `thing` and perhaps others."""
        return self.named_target(thing)

    def nothing(self) -> Phrase | None:
        """A phrase that clearly denotes nothing here, mostly one that only just misses."""
        return self.named_nothing()

    def any_target(self) -> Said | None:
        """A clear phrase that denotes one or more of the things in focus, and perhaps others."""
        return self.target(self.rng.choice(self.focus))

    def several(self, least: int = 2) -> Said | None:
        """A phrase that denotes at least `least` things, mostly one that leaves others out."""
        if len(self.scene) < least:
            return None
        for attempt in range(_TRIES):
            said = self.any_target()
            last = attempt == _TRIES - 1
            if said and least <= len(said.things) and (last or len(said.things) < len(self.scene)):
                return said
        return None

    def reference(self, thing: Thing | None = None) -> Said | None:
        """A short phrase by name that denotes one thing alone: `thing`, or any."""
        thing = thing or self.rng.choice(self.scene)
        for _ in range(4):
            said = self.named_target(thing)
            if said and len(said.things) == 1 and not said.phrase.after:
                return said
        return None

    def named_target(self, thing: Thing) -> Said | None:
        """A clear phrase by name or looks for `thing` and perhaps others."""
        rng = self.rng
        draw = rng.random() if thing.kind else 1.0
        if draw < 0.72:
            bare = name_phrase(thing.kind or "", rng)
        elif draw < 0.84 and GROUPS_OF[thing.kind or ""]:
            group = rng.choice(GROUPS_OF[thing.kind or ""])
            bare = noun_phrase(rng.choice(group.words), "{group}")
        else:
            bare = any_phrase(rng)
        phrase = self.dressed(bare, thing)
        if phrase is bare and bare.kinds is None and rng.random() < 0.75:
            return None
        things = phrase.among(self.scene)
        if not things and phrase is not bare and bare.kinds is not None:
            phrase, things = bare, bare.among(self.scene)
        return Said(phrase, things) if things else None

    def dressed(self, phrase: Phrase, thing: Thing) -> Phrase:
        """The phrase with what the thing looks like, mostly."""
        rng = self.rng
        draw = rng.random()
        if thing.color is not None and draw < 0.36:
            phrase = with_trait(phrase, ("color", thing.color), rng)
        elif draw < 0.62 and (found := traits_of(thing)):
            phrase = with_trait(phrase, rng.choice(found), rng)
            if thing.color is not None and rng.random() < 0.3 and not phrase.words:
                phrase = with_trait(phrase, ("color", thing.color), rng, before=True)
        elif 0.62 <= draw < 0.66 and phrase.kinds is not None:
            phrase = with_idle_adjective(phrase, rng)
        return phrase

    def named_nothing(self) -> Phrase | None:
        rng, scene = self.rng, self.scene
        draw = rng.random()
        thing = rng.choice(scene)
        if draw < 0.34 and thing.kind:  # right kind, wrong colour
            colors = [other.color for other in scene if other.color]
            color = rng.choice(colors if colors and rng.random() < 0.5 else lexicon.COLORS)
            bare = noun_phrase(rng.choice(lexicon.NAMES[thing.kind]), "{name}")
            phrase = with_trait(bare, ("color", color), rng)
        elif draw < 0.48 and thing.kind:  # right kind, wrong material, pattern or state
            phrase = with_trait(name_phrase(thing.kind, rng), rng.choice(_SAYABLE), rng)
        elif draw < 0.68:  # right looks, wrong kind
            kind = rng.choice(_NAMES)
            phrase = self.dressed(name_phrase(kind, rng), thing)
            if not all(may_have(kind, trait) for trait in phrase.traits):
                return None
        elif draw < 0.8:
            phrase = name_phrase(rng.choice(_NAMES), rng)
        elif draw < 0.84:
            group = rng.choice(GROUPS_OF[rng.choice(_NAMES)] or (None,))
            if group is None:
                return None
            phrase = noun_phrase(rng.choice(group.words), "{group}")
        elif draw < 0.9:
            phrase = with_trait(any_phrase(rng), ("color", rng.choice(lexicon.COLORS)), rng)
        elif self.named:  # an unnamed thing might be one of these
            phrase = outside_phrase(rng)
            if thing.color is not None and rng.random() < 0.4:
                phrase = with_trait(phrase, ("color", thing.color), rng)
        else:
            return None
        return phrase if phrase.among(scene) == [] else None


def noun_phrase(noun: str, form: str) -> Phrase:
    """The bare noun."""
    kinds, doubtful = MEANINGS[noun]
    return Phrase(noun, kinds, doubtful, form=form)


def name_phrase(kind: str, rng: Random) -> Phrase:
    """A name of `kind`, every other time the usual one."""
    names: Sequence[str] = lexicon.NAMES[kind]
    return noun_phrase(names[0] if rng.random() < 0.5 else rng.choice(names), "{name}")


def any_phrase(rng: Random) -> Phrase:
    """ "object", "thing" ...: everything."""
    return Phrase(rng.choice(lexicon.ANY_NOUNS), None, form="{any}")


def outside_phrase(rng: Random) -> Phrase:
    """A noun for what no scene shows."""
    return Phrase(rng.choice(outside.OUTSIDE), frozenset(), form="{name}")


def with_trait(phrase: Phrase, trait: Trait, rng: Random, before: bool = False) -> Phrase:
    """The phrase with a trait before the noun or after it."""
    about = trait[0]
    if BEFORE[trait][0] in phrase.noun.split():  # not "cardboard cardboard box"
        return phrase
    if before or phrase.after or (not phrase.words and rng.random() < 0.68):
        return Phrase(
            phrase.noun,
            phrase.kinds,
            phrase.doubtful,
            (*phrase.traits, trait),
            f"{rng.choice(BEFORE[trait])} {phrase.words}".strip(),
            phrase.after,
            form=f"{{{about}}} {phrase.form}",
        )
    after = rng.choice(AFTER[trait])
    return Phrase(
        phrase.noun,
        phrase.kinds,
        phrase.doubtful,
        (*phrase.traits, trait),
        phrase.words,
        after,
        form=f"{phrase.form} {after if about != 'color' else _colorless(after, trait)}",
    )


def with_idle_adjective(phrase: Phrase, rng: Random) -> Phrase:
    """The same denotation with a word in front that changes nothing."""
    word = rng.choice(outside.IDLE_ADJECTIVES)
    return Phrase(
        phrase.noun,
        phrase.kinds,
        phrase.doubtful,
        phrase.traits,
        f"{word} {phrase.words}".strip(),
        phrase.after,
        form=f"{{idle}} {phrase.form}",
    )


def _colorless(after: str, trait: Trait) -> str:
    for word in lexicon.COLOR_WORDS[trait[1]]:
        after = after.replace(word, "{color}")
    return after
