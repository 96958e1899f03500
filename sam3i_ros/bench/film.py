"""A film with truth in every frame, for measurements that need to know what is right."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from sam3i_model.decoding import MessageError, rgb_from_compressed
from sam3i_ros.bags import open_bag
from sam3i_ros.demo.sources import COLOUR, TRUTH_LABELS, TRUTH_SCENE, messages

FRAMES, RATE = 300, 30.0


@dataclass(frozen=True)
class Film:
    """A recording by `sam3i render sequence`; it ends where it began, so it can be looped."""

    pictures: list[Any]
    """sensor_msgs/CompressedImage."""
    labels: list[npt.NDArray[np.uint8]]
    """(H, W) a picture, 0 is nothing; a thing keeps its label."""
    centroids: list[dict[int, npt.NDArray[np.float64]]]
    """Label to (3,), metres in the camera's optical frame."""

    def speed(self, pace: int) -> float:
        """Mean speed of the camera in m/s, if only each `pace`-th picture is shown, at RATE."""
        span = 6  # pictures; two neighbours are too near to each other to measure it
        pairs = zip(self.centroids, self.centroids[span:], strict=False)
        return pace * RATE / span * float(np.mean([_displacement(*pair) for pair in pairs]))


def render_film(path: Path) -> None:
    """Renders one, in two minutes or so; RuntimeError if that fails."""
    options = ["--frames", str(FRAMES), "--rate", str(RATE)]
    command = [sys.executable, "-m", "training.world", "sequence", str(path), *options]
    if subprocess.run(command, check=False).returncode:
        raise RuntimeError(f"{path} could not be rendered; its error above says why")


def read_film(path: Path) -> Film:
    """Reads all of it; pictures stay compressed. RuntimeError if it is no such recording."""
    try:
        return _read(path)
    except (MessageError, ValueError, KeyError) as error:
        what = f"{path} is no film by `sam3i render sequence` ({error})"
        raise RuntimeError(f"{what}; remove it, or give another --film") from error


def _read(path: Path) -> Film:
    with open_bag(path) as reader:
        pictures = list(messages(reader, COLOUR))
        labels = [
            np.frombuffer(m.data, np.uint16).reshape(m.height, m.width).astype(np.uint8)
            for m in messages(reader, TRUTH_LABELS)
        ]
        scenes = [json.loads(m.data) for m in messages(reader, TRUTH_SCENE)]
    if not len(pictures) == len(labels) == len(scenes) > 1:
        counts = f"{len(pictures)} pictures, {len(labels)} and {len(scenes)} truths"
        raise ValueError(f"it has {counts}")
    rgb_from_compressed(pictures[0])
    centroids = [
        {o["label"]: np.array(o["centroid"]) for o in scene["objects"] if o["centroid"]}
        for scene in scenes
    ]
    return Film(pictures, labels, centroids)


def _displacement(
    before: dict[int, npt.NDArray[np.float64]], after: dict[int, npt.NDArray[np.float64]]
) -> float:
    """How far the camera went while all things stood, m."""
    both = sorted(before.keys() & after.keys())
    a = np.array([before[label] for label in both])
    b = np.array([after[label] for label in both])
    turn, _ = Rotation.align_vectors(b - b.mean(0), a - a.mean(0))
    return float(np.linalg.norm(b.mean(0) - turn.apply(a.mean(0))))
