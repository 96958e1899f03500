"""What is to be done with a thing, parted from the thing: where it goes, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence

from sam3i_model.routing import words as w
from sam3i_model.routing.phrases import noun_phrase
from sam3i_model.routing.steps import acts_on_it

_PUTTING = w.word_set("put place insert drop throw stack hang lay set mount")
"""Verbs after which a place is where the thing is to be: "put the mug on the table"."""
_MOVING = _PUTTING | w.word_set(
    "deliver move transfer return carry bring take push pull slide send pass hand give wheel roll"
    " drag lift lower pour load attach connect add"
)
"""Those after which "to" and "into" say so: "bring the mug to the table"."""
_GOALS = w.word_set("to into onto towards toward")
_PLACES = w.word_set("in on at under inside beside behind near next by against around over")
_PARTICLES = w.word_set("away back on off out")
_HAVING = w.word_set("with without of")


def before_next(asked: Sequence[str]) -> list[str]:
    """The thing without what is to be done to it then: of "the mug and wash it" "the mug"."""
    for at, word in enumerate(asked):
        after = list(asked[at + 1 :])
        if word == "and" and at and acts_on_it(after) and after[0] not in w.PRONOUN_HEADS:
            return list(asked[:at])
    return list(asked)


def moved(words: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The thing in a request such as "put the mug in the sink"; nothing if it may be told of there.

    Args:
        words: Of the whole request.
        asked: What is left of them without the words that only ask.
    """
    rows = (words[at : at + len(asked)] for at in range(len(words)))
    before = words[: next((at for at, row in enumerate(rows) if list(row) == list(asked)), 0)]
    if _MOVING.isdisjoint(before) or "where" in before:
        return []
    phrase, puts = noun_phrase(asked), not _PUTTING.isdisjoint(before)
    goal = next((at for at in range(len(phrase), len(asked)) if _is_goal(asked, at)), 0)
    if goal:
        return [] if not puts and w.SIDES.intersection(asked[goal:]) else list(asked[:goal])
    told = asked[len(phrase) :]
    places = [at for at, word in enumerate(told) if word in _PLACES]
    if not puts or len(places) != 1 or w.SIDES.intersection(told):
        return []
    between = told[: places[0]]
    if not _PARTICLES.isdisjoint(before) or (between and between[0] not in _HAVING):
        return []
    return [*phrase, *between]


def _is_goal(asked: Sequence[str], at: int) -> bool:
    """Not "next to", "leading to", "addressed to"."""
    before = asked[at - 1]
    return asked[at] in _GOALS and not (
        before in ("next", "close", "nearest", "closest") or before.endswith(("ing", "ed"))
    )
