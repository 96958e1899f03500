"""Families that single things out by order, size, side, number and what they are not."""

from __future__ import annotations

from collections.abc import Sequence

from training.instructions import lexicon, templates
from training.instructions import templates_sets as sets
from training.instructions.answers import Answer, put
from training.instructions.axes import AXES, middle_of_row, ranked
from training.instructions.phrases import Phrase
from training.instructions.telling import Said, Teller
from training.instructions.telling_uses import fits_many
from training.instructions.things import Thing
from training.instructions.traits import Trait, verdict
from training.instructions.wording import BEFORE

_LEFT_HALF = 0.42
_RIGHT_HALF = 0.58
_SUPERLATIVES = (*AXES, "left", "right", "near", "far", "middle")


def superlative(teller: Teller, absent: bool) -> Answer | None:
    """ "the leftmost mug", "the biggest object", "the box in the middle"."""
    return _first(teller, absent, _SUPERLATIVES)


def outermost(teller: Teller, absent: bool) -> Answer | None:
    """ "the leftmost mug", "the rightmost mug"."""
    return _first(teller, absent, ("left", "right"))


def _first(teller: Teller, absent: bool, axes: Sequence[str]) -> Answer | None:
    rng = teller.rng
    name = rng.choice(axes)
    pattern = rng.choice(templates.SUPERLATIVE[name])
    if absent:
        return _nothing(teller, pattern)
    said = teller.several(3 if name == "middle" else 2)
    if said is None or not _sayable(pattern, said.phrase):
        return None
    if name == "middle":
        winner = middle_of_row(said.things)
    else:
        order = ranked(said.things, AXES[name], 1)
        winner = order[0] if order else None
    return Answer(put(pattern, said.phrase, rng), [winner], pattern) if winner else None


def comparative(teller: Teller, absent: bool) -> Answer | None:
    """ "the bigger mug", "the taller of the two bottles": out of exactly two."""
    rng = teller.rng
    name = rng.choice(tuple(templates.COMPARATIVE))
    pattern = rng.choice(templates.COMPARATIVE[name])
    if absent:
        return _nothing(teller, pattern)
    said = teller.several()
    if said is None or len(said.things) != 2 or not _sayable(pattern, said.phrase):
        return None
    order = ranked(said.things, AXES[name], 1)
    return Answer(put(pattern, said.phrase, rng), order[:1], pattern) if order else None


def ordinal(teller: Teller, absent: bool) -> Answer | None:
    """ "the second mug from the left"; absent: there are fewer mugs than that."""
    rng = teller.rng
    name = rng.choice((*templates.ORDINAL, "left", "right"))
    pattern = rng.choice(templates.ORDINAL[name])
    if absent:
        said = teller.any_target()
        if said is None or (said.phrase.kinds is None and not said.phrase.traits):
            return None
        place = len(said.things) + 1
        if place > len(lexicon.ORDINALS) or not _sayable(pattern, said.phrase):
            return None
        text = put(pattern.replace("{o}", lexicon.ORDINALS[place - 1]), said.phrase, rng)
        return Answer(text, [], pattern)
    said = teller.several()
    if said is None or not _sayable(pattern, said.phrase):
        return None
    least = 2 if "est {n}" in pattern else 1  # nobody says "the first biggest"
    place = rng.randint(least, min(len(said.things), len(lexicon.ORDINALS)))
    order = ranked(said.things, AXES[name], place)
    if not order:
        return None
    text = put(pattern.replace("{o}", lexicon.ORDINALS[place - 1]), said.phrase, rng)
    return Answer(text, [order[place - 1]], pattern)


def side(teller: Teller, absent: bool) -> Answer | None:
    """ "the mug on the left side", "all the boxes on the right": by half of the image."""
    rng = teller.rng
    name = rng.choice(("left", "right"))
    missing = teller.nothing() if absent and rng.random() < 0.4 else None
    said = Said(missing, []) if missing else teller.any_target()
    if said is None or any(_LEFT_HALF < thing.x < _RIGHT_HALF for thing in said.things):
        return None
    hits = [thing for thing in said.things if (thing.x < 0.5) == (name == "left")]
    if bool(hits) == absent:
        return None
    pattern = rng.choice(templates.SIDE[name])
    if len(hits) > 1 or (absent and rng.random() < 0.2):
        if not fits_many(said.phrase):
            return None
        np = rng.choice(sets.ALL_SIDE).replace("{N}", said.phrase.many)
    else:
        np = said.phrase.definite()
    return Answer(pattern.replace("{np}", np), hits, pattern, whole=hits == said.things)


def definite(teller: Teller, absent: bool) -> Answer | None:
    """ "the red mug": there is one."""
    rng = teller.rng
    if absent:
        phrase, things = teller.nothing(), list[Thing]()
    else:
        said = teller.any_target()
        if said is None or len(said.things) != 1:
            return None
        phrase, things = said
    if phrase is None or (phrase.kinds is None and not phrase.traits):
        return None
    if phrase.kinds is None and phrase.words and not phrase.after and rng.random() < 0.4:
        return Answer(f"the {phrase.words} one", things, "the {looks} one", whole=True)
    pattern = rng.choice(templates.DEFINITE if phrase.after else templates.DEFINITE_HERE)
    return Answer(pattern.replace("{n}", phrase.one), things, _filled(pattern, phrase), whole=True)


def everyone(teller: Teller, absent: bool) -> Answer | None:
    """ "all the red mugs", "every one of the boxes": there are several."""
    rng = teller.rng
    if absent:
        phrase, things = teller.nothing(), list[Thing]()
    else:
        said = teller.several()
        if said is None:
            return None
        phrase, things = said
    if phrase is None or not fits_many(phrase):
        return None
    pattern = rng.choice(sets.ALL if phrase.after else sets.ALL_PLAIN)
    return Answer(put(pattern, phrase, rng), things, _filled(pattern, phrase), whole=True)


def negation(teller: Teller, absent: bool) -> Answer | None:
    """ "the mug that is not red", "the jars which aren't open"."""
    rng = teller.rng
    said = teller.any_target()
    if said is None:
        return None
    phrase, candidates = said
    if phrase.after and phrase.traits[0][0] != "purpose":
        return None
    chosen = rng.choice(candidates)
    colored = chosen.color is not None
    trait: Trait = ("color", chosen.color or "")
    if not colored or rng.random() < 0.35:
        trait, colored = rng.choice(_NEGATED), False
    if any(about == trait[0] for about, _ in phrase.traits):
        return None
    found = [verdict(thing, (trait,)) for thing in candidates]
    rest = [thing for thing, has in zip(candidates, found, strict=True) if not has]
    if None in found or bool(rest) == absent or (len(rest) == len(candidates) and not absent):
        return None
    several = len(rest) > 1
    if several and not fits_many(phrase):
        return None
    patterns = sets.NOT_TRAIT if len(candidates) == len(rest) + 1 else _PLAIN_NOT
    if colored and rng.random() < 0.3:
        patterns = sets.NOT_COLOR
    pattern = rng.choice(patterns)
    count = 2 if several else 1
    text = pattern.replace("{np}", phrase.definite(count)).replace("{be}", phrase.be(count))
    return Answer(text.replace("{x}", rng.choice(BEFORE[trait])), rest, pattern)


_PLAIN_NOT = tuple(pattern for pattern in sets.NOT_TRAIT if "one" not in pattern)
_NEGATED: tuple[Trait, ...] = tuple(
    trait for trait in BEFORE if trait[0] != "color" and trait != ("pose", "standing")
)


def all_but(teller: Teller, absent: bool) -> Answer | None:
    """ "all tools but the hammer", "everything except the bowl"; absent: the hammer is all."""
    rng = teller.rng
    reference = teller.reference()
    if reference is None:
        return None
    excluded = reference.things[0]
    if not absent and rng.random() < 0.35:
        if not all(thing.evident for thing in teller.scene) or len(teller.scene) < 2:
            return None
        pattern = rng.choice(sets.EVERYTHING_BUT)
        rest = [thing for thing in teller.scene if thing is not excluded]
        return Answer(pattern.replace("{ref}", reference.phrase.definite()), rest, pattern)
    said = teller.target(excluded)
    if said is None or said.phrase.one == reference.phrase.one or not fits_many(said.phrase):
        return None
    rest = [thing for thing in said.things if thing is not excluded]
    if bool(rest) == absent:
        return None
    pattern = rng.choice(sets.ALL_BUT)
    text = put(pattern, said.phrase, rng).replace("{ref}", reference.phrase.definite())
    return Answer(text, rest, pattern)


def not_but(teller: Teller, absent: bool) -> Answer | None:
    """ "not the red mug but the blue mug"; absent: neither is there."""
    return _two(teller, absent, sets.NOT_BUT, both=False)


def pair(teller: Teller, absent: bool) -> Answer | None:
    """ "the red mug and the blue box"; absent: neither is there."""
    return _two(teller, absent, sets.PAIR, both=True)


def count(teller: Teller, absent: bool) -> Answer | None:
    """ "both mugs", "the three red boxes"."""
    rng = teller.rng
    if absent:
        phrase, things = teller.nothing(), list[Thing]()
        number = rng.choice(tuple(lexicon.NUMBERS))
    else:
        said = teller.several()
        if said is None:
            return None
        phrase, things = said
        number = len(things)
    if phrase is None or number not in lexicon.NUMBERS or not fits_many(phrase):
        return None
    patterns = sets.COUNT_MANY if number > 2 else sets.COUNT
    pattern = rng.choice(sets.BOTH if number == 2 and rng.random() < 0.5 else patterns)
    if not _sayable(pattern, phrase):
        return None
    text = put(pattern, phrase, rng).replace("{count}", rng.choice(lexicon.NUMBERS[number]))
    return Answer(text, things, pattern, whole=True)


def _two(teller: Teller, absent: bool, patterns: tuple[str, ...], both: bool) -> Answer | None:
    rng = teller.rng
    pattern = rng.choice(patterns)
    if absent:
        one, other = teller.named_nothing(), teller.named_nothing()
        hits: list[Thing] = []
    else:
        first, second = teller.reference(), teller.reference()
        if first is None or second is None or first.things == second.things:
            return None
        (one, held), (other, wanted) = first, second
        hits = [*held, *wanted] if both else wanted
    if one is None or other is None or one.one == other.one or one.after or other.after:
        return None
    text = pattern.replace("{ref}", one.definite()).replace("{ref2}", other.definite())
    return Answer(text, hits, pattern)


def _nothing(teller: Teller, pattern: str) -> Answer | None:
    phrase = teller.nothing()
    if phrase is None or not _sayable(pattern, phrase):
        return None
    return Answer(put(pattern, phrase, teller.rng), [], pattern)


def _sayable(pattern: str, phrase: Phrase) -> bool:
    return "{N}" not in pattern or fits_many(phrase)


def _filled(pattern: str, phrase: Phrase) -> str:
    """The pattern with the form of the phrase: what is plain is told apart by its noun phrase."""
    return pattern.replace("{n}", phrase.form).replace("{N}", phrase.form)
