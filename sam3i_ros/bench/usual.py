"""A node as they are usually written, with the same model and topics: what ours is compared with.

It is sound, and everything per pixel is NumPy's. But its one thread works in the callbacks, images
are copied out of their messages, the whole frame is deprojected for every mask, masks and picture
are drawn by indexing whole images, and everything is made whether anybody listens or not. It also
does less: points are neither cleaned nor bounded in number, and boxes lie along the camera's axes.
Messages are filled by our own functions.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction
from sam3i_model.visualize import color_for
from sam3i_ros import messages
from sam3i_ros.bench import fixed
from sam3i_ros.camera import stamp_ns
from sam3i_ros.geometry import Cloud, OrientedBox
from sam3i_ros.msg import SegmentArray

Array = npt.NDArray[Any]

QUEUE = 10  # messages
MARKERS_LAST = 3.0  # s
FONT = cv2.FONT_HERSHEY_SIMPLEX


class UsualNode(Node):
    """Answers every image whose depth has come, in the callback of the later one."""

    def __init__(self) -> None:
        super().__init__("sam3i")
        self._segmenter = fixed.load(self.declare_parameter("model", "").value)
        texts = self.declare_parameter("instructions", [""]).value
        self._asked = [Instruction(text, str(i)) for i, text in enumerate(texts)]
        self._once = self.declare_parameter("deproject_once", False).value
        self._info: CameraInfo | None = None
        self._waiting: dict[str, dict[int, Image]] = {"image": {}, "depth": {}}  # by stamp, ns
        sensor = qos_profile_sensor_data
        self.create_subscription(CameraInfo, "camera_info", self._on_info, sensor)
        for topic in self._waiting:
            self.create_subscription(Image, topic, partial(self._on_image, topic), sensor)
        self._masks = self.create_publisher(Image, "~/masks", QUEUE)
        self._points = self.create_publisher(PointCloud2, "~/points", QUEUE)
        self._segments = self.create_publisher(SegmentArray, "~/segments", QUEUE)
        self._markers = self.create_publisher(MarkerArray, "~/markers", QUEUE)
        self._overlay = self.create_publisher(Image, "~/overlay", QUEUE)

    def _on_info(self, message: CameraInfo) -> None:
        self._info = message

    def _on_image(self, topic: str, message: Image) -> None:
        stamp, waiting = stamp_ns(message), self._waiting
        waiting[topic][stamp] = message
        if self._info and all(stamp in images for images in waiting.values()):
            self._answer(waiting["image"].pop(stamp), waiting["depth"].pop(stamp), self._info)
        while len(waiting[topic]) > QUEUE:
            waiting[topic].pop(min(waiting[topic]))

    def _answer(self, image: Image, depth: Image, info: CameraInfo) -> None:
        start = time.monotonic()
        rgb, metres = rgb_image(image), depth_image(depth)
        self._segmenter.set_image(rgb)
        groundings = self._segmenter.ground(self._asked)
        masks = [mask for g in groundings for mask in g.masks]
        scores = [float(score) for g in groundings for score in g.scores]
        names = [g.instruction.id for g in groundings for _ in g.masks]
        points = clouds(masks, metres, info.k, self._once)
        header = image.header
        found = SegmentArray(header=header, frame_3d=header.frame_id)
        found.height, found.width = image.height, image.width
        found.results = [messages.result_msg(g) for g in groundings]
        offset = 0
        for label, (name, score, mask, cloud) in enumerate(
            zip(names, scores, masks, points, strict=True), start=1
        ):
            found.segments.append(messages.segment_msg(name, label, score, mask, cloud, offset))
            offset += len(cloud.points) if cloud else 0
        self._masks.publish(messages.image_msg(label_image(masks, scores), "16UC1", header))
        self._points.publish(messages.points_msg(points, rgb, header))
        found.latency = time.monotonic() - start
        self._segments.publish(found)
        self._markers.publish(messages.markers_msg(found, MARKERS_LAST))
        self._overlay.publish(messages.image_msg(overlay(rgb, groundings), "rgb8", header))


def rgb_image(message: Image) -> Array:
    """An rgb8 image as uint8 (H, W, 3), a copy as cv_bridge gives when told the encoding."""
    pixels = np.frombuffer(message.data, np.uint8)
    return pixels.reshape(message.height, message.width, 3).copy()


def depth_image(message: Image) -> Array:
    """A 16UC1 image in millimetres as float32 (H, W) in metres, 0 for none."""
    pixels = np.frombuffer(message.data, np.uint16)
    return pixels.reshape(message.height, message.width).astype(np.float32) / 1000


def clouds(masks: Sequence[Array], depth: Array, k: Array, once: bool) -> list[Cloud | None]:
    """Points, centroid and box of each mask (H, W); None where there is no depth.

    Args:
        masks: bool (H, W) each.
        depth: float32 (H, W), metres, 0 for none.
        k: the camera matrix, 9 numbers in rows.
        once: deproject the frame once, instead of once a mask.
    """
    frame = deproject(depth, k) if once else None
    return [_cloud(mask & (depth > 0), depth, k, frame) for mask in masks]


def deproject(depth: Array, k: Array) -> Array:
    """float64 (H, W, 3), metres in the optical frame: the point of every pixel."""
    u, v = pixel_grid(*depth.shape)
    return np.stack(((u - k[2]) * depth / k[0], (v - k[5]) * depth / k[4], depth), axis=-1)


@lru_cache(1)
def pixel_grid(height: int, width: int) -> tuple[Array, Array]:
    """Column and row of every pixel."""
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    return u, v


def label_image(masks: Sequence[Array], scores: Sequence[float]) -> Array:
    """uint16 (H, W): of each pixel, 1 + the place of the mask with the highest score, or 0."""
    labels = np.zeros(masks[0].shape, np.uint16)
    for index in sorted(range(len(masks)), key=lambda i: (scores[i], -i)):
        labels[masks[index]] = index + 1
    return labels


def overlay(rgb: Array, groundings: Sequence[Grounding]) -> Array:
    """Masks in their instruction's colour, with its text, over a copy of the image."""
    picture = rgb.copy()
    for index, grounding in enumerate(groundings):
        for mask in grounding.masks:
            tint = np.array(color_for(index))
            picture[mask] = (0.55 * picture[mask] + 0.45 * tint).astype(np.uint8)
            corner = cv2.boundingRect(mask.view(np.uint8))[:2]
            cv2.putText(picture, grounding.instruction.text, corner, FONT, 0.5, (0, 0, 0))
    return picture


def _cloud(inside: Array, depth: Array, k: Array, frame: Array | None) -> Cloud | None:
    if not inside.any():
        return None
    if frame is None:
        frame = deproject(np.where(inside, depth, np.float32(0)), k)
    points = frame[inside].astype(np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    box = OrientedBox((low + high) / 2, np.eye(3), high - low)
    return Cloud(points, np.flatnonzero(inside), points.mean(axis=0), box)


def main() -> None:
    """Runs the node until it is interrupted."""
    rclpy.init()
    node = UsualNode()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
