"""What is said of topics on which nothing comes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from sam3i_ros import inputs
from sam3i_ros.camera import CameraBuffer
from sam3i_ros.health import Health
from sam3i_ros.parameters import defaults


def test_images_that_are_lost_are_told_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It can be copied: the profile is named with its whole path."""
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setattr(inputs, "SILENT", 0.0)
    context = Context()
    rclpy.init(context=context)
    node = Node("deaf", context=context)
    said: list[str] = []
    health = Health(lambda severity, text: said.append(text))
    settings = replace(defaults(), depth_transport="none")
    group = MutuallyExclusiveCallbackGroup()
    camera = inputs.CameraInputs(node, settings, CameraBuffer(False, 0, 0), health, group)
    node.create_publisher(Image, "image", qos_profile_sensor_data)
    camera.check()
    node.destroy_node()
    rclpy.shutdown(context=context)
    start, _, path = said[0].rstrip("`").rpartition("=")
    assert start.startswith("no image on /image: 1 publisher(s) but nothing arrives; ")
    assert start.endswith("start both sides after `export FASTRTPS_DEFAULT_PROFILES_FILE")
    assert Path(path).is_absolute()
    assert "maxMessageSize" in Path(path).read_text()
