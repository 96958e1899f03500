"""rosbag2 recordings: opening and reading them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from sam3i_model.definitions import typestore

SEGMENTS = "sam3i_ros/msg/SegmentArray"
TRUTH_PREFIX = "/truth/"  # what a camera could not know
DRAWN = ("masks", "overlay")  # a node's images, even where its segments were not recorded
_REMEDIES = {  # by what the library says of a bag whose recorder was killed
    "end magic": " It was cut off: `mcap recover FILE.mcap -o NEW.mcap` saves what it holds.",
    "Expected metadata file": " Name the .mcap or .db3 file in it.",
}


class BagError(ValueError):
    """A recording can't be used or made; the message is one line and says why."""


class Message(NamedTuple):
    """One message of a recording."""

    topic: str
    time: int  # when it was recorded, ns
    data: bytes  # CDR


@contextmanager
def open_bag(path: Path) -> Iterator[AnyReader]:
    """A rosbag2 folder or file (.mcap, .db3); BagError if there is none that can be read."""
    try:
        if not path.exists():
            raise BagError(f"No recording at {path}: name a rosbag2 (folder, .mcap or .db3).")
        reader = AnyReader([path], default_typestore=typestore())
        reader.open()
    except BagError:
        raise
    except Exception as error:  # what a damaged file makes the library raise is anything
        remedy = next((r for sign, r in _REMEDIES.items() if sign in str(error)), "")
        raise BagError(
            f"{path} is not a rosbag2 that can be read: {_line(error)}{remedy}"
        ) from error
    try:
        if not reader.is2:
            raise BagError(f"{path} is of ROS 1: make a rosbag2 of it with `rosbags-convert`.")
        yield reader
    finally:
        reader.close()


def messages(reader: AnyReader, connections: Collection[Connection]) -> Iterator[Message]:
    """Messages of some topics, in order of time; BagError where the recording is damaged."""
    if not connections:
        return  # no connections would mean all
    try:
        for connection, time, data in reader.messages(connections):
            yield Message(connection.topic, time, bytes(data))
    except Exception as error:
        raise BagError(f"The recording is damaged: {_line(error)}") from error


def from_camera(reader: AnyReader, types: Collection[str]) -> list[Connection]:
    """What has messages of these types, but truth and the results of nodes: what lies beside
    segments, and images that are named as a node's are."""
    results = result_bases(reader)
    return [
        c
        for c in reader.connections
        if c.msgcount
        and c.msgtype in types
        and not c.topic.startswith(TRUTH_PREFIX)
        and base_of(c.topic) not in results
        and not {*DRAWN} & {*c.topic.split("/")}
    ]


def result_bases(reader: AnyReader) -> set[str]:
    """Names of the nodes whose results the recording holds, such as /sam3i."""
    return {base_of(t) for t in topics_of(reader, SEGMENTS) if t.endswith("/segments")}


def topics_of(reader: AnyReader, message_type: str) -> list[str]:
    """Topics of a type that have messages."""
    return sorted({c.topic for c in reader.connections if c.msgtype == message_type and c.msgcount})


def base_of(topic: str) -> str:
    """What stands before a topic's last name: the node of `~/segments`, the camera of an image."""
    return topic.rpartition("/")[0]


def type_name(message_type: Any) -> str:
    """`package/msg/Name` of a message class."""
    package = message_type.__module__.split(".")[0]
    return f"{package}/msg/{message_type.__name__}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
