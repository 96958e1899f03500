"""rosbag2 recordings: opening and reading them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from sam3i_model.definitions import typestore

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


def type_name(message_type: Any) -> str:
    """`package/msg/Name` of a message class."""
    package = message_type.__module__.split(".")[0]
    return f"{package}/msg/{message_type.__name__}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
