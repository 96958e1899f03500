"""Which topics of a recording are the camera, the instructions and the results of a node."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from sensor_msgs.msg import CompressedImage, Image

from sam3i_model.definitions import typestore
from sam3i_ros.bags import (
    DRAWN,
    SEGMENTS,
    BagError,
    base_of,
    from_camera,
    messages,
    result_bases,
    topics_of,
)
from sam3i_ros.outputs import TOPICS

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
INSTRUCTION, TEXT = "sam3i_ros/msg/Instruction", "std_msgs/msg/String"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
NONE = "none"  # what a user says who wants no depth
_DEPTH_ENCODINGS = ("16UC1", "32FC1", "mono16")
_GREY_ENCODINGS = ("mono8", "8UC1")
_ANY_ENCODING = ("", "png")  # says only how it is packed
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
        BagError: A named topic is not there, or not what it is named as; there is no colour
            image, or there are several; no instructions were recorded, or those of several nodes.
    """
    kinds = _kinds(reader)
    depths = _are("depth", kinds)
    aligned = [t for t in depths if "aligned" in t or "registered" in t]
    wanted = [] if depth == NONE else aligned or depths
    named = "" if depth == NONE else depth
    depth = _one("--depth", "depth image", named, wanted, [*depths, *_are("either", kinds)])
    kinds.pop(depth, None)
    colours, greys = [*_are("colour", kinds), *_are("either", kinds)], _are("grey", kinds)
    infos = topics_of(reader, CAMERA_INFO)
    image = _one("--image", "colour image", image, colours or greys, [*colours, *greys])
    if not image:
        there = ", ".join(sorted({c.topic for c in reader.connections})) or "nothing"
        raise BagError(
            f"The recording has no colour images; it holds: {there}. "
            f"What a node draws ({', '.join(DRAWN)}) is no camera's."
        )
    beside = [t for t in infos if base_of(t) == base_of(_without_transport(image))]
    fitting = (beside or infos) if depth else []
    info = _one("--camera-info", "camera_info", info, fitting, infos)
    return Topics(image, depth, info, _instructions(reader) if recorded else ())


def outdated(reader: AnyReader) -> set[str]:
    """Those of `result_bases` whose segments are no longer what the message is now.

    A file can hold one definition of a type only, and new results need today's.
    """
    ours, theirs = typestore(), reader.typestore
    known = SEGMENTS in theirs.fielddefs  # else the file says nothing of its types
    if known and theirs.hash_rihs01(SEGMENTS) != ours.hash_rihs01(SEGMENTS):
        return result_bases(reader)
    return set()


def copied(reader: AnyReader, topics: Topics, base: str) -> list[Connection]:
    """What belongs beside new results below `base`: the camera, TF, and results of other names.

    Results that are `outdated` stay behind as a whole: without their segments the others are
    images that nobody can tell from a camera's. BagError if one of it has the name of a new result.
    """
    camera = {topics.image, topics.depth, *topics_of(reader, CAMERA_INFO), *topics.instructions}
    others = result_bases(reader) - outdated(reader) - {base}
    types: dict[str, str] = {}  # of a topic that two types were published on, the first counts
    beside = [
        c
        for c in reader.connections
        if (c.topic in camera or c.msgtype == TRANSFORMS or base_of(c.topic) in others)
        and types.setdefault(c.topic, c.msgtype) == c.msgtype
    ]
    results = {f"{base}/{topic.name}" for topic in TOPICS}
    if taken := sorted(results & types.keys()):
        raise BagError(f"--name {base}: the camera has {', '.join(taken)} already; say another.")
    return beside


def _kinds(reader: AnyReader) -> dict[str, str]:
    """`_kind` of every image topic, but results, truth and empty ones."""
    kinds: dict[str, str] = {}
    for connection in from_camera(reader, (IMAGE, COMPRESSED)):
        if connection.topic not in kinds:
            kinds[connection.topic] = _kind(reader, connection)
    return kinds


def _kind(reader: AnyReader, connection: Connection) -> str:
    """colour, grey or depth by the encoding of the first message; `either` if it has none.

    What may be either is depth only if somebody says so.
    """
    first = next(messages(reader, [connection]), None)
    if first is None:
        raise BagError(
            f"The recording is damaged: it has none of the {connection.msgcount} messages on "
            f"{connection.topic} that it counts; `ros2 bag reindex` counts anew."
        )
    try:
        if connection.msgtype == IMAGE:
            encoding, method = deserialize_message(first.data, Image).encoding, ""
        else:
            form = deserialize_message(first.data, CompressedImage).format
            encoding, _, method = form.partition(";")
    except Exception:
        return "either"
    if encoding.strip() in _ANY_ENCODING:
        return "either"
    if encoding.strip() in _DEPTH_ENCODINGS or "compressedDepth" in method:
        return "depth"
    return "grey" if encoding.strip() in _GREY_ENCODINGS else "colour"


def _are(kind: str, kinds: Mapping[str, str]) -> list[str]:
    return [topic for topic, known in kinds.items() if known == kind]


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
    found = [t for t in topics_of(reader, TEXT) if t.endswith("/instruction_text")]
    if commands := topics_of(reader, INSTRUCTION):
        if reader.typestore.hash_rihs01(INSTRUCTION) != ours.hash_rihs01(INSTRUCTION):
            raise BagError(f"{INSTRUCTION} was another message then; say --instruction.")
        found += commands
    if not found:
        raise BagError("No instructions were recorded; say --instruction.")
    nodes = sorted({base_of(t) for t in found})
    if len(nodes) > 1:
        raise BagError(f"Instructions to several nodes: {', '.join(nodes)}; say --instruction.")
    return tuple(found)


def _without_transport(topic: str) -> str:
    base, slash, transport = topic.rpartition("/")
    return base if slash + transport in _TRANSPORTS else topic
