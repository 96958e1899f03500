"""What the node costs beside the model, and whether it stays well for long: `sam3i bench`.

A camera and a listener in this process talk DDS to the node in a process of its own. Unless a
model is named, the node has a segmenter that costs nothing or a given time, so that what is
measured is the node.
"""

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
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome

WIDTH, HEIGHT, SEGMENTS = 640, 480, 5
RADIUS = 55  # pixels; five discs cover 15 % of the image
WARM_UP = 10.0  # s, not measured
TRANSPORT = 0.03  # s, that a frame may take to the node; a busy machine needs some
DOMAIN = "87"
PROFILE = Path(__file__).parent.parent / "config" / "fastdds.xml"


class FixedSegmenter:
    """Answers every instruction with one disc, after a given time; the n-th gets the n-th disc."""

    device = "cpu"
    engine = "none"
    refused = ""
    adapters = ""

    def __init__(self, seconds: float) -> None:
        self.name = f"fixed, {1000 * seconds:g} ms"
        self._seconds = seconds
        rows, columns = np.ogrid[:HEIGHT, :WIDTH]
        self._masks = [
            (rows - HEIGHT / 2) ** 2 + (columns - WIDTH * (i + 0.5) / SEGMENTS) ** 2 < RADIUS**2
            for i in range(SEGMENTS)
        ]

    def load_adapters(self, folder: str) -> None:
        """There are none."""

    def set_image(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Takes images of WIDTH x HEIGHT."""

    def ground(self, instructions: Sequence[str | Instruction]) -> list[Grounding]:
        """One disc each."""
        time.sleep(self._seconds)
        asked = [Instruction(i) if isinstance(i, str) else i for i in instructions]
        return [
            Grounding(
                instruction,
                Outcome.FOUND,
                Level.SIMPLE,
                presence=1.0,
                masks=self._masks[i % SEGMENTS][None],
                scores=np.array([0.9], np.float32),
                boxes=np.zeros((1, 4), np.float32),
            )
            for i, instruction in enumerate(asked)
        ]


class Mode(str, Enum):
    """What to measure."""

    NODE = "node"
    SOAK = "soak"


@dataclass(frozen=True)
class Answer:
    """What the listener saw of one frame."""

    frame: int
    heard: float  # time.monotonic, s
    delay: float  # from the image's stamp until then, s


class Camera:
    """Publishes RGB-D frames and listens to everything the node says."""

    def __init__(self) -> None:
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
        for topic, kind in (
            ("masks", Image),
            ("overlay", Image),
            ("points", PointCloud2),
            ("markers", MarkerArray),
        ):
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
def perception_node(model: str, log: Path) -> Iterator[int]:
    """The node as a process of its own, active; gives its process id."""
    asked = json.dumps([f"thing {i}" for i in range(SEGMENTS)])
    fixed = model.startswith("fixed:")
    module = "sam3i_ros.bench" if fixed else "sam3i_ros.perception_node"
    command = [sys.executable, "-m", module, "--ros-args", "-p", "autostart:=true"]
    command += ["-p", f"model:={model}", "-p", f"instructions:={asked}"]
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


def measure(model: str, rate: float, seconds: float) -> dict[str, Any]:
    """Runs camera and node at a rate, and gives all figures; times in ms, memory in MB.

    RuntimeError with the node's log if it does not come up.
    """
    os.environ.setdefault("FASTDDS_DEFAULT_PROFILES_FILE", str(PROFILE))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ["ROS_DOMAIN_ID"] = DOMAIN
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "node.log"
        with perception_node(model, log) as pid:
            camera = Camera()
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


def bench_command(
    mode: Annotated[
        Mode, typer.Argument(help="node: time per stage; soak: memory and drops under overload.")
    ] = Mode.NODE,
    model: Annotated[
        str, typer.Option(help="A checkpoint; by default none, so that the node alone is measured.")
    ] = "",
    rate: Annotated[float, typer.Option(help="Camera frames per second.")] = 15.0,
    seconds: Annotated[float, typer.Option(help="How long to measure.")] = 0.0,
    out: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
) -> None:
    """Measure the node with 640x480 RGB-D, 5 segments and every output listened to."""
    # The soak's model takes longer than a frame, so that frames must be dropped.
    model = model or ("fixed:0" if mode is Mode.NODE else "fixed:100")
    console = Console()
    try:
        figures = measure(model, rate, seconds or (20.0 if mode is Mode.NODE else 60.0))
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error
    figures = {"mode": mode.value, "model": model, "rate_hz": rate, **figures}
    table = Table("stage", "p50 ms", "p95 ms", title=f"node with model {model} at {rate:g} Hz")
    for stage, times in figures["stages_ms"].items():
        table.add_row(stage, f"{times['p50']:.2f}", f"{times['p95']:.2f}")
    console.print(table)
    for key, value in figures.items():
        if key != "stages_ms":
            console.print(f"{key}: {value}")
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _fixed(model: str, device: str, backend: str) -> FixedSegmenter:
    return FixedSegmenter(float(model.removeprefix("fixed:")) / 1000)


if __name__ == "__main__":  # the node's process
    from sam3i_ros.perception_node import main

    sys.exit(main(segmenter_factory=_fixed))
