"""The stamp and frame of a message from its first bytes, without reading the rest.

CDR (OMG DDS-XTypes 1.3, 7.4.3): four bytes of encapsulation, whose second tells the byte order;
then a leading std_msgs/Header is sec (int32), nanosec (uint32) and frame_id (uint32 length with
the closing zero, bytes).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

SECOND = 1_000_000_000
MAX_FRAME_ID = 256
"""Bytes; longer names are taken for damage."""
_HEADER = {0: struct.Struct(">iII"), 1: struct.Struct("<iII")}
_BEGIN = 4


class Head(NamedTuple):
    """A header's stamp, ns, and its frame_id."""

    stamp: int
    frame: str


def read_head(data: bytes | memoryview) -> Head | None:
    """Of a message whose first field is a std_msgs/Header; None if these bytes are no such."""
    if len(data) < _BEGIN + 13 or data[0] != 0 or data[1] > 1:
        return None
    sec, nanosec, length = _HEADER[data[1]].unpack_from(data, _BEGIN)
    end = _BEGIN + 12 + length
    if sec < 0 or nanosec >= SECOND or not 0 < length <= MAX_FRAME_ID or end > len(data):
        return None
    try:
        return Head(sec * SECOND + nanosec, str(data[_BEGIN + 12 : end - 1], "utf-8"))
    except UnicodeDecodeError:
        return None
