"""Messages are only built for who listens."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from sam3i_ros import outputs
from sam3i_ros.frames import Frame
from sam3i_ros.outputs import Outputs
from sam3i_ros.pipeline import Laps, Result


class Publisher:
    def __init__(self) -> None:
        self.listeners = 0
        self.sent: list[Any] = []

    def get_subscription_count(self) -> int:
        return self.listeners

    def publish(self, message: Any) -> None:
        self.sent.append(message)


class Node:
    def __init__(self) -> None:
        self.publishers: dict[str, Publisher] = {}

    def create_lifecycle_publisher(self, kind: type, topic: str, *args, **kwargs) -> Publisher:
        return self.publishers.setdefault(topic, Publisher())

    def get_logger(self) -> Any:
        return logging.getLogger()


def result() -> Result:
    frame = Frame(Header(frame_id="camera"), 5, np.zeros((4, 6, 3), np.uint8), None, None, "off")
    return Result(frame, 0.0, [], [], [], "", "off")


def test_only_listened_topics_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def expensive(*args: Any) -> None:
        raise AssertionError("built for nobody")

    monkeypatch.setattr(outputs, "draw_overlay", expensive)
    monkeypatch.setattr(outputs.messages, "points_msg", expensive)
    monkeypatch.setattr(outputs.messages, "markers_msg", expensive)
    node = Node()
    publishers = Outputs(node)
    assert publishers.wanted() == set()
    node.publishers["~/masks"].listeners = 1
    assert publishers.wanted() == {"masks"}
    laps = Laps()
    publishers.publish(result(), publishers.wanted(), laps)
    assert {t for t, p in node.publishers.items() if p.sent} == {"~/masks"}
    assert isinstance(node.publishers["~/masks"].sent[0], Image)
    assert set(laps.seconds) == {"messages", "publish"}


def test_segments_leave_before_pictures() -> None:
    node = Node()
    publishers = Outputs(node)
    order: list[str] = []
    for topic, publisher in node.publishers.items():
        publisher.publish = lambda message, topic=topic: order.append(topic)
    publishers.publish(result(), {"overlay", "segments", "markers", "masks", "points"}, Laps())
    assert order == ["~/masks", "~/points", "~/segments", "~/markers", "~/overlay"]


def test_why_there_is_no_3d() -> None:
    node = Node()
    publishers = Outputs(node)
    publishers.publish(result(), {"segments", "points"}, Laps())
    segments = node.publishers["~/segments"].sent[0]
    assert (segments.frame_3d, segments.detail_3d) == ("", "off")
    assert (segments.height, segments.width) == (4, 6)
    assert node.publishers["~/points"].sent[0].header == Header(frame_id="camera")


def test_vision_msgs_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    package, converters = ModuleType("vision_msgs.msg"), ModuleType("sam3i_ros.vision_outputs")
    for name in ("Detection2DArray", "Detection3DArray", "LabelInfo"):
        setattr(package, name, type(name, (), {}))
    for name in ("detections_msg", "detections_3d_msg", "label_info_msg"):
        setattr(converters, name, lambda segments, name=name: (name, segments.detail_3d))
    monkeypatch.setitem(sys.modules, "vision_msgs", ModuleType("vision_msgs"))
    monkeypatch.setitem(sys.modules, "vision_msgs.msg", package)
    monkeypatch.setitem(sys.modules, "sam3i_ros.vision_outputs", converters)
    monkeypatch.setattr("sam3i_ros.vision_outputs", converters, raising=False)
    node = Node()
    Outputs(node).publish(result(), {"detections", "detections_3d", "label_info"}, Laps())
    sent = {topic: p.sent for topic, p in node.publishers.items() if p.sent}
    assert sent == {
        "~/detections": [("detections_msg", "off")],
        "~/detections_3d": [("detections_3d_msg", "off")],
        "~/label_info": [("label_info_msg", "off")],
    }


def test_no_vision_msgs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vision_msgs", None)
    monkeypatch.setitem(sys.modules, "vision_msgs.msg", None)
    node = Node()
    Outputs(node)
    assert set(node.publishers) == {"~/masks", "~/points", "~/segments", "~/markers", "~/overlay"}
