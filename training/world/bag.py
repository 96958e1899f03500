"""A recording with truth: rosbag2 (MCAP) with the topics of an RGB-D camera.

Colour and depth are as image_transport's compressed plugins write them. Every message is logged
at its header's stamp.
"""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from training.bags.pictures import PNG_OPTIONS, encoded, millimetres

COLOUR = "/camera/color/image_raw/compressed"
DEPTH = "/camera/aligned_depth_to_color/image_raw/compressedDepth"
CAMERA_INFO = "/camera/color/camera_info"
LABELS = "/truth/labels"
SCENE = "/truth/scene"
FRAME_ID = "camera_color_optical_frame"
TOPICS = {
    COLOUR: "sensor_msgs/msg/CompressedImage",
    DEPTH: "sensor_msgs/msg/CompressedImage",
    CAMERA_INFO: "sensor_msgs/msg/CameraInfo",
    LABELS: "sensor_msgs/msg/Image",
    SCENE: "std_msgs/msg/String",
}
FIRST_STAMP = 1_700_000_000_000_000_000  # ns


@dataclass(frozen=True)
class Shot:
    """One moment of the recording.

    rgb uint8 (H, W, 3); depth float32 (H, W) metres, NaN = none; matrix (3, 3) intrinsics of a
    rectified image; labels (H, W), 0 = nothing; objects and instructions as in /truth/scene.
    """

    stamp: int
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    matrix: NDArray[np.float64]
    labels: NDArray[np.uint8]
    objects: list[dict[str, Any]]
    instructions: list[dict[str, Any]]


def write_bag(path: Path, shots: Iterable[Shot], lossless: bool = False) -> None:
    """Write a rosbag2 folder, which is there only once it is complete.

    Colour is JPEG, or PNG if `lossless`. Raises ValueError if `path` exists.
    """
    if path.exists():
        raise ValueError(f"{path} exists already; remove it or name another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        _write(unfinished, shots, lossless)
        unfinished.rename(path)


def _write(path: Path, shots: Iterable[Shot], lossless: bool) -> None:
    store = get_typestore(Stores.ROS2_KILTED)
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {
            topic: writer.add_connection(topic, name, typestore=store)
            for topic, name in TOPICS.items()
        }
        for shot in shots:
            for topic, message in _messages(store.types, shot, lossless).items():
                data = store.serialize_cdr(message, TOPICS[topic])
                writer.write(connections[topic], shot.stamp, data)


def _messages(types: Any, shot: Shot, lossless: bool) -> dict[str, Any]:
    seconds, rest = divmod(shot.stamp, 1_000_000_000)
    time = types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=rest)
    header = types["std_msgs/msg/Header"](stamp=time, frame_id=FRAME_ID)
    compressed = types["sensor_msgs/msg/CompressedImage"]
    height, width = shot.labels.shape
    kind, options = (".png", []) if lossless else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 95])
    picture = encoded(kind, cv2.cvtColor(shot.rgb, cv2.COLOR_RGB2BGR), options)
    packing = "png" if lossless else "jpeg"
    projection = np.c_[shot.matrix, np.zeros(3)]
    region = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    info = types["sensor_msgs/msg/CameraInfo"](
        header=header,
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=shot.matrix.reshape(-1),
        r=np.eye(3).reshape(-1),
        p=projection.reshape(-1),
        binning_x=0,
        binning_y=0,
        roi=region,
    )
    labels = types["sensor_msgs/msg/Image"](
        header=header,
        height=height,
        width=width,
        encoding="16UC1",
        is_bigendian=0,
        step=2 * width,
        data=shot.labels.astype("<u2").view(np.uint8).reshape(-1),
    )
    truth = {
        "stamp_ns": shot.stamp,
        "objects": shot.objects,
        "instructions": shot.instructions,
    }
    return {
        COLOUR: compressed(header, f"rgb8; {packing} compressed bgr8", picture),
        DEPTH: compressed(header, "16UC1; compressedDepth png", pack_depth(shot.depth)),
        CAMERA_INFO: info,
        LABELS: labels,
        SCENE: types["std_msgs/msg/String"](json.dumps(truth)),
    }


def pack_depth(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Depth in metres as compressed_depth_image_transport packs 16UC1: a header, then PNG.

    The header is the enum of the format and two quantisation parameters that 16UC1 does not use.
    """
    header = np.frombuffer(struct.pack("<iff", 0, 0.0, 0.0), np.uint8)
    return np.concatenate([header, encoded(".png", millimetres(depth), PNG_OPTIONS)])
