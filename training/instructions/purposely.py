"""The families of complex instructions that ask for a use, a property or help in a situation."""

from __future__ import annotations

from training.instructions import frames
from training.instructions.answers import Answer
from training.instructions.purposes import Purpose
from training.instructions.telling import Teller
from training.instructions.telling_uses import UseTeller


def ways_to_ask(purpose: Purpose) -> tuple[tuple[tuple[str, ...], tuple[str, ...], float], ...]:
    """Frames, the texts that fit them, and how often they are used."""
    return (
        (frames.USE, purpose.uses, 1.0 * len(purpose.uses)),
        (frames.GOAL, purpose.goals, 0.7 * len(purpose.goals)),
        (frames.ABILITY, purpose.abilities, 1.0 * len(purpose.abilities)),
        (frames.PROPERTY, purpose.properties, 0.8 * len(purpose.properties)),
        (frames.SITUATION, purpose.situations, 1.0 * len(purpose.situations)),
    )


def asked(teller: Teller, absent: bool) -> Answer | None:
    """ "something to cut paper with", "what is edible", "i spilled my coffee"."""
    assert isinstance(teller, UseTeller)
    rng = teller.rng
    found = teller.purpose_here(absent)
    if found is None:
        return None
    purpose, things = found
    ways = ways_to_ask(purpose)
    patterns, texts, _ = rng.choices(ways, [weight for _, _, weight in ways])[0]
    pattern, text = rng.choice(patterns), rng.choice(texts)
    form = text if pattern == "{x}" else pattern  # a bare situation is a template of its own
    return Answer(pattern.replace("{x}", text), things, form, whole=True)


def unfit(teller: Teller, absent: bool) -> Answer | None:
    """ "whatever isn't edible", "the things i could not drink from"; absent: all are edible."""
    assert isinstance(teller, UseTeller)
    rng, scene = teller.rng, teller.scene
    found = teller.purpose_here(absent=False) if absent or rng.random() < 0.7 else None
    purpose = found[0] if found else teller.purpose_near()
    verdicts = [purpose.verdict(thing.kind) if thing.evident else None for thing in scene]
    rest = [thing for thing, fits in zip(scene, verdicts, strict=True) if not fits]
    if None in verdicts or bool(rest) == absent:
        return None
    ways = (
        (frames.NOT_USE, purpose.uses),
        (frames.NOT_ABILITY, purpose.abilities),
        (frames.NOT_PROPERTY, purpose.properties),
    )
    patterns, texts = rng.choices(ways, [len(texts) for _, texts in ways])[0]
    pattern = rng.choice(patterns)
    return Answer(pattern.replace("{x}", rng.choice(texts)), rest, pattern)
