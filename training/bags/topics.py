"""Which topics are the camera: by type and content first, by name where several would do."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from sam3i_model.decoding import MessageError, intrinsics_from_camera_info
from training.bags import pictures
from training.bags.bag import Bag
from training.bags.names import belongs, common, elsewhere, named, parts_of, space_of
from training.bags.pairing import Partners, epochs
from training.bags.scan import IMAGE, INFO, Answers, Contents, Stream
from training.bags.storage import BagError
from training.bags.views import View, answered, cameras, likeness, read_view, tried, view_named

_COLOUR = re.compile(r"colou?r|rgb")
_GREY = re.compile(r"infra|(^|[/_])ir([/_]|\d|$)|mono|grey|gray|fisheye")
_ALIGNED = re.compile(r"aligned|registered|depth_to_")
_SAMPLE = 200
"""Images whose partners are looked for to choose a depth topic."""

T = TypeVar("T")


@dataclass(frozen=True)
class Camera:
    """The topics that were chosen, and what is to be said of the choice.

    `unheard` are those on which something was said to another camera's node.
    """

    colour: View
    depth: View | None
    info: Stream | None
    answers: Answers | None
    notes: tuple[str, ...]
    unheard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wishes:
    """Topics named by the user; "" leaves the choice to us, depth "none" wants none."""

    image: str = ""
    depth: str = ""
    info: str = ""
    answers: str = ""


def choose(bag: Bag, contents: Contents, wishes: Wishes, slop: int) -> Camera:
    """Choose a recording's camera.

    Args:
        bag: To look at messages.
        contents: Of it.
        wishes: Topics that the user named.
        slop: ns that stamps of colour and depth may be apart.

    Raises:
        BagError: There is no camera, or a topic that was named isn't there.
    """
    notes: list[str] = []
    unread: list[str] = []
    streams = contents.of_type(IMAGE, pictures.COMPRESSED)
    views = [v for s in streams if (v := read_view(bag, s, wishes.depth, unread))]
    seen = cameras(views, contents)
    depth = None
    try:
        wished = _colour_named(views, wishes.image) if wishes.image else None
        answers = _answers(contents, wishes.answers, wished, notes)
        notes += unread
        colour = wished or _colour(views, seen, answers, notes)
        others = [v.parts for v in seen if v.parts != colour.parts]
        if wishes.depth != "none":
            depth = _depth(views, colour, others, wishes.depth, slop, notes)
    except BagError as error:
        raise BagError("; ".join([str(error), *unread])) from error
    info = _info(bag, contents, colour, others, wishes.info, notes)
    unheard = _unheard(contents, colour, others, answers, notes)
    return Camera(colour, depth, info, answers, tuple(notes), unheard)


def _answers(
    contents: Contents, wish: str, colour: View | None, notes: list[str]
) -> Answers | None:
    """The answers to the camera that was named, else the most."""
    if wish:
        return contents.answers[named(wish, list(contents.answers), "SegmentArray")]
    there = list(contents.answers.values())
    like = likeness([(colour, a) for a in there])
    ranked = _sorted(there, [(*rank, len(a.stream)) for rank, a in zip(like, there, strict=True)])
    if len(ranked) > 1:
        names = ", ".join(a.stream.topic.name for a in ranked[1:])
        chosen = ranked[0].stream.topic.name
        notes.append(f"answers are taken from {chosen}; for another: --answers ({names})")
    return ranked[0] if ranked else None


def _sorted(things: Sequence[T], ranks: Sequence[tuple[Any, ...]]) -> list[T]:
    """The highest rank first; of one rank as they came."""
    order = sorted(range(len(things)), key=lambda i: ranks[i], reverse=True)
    return [things[i] for i in order]


def _colour_named(views: Sequence[View], wish: str) -> View:
    chosen = view_named(views, wish)
    if chosen.is_depth:
        raise BagError(f"{wish} holds depth, no colour: name a colour topic with --image")
    return chosen


def _colour(
    views: Sequence[View], seen: Sequence[View], answers: Answers | None, notes: list[str]
) -> View:
    """What the node answered to, of the cameras seen, then what looks most like one."""
    like = likeness([(v, answers) for v in seen])
    ranked = _sorted(seen, [(*rank, *_look(v)) for rank, v in zip(like, seen, strict=True)])
    if not ranked:
        there = ", ".join(sorted(v.name for v in views)) or "no image topic at all"
        raise BagError(f"no colour camera is in the recording ({there}); name one with --image")
    if len(ranked) > 1:
        names = ", ".join(v.name for v in ranked[1:])
        notes.append(f"colour is taken from {ranked[0].name}; for another: --image ({names})")
    return ranked[0]


def _look(view: View) -> tuple[Any, ...]:
    """What is called colour, has more pictures, and is raw."""
    name = view.name.lower()
    kind = 1 if _COLOUR.search(name) else -1 if _GREY.search(name) else 0
    return (
        kind,
        round(math.log2(len(view.stream))),
        view.stream.topic.type == IMAGE,
        len(view.stream),
    )


def _depth(
    views: Sequence[View],
    colour: View,
    others: Sequence[list[str]],
    wish: str,
    slop: int,
    notes: list[str],
) -> View | None:
    if wish:
        chosen = view_named(views, wish)
        if not chosen.is_depth:
            raise BagError(f"{wish} holds no depth (16UC1 in mm or 32FC1 in m)")
    else:
        deep = [v for v in views if v.is_depth and not v.drawn]
        found = [v for v in deep if belongs(v.parts, colour.parts, others)]
        if not found:
            if deep:
                names = ", ".join(v.name for v in deep)
                notes.append(f"no depth topic is {colour.name}'s by its name: --depth ({names})")
            return None
        shares = {v.name: _share(colour.stream, v.stream, slop) for v in found}

        def rank(view: View) -> tuple[Any, ...]:
            return (
                shares[view.name] > 0,
                (view.height, view.width) == (colour.height, colour.width),
                common(colour.parts, view.parts),
                bool(_ALIGNED.search(view.name)),
                round(shares[view.name], 1),
                len(view.stream),
            )

        ranked = sorted(found, key=rank, reverse=True)
        chosen = ranked[0]
        if len(ranked) > 1:
            names = ", ".join(v.name for v in ranked[1:])
            notes.append(f"depth is taken from {chosen.name}; for another: --depth ({names})")
        if not shares[chosen.name]:
            notes.append(
                f"no image has a depth image of {chosen.name} within {slop / 1e9:g} s: depth is "
                "left out; widen --slop or look at the stamps"
            )
            return None
    if (chosen.height, chosen.width) != (colour.height, colour.width):
        notes.append(
            f"depth on {chosen.name} is {chosen.width}x{chosen.height}, the image is "
            f"{colour.width}x{colour.height}: depth is left out; record the depth image that the "
            "driver aligns to the colour image"
        )
        return None
    if chosen.stream.frame != colour.stream.frame:
        notes.append(
            f"the image is in frame '{colour.stream.frame}' but depth in '{chosen.stream.frame}': "
            "make sure that it is aligned to the image"
        )
    return chosen


def _share(colour: Stream, depth: Stream, slop: int) -> float:
    """Share of the images that have a depth image, by a sample."""
    both = [(colour.stamps, colour.orders), (depth.stamps, depth.orders)]
    colour_epochs, depth_epochs = epochs(both)
    partners = Partners(*(both[1][0], depth_epochs, both[1][1]))
    sample = np.unique(np.linspace(0, len(colour) - 1, _SAMPLE).astype(int))
    stamps, orders = both[0]
    found = [
        partners.nearest(int(stamps[i]), int(colour_epochs[i]), int(orders[i]), slop)
        for i in sample
    ]
    return sum(index is not None for index in found) / len(sample)


def _info(
    bag: Bag,
    contents: Contents,
    colour: View,
    others: Sequence[list[str]],
    wish: str,
    notes: list[str],
) -> Stream | None:
    streams = contents.of_type(INFO)
    if wish:
        name = named(wish, [s.topic.name for s in streams], "CameraInfo")
        return next(s for s in streams if s.topic.name == name)
    beside = [*colour.parts[:-1], "camera_info"]

    def rank(stream: Stream) -> tuple[bool, int, int]:
        own = parts_of(stream.topic.name)
        return own == beside, common(colour.parts, own), len(stream)

    why = ""
    for stream in sorted(streams, key=rank, reverse=True):
        if not belongs(parts_of(stream.topic.name), colour.parts, others):
            continue
        for index in tried(stream):
            try:
                found = intrinsics_from_camera_info(bag.read(stream.topic, stream.address(index)))
            except MessageError as error:
                why = why or f" ({error})"
                continue
            if (found.height, found.width) == (colour.height, colour.width):
                return stream
    if streams:
        notes.append(f"no camera_info fits {colour.name}{why}: there will be no intrinsics")
    return None


def _unheard(
    contents: Contents,
    colour: View,
    others: Sequence[list[str]],
    answers: Answers | None,
    notes: list[str],
) -> tuple[str, ...]:
    """Topics of instructions whose names are nearer to another camera's, but for those of the node
    that answered to this one."""
    topics = contents.timeline.topics
    node = None
    if answers and answered(colour, answers):
        node = space_of(answers.stream.topic.name)
    unheard = tuple(
        topic
        for topic, space in topics.items()
        if space != node and elsewhere(topic, colour.parts, others)
    )
    if unheard:
        names = ", ".join(unheard)
        notes.append(f"what was said on {names} is left out: it is for another camera (--image)")
    heard = [topic for topic in topics if topic not in unheard]
    if len({topics[topic] for topic in heard}) > 1:
        notes.append(f"what was said on {', '.join(heard)} is asked of one camera: {colour.name}")
    return unheard
