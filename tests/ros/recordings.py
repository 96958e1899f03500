"""Recordings for `sam3i replay`: writing them, running it, reading back what it wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from typer.testing import CliRunner, Result

from sam3i_model import cli
from sam3i_model.definitions import typestore
from sam3i_ros.bags import type_name
from sam3i_ros.messages import image_msg
from tests.ros.rig import HEIGHT, WIDTH, flat_depth, info, scene
from training.world import bag as world
from training.world.bag import Shot

START, STEP = world.FIRST_STAMP, 100_000_000  # ns
MATRIX = np.array([[50.0, 0.0, 31.5], [0.0, 50.0, 23.5], [0.0, 0.0, 1.0]])
RED_ONLY = ("--instruction", "the red thing")


class Read(NamedTuple):
    """A message as it lies in a bag."""

    time: int
    data: bytes
    content: Any


def read(path: Path, only: str = "") -> dict[str, list[Read]]:
    """All messages by topic, in their order; the types are those that the file defines."""
    found: dict[str, list[Read]] = defaultdict(list)
    with AnyReader([path]) as reader:
        wanted = [c for c in reader.connections if only in ("", c.topic)]
        for connection, time, data in reader.messages(wanted):
            content = reader.deserialize(data, connection.msgtype)
            found[connection.topic].append(Read(time, bytes(data), content))
    return found


def stamp(content: Any) -> int:
    return content.header.stamp.sec * 10**9 + content.header.stamp.nanosec


def times(messages: Sequence[Read]) -> list[int]:
    return [(message.time - START) // 10**6 for message in messages]


def replay(bag: Path, out: Path, *options: str) -> Result:
    arguments = ["replay", str(bag), "--out", str(out), *options]
    return CliRunner().invoke(cli.build("replay"), arguments)


def refused(said: Result) -> str:
    """The one line of an error."""
    assert said.exit_code == 1, said.output
    lines = said.output.strip().splitlines()
    assert len(lines) == 1, said.output
    return lines[0]


def shots(count: int) -> list[Shot]:
    return [
        Shot(
            START + n * STEP,
            scene(),
            flat_depth(np.float32),
            MATRIX,
            np.zeros((HEIGHT, WIDTH), np.uint8),
            [],
            [],
        )
        for n in range(count)
    ]


Line = tuple[int, str, Any]  # ms from START, topic, message or CDR


def write(path: Path, lines: Sequence[Line], plugin: StoragePlugin = StoragePlugin.MCAP) -> Path:
    """A recording of these messages, each at its time."""
    store, connections = typestore(), {}
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        for time, topic, message in lines:
            kind, data = (
                message
                if isinstance(message, tuple)
                else (type_name(type(message)), bytes(serialize_message(message)))
            )
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], START + time * 10**6, data)
    return path


def header(milliseconds: int) -> Header:
    result = Header(frame_id="camera_optical_frame")
    total = START + milliseconds * 10**6
    result.stamp.sec, result.stamp.nanosec = divmod(total, 10**9)
    return result


def colour(milliseconds: int) -> Image:
    return image_msg(scene(), "rgb8", header(milliseconds))


def depth(milliseconds: int) -> Image:
    return image_msg(flat_depth(), "16UC1", header(milliseconds))


def moment(milliseconds: int) -> list[Line]:
    """A frame of a camera with raw images."""
    return [
        (milliseconds, "/cam/rgb/image_raw", colour(milliseconds)),
        (milliseconds, "/cam/depth_registered/image_raw", depth(milliseconds)),
        (milliseconds, "/cam/rgb/camera_info", camera(milliseconds)),
    ]


def camera(milliseconds: int) -> CameraInfo:
    result = info()
    result.header = header(milliseconds)
    return result
