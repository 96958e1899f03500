"""A camera and a listener in this process that talk DDS to the node in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from sam3i_ros.bench.fixed import HEIGHT, PREFIX, SEGMENTS, WIDTH

WARM_UP = 10.0  # s, not measured
TRANSPORT = 0.03  # s, that a frame may take to the node; a busy machine needs some
DOMAIN = "87"
PROFILE = Path(__file__).parents[2] / "config" / "fastdds.xml"


@dataclass(frozen=True)
class Answer:
    """What the listener saw of one frame."""

    frame: int
    heard: float  # time.monotonic, s
    delay: float  # from the image's stamp until then, s


class Camera:
    """Publishes RGB-D frames and listens to the node."""

    def __init__(self, pictures: bool) -> None:
        """`pictures`: whether to listen to those for people as well."""
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import qos_profile_sensor_data
        from sensor_msgs.msg import CameraInfo, Image, PointCloud2
        from visualization_msgs.msg import MarkerArray

        from sam3i_ros.msg import SegmentArray

        rclpy.init(args=[])
        self.answers: list[Answer] = []
        self.sent: list[float] = []  # when each frame had gone out, time.monotonic, s
        self.diagnostics: dict[str, dict[str, str]] = {}
        self._frames: dict[int, int] = {}  # stamp, ns -> number
        self._node = rclpy.create_node("sam3i_bench")
        self._image = self._node.create_publisher(Image, "image", qos_profile_sensor_data)
        self._depth = self._node.create_publisher(Image, "depth", qos_profile_sensor_data)
        self._info = self._node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
        self._node.create_subscription(SegmentArray, "sam3i/segments", self._hear, 5)
        # Listened to, but not unpacked: this process should take little of the machine.
        topics = [("masks", Image), ("points", PointCloud2)]
        if pictures:
            topics += [("overlay", Image), ("markers", MarkerArray)]
        for topic, kind in topics:
            self._node.create_subscription(
                kind, f"sam3i/{topic}", lambda message: None, 1, raw=True
            )
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnose, 1)
        random = np.random.default_rng(0)
        self._rgb = random.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        self._millimetres = random.integers(1000, 1004, (HEIGHT, WIDTH)).astype(np.uint16)
        k = [600.0, 0.0, WIDTH / 2, 0.0, 600.0, HEIGHT / 2, 0.0, 0.0, 1.0]
        self._camera = CameraInfo(width=WIDTH, height=HEIGHT, k=k)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def ready(self) -> bool:
        """Whether the node listens and answers."""
        return all(p.get_subscription_count() for p in (self._image, self._depth, self._info))

    def show(self, number: int) -> None:
        """Publishes one frame, stamped now."""
        from std_msgs.msg import Header

        from sam3i_ros.messages import image_msg

        now = self._node.get_clock().now()
        self._frames[now.nanoseconds] = number
        header = Header(stamp=now.to_msg(), frame_id="camera_optical_frame")
        self._camera.header = header
        self._info.publish(self._camera)
        self._depth.publish(image_msg(self._millimetres, "16UC1", header))
        self._image.publish(image_msg(self._rgb, "rgb8", header))
        self.sent.append(time.monotonic())

    def close(self) -> None:
        """Leaves ROS."""
        import rclpy

        self._executor.shutdown()
        self._thread.join(5)
        self._node.destroy_node()
        rclpy.shutdown()

    def _hear(self, message: Any) -> None:
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        delay = (self._node.get_clock().now().nanoseconds - stamp) / 1e9
        if len(message.segments) == SEGMENTS and all(s.point_count for s in message.segments):
            self.answers.append(Answer(self._frames[stamp], time.monotonic(), delay))

    def _diagnose(self, message: Any) -> None:
        for status in message.status:
            self.diagnostics[status.name.rpartition(": ")[2]] = {
                value.key: value.value for value in status.values
            }


@contextmanager
def perception_node(model: str, parameters: Sequence[str], log: Path) -> Iterator[int]:
    """The node as a process of its own, active; gives its process id."""
    asked = json.dumps([f"thing {i}" for i in range(SEGMENTS)])
    fixed = model.startswith(PREFIX)
    module = "sam3i_ros.bench.fixed" if fixed else "sam3i_ros.perception_node"
    given = ("autostart:=true", f"model:={model}", f"instructions:={asked}", *parameters)
    command = [sys.executable, "-m", module, "--ros-args"]
    command += [word for parameter in given for word in ("-p", parameter)]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def resident_mb(pid: int) -> float:
    """Resident memory of a process, MB (10^6 bytes); /proc only."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, s; /proc only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    model: str, rate: float, seconds: float, parameters: Sequence[str] = (), pictures: bool = True
) -> dict[str, Any]:
    """Runs camera and node at a rate, and gives all figures; times in ms, memory in MB.

    `parameters` are the node's, each `NAME:=VALUE`; without `pictures`, nobody listens to those
    for people. RuntimeError with the node's log if it does not come up.
    """
    os.environ.setdefault("FASTDDS_DEFAULT_PROFILES_FILE", str(PROFILE))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ["ROS_DOMAIN_ID"] = DOMAIN
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "node.log"
        with perception_node(model, parameters, log) as pid:
            camera = Camera(pictures)
            try:
                return _measure(camera, pid, rate, seconds)
            except TimeoutError as error:
                raise RuntimeError(f"{error}; the node said: {log.read_text()}") from error
            finally:
                camera.close()


def _measure(camera: Camera, pid: int, rate: float, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while not camera.ready():
        if time.monotonic() > deadline:
            raise TimeoutError("the node did not come up within 60 s")
        time.sleep(0.1)
    time.sleep(1.0)  # the node may know of the match a moment later
    warm, total = int(WARM_UP * rate), int((WARM_UP + seconds) * rate)
    memory = processor = 0.0
    start = time.monotonic()
    for number in track(range(total), f"{rate:g} Hz", console=Console(stderr=True)):
        if number == warm:
            memory, processor = resident_mb(pid), cpu_seconds(pid)
        camera.show(number)
        time.sleep(max(0.0, start + (number + 1) / rate - time.monotonic()))
    grown, used = resident_mb(pid) - memory, cpu_seconds(pid) - processor
    time.sleep(2.0)  # the last answers, and diagnostics that know of them
    answers = [a for a in camera.answers if a.frame >= warm]
    if not answers:
        raise TimeoutError("no complete answer came")
    delays = [1000 * a.delay for a in answers]
    return {
        "sent": total,
        "received": int(camera.diagnostics["camera"]["images received"]),
        "dropped": int(camera.diagnostics["camera"]["images dropped"]),
        "grounded": int(camera.diagnostics["model"]["frames grounded"]),
        "in_order": [a.frame for a in answers] == sorted(a.frame for a in answers),
        "not_newest": _not_newest(answers, camera.sent),
        "memory_mb": round(memory + grown, 1),
        "memory_growth_mb": round(grown, 2),
        "cpu_percent": round(100 * used / seconds, 1),
        "answered_hz": round(len(answers) / seconds, 2),
        "stamp_to_answer_ms": {
            "p50": round(float(np.median(delays)), 2),
            "p95": round(float(np.quantile(delays, 0.95)), 2),
        },
        "stages_ms": _stages(camera),
    }


def _not_newest(answers: Sequence[Answer], sent: Sequence[float]) -> int:
    """Answers to a frame although a newer one had come before the node could begin with it.

    The node begins after it has given the answer before.
    """
    pairs = itertools.pairwise(answers)
    return sum(
        answer.frame + 1 < len(sent) and sent[answer.frame + 1] + TRANSPORT < before.heard
        for before, answer in pairs
    )


def _stages(camera: Camera) -> dict[str, dict[str, float]]:
    """p50 and p95 of every stage, from the node's own diagnostics."""
    stages = {}
    for key, value in camera.diagnostics["node"].items():
        if key.endswith(" p50/p95"):
            p50, p95 = (float(number) for number in value.removesuffix(" ms").split(" / "))
            stages[key.removesuffix(" p50/p95")] = {"p50": p50, "p95": p95}
    return stages
