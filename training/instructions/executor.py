"""Looks up in a scene what a sentence asks for: from the text and the records alone.

The counterpart of the grammar: it parses (see `reading`) and resolves with plain rules of its own,
without the margins that the grammar keeps, so that both agree where a sentence is clear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from training.instructions import parts, requests
from training.instructions.looking_up import Record, World
from training.instructions.nouns import MEANINGS
from training.instructions.purposes import PURPOSES
from training.instructions.reading import Reader, UnreadableError
from training.instructions.reading_tables import NOUNS, USE, marked, with_uses_marked
from training.instructions.reading_words import FRAME, NEGATIVE, tokens_of


@dataclass(frozen=True)
class Reading:
    """What a text denotes: labels of objects, or of parts in the map of parts, ascending."""

    labels: tuple[int, ...]
    part: bool


def execute(text: str, objects: Sequence[Record], image_size: tuple[int, int]) -> Reading:
    """What the text denotes among the records of one image of (width, height) pixels.

    Raises:
        UnreadableError: It can't be read, or a reference in it isn't clear.
    """
    world = World(objects, image_size[0])
    tokens = tokens_of(text)
    found = _part_use(" ".join(tokens), world)
    for bare in _unwrapped(" ".join(tokens)):
        found = _part(bare, world) if found is None else found
    if found is not None:
        return Reading(tuple(sorted(found)), True)
    problem = UnreadableError("nothing to read")
    for bare in _unwrapped(" ".join(with_uses_marked(tokens))):
        try:
            meant = _sentence(bare.split(), world)
        except UnreadableError as error:
            problem = error
            continue
        return Reading(tuple(sorted({record["label"] for record in meant})), False)
    raise problem


def _alternatives(phrases: Sequence[str]) -> str:
    ordered = sorted({" ".join(tokens_of(phrase)) for phrase in phrases}, key=len, reverse=True)
    return "|".join(map(re.escape, ordered))


def _gap(pattern: str) -> str:
    """A pattern with a reference as a regular expression."""
    return re.escape(" ".join(tokens_of(pattern.replace("{ref}", "xx")))).replace("xx", "(the .+?)")


_PREFIX = re.compile(
    rf"^(?:(?:{_alternatives(requests.POLITE)}) )?(?:{_alternatives(requests.VERBS)}) (?=.)"
)
_ASKING = [
    re.compile(f"^{re.escape(' '.join(tokens_of(text))).replace('xx', '(.+)')}$")
    for pattern in sorted((*requests.REQUESTS, requests.WHERE), key=len, reverse=True)
    for text in {pattern.format(x="xx", be=be) for be in ("is", "are")}
]
_TAILS = tuple(
    " " + " ".join(tokens_of(tail)) for tail in sorted(requests.AFTER_VERB, key=len, reverse=True)
)


def _unwrapped(text: str) -> Iterator[str]:
    """What may be left without the words that people put around what they want: first all of it,
    then with less and less of it."""
    text = re.sub(r"(?<!over)(?<!around) (?:here|there)$", "", text)
    tails = [tail for tail in _TAILS if text.endswith(tail) and not text.endswith("over there")]
    for whole in (text, *(text[: -len(tail)] for tail in tails)):
        for asking in _ASKING:
            if found := asking.match(whole):
                yield str(found[1])
        yield _PREFIX.sub("", whole)
        yield whole


def _sentence(tokens: list[str], world: World) -> list[Record]:
    try:
        return _phrases(" ".join(tokens), world)
    except UnreadableError:
        marks = [token for token in tokens if token.startswith(USE)]
        around = {token for token in tokens if not token.startswith(USE)}
        if len(marks) != 1 or not around <= FRAME:
            raise
    kinds = PURPOSES[marked(marks[0])].yes
    negative = bool(NEGATIVE & around) and "bare" not in around
    return [record for record in world.objects if (record["kind"] in kinds) != negative]


def _phrases(text: str, world: World) -> list[Record]:
    for pattern, handler in _TWO:
        if found := pattern.match(text):
            return handler(found.groupdict(), world)
    for pattern, replacement in _REORDERED:
        text, changed = pattern.subn(replacement, text)
        if changed:
            break
    return _listed(text.split(), world)


def _listed(tokens: list[str], world: World) -> list[Record]:
    """One noun phrase or several with "and"."""
    reader = Reader(tokens)
    meant: list[Record] = []
    while True:
        if reader.at and tokens[reader.at : reader.at + 1] == ["also"]:
            reader.at += 1
        meant += world.look_up(reader.phrase())
        if reader.done:
            return meant
        reader.expect(tokens[reader.at])


Groups = Mapping[str, str]


def _only(field: str) -> Callable[[Groups, World], list[Record]]:
    return lambda groups, world: _listed(groups[field].split(), world)


def _both(groups: Groups, world: World) -> list[Record]:
    one, two = (_listed(groups[name].split(), world) for name in ("a", "b"))
    return [*one, *two]


def _all_but(groups: Groups, world: World) -> list[Record]:
    excluded = world.one(Reader(groups["a"].split()).phrase())
    return [record for record in world.objects if record is not excluded]


def _rule(
    pattern: str, handler: Callable[[Groups, World], list[Record]]
) -> tuple[re.Pattern[str], Callable[[Groups, World], list[Record]]]:
    return re.compile(f"^{pattern}$"), handler


_TWO = [
    _rule(r"not only (?P<a>the .+) but also (?P<b>the .+)", _both),
    _rule(r"not (?P<a>.+?) but (?P<b>(?:the|something|anything) .+)", _only("b")),
    _rule(r"(?P<b>.+?) (?:and not|instead of|rather than) (?P<a>the .+)", _only("b")),
    _rule(r"i mean (?P<b>the .+) not (?P<a>the .+)", _only("b")),
    _rule(r"leave (?P<a>.+) alone and take (?P<b>.+)", _only("b")),
    _rule(r"(?P<b>the .+?)(?<! but)(?<! are)(?<! is) not (?P<a>the (?!.* one$).+)", _only("b")),
    _rule(r"first (?P<a>the .+) then (?P<b>the .+)", _both),
    _rule(r"(?P<a>.+) (?:as well as|together with|along with|plus) (?P<b>the .+)", _both),
    _rule(
        r"(?:everything|all that is|whatever is|the rest) (?:except|but|apart from|not|without) "
        r"(?P<a>the .+)",
        _all_but,
    ),
    _rule(r"one (?P<a>.+) and the other", _only("a")),
]
_REORDERED = [
    (re.compile(r"^of (?:all )?the (?:two )?(.+) the (?:one )?(.+?)(?: one)?$"), r"the \1 \2"),
    (re.compile(r"^the one of the two (.+) that is on the (left|right)$"), r"the \2 \1"),
    (re.compile(r"^the (\w+(?: distant)?) of the two (.+)$"), r"the \1 \2"),
    (re.compile(r"^the (\w+) of the (.+) from the (left|right)$"), r"the \1 \2 from the \3"),
    (re.compile(r"^the (.+) with no other \1 to its (left|right)( .+)?$"), r"the \2 \1\3"),
    (re.compile(r"^the (.+) with no other (.+) to its (left|right)( .+)?$"), r"the \3 \1"),
    (re.compile(r"^the outermost (.+) on the (left|right)( .+)?$"), r"the \2 \1\3"),
    (re.compile(r"^((?:counting )?from the (?:left|right|front)) (the .+)$"), r"\2 \1"),
    (re.compile(r"^(.+) in the picture( .+)?$"), r"\1\2"),
]


_PART_NAMES: dict[str, set[str]] = {}
for _name, _words in parts.WORDS.items():
    for _word in (*_words, *(w for kinds in parts.TWO_OF.values() for w in kinds.get(_name, ()))):
        for _form in (_word, parts.plural_of(_word)):
            _PART_NAMES.setdefault(_form, set()).add(_name)
_PART = f"(?P<part>{_alternatives(tuple(_PART_NAMES))})"
_PART_PATTERNS = [
    re.compile(f"^{pattern}$")
    for pattern in (
        rf"(?:just |only )?(?:the |every |all the )?{_PART} "
        r"(?:of|on|that belongs? to|which (?:is|are) part of) (?P<np>.+)",
        rf"the {_PART} (?P<np>the .+) has",
        rf"not all of (?P<np>.+) but the {_PART}",
        rf"(?P<np>.+) but only the {_PART}",
        rf"of (?P<np>.+) the {_PART}",
    )
]
_USE_END = rf"(?: (?:{_alternatives(requests.AFTER_VERB)}))?(?: is)?$"
_USE_PATTERNS = [
    (re.compile(f"^.*?{_gap(use)}{_USE_END}"), part)
    for part, uses in (*parts.USES.items(), *(("head", uses) for uses in parts.HEAD_USES.values()))
    for use in uses
]


_COMPOUND = re.compile(rf"^(?:the |any |all )?(?P<np>.+?) {_PART}$")


def _compound(text: str, world: World) -> list[int] | None:
    """ "mug handle": the bare name of what has or might have such a part, and the part."""
    found = _COMPOUND.match(text)
    kinds = MEANINGS[found["np"]][0] if found and found["np"] in MEANINGS else frozenset()
    if found is None or not kinds:
        return None
    names = _PART_NAMES[found["part"]]
    owners = {kind for name in names for kind in parts.OWNERS[name]}
    if tuple(found["part"].split()) in NOUNS and not owners & kinds:
        return None
    return _part_labels(names, found["np"], world)


def _part_labels(names: set[str], np: str, world: World) -> list[int]:
    things = world.look_up(Reader(np.split()).phrase())
    return [
        part["label"]
        for thing in things
        for part in thing.get("parts", ())
        if part["name"] in names
    ]


def _part(text: str, world: World) -> list[int] | None:
    """Labels of the parts that a text names, None if it is not about parts."""
    for pattern in _PART_PATTERNS:
        if found := pattern.match(text):
            if tuple(found["part"].split()) in NOUNS and text[: found.start("np")].endswith(" on "):
                return None  # a keyboard on a laptop may be another one
            try:
                return _part_labels(_PART_NAMES[found["part"]], found["np"], world)
            except UnreadableError:
                continue
    return _compound(text, world)


def _part_use(text: str, world: World) -> list[int] | None:
    """Labels of the parts that a text tells by what they are for."""
    for pattern, part in _USE_PATTERNS:
        if found := pattern.match(text):
            return _part_labels({part}, found[1], world)
    return None
