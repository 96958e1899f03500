"""The camera's topics: subscriptions that only store, and what to say when nothing comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    QoSCompatibility,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from sam3i_ros.camera import CameraBuffer, stamp_ns
from sam3i_ros.dds import profile, profile_variable
from sam3i_ros.health import Health, Severity
from sam3i_ros.parameters import Settings

SILENT = 2.0  # s without a message until a topic counts as silent
STALE = 1.0  # s of age at arrival from which an image's stamp is doubted
_OVERRIDABLE = (
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
)


@dataclass
class _Stream:
    name: str  # image, depth or camera_info
    topic: str
    subscription: Any
    last: float | None = None  # arrival of the newest message, time.monotonic


class CameraInputs:
    """Subscribes to the camera and fills a buffer until it is closed; all topics or none."""

    def __init__(
        self,
        node: Node,
        settings: Settings,
        buffer: CameraBuffer,
        health: Health,
        group: CallbackGroup,
    ) -> None:
        self._node = node
        self._group = group
        self._health = health
        self._since = time.monotonic()
        self._streams: list[_Stream] = []
        self.age = 0.0  # s, of the newest image when it came; 0 if it can't be told
        try:
            self._subscribe(settings, buffer)
        except Exception:  # such as a qos_overrides parameter that rclpy can't use
            self.close()
            raise

    def close(self) -> None:
        """Unsubscribes."""
        for stream in self._streams:
            self._node.destroy_subscription(stream.subscription)

    def check(self) -> None:
        """Reports topics on which nothing comes, and stamps that cannot be right."""
        now = time.monotonic()
        for stream in self._streams:
            if now - (self._since if stream.last is None else stream.last) < SILENT:
                continue
            if stream.name == "camera_info" and stream.last is not None:
                continue  # one is enough, it is kept
            text = f"no {stream.name} on {stream.topic}: {self._why_silent(stream)}"
            if stream.name == "image":
                self._health.fault("camera.silent", Severity.ERROR, text)
            else:
                self._health.fault(f"geometry.{stream.name}_silent", Severity.WARN, text)
        if self._streams[0].last is None:
            return
        if not self._node.get_clock().now().nanoseconds:
            self._health.fault(
                "camera.age",
                Severity.WARN,
                "use_sim_time is on, but no time comes on /clock; have the recording's player "
                "publish it (`ros2 bag play --clock 100`), or set use_sim_time to false",
            )
        elif abs(self.age) > STALE:
            self._health.fault(
                "camera.age",
                Severity.WARN,
                f"images are {self.age:.1f} s old when they come; synchronise the clocks, or set "
                "use_sim_time for a recording",
            )

    def values(self) -> dict[str, str]:
        """For the diagnostics: topics and rates."""
        shown = {}
        for stream in self._streams:
            rate = self._health.rate(stream.name)
            shown[stream.name] = f"{stream.topic} at {rate:.1f} Hz"
        return shown

    def _subscribe(self, settings: Settings, buffer: CameraBuffer) -> None:
        image_type = CompressedImage if settings.image_transport == "compressed" else Image
        self._add("image", image_type, image_topic(settings), buffer.add_image)
        if settings.depth_transport != "none":
            depth_type = Image if settings.depth_transport == "raw" else CompressedImage
            self._add("depth", depth_type, depth_topic(settings), buffer.add_depth)
            self._add("camera_info", CameraInfo, "camera_info", buffer.add_info)

    def _add(self, name: str, message_type: type, topic: str, store: Callable[[Any], None]) -> None:
        def callback(message: Any) -> None:
            stream.last = time.monotonic()
            if name == "image":
                self._note_age(stamp_ns(message))
            store(message)
            self._health.tick(name)

        subscription = self._node.create_subscription(
            message_type,
            topic,
            callback,
            QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT),
            callback_group=self._group,
            qos_overriding_options=QoSOverridingOptions(policy_kinds=_OVERRIDABLE),
        )
        stream = _Stream(name, subscription.topic_name, subscription)
        self._streams.append(stream)

    def _note_age(self, stamp: int) -> None:
        now = self._node.get_clock().now().nanoseconds
        if not (stamp and now):  # which are faults of their own
            self.age = 0.0
            return
        self.age = (now - stamp) / 1e9
        self._health.took("age", self.age)

    def _why_silent(self, stream: _Stream) -> str:
        publishers = self._node.get_publishers_info_by_topic(stream.topic)
        if not publishers:
            return "nobody publishes it; start the camera driver, or remap the topic"
        wanted = stream.subscription.msg_type
        wanted_name = f"{wanted.__module__.split('.')[0]}/msg/{wanted.__name__}"
        for publisher in publishers:
            who = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
            if publisher.topic_type != wanted_name:
                return (
                    f"{who} publishes {publisher.topic_type}, not {wanted_name}; change "
                    "image_transport or depth_transport, or remap the topic"
                )
            fits, reason = qos_check_compatible(
                publisher.qos_profile, stream.subscription.qos_profile
            )
            if fits == QoSCompatibility.ERROR:
                return (
                    f"the QoS of {who} does not fit ({reason.strip().rstrip(';')}); set "
                    f"qos_overrides.{stream.topic}.subscription.* to what it offers"
                )
            latched = publisher.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
            if latched and stream.name == "camera_info":
                return (
                    f"{who} may have sent it once, before this node was there; set "
                    f"qos_overrides.{stream.topic}.subscription.* to what it offers: durability "
                    "transient_local, reliability reliable"
                )
        return (
            f"{len(publishers)} publisher(s) but nothing arrives; the default loses large images, "
            f"start both sides after `export {profile_variable()}={profile()}`"
        )


def image_topic(settings: Settings) -> str:
    """Relative name of the colour topic."""
    return "image/compressed" if settings.image_transport == "compressed" else "image"


def depth_topic(settings: Settings) -> str:
    """Relative name of the depth topic."""
    return "depth/compressedDepth" if settings.depth_transport == "compressedDepth" else "depth"
