"""What is to be done with a thing, parted from the thing: where it goes, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence

from sam3i_model.routing import words as w
from sam3i_model.routing.phrases import noun_phrase
from sam3i_model.routing.requests import DIRECTIONS
from sam3i_model.routing.steps import acts_on_it

_PUTTING = w.word_set("put place insert drop throw stack hang lay set mount deposit dump discard")
"""Verbs after which a place is where the thing is to be: "put the mug on the table"."""
_MOVING = _PUTTING | w.word_set(
    "deliver move transfer return carry bring take push pull slide send pass hand give wheel roll"
    " drag lift lower pour load attach connect add"
)
"""Those after which "to" and "into" say so: "bring the mug to the table"."""
_SEEKING = w.word_set("find locate segment detect identify see spot show where is are")
"""Those that move nothing: "find the door into the garden"."""
_GIVING = w.word_set("give bring hand pass show send lend offer serve")
_NO_RECEIVER = (
    w.PREPOSITIONS | w.CONJUNCTIONS | w.RELATIVES | w.NEGATIONS | w.ORDINALS | w.PAST
) | (w.GAPS | w.AUXILIARIES | w.PEOPLE | {"of"})
_BEGINNING = w.POSSESSIVE | w.word_set("the a an some another")
_GOALS = w.word_set("to into onto towards toward")
_PLACES = w.word_set("in on at under inside beside behind near next by against around over")
_TIED = w.word_set("next close nearest closest leading going pointing belonging opening")
_PARTICLES = w.word_set("away back on off out up down")
_HAVING = w.word_set("with without of")


def before_next(asked: Sequence[str]) -> list[str]:
    """The thing without what is to be done to it then: of "the mug and wash it" "the mug"."""
    for at, word in enumerate(asked):
        after = list(asked[at + 1 :])
        if word == "and" and at and acts_on_it(after) and after[0] not in w.PRONOUN_HEADS:
            return list(asked[:at])
    return list(asked)


def received(words: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The thing without who is to get it: of "(give) the dog its ball" "its ball"."""
    if _GIVING.isdisjoint(_before(words, asked)):
        return list(asked)
    thing = next((at for at in (2, 3) if asked[at : at + 1] and asked[at] in _BEGINNING), 0)
    who = asked[1:thing]
    person = _NO_RECEIVER.isdisjoint(who) and not any(word.endswith(("ing", "ed")) for word in who)
    names = {"one", "ones", *w.PREPOSITIONS}.isdisjoint(asked[thing + 1 : thing + 2])
    return list(asked[thing:] if person and names and w.SIDES.isdisjoint(asked) else asked)


def moved(words: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The thing in a request such as "put the mug in the sink"; nothing if it may be told of there.

    Args:
        words: Of the whole request.
        asked: What is left of them without the words that only ask.
    """
    before, phrase = _before(words, asked), noun_phrase(asked)
    if not before or not _SEEKING.isdisjoint(before):
        return []
    goal = next((at for at in range(len(phrase), len(asked)) if _is_goal(asked, at)), 0)
    told = asked[len(phrase) :]
    puts, aside = not _PUTTING.isdisjoint(before), not w.SIDES.isdisjoint(told)
    if goal and asked[goal] in ("into", "onto"):
        return _thing(asked[:goal])
    if goal and not _MOVING.isdisjoint(before):
        return _thing(asked[:goal]) if puts or not aside else []
    places = [at for at, word in enumerate(told) if word in _PLACES]
    if not puts or len(places) != 1 or aside or not _PARTICLES.isdisjoint(before):
        return []
    between = told[: places[0]]
    return _thing([*phrase, *between]) if not between or between[0] in _HAVING else []


def _before(words: Sequence[str], asked: Sequence[str]) -> Sequence[str]:
    """The words of a request in front of what it asks for."""
    rows = (words[at : at + len(asked)] for at in range(len(words)))
    return words[: next((at for at, row in enumerate(rows) if list(row) == list(asked)), 0)]


def _thing(words: Sequence[str]) -> list[str]:
    return list(words[:-1] if len(words) > 2 and words[-1] in _PARTICLES | DIRECTIONS else words)


def _is_goal(asked: Sequence[str], at: int) -> bool:
    """Not "next to", "leading to", "addressed to"."""
    before = asked[at - 1]
    return asked[at] in _GOALS and not (before in _TIED or before.endswith("ed"))
