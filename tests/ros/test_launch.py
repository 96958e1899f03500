"""The launch files, launched. They need launch_ros and a sourced workspace that has the package."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from ament_index_python.packages import get_package_share_directory
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sam3i_ros.msg import SegmentArray

from sam3i_ros.dds import profile_variable


def why_not() -> str:
    """What keeps launch files from being launched here; empty if nothing does."""
    if find_spec("launch_ros") is None:
        return "launch_ros comes with a ROS 2 install, PyPI has none"
    share = package_share("sam3i_ros")
    return "" if share and (share / "launch").is_dir() else "sam3i_ros is in no sourced workspace"


def package_share(name: str) -> Path | None:
    try:
        return Path(get_package_share_directory(name))
    except (LookupError, OSError):
        return None


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

PATIENCE = 120.0  # s; importing torch alone takes 10 s on a busy machine


class Launch:
    """A running `ros2 launch`, with all that it has written so far."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            ["ros2", "launch", "sam3i_ros", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # What the launch file should set must not be there already.
            env={k: v for k, v in os.environ.items() if k != profile_variable()},
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        self._lines.extend(iter(self._process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.output, f"{text!r} in:\n", lambda: self.output)

    def interrupt(self) -> int:
        """As Ctrl-C does; the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=30)

    def finish(self) -> int:
        """Waits until it ends by itself and all that it wrote is read; the exit status."""
        status = self._process.wait(timeout=PATIENCE)
        self._reader.join(timeout=5)
        return status

    def kill(self) -> None:
        """All of it, whatever state it is in."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=5)


def wait_until(
    condition: Callable[[], bool], what: str, more: Callable[[], str] = lambda: ""
) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}{more()}"
        time.sleep(0.05)


@pytest.fixture
def launch() -> Iterator[Callable[..., Launch]]:
    started: list[Launch] = []

    def start(*arguments: str) -> Launch:
        started.append(Launch(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def observer() -> Iterator[Node]:
    """A node that spins in a thread of its own."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node("observer", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield node
    executor.shutdown()
    thread.join(timeout=5)
    node.destroy_node()
    rclpy.try_shutdown(context=context)


def ask(node: Node, service_type: type, name: str, request: Any) -> Any:
    client = node.create_client(service_type, name)
    assert client.wait_for_service(timeout_sec=PATIENCE), f"there is no {name}"
    future = client.call_async(request)
    wait_until(future.done, f"an answer of {name}")
    return future.result()


def state(node: Node, name: str) -> int:
    return int(ask(node, GetState, f"{name}/get_state", GetState.Request()).current_state.id)


def test_camera_is_remapped_and_the_node_becomes_active(
    launch: Callable[..., Launch], observer: Node
) -> None:
    running = launch(
        "perception.launch.py",
        *("camera:=sim", "namespace:=left", "image:=/my/colour", "target_frame:=base_link"),
        "tracking:=true",
        "instructions:=[red mug, on]",  # not true
    )
    wait_until(
        lambda: state(observer, "/left/sam3i") == State.PRIMARY_STATE_ACTIVE,
        "the active state; output:\n",
        lambda: running.output,
    )
    names = ["image_transport", "depth_transport", "target_frame", "max_depth", "use_sim_time"]
    names += ["tracking", "instructions"]
    answer = ask(
        observer,
        GetParameters,
        "/left/sam3i/get_parameters",
        GetParameters.Request(names=names),
    )
    transports = [value.string_value for value in answer.values[:3]]
    assert transports == ["compressed", "compressedDepth", "base_link"]
    assert answer.values[3].double_value == 10.0
    assert [value.bool_value for value in answer.values[4:6]] == [False, True]
    assert answer.values[6].string_array_value == ["red mug", "on"]
    depth = "/camera/aligned_depth_to_color/image_raw/compressedDepth"
    for topic in ("/my/colour/compressed", depth, "/camera/color/camera_info"):
        wait_until(lambda topic=topic: observer.count_subscribers(topic) == 1, topic)
    assert running.interrupt() == 0, running.output
    assert "has finished cleanly" in running.output, running.output


def test_a_params_file_goes_before_the_preset_and_behind_the_command(
    launch: Callable[..., Launch], observer: Node, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    mine = {
        "depth_transport": "none",
        "use_sim_time": True,
        "target_frame": "map",
        "max_depth": 2.0,
    }
    path.write_text(yaml.safe_dump({"/**": {"ros__parameters": mine}}))
    launch("perception.launch.py", "camera:=sim", f"params_file:={path}", "target_frame:=odom")
    names = ["image_transport", "depth_transport", "target_frame", "max_depth", "use_sim_time"]
    request = GetParameters.Request(names=names)
    values = ask(observer, GetParameters, "/sam3i/get_parameters", request).values
    assert [value.string_value for value in values[:3]] == ["compressed", "none", "odom"]
    assert (values[3].double_value, values[4].bool_value) == (2.0, True)


def test_a_model_that_is_not_there_is_said_in_one_line(
    launch: Callable[..., Launch], observer: Node
) -> None:
    running = launch(
        "perception.launch.py", "model:=/no/such/folder", "depth:=none", "namespace:=left"
    )
    running.wait_for("/left/sam3i could not be configured; its error above says why.")
    assert "When that is mended: ros2 lifecycle set /left/sam3i configure\n" in running.output
    assert running.output.count("cannot be loaded: no checkpoint at '/no/such/folder'") == 1
    assert "Traceback" not in running.output
    assert state(observer, "/left/sam3i") == State.PRIMARY_STATE_UNCONFIGURED
    assert running.interrupt() == 0, running.output


def test_a_mistyped_qos_override_is_said(
    launch: Callable[..., Launch], observer: Node, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    override = {"qos_overrides": {"/colour": {"subscription": {"reliability": "besteffort"}}}}
    path.write_text(yaml.safe_dump({"/**": {"ros__parameters": override}}))
    running = launch(
        "perception.launch.py", f"params_file:={path}", "image:=/colour", "depth:=none"
    )
    running.wait_for("/sam3i could not be activated; its error above says why")
    assert running.output.count("Unexpected QoS override for policy `reliability`") == 1
    assert state(observer, "/sam3i") == State.PRIMARY_STATE_INACTIVE
    assert running.interrupt() == 0, running.output


def test_demo_plays_a_bag_and_answers_the_planner(
    launch: Callable[..., Launch], observer: Node, tmp_path: Path
) -> None:
    bag = tmp_path / "bag"
    render = [sys.executable, "-m", "training.world", "sequence", str(bag)]
    subprocess.run([*render, "--frames", "3", "--width", "160", "--height", "120"], check=True)
    arrays: list[SegmentArray] = []
    observer.create_subscription(SegmentArray, "/sam3i/segments", arrays.append, 10)
    running = launch("demo.launch.py", f"bag:={bag}", "instructions:=[mug, the grey hammer]")

    # The first frames may come before the planner, or before the camera's other topics.
    def complete() -> list[SegmentArray]:
        return [array for array in arrays if len(array.results) == 2 and array.frame_3d]

    wait_until(lambda: bool(complete()), "segments; output:\n", lambda: running.output)
    answered = complete()[0]
    assert [result.text for result in answered.results] == ["mug", "the grey hammer"]
    assert answered.frame_3d == "camera_color_optical_frame"
    started = re.findall(r"\[(\w+)-\d\]: process started with pid \[(\d+)\]", running.output)
    assert sorted(name for name, _ in started) == ["camera_player", "perception_node", "planner"]
    for name, pid in started:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert f"{profile_variable()}=".encode() in environment, name
    assert running.interrupt() == 0, running.output


def test_demo_says_what_it_cannot_look_for(launch: Callable[..., Launch]) -> None:
    running = launch("demo.launch.py", "bag:=/none", "instructions:={a: mug}")
    running.wait_for("instructions:={a: mug} is not what can be looked for; give a sentence, or")
    assert "Traceback" not in running.output


def test_a_params_file_that_is_not_there_starts_nothing(launch: Callable[..., Launch]) -> None:
    running = launch("perception.launch.py", "params_file:=~/mine.yaml")
    running.wait_for("params_file:=~/mine.yaml is not there; give its whole path")
    assert "process started" not in running.output
    assert "Traceback" not in running.output


@pytest.mark.skipif(package_share("rviz2") is not None, reason="RViz is installed")
def test_without_rviz_installed_nothing_is_left_running(launch: Callable[..., Launch]) -> None:
    running = launch("perception.launch.py", "rviz:=true")
    running.wait_for("package 'rviz2' not found")
    assert running.finish() == 1
    assert "process started" not in running.output
    assert "Traceback" not in running.output


def test_arguments_are_listed() -> None:
    command = ["ros2", "launch", "sam3i_ros", "perception.launch.py", "--show-args"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "whose topics to use. Valid choices are: ['realsense', 'zed'," in shown
    assert "'adapters':" in shown
    assert "'instructions':" in shown
