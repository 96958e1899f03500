"""Image topics: what they show, which are cameras, and which answers are to their pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sam3i_model.decoding import MessageError
from training.bags import pictures
from training.bags.bag import Bag
from training.bags.names import common, named, parts_of, same, space_of
from training.bags.scan import Answers, Column, Contents, Stream

_DRAWN = re.compile(r"(^|/)(masks?|labels?|overlay|debug|truth|theora|ffmpeg)(/|$)")
_TRANSPORTS = ("compressed", "compressedDepth")
_TRIES = 5
"""Messages that are looked at to tell what a topic holds."""


@dataclass(frozen=True)
class View:
    """An image topic and what its first readable message shows."""

    stream: Stream
    is_depth: bool
    height: int
    width: int

    @property
    def name(self) -> str:
        """Of the topic."""
        return self.stream.topic.name

    @property
    def parts(self) -> list[str]:
        """Of the name, without the transport."""
        return [part for part in parts_of(self.name) if part not in _TRANSPORTS]

    @property
    def drawn(self) -> bool:
        """Whether its name says that a program drew it."""
        return bool(_DRAWN.search(self.name))


def read_view(bag: Bag, stream: Stream, depth: str, notes: list[str]) -> View | None:
    """What a topic holds; None, and a note, if none of the messages tried can be read.

    `depth` is the topic that the user says holds depth.
    """
    name = stream.topic.name
    called_depth = "depth" in name.lower() or same(name, depth)
    why: Exception | None = None
    for index in tried(stream):
        try:
            message = bag.read(stream.topic, stream.address(index))
            deep = pictures.is_depth(message, called_depth)
            read = pictures.depth if deep else pictures.colour
            height, width = read(message, stream.topic.type).shape[:2]
            return View(stream, deep, height, width)
        except MessageError as error:
            why = error
    notes.append(f"{name} is left out: {why}")
    return None


def tried(stream: Stream) -> Column:
    """Which of a topic's messages are looked at."""
    return np.linspace(0, len(stream) - 1, min(_TRIES, len(stream))).astype(int)


def view_named(views: Sequence[View], wish: str) -> View:
    """The one that the user names. Raises BagError."""
    name = named(wish, [v.name for v in views], "image")
    return next(v for v in views if v.name == name)


def cameras(views: Sequence[View], contents: Contents) -> list[View]:
    """The colour topics but for what a program drew.

    What lies below a node's answers or beside its instructions is the node's own, unless all do:
    then a robot has them in one namespace.
    """
    nodes = tuple(space_of(name) + "/" for name in contents.answers if space_of(name))
    said = set(contents.timeline.topics.values()) - {""}
    seen = [v for v in views if not v.is_depth and not v.drawn]
    free = [v for v in seen if not v.name.startswith(nodes) and space_of(v.name) not in said]
    return free or seen


def answered(view: View | None, answers: Answers | None) -> int:
    """How many answers are to a camera's pictures: those have their stamps and their size."""
    if view is None or answers is None:
        return 0
    if answers.sizes and (view.height, view.width) not in answers.sizes:
        return 0
    return int(np.isin(answers.stream.stamps, view.stream.stamps).sum())


def likeness(pairs: Sequence[tuple[View | None, Answers | None]]) -> list[tuple[bool, int, int]]:
    """How well pictures and answers go together, to rank pairs by.

    Those with the most answers to pictures do. But the robots of a simulation have the same stamps:
    where half as many are, the nearer name counts.
    """
    counts = [answered(*pair) for pair in pairs]
    half = max(counts, default=0) / 2
    return [
        (count >= half, _near(view, answers), count)
        for count, (view, answers) in zip(counts, pairs, strict=True)
    ]


def _near(view: View | None, answers: Answers | None) -> int:
    return common(view.parts, parts_of(answers.stream.topic.name)) if view and answers else 0
