"""The perception node in a process of its own; a camera, a planner and a listener beside it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sam3i_ros.msg import Instruction, InstructionResult, SegmentArray
from sam3i_ros.srv import SetInstructions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header, String
from visualization_msgs.msg import MarkerArray

from sam3i_ros.messages import image_msg

HEIGHT, WIDTH, FOCAL = 48, 64, 50.0
RED = np.s_[10:30, 8:28]  # its middle is at row 19.5, column 17.5
BLUE = np.s_[32:44, 40:60]
RED_CENTROID = (-0.56, -0.16, 2.0)  # m, at 2 m with the camera of `info`
FOUND, NOT_FOUND = InstructionResult.FOUND, InstructionResult.NOT_FOUND
REJECTED = InstructionResult.REJECTED
SETTLE = 0.5  # s; the other side may know of a match a moment later, and lose what came before
LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
OUTPUTS: dict[str, type] = {
    "segments": SegmentArray,
    "masks": Image,
    "points": PointCloud2,
    "overlay": Image,
    "markers": MarkerArray,
}


def scene() -> np.ndarray:
    rgb = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    rgb[RED] = (220, 20, 20)
    rgb[BLUE] = (20, 20, 220)
    return rgb


def flat_depth(dtype: type = np.uint16) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), 2000 if dtype == np.uint16 else 2.0, dtype)


def info(focal: float = FOCAL) -> CameraInfo:
    k = [focal, 0.0, 31.5, 0.0, focal, 23.5, 0.0, 0.0, 1.0]
    return CameraInfo(width=WIDTH, height=HEIGHT, k=k)


class Process:
    """The node with the colour segmenter, or a real one; its log goes to a file."""

    def __init__(
        self,
        log: Path,
        *parameters: str,
        namespace: str = "/",
        arguments: Sequence[str] = (),
        real: bool = False,
    ) -> None:
        self.log = log
        fake = [str(Path(__file__).with_name("fakes.py"))]
        program = ["-m", "sam3i_ros.perception_node"] if real else fake
        given = [a for p in parameters for a in ("-p", p)]
        command = [sys.executable, *program, "--ros-args", "-r", f"__ns:={namespace}"]
        command += [*given, *arguments]
        with log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        try:
            return self.process.wait(10)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def said(self, text: str) -> int:
        return self.log.read_text().count(text)


class Rig:
    """Camera, planner and listener in the test's process, all in one namespace."""

    def __init__(self, node: Node, outputs: dict[str, type]) -> None:
        self.node = node
        self.name = f"{node.get_namespace().rstrip('/')}/sam3i"
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self._news = threading.Condition()
        self.cameras: dict[str, Any] = {}
        # Made before the node is there wherever the test can, so that it knows them from its start.
        self._clients = {
            name: node.create_client(kind, f"sam3i/{name}")
            for name, kind in (
                ("change_state", ChangeState),
                ("get_parameters", GetParameters),
                ("set_parameters", SetParameters),
                ("set_instructions", SetInstructions),
            )
        }
        self._listeners: list[Any] = []
        self._listen("/diagnostics", DiagnosticArray)
        for topic, message_type in outputs.items():
            self._listen(f"sam3i/{topic}", message_type)
        self.text = node.create_publisher(String, "sam3i/instruction_text", LATCHED)
        self.instruction = node.create_publisher(Instruction, "sam3i/instruction", LATCHED)

    def _listen(self, topic: str, message_type: type) -> None:
        def store(message: Any) -> None:
            with self._news:
                self.heard[topic.removeprefix("sam3i/")].append(message)
                self._news.notify_all()

        self._listeners.append(self.node.create_subscription(message_type, topic, store, 50))

    def deafen(self) -> None:
        """Listens to nothing but diagnostics from now on."""
        for subscription in self._listeners[1:]:
            self.node.destroy_subscription(subscription)
        del self._listeners[1:]

    def wait(self, condition: Callable[[], Any], timeout: float = 10.0) -> Any:
        """The condition's first true value; it is looked at whenever a message comes."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not (value := condition()):
                left = deadline - time.monotonic()
                assert left > 0, f"waited {timeout} s in vain; heard {list(self.heard)}"
                self._news.wait(min(left, 0.05))
        return value

    def publish(self, topic: str, message: Any) -> None:
        """As a camera driver would; the first time waits until the node listens."""
        if topic not in self.cameras:
            self.cameras[topic] = self.node.create_publisher(
                type(message), topic, qos_profile_sensor_data
            )
            self.wait(self.cameras[topic].get_subscription_count)
            time.sleep(SETTLE)
        self.cameras[topic].publish(message)

    def header(self) -> Header:
        stamp = self.node.get_clock().now().to_msg()
        return Header(stamp=stamp, frame_id="camera_optical_frame")

    def show(
        self,
        rgb: np.ndarray | None = None,
        encoding: str = "rgb8",
        depth: np.ndarray | None = None,
        camera: CameraInfo | None = None,
    ) -> Header:
        """One camera moment; None means the good default."""
        header = self.header()
        depth = flat_depth() if depth is None else depth
        depth_encoding = "16UC1" if depth.dtype == np.uint16 else "32FC1"
        self.publish("camera_info", camera or info())
        self.publish("depth", image_msg(depth, depth_encoding, header))
        self.publish("image", image_msg(scene() if rgb is None else rgb, encoding, header))
        return header

    def show_colour(self) -> Header:
        """A moment of a camera without depth."""
        header = self.header()
        self.publish("image", image_msg(scene(), "rgb8", header))
        return header

    def answer(self, header: Header, timeout: float = 10.0) -> SegmentArray:
        """The SegmentArray of the frame with this header."""
        return self.of("segments", header, timeout)

    def of(self, topic: str, header: Header, timeout: float = 10.0) -> Any:
        return self.wait(
            lambda: next((m for m in self.heard[topic] if m.header == header), None), timeout
        )

    def ask(self, **sentences: str) -> list[InstructionResult]:
        """Replaces the instructions; ids are the keywords."""
        request = SetInstructions.Request()
        request.instructions = [Instruction(id=i, text=t) for i, t in sentences.items()]
        return self.call("set_instructions", request).results

    def call(self, name: str, request: Any) -> Any:
        """Calls a service of the node, again if no reply came: Fast DDS drops a reply to a client
        that it has not matched yet.
        """
        client = self._clients[name]
        assert client.wait_for_service(20), f"no service {name}"
        for _ in range(5):
            future = client.call_async(request)
            with contextlib.suppress(AssertionError):
                self.wait(future.done, 4)
                return future.result()
        raise AssertionError(f"no reply from {name}")

    def set(self, **parameters: Any) -> list[str]:
        """Sets parameters; the reasons of those that were refused."""
        request = SetParameters.Request()
        request.parameters = [
            Parameter(name, value=value).to_parameter_msg() for name, value in parameters.items()
        ]
        results = self.call("set_parameters", request).results
        return [r.reason for r in results if not r.successful]

    def change(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return self.call("change_state", request).success

    def statuses(self) -> list[DiagnosticStatus]:
        """All rows that the node's diagnostics have had."""
        rows = (status for array in self.heard["/diagnostics"] for status in array.status)
        return [row for row in rows if row.name.startswith(f"{self.name}: ")]

    def complaint(self, text: str, again: Callable[[], Any] | None = None) -> DiagnosticStatus:
        """The first row of the diagnostics from now on whose message holds a text.

        A row's message is its worst fault, and faults are held for 5 s: `again` brings about one
        that something worse, such as a camera that was silent between two tests, may hide.
        """
        self.heard["/diagnostics"].clear()

        def found() -> DiagnosticStatus | None:
            return next((s for s in self.statuses() if text in s.message), None)

        while again and len(self.heard["/diagnostics"]) < 10 and not found():
            again()
            time.sleep(0.2)
        return self.wait(found)

    def row(self, component: str) -> dict[str, str]:
        """The values of a component in the next diagnostics."""
        self.heard["/diagnostics"].clear()
        rows = self.wait(lambda: [s for s in self.statuses() if s.name.endswith(component)])
        return {value.key: value.value for value in rows[0].values}


def outcomes(answer: SegmentArray) -> dict[str, int]:
    return {result.id: result.outcome for result in answer.results}
