"""What the files of a recording have in common: topics, messages, and where each message lies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from backports.zstd import ZstdDecompressor, ZstdError

MAX_MESSAGE = 512 * 1024**2
"""Bytes of a message, and of a chunk; larger ones are taken for damage."""
HEAD = 1024
"""Bytes of a message that suffice to tell its stamp and frame."""
ZSTD = b"\x28\xb5\x2f\xfd"
"""How zstd's frames begin; no message does (its first byte is 0)."""
_NAME = re.compile(r"[\w/~-]{1,256}")


class BagError(ValueError):
    """A recording can't be used; the message is one line with the remedy."""


class DamageError(ValueError):
    """A part of a file can't be read; the message says why in a few words."""


@dataclass(frozen=True)
class Topic:
    """A topic of a file.

    Attributes:
        name: "/camera/color/image_raw".
        type: "sensor_msgs/msg/Image"; "" if its messages can't be read.
        format: Of the definition: "ros2msg", "ros2idl", or "" if the file has none.
        definition: The type and those it is made of, as text.
    """

    name: str
    type: str
    format: str = ""
    definition: str = ""


def topic_of(name: str, kind: str, serialization: str, form: str, definition: str) -> Topic:
    """A topic as a file describes it; one that ROS 2 could not have written has no type."""
    usable = serialization == "cdr" and _NAME.fullmatch(name) and _NAME.fullmatch(kind)
    return Topic(name, kind if usable else "", form, definition)


class Place(NamedTuple):
    """Where a message lies in its file: a record or row, and the offset in a chunk, else -1."""

    record: int
    inside: int


class Message(NamedTuple):
    """A message as it lies in the file.

    Attributes:
        topic: Its topic.
        time: When it was recorded, ns.
        data: CDR; its first `HEAD` bytes at least.
        size: Bytes of all of it, as stored.
        place: For `File.read`.
    """

    topic: Topic
    time: int
    data: bytes | memoryview
    size: int
    place: Place


Want = Callable[[Topic], int]
"""How much of a topic's messages is needed: 0, `HEAD` or `MAX_MESSAGE` bytes."""
Report = Callable[[str], None]
"""Takes a line about a part that can't be read."""


class File(Protocol):
    """An open file of a recording."""

    def messages(self, want: Want, report: Report) -> Iterator[Message]:
        """The wanted messages in the order of the file; damage is reported and passed over."""

    def read(self, place: Place) -> bytes:
        """One message, whole.

        Raises:
            DamageError: It can't be read any more.
        """

    def tell(self) -> int:
        """Bytes of the file that `messages` is through with."""

    def close(self) -> None:
        """Close the file."""


def plain(data: bytes | memoryview, need: int) -> bytes | memoryview:
    """A message without the compression that rosbag2 may have given it; `need` bytes at least.

    Raises:
        DamageError: It can't be unpacked.
    """
    return unzstd(data, need) if bytes(data[:4]) == ZSTD else data


def unzstd(data: bytes | memoryview, need: int = MAX_MESSAGE) -> bytes:
    """Unpack zstd, at most `need` bytes of it.

    Raises:
        DamageError: It is malformed, incomplete or larger than `MAX_MESSAGE`.
    """
    unpacker = ZstdDecompressor()
    try:
        unpacked = unpacker.decompress(data, max_length=need)
    except ZstdError as error:
        raise DamageError(f"zstd: {error}") from error
    if not unpacker.eof and len(unpacked) < need:
        raise DamageError("zstd data ends early")
    if not unpacker.eof and need >= MAX_MESSAGE:
        raise DamageError(f"unpacked, it has more than {MAX_MESSAGE / 1024**2:.0f} MiB")
    return unpacked
