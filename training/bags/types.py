"""Types of messages: the recording's own definitions first, then the ones that come with us."""

from __future__ import annotations

from functools import cache
from typing import Any

from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from sam3i_model.decoding import MessageError
from sam3i_model.definitions import typestore
from training.bags.storage import Topic

_RULE = "=" * 80 + "\n"
"""Between the parts of an IDL definition."""
MAX_DEFINITION = 1 << 20
"""Characters."""

_LATER = {
    ("sam3i_ros/msg/InstructionResult", "prompt"),
    ("sam3i_ros/msg/SegmentArray", "height"),
    ("sam3i_ros/msg/SegmentArray", "width"),
}
"""Fields that recordings of earlier versions may lack."""

_common = cache(typestore)


class Types:
    """Turns CDR into objects with the fields of their type (see `sam3i_model.decoding`)."""

    def __init__(self) -> None:
        self._stores: dict[Topic, Typestore] = {}

    def read(self, topic: Topic, data: bytes) -> Any:
        """A message of a topic.

        Raises:
            MessageError: The bytes are not of the topic's type, or the type isn't known.
        """
        store = self._stores.get(topic)
        if store is None:
            store = self._stores[topic] = _store(topic)
        try:
            return store.deserialize_cdr(data, topic.type)
        except Exception as error:  # generated code raises whatever the bytes lead it to
            why = " ".join(str(error).split())[:80] or type(error).__name__
            raise MessageError(f"it is no {topic.type} ({why})") from error


def _store(topic: Topic) -> Typestore:
    """Types for one topic: those of its definition, if it has one that can be read.

    Raises:
        MessageError: It has other fields than those that are read here.
    """
    store = _own(topic)
    known, own = _common().fielddefs, store.fielddefs
    for name in own.keys() & known.keys():
        fields = dict(own[name][1])
        for field, kind in known[name][1]:
            if (name, field) not in _LATER and fields.get(field) != kind:
                raise MessageError(f"{name} was recorded with another '{field}', or without it")
    return store


def _own(topic: Topic) -> Typestore:
    if not topic.definition or len(topic.definition) > MAX_DEFINITION:
        return _common()
    store = get_typestore(Stores.EMPTY)
    try:
        if topic.format == "ros2msg":
            store.register(get_types_from_msg(topic.definition, topic.type))
        elif topic.format in ("ros2idl", "omgidl"):
            parts = topic.definition.split(_RULE)
            for part in parts[1:] if topic.definition.startswith(f"{_RULE}IDL: ") else parts:
                store.register(get_types_from_idl(part.partition("\n")[2] or part))
        return store if topic.type in store.fielddefs else _common()
    except Exception:  # the parsers too; the common definition is the next best
        return _common()
