"""Recordings for tests, written by rosbags: a small camera, instructions, the node's answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from sam3i_model.definitions import typestore

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10
HEIGHT, WIDTH = 48, 64
COLOUR = "/camera/color/image_raw"
DEPTH = "/camera/aligned_depth_to_color/image_raw"
INFO = "/camera/color/camera_info"
SAID = "/sam3i/instruction"
TEXT = "/sam3i/instruction_text"
SEGMENTS = "/sam3i/segments"
IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"

STORE = typestore()
TYPES: Any = STORE.types

Event = tuple[str, int, Any]
"""Topic, time of recording in ns, message."""


def header(stamp: int, frame: str = "camera") -> Any:
    time = TYPES["builtin_interfaces/msg/Time"](*divmod(stamp, SECOND))
    return TYPES["std_msgs/msg/Header"](time, frame)


def picture(number: int) -> NDArray[np.uint8]:
    """uint8 (48, 64, 3), squares, others for each number."""
    cells = np.random.default_rng(number).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return cells.repeat(8, 0).repeat(8, 1)


def image(stamp: int, rgb: NDArray[np.uint8], frame: str = "camera") -> Any:
    height, width = rgb.shape[:2]
    return TYPES[IMAGE](header(stamp, frame), height, width, "rgb8", 0, 3 * width, rgb.reshape(-1))


def jpeg(stamp: int, rgb: NDArray[np.uint8], frame: str = "camera") -> Any:
    data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].reshape(-1)
    return TYPES[COMPRESSED](header(stamp, frame), "rgb8; jpeg compressed bgr8", data)


def depth(stamp: int, millimetres: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Any:
    data = np.full(size[0] * size[1], millimetres, "<u2").view(np.uint8)
    return TYPES[IMAGE](header(stamp), *size, "16UC1", 0, 2 * size[1], data)


def camera_info(stamp: int, focal: float = 50.0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Any:
    matrix = np.array([focal, 0, size[1] / 2, 0, focal, size[0] / 2, 0, 0, 1])
    region = TYPES["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    return TYPES["sensor_msgs/msg/CameraInfo"](
        header(stamp), *size, "plumb_bob", np.zeros(5), matrix, np.eye(3).reshape(-1),
        np.zeros(12), 0, 0, region,
    )  # fmt: skip


def said(id: str, text: str, operation: int = 0, level: int = 0, most: int = 0) -> Any:
    return TYPES["sam3i_ros/msg/Instruction"](header(0), id, text, level, operation, most, 0.0)


def sentence(text: str) -> Any:
    return TYPES["std_msgs/msg/String"](text)


def square(x: int, y: int, side: int = 10) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def segment(id: str, mask: NDArray[np.bool_], score: float, carried: bool = False) -> Any:
    """A segment whose region is the whole image."""
    flat = np.concatenate([[False], mask.ravel()])
    edges = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate([[0], edges, [mask.size]])).astype(np.uint32)
    point = TYPES["geometry_msgs/msg/Point"](0.0, 0.0, 0.0)
    turn = TYPES["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    region = TYPES["sensor_msgs/msg/RegionOfInterest"](0, 0, *mask.shape, False)
    return TYPES["sam3i_ros/msg/Segment"](
        id, 0, 1, score, carried, region, runs, point,
        TYPES["geometry_msgs/msg/Pose"](point, turn),
        TYPES["geometry_msgs/msg/Vector3"](0.0, 0.0, 0.0), 0, 0,
    )  # fmt: skip


def result(
    id: str, text: str, outcome: int, level: int = 2, presence: float = 0.9, prompt: str = ""
) -> Any:
    return TYPES["sam3i_ros/msg/InstructionResult"](
        id, text, outcome, level, prompt, presence, 4, False, ""
    )


def answer(
    stamp: int,
    results: list[Any],
    segments: list[Any],
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Any:
    return TYPES["sam3i_ros/msg/SegmentArray"](
        header(stamp), *size, results, segments, "", "no 3D", 0.1
    )


def camera(frames: int, first: int = 0, start: int = START) -> list[Event]:
    """Colour, depth 3 ms later and camera_info at 10 Hz."""
    events: list[Event] = []
    for number in range(first, first + frames):
        stamp = start + number * STEP
        events += [
            (COLOUR, stamp, image(stamp, picture(number))),
            (DEPTH, stamp + 3_000_000, depth(stamp + 3_000_000, 500 + number)),
            (INFO, stamp, camera_info(stamp)),
        ]
    return events


def write(
    path: Path,
    events: Iterable[Event],
    sqlite: bool = False,
    compression: str = "",
    definitions: Any = STORE,
) -> Path:
    """A rosbag2 folder; compression is "", message, file or storage."""
    plugin = StoragePlugin.SQLITE3 if sqlite else StoragePlugin.MCAP
    writer = Writer(path, version=9, storage_plugin=plugin)
    if compression:
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
    connections: dict[str, Any] = {}
    with writer:
        for topic, time, message in events:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=definitions)
            writer.write(connections[topic], time, definitions.serialize_cdr(message, kind))
    return path
