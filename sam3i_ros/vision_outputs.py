"""Segments as vision_msgs 4, for tools that know nothing else; importable where it is installed."""

from __future__ import annotations

from geometry_msgs.msg import PoseWithCovariance
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D,
    BoundingBox3D,
    Detection2D,
    Detection2DArray,
    Detection3D,
    Detection3DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
    VisionClass,
)

from sam3i_ros.msg import Segment, SegmentArray


def detections_msg(segments: SegmentArray) -> Detection2DArray:
    """Boxes around the masks, in pixels, without poses; class_id is the instruction's id."""
    return Detection2DArray(
        header=segments.header,
        detections=[
            Detection2D(
                header=segments.header,
                results=[ObjectHypothesisWithPose(hypothesis=_hypothesis(segment))],
                bbox=_box_2d(segment),
                id=_identity(segment),
            )
            for segment in segments.segments
        ],
    )


def detections_3d_msg(segments: SegmentArray) -> Detection3DArray:
    """Oriented boxes of the segments that have points, in frame_3d."""
    header = Header(stamp=segments.header.stamp, frame_id=segments.frame_3d)
    return Detection3DArray(
        header=header,
        detections=[
            Detection3D(
                header=header,
                results=[
                    ObjectHypothesisWithPose(
                        hypothesis=_hypothesis(segment),
                        pose=PoseWithCovariance(pose=segment.pose),
                    )
                ],
                bbox=BoundingBox3D(center=segment.pose, size=segment.size),
                id=_identity(segment),
            )
            for segment in segments.segments
            if segment.point_count
        ],
    )


def label_info_msg(segments: SegmentArray) -> LabelInfo:
    """Which label of ~/masks and ~/points belongs to which instruction id."""
    return LabelInfo(
        header=segments.header,
        class_map=[
            VisionClass(class_id=segment.label, class_name=segment.instruction_id)
            for segment in segments.segments
        ],
    )


def _hypothesis(segment: Segment) -> ObjectHypothesis:
    return ObjectHypothesis(class_id=segment.instruction_id, score=segment.score)


def _box_2d(segment: Segment) -> BoundingBox2D:
    roi = segment.roi
    middle = Point2D(x=roi.x_offset + roi.width / 2, y=roi.y_offset + roi.height / 2)
    return BoundingBox2D(
        center=Pose2D(position=middle), size_x=float(roi.width), size_y=float(roi.height)
    )


def _identity(segment: Segment) -> str:
    return str(segment.track_id) if segment.track_id else ""
