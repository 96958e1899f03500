"""What the node publishes about a frame; messages nobody listens to are not even built."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from sam3i_model.visualize import draw_overlay
from sam3i_ros import messages
from sam3i_ros.msg import SegmentArray
from sam3i_ros.pipeline import Laps, Result

MARKER_LIFETIME = 3.0  # s; longer than a slow board needs for a frame
WITH_3D = frozenset({"segments", "points", "markers", "detections_3d"})
FOR_PEOPLE = frozenset({"markers", "overlay"})  # no robot waits for them


class FrameMessages:
    """The messages of one frame, each made when it is asked for; a method a topic.

    `clock`, s, says until when its latency counts.
    """

    def __init__(self, result: Result, clock: Callable[[], float] = time.monotonic) -> None:
        self._result = result
        self._clock = clock
        self._header = result.frame.header
        self._segments: SegmentArray | None = None

    def masks(self) -> Image:
        found = self._result.segments
        height, width = self._result.frame.rgb.shape[:2]
        labels = messages.label_image(
            [s.mask for s in found],
            [s.score for s in found],
            (height, width),
            [s.roi for s in found],
        )
        return messages.image_msg(labels, "16UC1", self._header)

    def points(self) -> PointCloud2:
        frame_id = self._result.frame_3d or self._header.frame_id
        header = Header(stamp=self._header.stamp, frame_id=frame_id)
        clouds = [s.cloud for s in self._result.segments]
        return messages.points_msg(clouds, self._result.frame.rgb, header)

    def segments(self) -> SegmentArray:
        if self._segments is None:
            self._segments = self._build_segments()
        self._segments.latency = self._clock() - self._result.arrived
        return self._segments

    def markers(self) -> MarkerArray:
        return messages.markers_msg(self.segments(), MARKER_LIFETIME)

    def overlay(self) -> Image:
        picture = draw_overlay(self._result.frame.rgb, self._result.groundings)
        return messages.image_msg(picture, "rgb8", self._header)

    def _build_segments(self) -> SegmentArray:
        result = self._result
        height, width = result.frame.rgb.shape[:2]
        array = SegmentArray(
            header=self._header,
            height=height,
            width=width,
            results=result.results,
            frame_3d=result.frame_3d,
            detail_3d=result.no_3d,
        )
        offset = 0
        for label, segment in enumerate(result.segments, start=1):
            array.segments.append(
                messages.segment_msg(
                    segment.instruction_id,
                    label,
                    segment.score,
                    segment.mask,
                    segment.cloud,
                    offset,
                    segment.track_id,
                    segment.carried,
                    segment.roi,
                )
            )
            offset += len(segment.cloud.points) if segment.cloud else 0
        return array


class Topic(NamedTuple):
    name: str  # below the node's
    type: type
    qos: QoSProfile  # reliable, which also serves best-effort listeners
    build: Callable[[FrameMessages], Any]


# In this order: who has the segments has masks and points too, and pictures come last.
TOPICS = (
    Topic("masks", Image, QoSProfile(depth=1), FrameMessages.masks),
    Topic("points", PointCloud2, QoSProfile(depth=1), FrameMessages.points),
    Topic("segments", SegmentArray, QoSProfile(depth=5), FrameMessages.segments),
    Topic("markers", MarkerArray, QoSProfile(depth=1), FrameMessages.markers),
    Topic("overlay", Image, QoSProfile(depth=1), FrameMessages.overlay),
)


def _vision_topics() -> tuple[Topic, ...]:
    """The topics of vision_msgs, where it is installed."""
    try:
        from vision_msgs.msg import Detection2DArray, Detection3DArray, LabelInfo

        from sam3i_ros import vision_outputs as vision
    except ImportError:
        return ()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return (
        Topic(
            "detections",
            Detection2DArray,
            QoSProfile(depth=5),
            lambda frame: vision.detections_msg(frame.segments()),
        ),
        Topic(
            "detections_3d",
            Detection3DArray,
            QoSProfile(depth=5),
            lambda frame: vision.detections_3d_msg(frame.segments()),
        ),
        Topic(
            "label_info",
            LabelInfo,
            latched,
            lambda frame: vision.label_info_msg(frame.segments()),
        ),
    )


class Outputs:
    """The publishers, from configure to cleanup; all or none."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        vision = _vision_topics()
        node.get_logger().info(
            "vision_msgs is installed: detections, detections_3d and label_info are published"
            if vision
            else "vision_msgs is not installed: no detections, detections_3d and label_info"
        )
        self._topics: list[tuple[Topic, Any]] = []
        try:
            for topic in (*TOPICS[:3], *vision, *TOPICS[3:]):
                self._topics.append((topic, self._publisher(topic)))
        except Exception:  # such as a qos_overrides parameter that rclpy can't use
            self.close()
            raise

    def close(self) -> None:
        """Takes the topics away."""
        for _, publisher in self._topics:
            self._node.destroy_lifecycle_publisher(publisher)

    def wanted(self) -> set[str]:
        """Topics that somebody listens to now."""
        return {t.name for t, publisher in self._topics if publisher.get_subscription_count()}

    def publish(self, result: Result, topics: Collection[str], laps: Laps) -> None:
        """Builds and publishes the messages of a frame, one topic after the other."""
        frame = FrameMessages(result)
        for topic, publisher in self._topics:
            if topic.name not in topics:
                continue
            picture = topic.name in FOR_PEOPLE
            with laps.stage("pictures" if picture else "messages"):
                message = topic.build(frame)
            with laps.stage("pictures" if picture else "publish"):
                publisher.publish(message)

    def _publisher(self, topic: Topic) -> Any:
        return self._node.create_lifecycle_publisher(
            topic.type,
            f"~/{topic.name}",
            topic.qos,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
