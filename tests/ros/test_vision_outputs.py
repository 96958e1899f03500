"""vision_msgs outputs, with the real package where ROS is installed, else with its fields."""

from __future__ import annotations

import importlib
import sys
from dataclasses import field, make_dataclass
from types import ModuleType

import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseWithCovariance, Vector3
from sam3i_ros.msg import Segment, SegmentArray
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header


def stand_in() -> ModuleType:
    """The messages of vision_msgs 4.1 by their definitions; an unknown field is an error."""
    module = ModuleType("vision_msgs.msg")

    def define(name: str, **fields: type) -> type:
        declared = [(n, kind, field(default_factory=kind)) for n, kind in fields.items()]
        setattr(module, name, make_dataclass(name, declared))
        return getattr(module, name)

    point = define("Point2D", x=float, y=float)
    pose = define("Pose2D", position=point, theta=float)
    box_2d = define("BoundingBox2D", center=pose, size_x=float, size_y=float)
    box_3d = define("BoundingBox3D", center=Pose, size=Vector3)
    hypothesis = define("ObjectHypothesis", class_id=str, score=float)
    define("ObjectHypothesisWithPose", hypothesis=hypothesis, pose=PoseWithCovariance)
    define("Detection2D", header=Header, results=list, bbox=box_2d, id=str)
    define("Detection3D", header=Header, results=list, bbox=box_3d, id=str)
    define("Detection2DArray", header=Header, detections=list)
    define("Detection3DArray", header=Header, detections=list)
    define("VisionClass", class_id=int, class_name=str)
    define("LabelInfo", header=Header, class_map=list, threshold=float)
    return module


@pytest.fixture
def vision(monkeypatch):
    try:
        importlib.import_module("vision_msgs.msg")
    except ImportError:
        monkeypatch.setitem(sys.modules, "vision_msgs", ModuleType("vision_msgs"))
        monkeypatch.setitem(sys.modules, "vision_msgs.msg", stand_in())
    monkeypatch.delitem(sys.modules, "sam3i_ros.vision_outputs", raising=False)
    yield importlib.import_module("sam3i_ros.vision_outputs")
    sys.modules.pop("sam3i_ros.vision_outputs", None)


def scene() -> SegmentArray:
    first = Segment(
        instruction_id="cup",
        track_id=7,
        label=1,
        score=0.5,
        roi=RegionOfInterest(x_offset=20, y_offset=10, width=11, height=4),
        pose=Pose(position=Point(x=1.0, y=2.0, z=3.0)),
        size=Vector3(x=0.3, y=0.2, z=0.1),
        point_count=5,
    )
    second = Segment(instruction_id="plate", label=2, score=0.25)
    header = Header(stamp=Time(sec=3), frame_id="camera_color_optical_frame")
    return SegmentArray(header=header, segments=[first, second], frame_3d="base_link")


def test_detections(vision):
    msg = vision.detections_msg(scene())
    assert msg.header.frame_id == "camera_color_optical_frame"
    cup, plate = msg.detections
    center = cup.bbox.center.position
    assert (center.x, center.y, cup.bbox.size_x, cup.bbox.size_y) == (25.5, 12.0, 11.0, 4.0)
    assert (cup.results[0].hypothesis.class_id, cup.results[0].hypothesis.score) == ("cup", 0.5)
    assert (cup.id, plate.id) == ("7", "")
    # A pose would be in frame_3d, which a Detection2D doesn't name.
    assert cup.results[0].pose == PoseWithCovariance()


def test_detections_3d_are_those_with_points(vision):
    msg = vision.detections_3d_msg(scene())
    assert (msg.header.frame_id, msg.header.stamp.sec) == ("base_link", 3)
    (cup,) = msg.detections
    assert cup.header == msg.header
    assert cup.bbox.center.position == Point(x=1.0, y=2.0, z=3.0)
    assert cup.bbox.size == Vector3(x=0.3, y=0.2, z=0.1)
    assert cup.results[0].pose.pose == cup.bbox.center


def test_label_info(vision):
    named = vision.label_info_msg(scene()).class_map
    assert [(c.class_id, c.class_name) for c in named] == [(1, "cup"), (2, "plate")]
