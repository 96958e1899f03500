"""Families whose targets are parts of things."""

from __future__ import annotations

from training.instructions import parts as lexicon
from training.instructions import templates_relations as templates
from training.instructions.answers import Answer
from training.instructions.nouns import MEANINGS
from training.instructions.phrases import Phrase
from training.instructions.telling import Teller, name_phrase, outside_phrase
from training.instructions.telling_uses import fits_many
from training.instructions.things import Thing

LEAST_AREA = 25
"""Pixels of a part that can be asked for."""


def part(teller: Teller, absent: bool) -> Answer | None:
    """ "the handle of the red mug"; absent: it has none, or there is no such mug."""
    rng = teller.rng
    pattern = rng.choice(templates.PART)
    if absent:
        return _absent(teller, pattern)
    reference = teller.reference()
    if reference is None:
        return None
    owner = reference.things[0]
    found = shown_parts(owner)
    if not found:
        return None
    name, label = rng.choice(found)
    word = rng.choice(lexicon.words_for(owner.kind or "", name))
    if word in MEANINGS and " on " in pattern:  # a keyboard on a laptop may be another one
        return None
    text = _said_of(pattern, word, reference.phrase)
    return Answer(text, [owner], pattern, parts=(label,))


def parts_of_all(teller: Teller, absent: bool) -> Answer | None:
    """ "the handles of all mugs": of those of which it is in view."""
    rng = teller.rng
    pattern = rng.choice(templates.PARTS_OF_ALL)
    said = teller.any_target()
    if said is None or not said.phrase.kinds:
        return None
    if absent:
        name = rng.choice(tuple(lexicon.LACKING))
        if not lexicon.lacks(said.phrase.kinds, name):
            return None
        labels: tuple[int, ...] = ()
        words = lexicon.WORDS[name][:1]
    else:
        found = shown_parts(said.things[0])
        if not found or len(said.things) < 2:
            return None
        name = rng.choice(found)[0]
        all_labels = labels_of_part(said.things, name)
        if (
            all_labels is None
            or len({lexicon.words_for(t.kind or "", name) for t in said.things}) > 1
        ):
            return None
        labels = all_labels
        words = lexicon.words_for(said.things[0].kind or "", name)
    word = rng.choice(words)
    if "{parts}" not in pattern and lexicon.is_plural(word):
        return None
    if "{N}" in pattern and not fits_many(said.phrase):
        return None
    text = pattern.replace("{parts}", lexicon.plural_of(word)).replace("{part}", word)
    text = text.replace("{n}", said.phrase.one).replace("{N}", said.phrase.many)
    return Answer(text, said.things if labels else [], pattern, whole=True, parts=labels)


def part_concept(teller: Teller, absent: bool) -> Answer | None:
    """ "mug handle", "kettle lids": a compound of a name and a part."""
    rng = teller.rng
    if absent:
        name = rng.choice(tuple(lexicon.LACKING))
        kind = rng.choice(lexicon.LACKING[name])
        labels: tuple[int, ...] = ()
        if rng.random() < 0.5:  # a part that it has, but there is no such thing here
            kind = rng.choice(tuple(kind for kind, parts in lexicon.PARTS_OF.items() if parts))
            name = rng.choice(lexicon.PARTS_OF[kind])
        phrase = name_phrase(kind, rng)
        things = phrase.among(teller.scene)
        if things is None or (things and not lexicon.lacks(phrase.kinds, name)):
            return None
    else:
        owner = rng.choice(teller.scene)
        found = shown_parts(owner)
        if not found:
            return None
        kind, name = owner.kind or "", rng.choice(found)[0]
        phrase = name_phrase(kind, rng)
        things = phrase.among(teller.scene)
        all_labels = None if things is None else labels_of_part(things, name)
        if all_labels is None or things is None:
            return None
        labels = all_labels
    if len(phrase.kinds or ()) > 1 and kind in ("scissors", "pliers"):
        return None
    lacking = things and not labels
    word = rng.choice(lexicon.WORDS[name][:1] if lacking else lexicon.words_for(kind, name))
    if word.split()[0] in phrase.noun.split():
        return None
    many = rng.random() < (0.5 if len(labels) > 1 else 0.15)
    pattern = rng.choice(COMPOUNDS_MANY if many else COMPOUNDS)
    text = pattern.format(
        n=phrase.noun, part=lexicon.plural_of(word) if many else word, a=phrase.indefinite
    )
    return Answer(text, things if labels else [], pattern, whole=True, parts=labels)


COMPOUNDS = ("{n} {part}", "the {n} {part}", "any {n} {part}", "{part} of {a}")
COMPOUNDS_MANY = ("{n} {part}", "all {n} {part}", "the {n} {part}")


def part_use(teller: Teller, absent: bool) -> Answer | None:
    """ "where do i grip the hammer"; absent: there is no such thing."""
    rng = teller.rng
    if absent:
        kind = rng.choice(tuple(kind for kind, parts in lexicon.PARTS_OF.items() if parts))
        name, owner = rng.choice(lexicon.PARTS_OF[kind]), None
        labels: tuple[int, ...] = ()
        phrase = teller.dressed(name_phrase(kind, rng), rng.choice(teller.scene))
        if phrase.among(teller.scene) != []:
            return None
    else:
        reference = teller.reference()
        found = shown_parts(reference.things[0]) if reference else []
        if reference is None or not found:
            return None
        owner, phrase = reference.things[0], reference.phrase
        kind = owner.kind or ""
        name, label = rng.choice(found)
        labels = (label,)
    uses = lexicon.uses_of(kind, name)
    if not uses:
        return None
    pattern = rng.choice(uses)
    text = pattern.replace("{ref}", phrase.definite())
    return Answer(text, [owner] if owner else [], pattern, parts=labels)


def shown_parts(thing: Thing) -> list[tuple[str, int]]:
    """Name and label of the parts that may be asked for."""
    if not thing.evident or thing.kind is None:
        return []
    known = lexicon.PARTS_OF[thing.kind]
    return [(p.name, p.label) for p in thing.parts if p.area >= LEAST_AREA and p.name in known]


def labels_of_part(things: list[Thing], name: str) -> tuple[int, ...] | None:
    """The labels of that part of all things; None where one of them hardly shows it."""
    labels = []
    for thing in things:
        found = dict(shown_parts(thing))
        if name not in found:
            return None
        labels.append(found[name])
    return tuple(sorted(labels))


def _absent(teller: Teller, pattern: str) -> Answer | None:
    rng = teller.rng
    if rng.random() < 0.5:
        name = rng.choice(tuple(lexicon.LACKING))
        reference = teller.reference()
        if reference is None or not lexicon.lacks(reference.phrase.kinds, name):
            return None
        phrase, words = reference.phrase, lexicon.WORDS[name][:1]
    else:
        missing = teller.named_nothing() or outside_phrase(rng)
        if missing.among(teller.scene) != [] or (not missing.kinds and not teller.named):
            return None
        owners = [kind for kind in missing.kinds or () if lexicon.PARTS_OF[kind]]
        if missing.kinds and not owners:
            return None
        name = rng.choice(lexicon.PARTS_OF[owners[0]] if owners else tuple(lexicon.LACKING))
        phrase, words = missing, lexicon.WORDS[name]
    word = rng.choice(words)
    return Answer(_said_of(pattern, word, phrase), [], pattern, parts=())


def _said_of(pattern: str, word: str, phrase: Phrase) -> str:
    be, belongs = ("are", "belong") if lexicon.is_plural(word) else ("is", "belongs")
    text = pattern.replace("{part}", word).replace("{be}", be).replace("{belongs}", belongs)
    return text.replace("{ref}", phrase.definite())
