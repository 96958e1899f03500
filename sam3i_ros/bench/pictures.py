"""Pictures to measure a model with: files, folders, or the colour images of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rosbags.highlevel import AnyReader

from sam3i_model.decoding import rgb_from_compressed, rgb_from_image
from sam3i_model.engines.frames import default_frames, read_frames
from sam3i_model.engines.interface import EngineError
from sam3i_ros.bags import BagError, Message, messages, open_bag

BAGS = (".mcap", ".db3")


def read_pictures(paths: Sequence[Path], image: str, count: int) -> list[np.ndarray]:
    """At most `count` pictures, evenly spread over what is given: uint8 RGB (H, W, 3).

    Args:
        paths: One recording, or pictures and folders of them; photographs if there are none.
        image: Colour topic of the recording; it is found if this is empty.
        count: At least one.

    Raises:
        EngineError: A picture can't be read, or a topic is named without a recording.
        BagError: The recording can't be used.
        MessageError: One of its images can't be used.
    """
    if len(paths) == 1 and is_bag(paths[0]):
        return from_bag(paths[0], image, count)
    if image:
        raise EngineError(f"--image {image} is the topic of a recording: give that with --frames")
    pictures = read_frames(paths) if paths else default_frames()
    return [pictures[index] for index in evenly(len(pictures), count)]


def is_bag(path: Path) -> bool:
    """Whether it is a rosbag2, as a file or a folder."""
    return path.suffix in BAGS or (path / "metadata.yaml").is_file()


def from_bag(path: Path, image: str, count: int) -> list[np.ndarray]:
    """Colour images of a recording; errors as those of `read_pictures`."""
    from sam3i_ros.replay.topics import NONE, choose  # needs ROS, which pictures do not

    with open_bag(path) as reader:
        topic = choose(reader, image, depth=NONE, info="", recorded=False).image
        connections = [c for c in reader.connections if c.topic == topic]
        wanted = set(evenly(sum(c.msgcount for c in connections), count))
        kind = connections[0].msgtype
        return [
            decode(reader, kind, message)
            for index, message in enumerate(messages(reader, connections))
            if index in wanted
        ]


def decode(reader: AnyReader, kind: str, message: Message) -> np.ndarray:
    """An image of a recording, raw or compressed; errors as those of `read_pictures`."""
    try:
        content = reader.deserialize(message.data, kind)
    except Exception as error:  # what damaged data makes the library raise is anything
        raise BagError(f"A message on {message.topic} is damaged: record it anew.") from error
    raw = kind == "sensor_msgs/msg/Image"
    return rgb_from_image(content) if raw else rgb_from_compressed(content)


def evenly(total: int, count: int) -> list[int]:
    """At most `count` of the indices below `total`, from the first to the last."""
    return np.linspace(0, total - 1, min(total, count)).round().astype(int).tolist()
