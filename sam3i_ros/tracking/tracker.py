"""Carries the masks of the newest answer to each new frame, and keeps things' identities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction
from sam3i_ros.geometry import mask_roi
from sam3i_ros.tracking.identity import Sight, pair, sight_of
from sam3i_ros.tracking.motion import Anchor, Flow, Picture, ego_motion, shrink
from sam3i_ros.tracking.outline import outline_of
from sam3i_ros.tracking.own_motion import stiffen
from sam3i_ros.tracking.track import Track

Array = npt.NDArray[Any]

STALE = 15.0  # s after which masks are no longer carried; the slowest model answers sooner
GAP = 1.0  # s between two frames over which nothing can be carried


@dataclass(frozen=True)
class Tracked:
    """What is known of one instruction in the newest frame."""

    grounding: Grounding
    """The newest answer; masks, scores and boxes are those of what is in sight now."""
    ids: tuple[int, ...]
    """One a mask, from 1; the same thing keeps its id. 0: not tracked."""
    carried: bool = False
    """Whether the answer is to an earlier frame."""
    lost: bool = False
    """Whether the answer had masks and none of its things is in sight now."""


@dataclass(frozen=True)
class _Marked:
    """The frame that the model works on, and where each track was in it."""

    anchor: Anchor
    sights: dict[int, Sight]


class Tracker:
    """Sees every frame, marks the one that is given to the model, accepts the answer to it.

    The motion since the marked frame is added up while the model works, so that its answer can be
    carried to the newest frame at once. Not for use by several threads.
    """

    def __init__(self) -> None:
        self._flow = Flow()
        self._next_id = 1
        self._picture: Picture | None = None  # the newest
        self._time = 0.0  # of the newest picture, s
        self._view: tuple[tuple[int, ...], int] = ((), 0)  # its frame's shape, and `longest`
        self._marked: _Marked | None = None
        self._anchor: Anchor | None = None  # the frame that the newest answer is to
        self._answers: dict[Instruction, Grounding] = {}
        self._tracks: dict[Instruction, list[Track]] = {}

    def reset(self) -> None:
        """Forgets everything but which ids were given."""
        self._picture = self._marked = None
        self._forget()

    @property
    def answered(self) -> float:
        """Time of the frame that the newest answer is to, s; minus infinity if there is none."""
        return self._anchor.time if self._anchor else float("-inf")

    @property
    def unsure(self) -> bool:
        """Whether something that is carried was lost, or may be wrong."""
        return any(track.doubtful for track in self._all())

    def knows(self, instruction: Instruction) -> bool:
        """Whether there is an answer to it."""
        return instruction in self._answers

    def cut(self, rgb: Array, time: float, longest: int) -> None:
        """Forgets what cannot be carried to this next frame: that of another size, or before a gap.

        As `see` does, but in no time, for who has to know before.
        """
        if self._picture and (self._view != (rgb.shape, longest) or time - self._time > GAP):
            self.reset()

    def see(self, rgb: Array, time: float, longest: int) -> None:
        """Takes the next frame.

        Args:
            rgb: uint8 (H, W, 3).
            time: s.
            longest: pixels, longest side of the small picture that motion is measured on.
        """
        self.cut(rgb, time, longest)
        picture, before = shrink(rgb, longest), self._picture
        self._picture, self._time, self._view = picture, time, (rgb.shape, longest)
        if not before:
            return
        if self._anchor and time - self._anchor.time > STALE:
            self._forget()
        back = self._flow.back(picture, before)
        shapes = [t.sight.shape for t in self._all() if t.sight.shape is not None]
        stiff = stiffen(back, shapes)
        for anchor in (self._anchor, self._marked and self._marked.anchor):
            if anchor:
                anchor.follow(stiff)
        motion = ego_motion(back)
        for track in self._all():
            track.predict(motion, time)
        self._locate()
        for track in self._all():
            track.learn(back)

    def mark(self) -> None:
        """The newest frame is given to the model."""
        assert self._picture
        sights = {track.id: track.sight for track in self._all()}
        self._marked = _Marked(Anchor(self._picture, self._time), sights)

    def unmark(self) -> None:
        """No answer will come to the marked frame."""
        self._marked = None

    def accept(self, groundings: Sequence[Grounding]) -> None:
        """Takes the model's answer to the marked frame; no effect if that was forgotten since."""
        if not self._marked:
            return
        marked, self._marked = self._marked, None
        self._tracks = {g.instruction: self._identify(g, marked) for g in groundings}
        self._answers = {g.instruction: g for g in groundings}
        self._anchor = marked.anchor
        self._locate()

    def present(self) -> dict[Instruction, Tracked]:
        """The newest answer to each instruction, in the newest frame."""
        carried = bool(self._anchor and self._anchor.moved)
        return {
            instruction: _tracked(grounding, self._tracks[instruction], carried)
            for instruction, grounding in self._answers.items()
        }

    def _forget(self) -> None:
        self._anchor, self._answers, self._tracks = None, {}, {}

    def _all(self) -> Iterator[Track]:
        for tracks in self._tracks.values():
            yield from tracks

    def _locate(self) -> None:
        if not (self._anchor and self._picture and self._tracks):
            return
        way, changed = self._anchor.way(), self._anchor.changed(self._picture)
        for track in self._all():
            track.locate(way, changed, self._picture.colour, self._time)

    def _identify(self, grounding: Grounding, marked: _Marked) -> list[Track]:
        """The tracks of an answer, best first, and those that it does not have."""
        known = self._tracks.get(grounding.instruction, [])
        colour, time = marked.anchor.picture.colour, marked.anchor.time
        outlines = [outline_of(mask, colour) for mask in grounding.masks]
        found = [sight_of(outline.small, colour) for outline in outlines]
        same = pair([marked.sights[track.id] for track in known], found)
        tracks = []
        for index, (outline, sight) in enumerate(zip(outlines, found, strict=True)):
            track = known[same[index]] if index in same else self._new(sight, time)
            track.found(outline, float(grounding.scores[index]), sight, time)
            tracks.append(track)
        others = (track for i, track in enumerate(known) if i not in same.values())
        return tracks + [track for track in others if not track.missed(time)]

    def _new(self, sight: Sight, time: float) -> Track:
        self._next_id += 1
        return Track(self._next_id - 1, sight, time)


def _tracked(grounding: Grounding, tracks: Sequence[Track], carried: bool) -> Tracked:
    """The answer with what is in sight of it."""
    seen = [(track, track.mask) for track in tracks if track.mask is not None]
    masks = [mask for _, mask in seen]
    return Tracked(
        replace(
            grounding,
            masks=np.stack(masks) if masks else grounding.masks[:0],
            scores=np.array([track.score for track, _ in seen], np.float32),
            boxes=np.array([_box(mask) for mask in masks], np.float32).reshape(-1, 4),
        ),
        tuple(track.id for track, _ in seen),
        carried,
        bool(len(grounding.masks)) and not seen,
    )


def _box(mask: Array) -> tuple[int, int, int, int]:
    """xyxy, pixels."""
    x, y, width, height = mask_roi(mask)
    return x, y, x + width, y + height
