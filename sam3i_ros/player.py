"""Plays a recording as if it were a camera; stands in for the driver of a real one.

camera_player --ros-args -p bag:=recording.mcap
"""

from __future__ import annotations

import importlib
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rclpy
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.duration import Duration
from rclpy.exceptions import InvalidTopicNameException, ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from rclpy.time import Time
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosgraph_msgs.msg import Clock

from sam3i_ros.arguments import ros_arguments_only
from sam3i_ros.bags import BagError, Message, from_camera, messages, open_bag

# All three begin with a std_msgs/Header, which is what `restamped` relies on.
CAMERA_TYPES = (
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/CameraInfo",
)
LINGER = 0.5  # s before a finished player leaves: DDS still carries its last images
STAMP_OFFSET = 4  # the stamp of a leading Header follows the four bytes of CDR encapsulation


def read_stamp(data: bytes) -> int:
    """Stamp in ns of a CDR message whose first field is a std_msgs/Header."""
    sec, nanosec = struct.unpack_from(_stamp_format(data), data, STAMP_OFFSET)
    return int(sec) * 1_000_000_000 + int(nanosec)


def restamped(data: bytes, stamp: int) -> bytes:
    """The same CDR message with its leading header's stamp set to `stamp`, in ns."""
    changed = bytearray(data)
    sec, nanosec = divmod(stamp, 1_000_000_000)
    try:
        struct.pack_into(_stamp_format(data), changed, STAMP_OFFSET, sec, nanosec)
    except struct.error as error:
        raise BagError(
            "The recording's stamps are centuries apart: play it with restamp:=false."
        ) from error
    return bytes(changed)


def moment(message: Message) -> int:
    """When a camera message was taken, ns: its stamp, or if it has none when it was recorded."""
    return read_stamp(message.data) or message.time


def _stamp_format(data: bytes) -> str:
    if len(data) < STAMP_OFFSET + 8:
        raise BagError("The recording holds a message too short for a header: it is damaged.")
    return "<iI" if data[1] & 1 else ">iI"


class CameraBag:
    """The camera topics of a rosbag2 recording (.mcap or .db3)."""

    def __init__(self, reader: AnyReader, connections: list[Connection]) -> None:
        self._reader = reader
        self._connections = connections
        self.types = {c.topic: c.msgtype for c in connections}
        # Images come about once a frame; a pause of that length keeps a loop's rhythm.
        frames = max(c.msgcount for c in connections)
        span = reader.end_time - reader.start_time
        self.period = span // (frames - 1) if frames > 1 else 1_000_000_000

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[CameraBag]:
        """Raises BagError if there is nothing at `path` that can be played."""
        with open_bag(path) as reader:
            connections = from_camera(reader, CAMERA_TYPES)
            if not connections:
                there = ", ".join(sorted({c.topic for c in reader.connections})) or "nothing"
                raise BagError(
                    f"{path} has no camera topics (Image, CompressedImage, CameraInfo); "
                    f"it holds: {there}."
                )
            yield cls(reader, connections)

    def __iter__(self) -> Iterator[Message]:
        return messages(self._reader, self._connections)


class CameraPlayer(Node):
    def __init__(self) -> None:
        super().__init__("camera_player")
        self.finished = Future()
        self._stop = threading.Event()
        bag = self._parameter("bag", "", "rosbag2 to play: .mcap, .db3 or a folder")
        if not bag:
            raise ValueError("bag is empty; name one: -p bag:=recording.mcap")
        self._bag = Path(bag)
        rate_range = FloatingPointRange(from_value=0.01, to_value=100.0)
        self._rate = self._parameter("rate", 1.0, "speed; 1 is as recorded", [rate_range])
        self._loop = self._parameter("loop", True, "begin again at the end")
        restamp = self._parameter(
            "restamp", True, "stamps of now; false: as recorded, and /clock for use_sim_time"
        )
        self._wait = self._parameter(
            "wait_for_subscribers", True, "do not begin before somebody listens"
        )
        self._clock_publisher = None if restamp else self.create_publisher(Clock, "/clock", 1)
        self._worker = threading.Thread(target=self._run, daemon=True)
        self._worker.start()

    def _parameter(
        self, name: str, default: Any, what: str, ranges: list[FloatingPointRange] | None = None
    ) -> Any:
        descriptor = ParameterDescriptor(
            description=what, read_only=True, floating_point_range=ranges or []
        )
        return self.declare_parameter(name, default, descriptor).value

    def _run(self) -> None:
        try:
            with CameraBag.open(self._bag) as bag:
                publishers = self._advertise(bag)
                self.get_logger().info(f"playing {self._bag}: {', '.join(publishers)}")
                self._wait_for_subscribers(list(publishers.values()))
                while not self._stop.is_set():
                    self._play_once(bag, publishers)
                    if not self._loop:
                        break
                for publisher in publishers.values():
                    publisher.wait_for_all_acked(Duration(seconds=1.0))
            self.finished.set_result(None)
        except Exception as error:
            if self.context.ok():  # else it is only that rclpy was shut down under us
                self.finished.set_exception(error)

    def _advertise(self, bag: CameraBag) -> dict[str, Publisher]:
        # A reliable publisher serves best-effort subscribers too.
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        publishers = {}
        for topic, name in bag.types.items():
            package, _, type_name = name.split("/")
            message_type = getattr(importlib.import_module(f"{package}.msg"), type_name)
            try:
                publishers[topic] = self.create_publisher(message_type, topic, qos)
            except InvalidTopicNameException as error:
                raise BagError(
                    f"{self._bag} has the topic {topic!r}, which is no name that ROS 2 allows: "
                    "record it under another."
                ) from error
        return publishers

    def _wait_for_subscribers(self, publishers: list[Publisher]) -> None:
        while self._wait and not any(p.get_subscription_count() for p in publishers):
            if self._stop.wait(0.05):
                return
        self._stop.wait(0.2)  # the listener's other topics are matched a little later

    def _play_once(self, bag: CameraBag, publishers: dict[str, Publisher]) -> None:
        begin = time.monotonic()
        begin_stamp = self.get_clock().now().nanoseconds
        first: Message | None = None
        first_stamp = 0
        elapsed = 0
        for message in bag:
            if first is None:
                first, first_stamp = message, moment(message)
            elapsed = message.time - first.time
            if self._sleep_until(begin + elapsed * 1e-9 / self._rate):
                return
            data = message.data
            if self._clock_publisher:
                now = Time(nanoseconds=message.time).to_msg()
                self._clock_publisher.publish(Clock(clock=now))
            else:
                # The same shift for all topics, so that what belonged together still does.
                age = (moment(message) - first_stamp) / self._rate
                data = restamped(data, begin_stamp + int(age))
            publishers[message.topic].publish(data)
        if self._loop:
            self._sleep_until(begin + (elapsed + bag.period) * 1e-9 / self._rate)

    def _sleep_until(self, moment: float) -> bool:
        """True if the player is to stop."""
        return self._stop.wait(max(0.0, moment - time.monotonic()))

    def stop(self) -> None:
        self._stop.set()
        self._worker.join(timeout=2.0)


def main() -> int:
    ros_arguments_only(
        "camera_player",
        "-p bag:=recording.mcap [-p rate:=1.0] [-p loop:=false] [-p restamp:=false] "
        "[-p wait_for_subscribers:=false]",
        "Plays the camera topics of a recording as if they came from a camera now.",
    )
    rclpy.init()
    try:
        player = CameraPlayer()
    except (ValueError, ParameterException) as error:
        rclpy.logging.get_logger("camera_player").fatal(f"a parameter cannot be used: {error}")
        rclpy.try_shutdown()
        return 1
    executor = SingleThreadedExecutor()
    executor.add_node(player)
    try:
        executor.spin_until_future_complete(player.finished)
        if player.finished.done():
            player.finished.result()
            time.sleep(LINGER)
        return 0
    except BagError as error:
        player.get_logger().fatal(str(error))
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    finally:
        player.stop()
        rclpy.try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
