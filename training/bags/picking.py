"""Which frames to take: some a second, and one soon after each instruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from sam3i_model.instruction import Outcome
from training.bags.asked import Asked
from training.bags.heads import SECOND
from training.bags.pairing import Partners, epochs
from training.bags.scan import Column, Contents, Stream
from training.bags.topics import Camera

CANDIDATES = 3
"""Frames of a slot that are looked at, for the sharpest."""
_LABELS = (Outcome.FOUND, Outcome.NOT_FOUND, Outcome.AMBIGUOUS)


@dataclass(frozen=True)
class Frame:
    """A picked moment: indices into the camera's streams, None where there is nothing.

    `answered` are the instructions whose label the answer has, `open` those without any.
    """

    index: int
    stamp: int
    epoch: int
    depth: int | None
    info: int | None
    answer: int | None
    answered: tuple[Asked, ...]
    open: tuple[Asked, ...]


@dataclass(frozen=True)
class Slot:
    """One frame is to be taken of these; `keep`: though nothing has moved."""

    frames: tuple[Frame, ...]
    keep: bool

    @property
    def key(self) -> str:
        """Names it in the journal."""
        return f"{self.frames[0].index}"


@dataclass(frozen=True)
class Moment:
    """What a frame may be taken for, before its partners are looked for.

    Of the instructions `answered`, so many are `certain`; `near`: it comes soon after one was said.
    """

    index: int
    answer: int | None
    answered: tuple[int, ...]
    open: tuple[int, ...]
    certain: int
    near: bool


class Plan:
    """The slots of a recording.

    Args:
        contents: Of it.
        camera: Its topics.
        rate: Frames a second at most; 0 takes all.
        slop: ns that stamps of colour and depth may be apart.
        extra: Sentences to be asked of every frame.
        teacher: Whether a model is to label, so that recorded answers don't matter.
    """

    def __init__(
        self,
        contents: Contents,
        camera: Camera,
        rate: float,
        slop: int,
        extra: Sequence[Asked],
        teacher: bool,
    ) -> None:
        self._contents = contents
        self._slop = slop
        self._extra = tuple(contents.book.number(asked) for asked in extra)
        self._teacher = teacher
        self._unheard = camera.unheard
        colour = camera.colour.stream
        others = [camera.depth.stream if camera.depth else None, camera.info]
        self._answers = camera.answers
        streams = [colour, *others, camera.answers.stream if camera.answers else None]
        times = [_times(stream) for stream in streams]
        self._stamps, self._orders = times[0]
        self._epochs, *epoch = epochs(times)
        self._depth, self._info = (
            Partners(stamps, own, orders)
            for (stamps, orders), own in zip(times[1:3], epoch[:2], strict=True)
        )
        self._first = first = _first_of_each(self._stamps, self._epochs)
        frames = Partners(self._stamps[first], self._epochs[first], self._orders[first])
        self._answer_of: dict[int, int] = {}
        for answer, (stamp, order) in enumerate(zip(*times[3], strict=True)):
            index = frames.nearest(int(stamp), int(epoch[2][answer]), int(order), 0)
            if index is not None:
                self._answer_of[int(first[index])] = answer
        self.slots = list(self._slots(rate))

    def _slots(self, rate: float) -> Iterator[Slot]:
        period = SECOND / rate if rate else 0
        moments = (m for m in self._moments() if m.answered or m.open)

        def slot(moment: Moment) -> tuple[int, ...]:
            index = moment.index
            if not period:
                return (index,)
            return int(self._epochs[index]), int(self._stamps[index] // period)

        for _, group in groupby(moments, key=slot):
            members = list(group)
            best = [m for m in members if m.near] or [m for m in members if m.answered] or members
            most = max(m.certain for m in best)
            best = [m for m in best if m.certain == most]
            chosen = {
                best[i].index: best[i]
                for i in np.linspace(0, len(best) - 1, min(len(best), CANDIDATES)).astype(int)
            }
            yield Slot(tuple(map(self._frame, chosen.values())), any(m.near for m in best))

    def _moments(self) -> Iterator[Moment]:
        """Every frame once, in the recording's order, with what is asked of it."""
        book = self._contents.book.entries
        results = self._results()
        # A text that was answered anywhere needs no person where it wasn't.
        labelled = {book[n].text for found in results.values() for n in found}
        waiting: set[int] = set()
        before: set[int] = set()
        met: set[int] = set()
        orders = (int(order) for order in self._orders[self._first])
        active = self._contents.timeline.at(orders, self._unheard)
        for index, now in zip(self._first.tolist(), active, strict=True):
            found = results.get(index, {})
            answered = tuple(found)
            waiting |= (set(now) - before) | (set(answered) - met)
            before = set(now)
            met |= set(answered)
            if self._teacher:
                answered, still = (), tuple(dict.fromkeys([*now, *answered, *self._extra]))
            else:
                without = [n for n in now if book[n].text not in labelled]
                still = tuple(dict.fromkeys([*without, *self._extra]))
            near = bool(waiting & {*answered, *still})
            waiting -= {*answered, *still}
            certain = sum(found[n] for n in answered)
            yield Moment(index, self._answer_of.get(index), answered, still, certain, near)

    def _results(self) -> dict[int, dict[int, bool]]:
        """The instructions that have a label, and whether it is certain, by frame."""
        if self._answers is None:
            return {}
        return {
            index: {n: sure for n, o, sure in self._answers.results(answer) if o in _LABELS}
            for index, answer in self._answer_of.items()
        }

    def _frame(self, moment: Moment) -> Frame:
        index = moment.index
        stamp, epoch = int(self._stamps[index]), int(self._epochs[index])
        order = int(self._orders[index])
        book = self._contents.book.entries
        return Frame(
            index,
            stamp,
            epoch,
            self._depth.nearest(stamp, epoch, order, self._slop),
            self._info.nearest(stamp, epoch, order, 3600 * SECOND),
            moment.answer,
            tuple(book[n] for n in moment.answered),
            tuple(book[n] for n in moment.open),
        )


def _times(stream: Stream | None) -> tuple[Column, Column]:
    """Stamps and order of a stream; of none, both empty."""
    if stream is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return stream.stamps, stream.orders


def _first_of_each(stamps: Column, epoch: Column) -> Column:
    """Indices of the frames, without those that have an earlier one's stamp."""
    if not len(stamps):
        return np.zeros(0, np.int64)
    _, first = np.unique(np.stack([epoch, stamps]), axis=1, return_index=True)
    return np.sort(first)
