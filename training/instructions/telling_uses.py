"""Speaking of things without naming them: by what they are for and what they look like."""

from __future__ import annotations

from random import Random

from training.instructions import frames, lexicon
from training.instructions.phrases import Phrase
from training.instructions.purposes import PURPOSES, Purpose
from training.instructions.telling import Said, Teller, any_phrase, with_trait
from training.instructions.things import Thing

PURPOSES_OF: dict[str | None, tuple[Purpose, ...]] = {
    kind: tuple(purpose for purpose in PURPOSES.values() if kind in purpose.yes)
    for kind in lexicon.NAMES
}
_ALL = tuple(PURPOSES.values())
_ONE_ONLY = ("a ", "an ", "the ", "what ", "laid ", "one ")


class UseTeller(Teller):
    """Speaks of targets by their use or looks; only references have names."""

    def target(self, thing: Thing) -> Said | None:
        rng = self.rng
        fitting = PURPOSES_OF.get(thing.kind, ())
        if not fitting or rng.random() < 0.15:
            phrase = self.dressed(any_phrase(rng), thing)
            if not phrase.traits:
                return None
        else:
            phrase = use_phrase(rng.choice(fitting), rng)
            if thing.color is not None and rng.random() < 0.12:
                phrase = with_trait(phrase, ("color", thing.color), rng, before=True)
        things = phrase.among(self.scene)
        return Said(phrase, things) if things else None

    def nothing(self) -> Phrase | None:
        rng = self.rng
        phrase = use_phrase(self.purpose_near(), rng)
        if rng.random() < 0.35:
            color = rng.choice(lexicon.COLORS)
            phrase = with_trait(phrase, ("color", color), rng, before=True)
        return phrase if phrase.among(self.scene) == [] else None

    def purpose_near(self) -> Purpose:
        """Any purpose, every third time one that fits something here."""
        rng = self.rng
        fitting = PURPOSES_OF.get(rng.choice(self.scene).kind, ())
        return rng.choice(fitting if fitting and rng.random() < 0.3 else _ALL)

    def purpose_here(self, absent: bool) -> tuple[Purpose, list[Thing]] | None:
        """A purpose and what clearly serves it here: something, or nothing if `absent`."""
        choice = _ALL if absent else PURPOSES_OF.get(self.rng.choice(self.focus).kind, ())
        if not choice:
            return None
        purpose = self.rng.choice(choice)
        phrase = Phrase("thing", None, traits=(("purpose", purpose.name),))
        things = phrase.among(self.scene)
        return None if things is None or bool(things) == absent else (purpose, things)


def use_phrase(purpose: Purpose, rng: Random) -> Phrase:
    """ "thing to write with", "object that can hold liquid": for one or for several."""
    sorts = [
        (frames.AFTER_USE, purpose.uses),
        (frames.AFTER_ABILITY, purpose.abilities),
        (frames.AFTER_PROPERTY, purpose.properties),
    ]
    weights = [2.0 * len(purpose.uses), 1.0 * len(purpose.abilities), 0.6 * len(purpose.properties)]
    patterns, texts = rng.choices(sorts, weights)[0]
    pattern, text = rng.choice(patterns), rng.choice(texts)
    after = pattern.replace("{x}", text)
    noun = rng.choice(frames.NOUNS)
    free = ""
    if rng.random() < 0.5:
        free = f"{rng.choice(frames.PRONOUNS)} {after.replace('{be}', 'is')}"
    return Phrase(
        noun,
        None,
        traits=(("purpose", purpose.name),),
        after=after,
        free=free,
        form=f"{{any}} {pattern}",
    )


def fits_many(phrase: Phrase) -> bool:
    """Whether the phrase may be put into the plural: not "things that are a toy", nor "mugs with
    nothing in it"."""
    _, verb, rest = phrase.after.partition("{be} ")
    one = {"it", "its"}.intersection(phrase.after.split())
    return not one and not (verb and rest.startswith(_ONE_ONLY))
