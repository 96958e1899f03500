"""The way of one frame: decoded, grounded, lifted. Runs in the worker's thread."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction
from sam3i_ros import messages
from sam3i_ros.camera import RawFrame
from sam3i_ros.frames import Frame, FrameDecoder
from sam3i_ros.geometry import Cloud, LiftOptions, Roi, lift, mask_roi, transform_cloud
from sam3i_ros.health import Health, Severity
from sam3i_ros.instructions import Entry
from sam3i_ros.msg import InstructionResult
from sam3i_ros.parameters import Settings
from sam3i_ros.tracking import Tracked
from sam3i_ros.transforms import TransformError, Transforms


class SegmenterLike(Protocol):
    """What the node needs of sam3i_model.segmenter.Segmenter."""

    name: str
    adapters: str  # folder that they come from; empty for the model's own
    device: str
    engine: str  # what runs the model, for people
    refused: str  # why PyTorch does although another engine should; or empty

    def load_adapters(self, folder: str) -> None: ...

    def set_image(self, rgb: npt.NDArray[np.uint8]) -> None: ...

    def ground(self, instructions: Sequence[str | Instruction]) -> list[Grounding]: ...


@dataclass(frozen=True)
class Segment:
    """One mask that answers an instruction, with its points if there are any."""

    instruction_id: str
    mask: npt.NDArray[np.bool_]  # (H, W)
    roi: Roi  # of the mask
    score: float
    cloud: Cloud | None  # in Result.frame_3d
    track_id: int = 0  # 0: not tracked
    carried: bool = False  # from an earlier frame


@dataclass(frozen=True)
class Result:
    """All that is known about one frame."""

    frame: Frame
    arrived: float  # of the image, time.monotonic, s
    results: list[InstructionResult]  # one per instruction, in their order
    groundings: list[Grounding]  # of those that were not rejected
    segments: list[Segment]
    frame_3d: str  # empty without 3D
    no_3d: str  # why


class Laps:
    """Time spent per stage while one frame is worked on, s."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time spent inside the `with` block."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] += time.monotonic() - start


class Pipeline:
    """Frames and instructions in, results out; no publishing and no threads."""

    def __init__(
        self,
        segmenter: SegmenterLike,
        decoder: FrameDecoder,
        transforms: Transforms,
        health: Health,
    ) -> None:
        self._segmenter = segmenter
        self._decoder = decoder
        self._transforms = transforms
        self._health = health

    def run(
        self,
        raw: RawFrame,
        entries: Sequence[Entry],
        settings: Settings,
        want_3d: bool,
        laps: Laps,
    ) -> Result:
        """Grounds all entries in a frame. MessageError if its colour image cannot be used."""
        frame = self.decode(raw, want_3d, laps)
        asked = [e.instruction for e in entries if not e.rejected]
        found = self.ground(frame.rgb, asked, settings.score_threshold, laps)
        untracked = (Tracked(g, ids=(0,) * len(g.masks)) for g in found)
        known = dict(zip(asked, untracked, strict=True))
        return self.conclude(frame, raw.arrived, entries, known, settings, laps)

    def decode(self, raw: RawFrame, want_3d: bool, laps: Laps) -> Frame:
        """Its arrays. MessageError if its colour image cannot be used."""
        with laps.stage("decode"):
            return self._decoder.decode(raw, want_3d)

    def ground(
        self,
        rgb: npt.NDArray[np.uint8],
        instructions: Sequence[Instruction],
        threshold: float,
        laps: Laps,
    ) -> list[Grounding]:
        """Asks the model; `threshold` is for those that have none of their own."""
        groundings: list[Grounding] = []
        if instructions:
            with laps.stage("encode"):
                self._segmenter.set_image(rgb)
            with laps.stage("ground"):
                groundings = self._segmenter.ground(
                    [replace(i, threshold=i.threshold or threshold) for i in instructions]
                )
        self._health.tick("grounded")
        return groundings

    def conclude(
        self,
        frame: Frame,
        arrived: float,
        entries: Sequence[Entry],
        known: Mapping[Instruction, Tracked],
        settings: Settings,
        laps: Laps,
    ) -> Result:
        """Lifts what is known in a frame, and says so of each entry."""
        answers = [known[e.instruction] for e in entries if _is_known(e, known)]
        groundings = [answer.grounding for answer in answers]
        results = [_result(e, known) for e in entries]
        with laps.stage("lift"):
            segments, frame_3d, no_3d = self._lift(frame, answers, settings)
        return Result(frame, arrived, results, groundings, segments, frame_3d, no_3d)

    def _lift(
        self, frame: Frame, answers: Sequence[Tracked], settings: Settings
    ) -> tuple[list[Segment], str, str]:
        transform, frame_3d, no_3d = self._transform(frame, settings)
        options = LiftOptions(
            min_depth=settings.min_depth,
            max_depth=settings.max_depth,
            mask_erosion=settings.mask_erosion,
            max_points=settings.max_points,
        )
        segments = []
        for answer in answers:
            found = answer.grounding
            for mask, score, track_id in zip(found.masks, found.scores, answer.ids, strict=True):
                roi, cloud = mask_roi(mask), None
                if not no_3d and frame.depth is not None and frame.rays is not None:
                    cloud = lift(mask, frame.depth, frame.rays, options, roi)
                if cloud is not None and transform is not None:
                    cloud = transform_cloud(transform, cloud)
                id = found.instruction.id
                segments.append(
                    Segment(id, mask, roi, float(score), cloud, track_id, answer.carried)
                )
        bare = dict.fromkeys(repr(s.instruction_id) for s in segments if s.cloud is None)
        if bare and not no_3d:
            self._health.fault("geometry.points", Severity.WARN, _bare(bare, options.min_points))
        return segments, frame_3d, no_3d

    def _transform(self, frame: Frame, settings: Settings) -> tuple[Any, str, str]:
        """The transform to the wanted frame (None: the camera's own), the frame, why no 3D."""
        source, target = frame.header.frame_id, settings.target_frame
        if frame.no_3d:
            return None, "", frame.no_3d
        if target in ("", source):
            return None, source, ""
        try:
            return self._transforms.lookup(target, source, frame.stamp_ns), target, ""
        except TransformError as error:
            self._health.fault("geometry.transform", Severity.WARN, str(error))
            return None, "", str(error)


def _bare(ids: Iterable[str], least: int) -> str:
    return (
        f"no points for a mask of {', '.join(ids)}: fewer than {least} of its pixels have depth "
        "that lies on a surface; look at the depth image there (glass, gloss, a thing far away), "
        "and at min_depth and max_depth"
    )


def _is_known(entry: Entry, known: Mapping[Instruction, Tracked]) -> bool:
    return not entry.rejected and entry.instruction in known


def _result(entry: Entry, known: Mapping[Instruction, Tracked]) -> InstructionResult:
    if not _is_known(entry, known):
        return entry.result()
    answer = known[entry.instruction]
    if not answer.lost:
        return messages.result_msg(answer.grounding)
    result = entry.result()
    result.detail = "out of sight since it was found; it is looked for anew"
    return result
