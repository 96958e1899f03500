"""camera_player as a process of its own, heard over DDS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from rosgraph_msgs.msg import Clock
from sam3i_ros.msg import SegmentArray
from sensor_msgs.msg import CompressedImage

from sam3i_ros.bags import Message
from sam3i_ros.player import BagError, CameraBag, moment, read_stamp, restamped
from tests.ros import recordings

STORE = get_typestore(Stores.ROS2_KILTED)
COLOUR = "/camera/color/image_raw/compressed"
DEPTH = "/camera/depth/image_raw/compressedDepth"
TRUTH = "/truth/labels"
START = 5_000_000_000
STEP = 50_000_000
DOMAIN = 61


def image(stamp: int, value: int = 0) -> bytes:
    types = STORE.types
    time_type = types["builtin_interfaces/msg/Time"]
    header = types["std_msgs/msg/Header"](time_type(stamp // 10**9, stamp % 10**9), "camera")
    data = np.full(1000, value, np.uint8)
    message = types["sensor_msgs/msg/CompressedImage"](header, "jpeg", data)
    return bytes(STORE.serialize_cdr(message, message.__msgtype__))


def write_bag(
    path: Path, topics: tuple[str, ...], plugin: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    """Ten frames at 20 Hz on each topic."""
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        connections = [
            writer.add_connection(t, "sensor_msgs/msg/CompressedImage", typestore=STORE)
            for t in topics
        ]
        for frame in range(10):
            stamp = START + frame * STEP
            for connection in connections:
                writer.write(connection, stamp, image(stamp, frame))
    return path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))


class Ear:
    """Listens to all topics, reliably or not, and keeps what it hears."""

    def __init__(self, reliability: ReliabilityPolicy) -> None:
        self.heard: dict[str, list[CompressedImage]] = defaultdict(list)
        self.node = rclpy.create_node("ear")
        qos = QoSProfile(depth=20, reliability=reliability)
        for topic in (COLOUR, DEPTH, TRUTH):
            self.node.create_subscription(CompressedImage, topic, self.heard[topic].append, qos)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def listen(self, process: subprocess.Popen[str], timeout: float = 15.0) -> None:
        end = time.monotonic() + timeout
        while process.poll() is None and time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.05)
        for _ in range(40):  # returns at once while there is something to hear
            self.executor.spin_once(timeout_sec=0.02)


@pytest.fixture(params=[ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT])
def ear(request: pytest.FixtureRequest, environment: None) -> Iterator[Ear]:
    rclpy.init()
    ear = Ear(request.param)
    yield ear
    ear.node.destroy_node()
    rclpy.shutdown()


def play(bag: Path | str, **parameters: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sam3i_ros.player", "--ros-args", "-p", f"bag:={bag}"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={str(value).lower()}"]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def stamp_of(message: CompressedImage) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def test_stamp_is_read_and_replaced_and_nothing_else() -> None:
    data = image(12_000_000_345, 7)
    assert read_stamp(data) == 12_000_000_345
    changed = restamped(data, 1_700_000_000_999_999_999)
    assert changed == image(1_700_000_000_999_999_999, 7)
    big_endian = bytes([0, 0, 0, 0]) + (3).to_bytes(4, "big") + (4).to_bytes(4, "big")
    assert read_stamp(big_endian) == 3_000_000_004
    assert read_stamp(restamped(big_endian, 9_000_000_001)) == 9_000_000_001


def test_a_message_without_a_stamp_was_taken_when_it_was_recorded() -> None:
    assert moment(Message("/info", START, image(0))) == START
    assert moment(Message("/info", START, image(START + 5))) == START + 5


def test_stamps_beyond_a_header_are_an_error_of_one_line() -> None:
    with pytest.raises(BagError, match="restamp:=false"):
        restamped(image(0), 3_400_000_000 * 10**9)


def test_truncated_message_is_an_error_of_one_line() -> None:
    with pytest.raises(BagError, match="damaged"):
        read_stamp(b"\0\1\0\0\1\0\0\0")


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_bag_gives_camera_topics_only(tmp_path: Path, plugin: StoragePlugin) -> None:
    path = write_bag(tmp_path / "bag", (COLOUR, DEPTH, TRUTH), plugin)
    with CameraBag.open(path) as bag:
        messages = list(bag)
        assert set(bag.types) == {COLOUR, DEPTH}
        assert bag.period == STEP
    assert len(messages) == 20
    assert messages[-1].time == START + 9 * STEP
    assert messages[-1].data == image(START + 9 * STEP, 9)


@pytest.mark.parametrize("segments", [[(0, "/left/sam3i/segments", SegmentArray())], []])
def test_results_of_a_node_are_not_a_cameras(
    tmp_path: Path, segments: list[recordings.Line]
) -> None:
    path = recordings.write(
        tmp_path / "bag",
        [
            *recordings.moment(0),
            *segments,
            (0, "/left/sam3i/masks", recordings.depth(0)),
            (0, "/left/sam3i/overlay", recordings.colour(0)),
        ],
    )
    with CameraBag.open(path) as bag:
        camera = {"/cam/rgb/image_raw", "/cam/rgb/camera_info", "/cam/depth_registered/image_raw"}
        assert set(bag.types) == {message.topic for message in bag} == camera


def test_plays_once_as_recorded(tmp_path: Path, ear: Ear) -> None:
    path = write_bag(tmp_path / "bag", (COLOUR, DEPTH, TRUTH))
    times: list[int] = []
    ear.node.create_subscription(
        Clock, "/clock", lambda m: times.append(m.clock.sec * 10**9 + m.clock.nanosec), 20
    )
    process = play(path, loop=False, restamp=False)
    ear.listen(process)
    output = process.communicate(timeout=5)[0]
    assert process.returncode == 0, output
    expected = [START + i * STEP for i in range(10)]
    assert [stamp_of(m) for m in ear.heard[COLOUR]] == expected
    assert [stamp_of(m) for m in ear.heard[DEPTH]] == expected
    assert bytes(ear.heard[COLOUR][3].data) == bytes([3]) * 1000
    assert not ear.heard[TRUTH]
    assert sorted(set(times)) == expected  # for nodes with use_sim_time


def test_restamps_to_now_and_keeps_pairs_and_intervals(tmp_path: Path, ear: Ear) -> None:
    path = write_bag(tmp_path / "bag", (COLOUR, DEPTH))
    before = time.time_ns()
    process = play(path, loop=False, rate=2.0)
    ear.listen(process)
    output = process.communicate(timeout=5)[0]
    assert process.returncode == 0, output
    colour = [stamp_of(m) for m in ear.heard[COLOUR]]
    assert len(colour) == 10
    assert colour == [stamp_of(m) for m in ear.heard[DEPTH]]
    assert set(np.diff(colour)) == {STEP // 2}
    assert before < colour[0] < colour[-1] < time.time_ns()


def test_loops_until_interrupted(tmp_path: Path, ear: Ear) -> None:
    path = write_bag(tmp_path / "bag", (COLOUR,))
    process = play(path, rate=10.0)
    end = time.monotonic() + 15
    while len(ear.heard[COLOUR]) < 25 and time.monotonic() < end:
        ear.executor.spin_once(timeout_sec=0.05)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=5)[0]
    assert process.returncode == 0, output
    assert "Traceback" not in output
    colour = [stamp_of(m) for m in ear.heard[COLOUR]]
    assert len(colour) >= 25
    # 45 ms a round and 5 ms to the next: stamps go on rising over the seam.
    assert min(np.diff(colour)) > 0


@pytest.mark.parametrize(
    ("topics", "cause"),
    [
        ((), "No recording at"),
        ((TRUTH,), "has no camera topics"),
        (("/camera-1/image_raw",), "has the topic '/camera-1/image_raw', which is no name"),
    ],
)
def test_what_cannot_be_played_ends_in_one_line(
    tmp_path: Path, environment: None, topics: tuple[str, ...], cause: str
) -> None:
    path = write_bag(tmp_path / "bag", topics) if topics else tmp_path / "nothing.mcap"
    process = play(path)
    output = process.communicate(timeout=15)[0]
    assert process.returncode == 1
    assert cause in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"rate": 2}, "expecting type 'DOUBLE'"),
        ({"rate": 0.0}, "out of range"),
        ({"loop": 1}, "expecting type 'BOOL'"),
        ({}, "bag is empty; name one: -p bag:=recording.mcap"),
    ],
)
def test_a_wrong_parameter_ends_in_one_line(
    tmp_path: Path, environment: None, parameters: dict[str, object], cause: str
) -> None:
    process = play(tmp_path if parameters else '""', **parameters)
    output = process.communicate(timeout=15)[0]
    assert process.returncode == 1
    assert "a parameter cannot be used: " in output
    assert cause in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("program", "words", "code", "told"),
    [
        ("player", ["--help"], 0, "usage: camera_player --ros-args -p bag:=recording.mcap"),
        ("player", ["-p", "bag:=a"], 2, "camera_player: error: unrecognized arguments: -p"),
        ("player", ["--ros-args", "-p", "bag:="], 2, "Couldn't parse parameter override rule"),
        ("planner", ["--help"], 0, "usage: planner --ros-args -p 'instructions:="),
        ("perception_node", ["--help"], 0, "usage: perception_node --ros-args [-p NAME:=VALUE]"),
    ],
)
def test_a_node_program_has_help_and_only_the_arguments_of_ros(
    program: str, words: list[str], code: int, told: str
) -> None:
    command = [
        sys.executable,
        "-m",
        f"sam3i_ros.{program}",
        *words,
        "--ros-args",
        "-p",
        "rate:=1.0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == code
    assert told in done.stdout + done.stderr


def test_a_player_that_fails_ends(tmp_path: Path, environment: None) -> None:
    """Also of what nobody foresaw."""
    path = write_bag(tmp_path / "bag", (COLOUR,))
    fail = "CameraPlayer._advertise = lambda self, bag: 1 / 0; sys.exit(main())"
    code = f"import sys; from sam3i_ros.player import CameraPlayer, main; {fail}"
    command = [sys.executable, "-c", code, "--ros-args", "-p", f"bag:={path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_file_that_is_no_bag(tmp_path: Path) -> None:
    path = tmp_path / "noise.mcap"
    path.write_bytes(b"noise" * 100)
    with pytest.raises(BagError, match="is not a rosbag2"), CameraBag.open(path):
        pass
