"""Rules that tell from a sentence's words how much of its target it leaves to be worked out.

A sentence is cut into parts at its punctuation and between its requests. Of each part, what only
asks is taken away; what is left names a target, leaves it open, or tells of a situation. The parts
are then weighed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, dropwhile, zip_longest

from sam3i_model.routing import words as w
from sam3i_model.routing.clauses import general_head, open_target
from sam3i_model.routing.conditions import ATTRIBUTE, condition, is_any, is_singular
from sam3i_model.routing.destinations import before_next, moved, received
from sam3i_model.routing.lists import is_plain, listed, takes_more
from sam3i_model.routing.names import is_name
from sam3i_model.routing.phrases import noun_phrase
from sam3i_model.routing.requests import after_request, is_way, without_request
from sam3i_model.routing.steps import acts_on_it, conditioned, later_request, placed, steps
from sam3i_model.routing.text import parts
from sam3i_model.routing.verbs import ends_noun_phrase

CONCEPT, SIMPLE, COMPLEX = 1, 2, 3
_NO_NAMES = w.DETERMINERS - w.NUMBERS - {"no"} | {"of"}
_OF_NAMES = w.word_set("kind kinds sort sorts type types instance instances example examples")
_PURPOSES = w.word_set("purpose terrain weather season in")
_PLACED = w.PREPOSITIONS - w.word_set("for to of about as with")


@dataclass(frozen=True)
class Reading:
    """What was made of a sentence or of one part of it; `level` is one of the three above.

    `prompt` are the words that tell of the target, where no others do; `kind` those among them
    that say as much without a determiner.
    """

    level: int
    why: str
    prompt: str = ""
    kind: str = ""
    singular: bool = False
    definite: bool = False
    requested: bool = False
    situation: bool = False
    aside: bool = False
    points_back: bool = False
    way: bool = False
    names: bool = False
    listed: frozenset[str] = frozenset()
    plain: bool = False
    takes_more: bool = False


def read(text: str) -> Reading:
    """Read a cleaned text."""
    spoken = [step for part in parts(text) for step in steps(part)]
    readings = list(_read_parts(spoken))
    if not readings:
        return Reading(CONCEPT, "no words") if not spoken else _read_words(spoken[0])
    reading = _weigh(list(_asked_along(_without_complements(readings))))
    if reading.level == CONCEPT and any(map(_places_it, spoken[1:])):
        return replace(
            reading, level=SIMPLE, why="a noun told of in two sentences", prompt="", kind=""
        )
    return reading if _tells_all(reading, readings) else replace(reading, prompt="", kind="")


def _tells_all(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether nothing about the target is outside the part that names it."""
    if len(readings) == 1:
        return True
    if reading.level == COMPLEX or reading.points_back:
        return False
    others = [r for r in readings if not (r.way or (r.situation and not r.aside))]
    if reading.requested:
        others = list(dropwhile(_leads_in, others))
    return [other.prompt for other in others] == ([] if reading.way else [reading.prompt])


def _leads_in(reading: Reading) -> bool:
    """Whether a part before a request says nothing of what is requested: "Robbie", "if you can"."""
    told = reading.prompt.split()
    place = not (_PLACED.isdisjoint(told[:1]) and w.SIDES.isdisjoint(told))
    place = place and told != ["next"]
    return reading.aside or not (reading.requested or reading.listed or place)


def _places_it(words: Sequence[str]) -> bool:
    """Whether a sentence says more of the thing before: "it is on the left", "it has a chip"."""
    if words[0] not in w.SUBJECTS - {"i", "we", "you"} or words[1:2] == ["and"]:
        return False
    has = words[1:2] in (["has"], ["have"]) and not w.DETERMINERS.isdisjoint(words[2:3])
    return has or not (_PLACED | w.TRANSITIVE | {"one"}).isdisjoint(words[2:-1])


def _read_parts(spoken: Sequence[Sequence[str]]) -> Iterator[Reading]:
    for part, after in zip_longest(spoken, spoken[1:], fillvalue=()):
        acted_on = acts_on_it(after) or acts_on_it(after_request(" ".join(after))[0].split())
        thing = conditioned(part) or placed(part) if acted_on else []
        if thing:  # "if the drawer is open, close it", "my bag is on the chair, bring it"
            why = "a noun with a relation or a state"
            yield replace(
                _read_words(thing, requested=True), level=SIMPLE, why=why, prompt="", kind=""
            )
        else:
            yield from _read_part(part)


def _read_part(words: Sequence[str]) -> list[Reading]:
    asked, requested = without_request(words)
    if not asked:
        return []
    if requested:
        asked = received(words, before_next(asked))
    reading = _read_words(asked, requested, joined=not {"and", "or"}.isdisjoint(words))
    if (reading.situation or asked[0] in w.SUBORDINATORS) and (later := later_request(asked)):
        requests = _read_part(later)
        return [reading, *requests] if reading.situation else requests
    if thing := moved(words, asked):
        reading = replace(reading, prompt=" ".join(thing), kind=_read_words(thing, requested).kind)
    return [replace(reading, way=is_way(words))]


def _read_words(asked: Sequence[str], requested: bool = False, joined: bool = False) -> Reading:
    why = "" if is_name(asked) else open_target(asked)
    if why:
        head = general_head(asked)
        several = head is not None and w.is_plural(asked[head])
        return Reading(
            COMPLEX,
            why,
            "" if "situation" in why else " ".join(asked),
            singular=asked[0] in ("something", "the", "a", "an") and not several,
            requested=requested,
            situation="situation" in why,
            aside=asked[0] in w.SUBORDINATORS,
        )
    phrase, kind = noun_phrase(asked), _named(asked)
    why = condition(asked, phrase)
    singular = is_singular(asked, phrase)
    return Reading(
        SIMPLE if why else CONCEPT,
        why or "a bare noun phrase",
        " ".join(asked) if why else kind,
        kind if why in ("", ATTRIBUTE) else "",
        singular=singular,
        definite=singular and not is_any(phrase),
        requested=requested,
        points_back=asked[0] in ("that", "this", "those", "these"),
        names=asked[0] in w.DETERMINERS or not ends_noun_phrase(asked[0]),
        listed=listed(asked, phrase, joined),
        plain=is_plain(asked, phrase),
        takes_more=takes_more(asked),
    )


def _named(asked: Sequence[str]) -> str:
    """ "mugs" of "all of the mugs"; numbers belong to a name: "5 mm key"."""
    left = list(asked)
    while left and (left[0] in _NO_NAMES or (left[0] in _OF_NAMES and left[1:2] == ["of"])):
        if left[1:2] == ["and"] or (left[0] == "all" and not _PURPOSES.isdisjoint(left[1:2])):
            break  # "his and hers towels", "all purpose flour"
        left = left[1:]
    return " ".join(left)


def _without_complements(readings: Sequence[Reading]) -> Iterator[Reading]:
    """Those that tell no more of a thing before: "the man with the hat, the glasses"."""
    thing = None
    for reading in readings:
        more = reading.listed and reading.plain and not reading.requested
        if more and thing and thing.takes_more and not thing.listed & reading.listed:
            continue
        yield reading
        if reading.listed or reading.requested:
            thing = reading


def _asked_along(readings: Iterable[Reading]) -> Iterator[Reading]:
    """What is listed after a requested thing is requested too: "take the fork, the knife"."""
    requested = False
    for reading in readings:
        requested = requested or (reading.requested and reading.level != COMPLEX)
        yield replace(reading, requested=True) if requested and reading.listed else reading


def _are_several(readings: Sequence[Reading]) -> bool:
    """Whether different things are listed; "the red mug" or "the red one" may be "the mug"."""
    things = [reading.listed for reading in readings if not reading.listed & {"one", "ones"}]
    return any(not (one <= other or other <= one) for one, other in combinations(things, 2))


def _weigh(readings: Sequence[Reading]) -> Reading:
    """The reading of the whole: a target that is named tells more than a situation around it."""
    readings = [reading for reading in readings if not reading.aside] or readings
    named = [reading for reading in readings if reading.level != COMPLEX]
    off_way = [reading for reading in named if not reading.way]
    if any(reading.requested and reading.names for reading in off_way):
        named = off_way  # "go to the kitchen, pick up the mug"
    opened = [reading for reading in readings if reading.level == COMPLEX]
    asked_for = [reading for reading in named if reading.requested]
    wanted = asked_for or named
    narrowed = [reading for reading in wanted if reading.level == SIMPLE]
    for reading in opened:
        if not reading.situation and not (asked_for and narrowed):
            return reading
    if opened and not asked_for and opened[0] is readings[0]:
        return opened[0]
    if _are_several(wanted) or (len(wanted) > 1 and not narrowed):
        return Reading(SIMPLE, "several nouns")
    if narrowed:
        told = next((reading for reading in wanted if reading.listed), narrowed[0])
        definite = told.singular and (told.definite or narrowed[0].definite)
        return replace(narrowed[0], singular=told.singular, definite=definite)
    if opened and named[0].points_back:
        return replace(named[0], level=SIMPLE, why="a noun told of before")
    return wanted[0]
