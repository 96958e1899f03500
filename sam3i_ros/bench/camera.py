"""A camera and a listener in this process, for a node in a process of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

FOCAL = 0.94  # of the image's width


@dataclass(frozen=True)
class Load:
    """What a node has to do."""

    rate: float
    """Camera frames per second."""
    seconds: float
    """How long it is measured."""
    width: int
    height: int
    instructions: int
    segments: int
    """That all instructions have together."""
    delay: float = 0.0
    """Seconds that the model takes."""


@dataclass(frozen=True)
class Answer:
    """What the listener saw of one frame."""

    frame: int
    heard: float  # time.monotonic, s
    delay: float  # from the image's stamp until then, s
    latency: float  # what the node says it took, from having the image, s


class Camera:
    """Publishes RGB-D frames and listens to the node."""

    def __init__(self, load: Load, pictures: bool) -> None:
        """`pictures`: whether to listen to those for people as well."""
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import qos_profile_sensor_data
        from rclpy.signals import SignalHandlerOptions
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2
        from visualization_msgs.msg import MarkerArray

        from sam3i_ros.msg import SegmentArray

        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)  # Ctrl-C is the bench's
        self.answers: list[Answer] = []
        self.sent: list[float] = []  # when each frame had gone out, time.monotonic, s
        self.diagnostics: dict[str, dict[str, str]] = {}
        self._segments = load.segments
        self._frames: dict[int, int] = {}  # stamp, ns -> number
        self._node = rclpy.create_node("sam3i_bench")
        self._image = self._node.create_publisher(Image, "image", qos_profile_sensor_data)
        self._depth = self._node.create_publisher(Image, "depth", qos_profile_sensor_data)
        self._info = self._node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
        self._node.create_subscription(SegmentArray, "sam3i/segments", self._hear, 5)
        # Listened to, but not unpacked: this process should take little of the machine.
        topics = [("masks", Image), ("points", PointCloud2)]
        if pictures:
            topics += [("overlay", Image), ("markers", MarkerArray)]
        for topic, kind in topics:
            self._node.create_subscription(
                kind, f"sam3i/{topic}", lambda message: None, 1, raw=True
            )
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnose, 1)
        random = np.random.default_rng(0)
        height, width, focal = load.height, load.width, FOCAL * load.width
        self._rgb = random.integers(0, 255, (height, width, 3), np.uint8)
        self._millimetres = random.integers(1000, 1004, (height, width)).astype(np.uint16)
        k = [focal, 0.0, width / 2, 0.0, focal, height / 2, 0.0, 0.0, 1.0]
        self._camera = CameraInfo(width=width, height=height, k=k)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def ready(self) -> bool:
        """Whether the node listens and answers."""
        return all(p.get_subscription_count() for p in (self._image, self._depth, self._info))

    def show(self, number: int) -> None:
        """Publishes one frame, stamped now."""
        from std_msgs.msg import Header

        from sam3i_ros.messages import image_msg

        now = self._node.get_clock().now()
        self._frames[now.nanoseconds] = number
        header = Header(stamp=now.to_msg(), frame_id="camera_optical_frame")
        self._camera.header = header
        self._info.publish(self._camera)
        self._depth.publish(image_msg(self._millimetres, "16UC1", header))
        self._image.publish(image_msg(self._rgb, "rgb8", header))
        self.sent.append(time.monotonic())

    def close(self) -> None:
        """Leaves ROS."""
        import rclpy

        self._executor.shutdown()
        self._thread.join(5)
        self._node.destroy_node()
        rclpy.shutdown()

    def _hear(self, message: Any) -> None:
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        if stamp not in self._frames:
            return  # another bench's, in the same domain by chance
        delay = (self._node.get_clock().now().nanoseconds - stamp) / 1e9
        if len(message.segments) == self._segments and all(s.point_count for s in message.segments):
            self.answers.append(
                Answer(self._frames[stamp], time.monotonic(), delay, message.latency)
            )

    def _diagnose(self, message: Any) -> None:
        for status in message.status:
            self.diagnostics[status.name.rpartition(": ")[2]] = {
                value.key: value.value for value in status.values
            }
