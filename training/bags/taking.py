"""Takes the frames of a plan out of a recording: pictures and depth as files, labels as samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam3i_model.decoding import MessageError, intrinsics_from_camera_info
from training.annotations.images import Problems
from training.annotations.rle import MaskError, check_size
from training.annotations.sam3i_json import (
    LEVEL_LISTS,
    TEXT_LISTS,
    Provenance,
    Recording,
    Sample,
    Target,
    document,
)
from training.bags import pictures
from training.bags.bag import Bag
from training.bags.labels import Label, Model, recorded, taught, unlabelled
from training.bags.looks import Judge, Look
from training.bags.picking import Frame, Slot
from training.bags.scan import Stream
from training.bags.storage import BagError
from training.bags.topics import Camera
from training.files import write_bytes

IMAGES, DEPTH = "images", "depth"
NODE = "sam3i node"
"""`provenance.model` of labels that the node gave when the bag was recorded."""


@dataclass(frozen=True)
class Shot:
    """A frame that was read, and its picture."""

    frame: Frame
    message: Any
    rgb: NDArray[np.uint8]
    look: Look


class Taker:
    """Takes a recording's frames.

    Args:
        bag: It.
        camera: Its topics.
        out: The data set's folder.
        name: Begins the names of its files.
        judge: Says which pictures are worth having.
        cut: Least score of a label that needs no person.
        teacher: Name of a model that labels, and it; the recorded answers otherwise.
        problems: Gets a line for what can't be read.
    """

    def __init__(
        self,
        bag: Bag,
        camera: Camera,
        out: Path,
        name: str,
        judge: Judge,
        cut: float,
        teacher: tuple[str, Model] | None,
        problems: Problems,
    ) -> None:
        self._bag = bag
        self._camera = camera
        self._out = out
        self._name = name
        self._judge = judge
        self._cut = cut
        self._teacher = teacher
        self._problems = problems

    def remember(self, record: dict[str, Any]) -> None:
        """Take up what an earlier run took, so that this one goes on alike."""
        if record["look"]:
            cells = np.frombuffer(bytes.fromhex(record["look"]["cells"]), np.uint8)
            look = Look(record["look"]["sharpness"], cells.reshape(24, 32))
            self._judge.kept(look)

    def take(self, slot: Slot, key: str) -> dict[str, Any]:
        """The sharpest frame of a slot, its files written: a record for the journal."""
        shots = [shot for frame in slot.frames if (shot := self._shot(frame))]
        if not shots:
            return _record(key, "its pictures can't be read")
        shot = max(shots, key=lambda s: s.look.sharpness)
        why = self._judge.objection(shot.look, slot.keep)
        if why:
            return _record(key, why)
        self._judge.kept(shot.look)
        return self._written(shot, key)

    def _shot(self, frame: Frame) -> Shot | None:
        stream = self._camera.colour.stream
        try:
            message = self._bag.read(stream.topic, stream.address(frame.index))
            rgb = pictures.colour(message, stream.topic.type)
            check_size(*rgb.shape[:2])
        except (MessageError, MaskError) as error:
            self._problem(frame, f"the image is left out: {error}")
            return None
        return Shot(frame, message, rgb, Look.of(rgb))

    def _written(self, shot: Shot, key: str) -> dict[str, Any]:
        frame, rgb = shot.frame, shot.rgb
        name = f"{self._name}-{frame.stamp}" + (f"-{frame.epoch}" if frame.epoch else "")
        labels = self._labels(frame, rgb)
        end, data = pictures.picture_file(shot.message, self._camera.colour.stream.topic.type, rgb)
        image = f"{IMAGES}/{name}{end}"
        self._write(image, data)
        depth = self._depth(frame, rgb, f"{DEPTH}/{name}.png")
        samples = [
            self._sample(number, label, frame, image, depth, rgb.shape)
            for number, label in enumerate(labels, 1)
        ]
        record = _record(key, "")
        record["image"] = image
        record["document"] = document(samples)
        record["camera"] = self._intrinsics(frame)
        record["look"] = {
            "sharpness": shot.look.sharpness,
            "cells": shot.look.cells.tobytes().hex(),
        }
        return record

    def _labels(self, frame: Frame, rgb: NDArray[np.uint8]) -> list[Label]:
        if self._teacher:
            try:
                return list(taught(self._teacher[1], rgb, frame.open, self._cut))
            except RuntimeError as error:  # torch's, such as out of memory
                why = next(iter(str(error).splitlines()), type(error).__name__)
                raise BagError(f"{self._teacher[0]} failed: {why}") from error
        labels: list[Label] = []
        if frame.answered and frame.answer is not None and self._camera.answers:
            stream = self._camera.answers.stream
            try:
                answer = self._bag.read(stream.topic, stream.address(frame.answer))
                size = rgb.shape[0], rgb.shape[1]
                labels += recorded(answer, frame.answered, size, self._cut)
            except MessageError as error:
                self._problem(frame, f"the answer is left out: {error}")
                labels.clear()
        labelled = {label.asked for label in labels}
        rest = [asked for asked in (*frame.answered, *frame.open) if asked not in labelled]
        return labels + [unlabelled(asked) for asked in rest]

    def _depth(self, frame: Frame, rgb: NDArray[np.uint8], name: str) -> str:
        """Write the depth image; its file's name, or "" if there is none that fits."""
        if frame.depth is None or self._camera.depth is None:
            return ""
        stream = self._camera.depth.stream
        try:
            message = self._bag.read(stream.topic, stream.address(frame.depth))
            depth = pictures.depth(message, stream.topic.type)
            if depth.shape != rgb.shape[:2]:
                raise MessageError(
                    f"it is {depth.shape[1]}x{depth.shape[0]}, the image {rgb.shape[1]}x"
                    f"{rgb.shape[0]}"
                )
        except MessageError as error:
            self._problem(frame, f"its depth is left out: {error}")
            return ""
        self._write(name, pictures.depth_file(depth))
        return name

    def _intrinsics(self, frame: Frame) -> dict[str, Any] | None:
        if frame.info is None or self._camera.info is None:
            return None
        stream = self._camera.info
        try:
            message = self._bag.read(stream.topic, stream.address(frame.info))
            found = intrinsics_from_camera_info(message)
        except MessageError as error:
            self._problem(frame, f"its camera_info is left out: {error}")
            return None
        return {"frame": self._frame_of(stream), **asdict(found)}

    def _frame_of(self, stream: Stream) -> str:
        return stream.frame or self._camera.colour.stream.frame

    def _sample(
        self,
        number: int,
        label: Label,
        frame: Frame,
        image: str,
        depth: str,
        shape: Sequence[int],
    ) -> Sample:
        texts: dict[str, tuple[str, ...]] = dict.fromkeys(TEXT_LISTS, ())
        texts[LEVEL_LISTS[label.level]] = (label.text,)
        by = self._teacher[0] if self._teacher else NODE
        absent = not label.review and not label.masks
        return Sample(
            id=number,
            file_name=image,
            width=shape[1],
            height=shape[0],
            texts=texts,
            targets=tuple(Target.of(mask) for mask in label.masks),
            provenance=Provenance("rosbag2", by, 0) if label.score else None,
            family="negative" if absent else "",
            review=label.review,
            single=label.single,
            recording=Recording(
                self._bag.name,
                self._camera.colour.name,
                frame.stamp,
                depth,
                label.asked.id,
                round(label.score, 4),
            ),
        )

    def _write(self, name: str, data: bytes) -> None:
        """A file of the data set; it appears under its name only when it is complete."""
        path = self._out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)

    def _problem(self, frame: Frame, what: str) -> None:
        self._problems.add(f"{self._bag.path.name}, stamp {frame.stamp}", what)


def _record(key: str, why: str) -> dict[str, Any]:
    """What a journal has of a slot; `why` nothing was taken."""
    return {"key": key, "why": why, "image": "", "document": None, "camera": None, "look": None}


def file_prefixes(bags: Sequence[Bag]) -> list[str]:
    """What names of files begin with, another for every recording."""
    prefixes: list[str] = []
    for bag in bags:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", bag.name).strip("_")[:80] or "bag"
        same = sum(re.fullmatch(rf"{re.escape(plain)}(\.\d+)?", p) is not None for p in prefixes)
        prefixes.append(f"{plain}.{same + 1}" if same else plain)
    return prefixes
