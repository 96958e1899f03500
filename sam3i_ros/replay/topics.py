"""Which topics of a recording are the camera, the instructions and the results of a node."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from sensor_msgs.msg import CompressedImage, Image

from sam3i_model.definitions import typestore
from sam3i_ros.bags import BagError, messages
from sam3i_ros.player import TRUTH_PREFIX

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
INSTRUCTION, TEXT = "sam3i_ros/msg/Instruction", "std_msgs/msg/String"
SEGMENTS = "sam3i_ros/msg/SegmentArray"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
NONE = "none"  # what a user says who wants no depth
_DEPTH_ENCODINGS = ("16UC1", "32FC1", "mono16")
_GREY_ENCODINGS = ("mono8", "8UC1")
_TRANSPORTS = ("/compressed", "/compressedDepth")


@dataclass(frozen=True)
class Topics:
    """What is read; an empty name is a topic that there is not."""

    image: str
    depth: str
    info: str
    instructions: tuple[str, ...]  # Instruction and String


def choose(reader: AnyReader, image: str, depth: str, info: str, recorded: bool) -> Topics:
    """The topics of a recording; those that are not named are found by type and name.

    Args:
        reader: The recording, open.
        image: Colour topic, or empty.
        depth: Depth topic, `none`, or empty.
        info: Topic of the colour camera's CameraInfo, or empty.
        recorded: Whether instructions are taken from the recording.

    Raises:
        BagError: A named topic is not there, or is of a wrong type; there is no colour image, or
            there are several; no instructions were recorded, or those of several nodes.
    """
    kinds = _kinds(reader)
    colours = [t for t, kind in kinds.items() if kind == "colour"]
    greys = [t for t, kind in kinds.items() if kind == "grey"]
    depths = [t for t, kind in kinds.items() if kind == "depth"]
    aligned = [t for t in depths if "aligned" in t or "registered" in t]
    infos = _of(reader, CAMERA_INFO)
    image = _one("--image", "colour image", image, colours or greys, kinds)
    if not image:
        there = ", ".join(sorted({c.topic for c in reader.connections})) or "nothing"
        raise BagError(f"The recording has no colour images; it holds: {there}.")
    wanted = [] if depth == NONE else aligned or depths
    named = "" if depth == NONE else depth
    depth = _one("--depth", "depth image", named, wanted, kinds)
    if depth:
        beside = [t for t in infos if _base(t) == _base(_without_transport(image))]
        info = _one("--camera-info", "camera_info", info, beside or infos, infos)
    return Topics(image, depth, info, _instructions(reader) if recorded else ())


def result_bases(reader: AnyReader) -> set[str]:
    """Names of the nodes whose results the recording holds, such as /sam3i."""
    return {_base(t) for t in _of(reader, SEGMENTS) if t.endswith("/segments")}


def copied(reader: AnyReader, topics: Topics, base: str) -> list[Connection]:
    """What belongs beside new results below `base`: the camera, TF, and results of other names."""
    camera = {topics.image, topics.depth, *_of(reader, CAMERA_INFO), *topics.instructions}
    others = result_bases(reader) - {base}
    types: dict[str, str] = {}  # of a topic that two types were published on, the first counts
    return [
        c
        for c in reader.connections
        if (c.topic in camera or c.msgtype == TRANSFORMS or _base(c.topic) in others)
        and types.setdefault(c.topic, c.msgtype) == c.msgtype
    ]


def _kinds(reader: AnyReader) -> dict[str, str]:
    """colour, grey or depth for every image topic, but results, truth and empty ones."""
    results = result_bases(reader)
    kinds = {}
    for connection in reader.connections:
        topic = connection.topic
        if topic.startswith(TRUTH_PREFIX) or _base(topic) in results or not connection.msgcount:
            continue
        if connection.msgtype in (IMAGE, COMPRESSED) and topic not in kinds:
            kinds[topic] = _kind(reader, connection)
    return kinds


def _kind(reader: AnyReader, connection: Connection) -> str:
    """By the encoding of the first message; what can't be read is taken for colour."""
    data = next(messages(reader, [connection])).data
    try:
        if connection.msgtype == IMAGE:
            encoding, method = deserialize_message(data, Image).encoding, ""
        else:
            form = deserialize_message(data, CompressedImage).format
            encoding, _, method = form.partition(";")
    except Exception:
        return "colour"
    if encoding.strip() in _DEPTH_ENCODINGS or "compressedDepth" in method:
        return "depth"
    return "grey" if encoding.strip() in _GREY_ENCODINGS else "colour"


def _one(option: str, what: str, named: str, found: Sequence[str], usable: Collection[str]) -> str:
    """The named topic, or the only one found; of an image and its compressed twin the image."""
    if named:
        if named not in usable:
            there = ", ".join(sorted(usable)) or "none"
            raise BagError(f"{option} {named}: the recording has no such {what}; it has: {there}.")
        return named
    single = [t for t in found if _without_transport(t) == t or _without_transport(t) not in found]
    if len(single) > 1:
        raise BagError(f"Several topics may be the {what}: {', '.join(single)}; say {option}.")
    return single[0] if single else ""


def _instructions(reader: AnyReader) -> tuple[str, ...]:
    ours = typestore()
    found = [t for t in _of(reader, TEXT) if t.endswith("/instruction_text")]
    if commands := _of(reader, INSTRUCTION):
        if reader.typestore.hash_rihs01(INSTRUCTION) != ours.hash_rihs01(INSTRUCTION):
            raise BagError(f"{INSTRUCTION} was another message then; say --instruction.")
        found += commands
    if not found:
        raise BagError("No instructions were recorded; say --instruction.")
    nodes = sorted({_base(t) for t in found})
    if len(nodes) > 1:
        raise BagError(f"Instructions to several nodes: {', '.join(nodes)}; say --instruction.")
    return tuple(found)


def _of(reader: AnyReader, message_type: str) -> list[str]:
    """Topics of a type that have messages."""
    return sorted({c.topic for c in reader.connections if c.msgtype == message_type and c.msgcount})


def _base(topic: str) -> str:
    return topic.rpartition("/")[0]


def _without_transport(topic: str) -> str:
    base, slash, transport = topic.rpartition("/")
    return base if slash + transport in _TRANSPORTS else topic
