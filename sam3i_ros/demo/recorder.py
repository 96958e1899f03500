"""Records what the node publishes into a bag, as it comes over the wire."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from sensor_msgs.msg import Image, PointCloud2

from sam3i_model.definitions import typestore
from sam3i_ros.bags import type_name
from sam3i_ros.msg import Instruction, SegmentArray
from sam3i_ros.player import read_stamp

SEGMENTS = "/sam3i/segments"
MASKS = "/sam3i/masks"
POINTS = "/sam3i/points"
OVERLAY = "/sam3i/overlay"
INSTRUCTION = "/sam3i/instruction"
DIAGNOSTICS = "/diagnostics"
TOPICS: dict[str, Any] = {
    SEGMENTS: SegmentArray,
    MASKS: Image,
    POINTS: PointCloud2,
    OVERLAY: Image,
    INSTRUCTION: Instruction,
    DIAGNOSTICS: DiagnosticArray,
}
DONE = ("images dropped", "images done with")


def node_values(diagnostics: Any) -> dict[str, str]:
    """What the node says in a DiagnosticArray, all its rows together; others say nothing."""
    rows = (status for status in diagnostics.status if status.name.startswith("/sam3i: "))
    return {value.key: value.value for row in rows for value in row.values}


def unanswered(said: dict[str, str]) -> int:
    """Images that the node has taken and is not done with, by what it says."""
    return int(said["images received"]) - sum(int(said[key]) for key in DONE)


class Recorder:
    """Listens from creation to `close`; what comes between `start` and `stop` goes into a bag."""

    def __init__(self, context: Context) -> None:
        # By the node's latest diagnostics; whoever wants later ones sets None.
        self.unanswered: int | None = None
        self._node = Node("demo_recorder", context=context)
        self._store = typestore()
        self._lock = threading.Lock()
        self._writer: Writer | None = None
        self._connections: dict[str, Any] = {}
        self._count = dict.fromkeys(TOPICS, 0)
        self._stamp = 0
        for topic, message_type in TOPICS.items():
            qos = QoSProfile(depth=10)
            if topic == INSTRUCTION:
                qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
            self._node.create_subscription(
                message_type, topic, self._callback(topic), qos, raw=True
            )
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def _callback(self, topic: str) -> Any:
        return lambda data: self._write(topic, bytes(data))

    def _write(self, topic: str, data: bytes) -> None:
        with self._lock:
            self._count[topic] += 1
            if topic == SEGMENTS:
                self._stamp = read_stamp(data)
            if topic == DIAGNOSTICS and (
                said := node_values(deserialize_message(data, DiagnosticArray))
            ):
                self.unanswered = unanswered(said)
            if self._writer:
                self._writer.write(self._connections[topic], time.time_ns(), data)

    def start(self, bag: Path) -> None:
        """Begins a new bag at `bag`, which must not exist yet; counts start from zero."""
        with self._lock:
            self._count = dict.fromkeys(TOPICS, 0)
            self._stamp = 0
            self._writer = Writer(bag, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
            self._connections = {
                topic: self._writer.add_connection(
                    topic, type_name(message_type), typestore=self._store
                )
                for topic, message_type in TOPICS.items()
            }

    def stop(self) -> None:
        """Completes the bag."""
        with self._lock:
            if self._writer:
                self._writer.close()
            self._writer = None

    def count(self, topic: str) -> int:
        """Messages on the topic since `start`."""
        with self._lock:
            return self._count[topic]

    @property
    def stamp(self) -> int:
        """Stamp of the latest frame that the node has answered since `start`, ns; 0 if none."""
        with self._lock:
            return self._stamp

    def close(self) -> None:
        self.stop()
        self._executor.shutdown()
        self._thread.join(timeout=2.0)
        self._node.destroy_node()
