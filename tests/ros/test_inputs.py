"""What is said of topics on which nothing comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import rclpy
from builtin_interfaces.msg import Time
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from sam3i_ros import inputs
from sam3i_ros.camera import CameraBuffer
from sam3i_ros.health import Health
from sam3i_ros.parameters import defaults


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context)
    node = Node("deaf", context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def health(said: list[str]) -> Health:
    return Health(lambda severity, text: said.append(text))


@pytest.fixture
def inputs_of(
    monkeypatch: pytest.MonkeyPatch, node: Node, health: Health
) -> Callable[[str], inputs.CameraInputs]:
    """Of a camera that is silent at once, by its depth_transport; faults are `said`."""
    monkeypatch.setattr(inputs, "SILENT", 0.0)

    def make(depth_transport: str) -> inputs.CameraInputs:
        settings = replace(defaults(), depth_transport=depth_transport)
        buffer = CameraBuffer(depth_transport != "none", 0, 0)
        group = MutuallyExclusiveCallbackGroup()
        return inputs.CameraInputs(node, settings, buffer, health, group)

    return make


def test_images_that_are_lost_are_told_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch,
    node: Node,
    said: list[str],
    inputs_of: Callable[[str], inputs.CameraInputs],
) -> None:
    """It can be copied: the profile is named with its whole path."""
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    camera = inputs_of("none")
    node.create_publisher(Image, "image", qos_profile_sensor_data)
    camera.check()
    start, _, path = said[0].rstrip("`").rpartition("=")
    assert start.startswith("no image on /image: 1 publisher(s) but nothing arrives; ")
    assert start.endswith("start both sides after `export FASTRTPS_DEFAULT_PROFILES_FILE")
    assert Path(path).is_absolute()
    assert "maxMessageSize" in Path(path).read_text()


def test_camera_info_that_is_sent_only_once_is_told_with_what_gets_it(
    node: Node, said: list[str], inputs_of: Callable[[str], inputs.CameraInputs]
) -> None:
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_publisher(CameraInfo, "camera_info", latched)
    inputs_of("raw").check()
    assert said[-1] == (
        "no camera_info on /camera_info: /deaf may have sent it once, before this node was there; "
        "set qos_overrides./camera_info.subscription.* to what it offers: durability "
        "transient_local, reliability reliable"
    )


def test_simulated_time_that_does_not_come_is_no_fault_of_the_images(
    node: Node, said: list[str], health: Health, inputs_of: Callable[[str], inputs.CameraInputs]
) -> None:
    node.set_parameters([Parameter("use_sim_time", value=True)])
    camera = inputs_of("none")
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    stamped = Image(header=Header(stamp=Time(sec=1_800_000_000)))
    publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
    while not health.counter("image"):
        publisher.publish(stamped)
        executor.spin_once(timeout_sec=0.1)
    camera.check()
    assert any("use_sim_time is on, but no time comes on /clock" in text for text in said)
    assert not any("old when they come" in text for text in said)
    assert camera.age == 0.0
