"""What `sam3i replay` says and leaves behind when it can't do, or not finish, what was asked."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rclpy.serialization import serialize_message
from rosbags import rosbag1
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from sam3i_ros.msg import Instruction
from std_msgs.msg import String

from sam3i_ros.replay import result_bag
from tests.ros.fakes import ColourSegmenter
from tests.ros.recordings import (
    RED_ONLY,
    Line,
    colour,
    moment,
    read,
    refused,
    replay,
    times,
    write,
)

pytestmark = pytest.mark.usefixtures("loaded")


def stop_at_the_third_image(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """A signal comes while it is answered."""
    calls: list[int] = []
    ground = ColourSegmenter.ground

    def stopped(self: ColourSegmenter, instructions: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), number)
        return ground(self, instructions)

    monkeypatch.setattr(ColourSegmenter, "ground", stopped)


def test_an_interrupt_leaves_what_was_answered(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at_the_third_image(monkeypatch, signal.SIGTERM)
    said = replay(recording, tmp_path / "out", *RED_ONLY)
    assert said.exit_code == 130
    assert "Stopped." in said.output
    assert "answers to 2 of 4 images" in said.output
    assert times(read(tmp_path / "out")["/sam3i/segments"]) == [0, 100]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_who_is_impatient_loses_nothing(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C again and again while the bag is completed, also of a run that nothing has stopped."""

    class Hasty(Writer):
        def close(self) -> None:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
                os.kill(os.getpid(), number)
            super().close()

    monkeypatch.setattr(result_bag, "Writer", Hasty)
    said = replay(recording, tmp_path / "whole", *RED_ONLY)
    assert said.exit_code == 0, said.output
    assert len(read(tmp_path / "whole")["/sam3i/segments"]) == 4

    stop_at_the_third_image(monkeypatch, signal.SIGINT)
    said = replay(recording, tmp_path / "half", *RED_ONLY)
    assert said.exit_code == 130
    assert "answers to 2 of 4 images" in said.output
    assert times(read(tmp_path / "half")["/sam3i/segments"]) == [0, 100]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["half", "whole"]


@pytest.mark.parametrize("signals", [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM,) * 2])
def test_a_second_signal_ends_a_loading_that_goes_on_after_the_first(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signals: tuple[int, int]
) -> None:
    def stubborn(model: str, device: str) -> ColourSegmenter:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signals[0])
        os.kill(os.getpid(), signals[1])  # while its threads are waited for
        return ColourSegmenter()

    monkeypatch.setattr("sam3i_model.segmenter.Segmenter.from_pretrained", stubborn)
    said = replay(recording, tmp_path / "out", *RED_ONLY)
    assert said.exit_code == 130
    assert said.output == "stopped before anything was written\n"
    assert list(tmp_path.iterdir()) == []


def test_frames_that_fail_are_told_and_the_others_answered(tmp_path: Path) -> None:
    odd = colour(100)
    odd.encoding = "hsv8"
    cut = ("sensor_msgs/msg/Image", bytes(serialize_message(colour(200)))[:900])
    lines = [*moment(0), *moment(100), *moment(200), *moment(300)]
    lines[3] = (100, "/cam/rgb/image_raw", odd)
    lines[6] = (200, "/cam/rgb/image_raw", cut)
    said = replay(write(tmp_path / "bag", lines), tmp_path / "out", *RED_ONLY)
    assert said.exit_code == 0
    assert "answers to 2 of 4 images" in said.output
    assert "2 messages failed, the first: colour encoding 'hsv8' is not known" in said.output
    assert times(read(tmp_path / "out", "/sam3i/segments")["/sam3i/segments"]) == [0, 300]
    said = replay(tmp_path / "bag", tmp_path / "none", "--instruction", "crash")
    assert said.exit_code == 1
    assert "none of 4 images was answered" in said.output
    assert "told to crash" in said.output
    assert not (tmp_path / "none").exists()
    assert "Traceback" not in said.output


def noise(path: Path) -> Path:
    path.write_bytes(b"noise" * 1000)
    return path


def cut_short(path: Path) -> Path:
    write(path, moment(0))
    file = path / f"{path.name}.mcap"
    file.write_bytes(file.read_bytes()[:-300])
    return path


def without_its_sheet(path: Path) -> Path:
    """As a killed recorder leaves it."""
    write(path, moment(0))
    (path / "metadata.yaml").unlink()
    return path


def emptied(path: Path) -> Path:
    """Counts messages that are not there."""
    write(path, moment(0), StoragePlugin.SQLITE3)
    with sqlite3.connect(path / f"{path.name}.db3") as data:
        data.execute("DELETE FROM messages")
    return path


def of_ros_1(path: Path) -> Path:
    store = get_typestore(Stores.ROS1_NOETIC)
    with rosbag1.Writer(path) as writer:
        text = store.types["std_msgs/msg/String"]("red")
        connection = writer.add_connection("/text", text.__msgtype__, typestore=store)
        writer.write(connection, 1, store.serialize_ros1(text, text.__msgtype__))
    return path


def to_two_nodes(path: Path) -> Path:
    spoken: list[Line] = [
        (0, f"/{side}/sam3i/instruction_text", String(data="red")) for side in ("left", "right")
    ]
    return write(path, [*moment(0), *spoken])


def of_another_version(path: Path) -> Path:
    """An Instruction that has other fields than ours."""
    write(path, [*moment(0), (0, "/sam3i/instruction", Instruction(text="red"))])
    file = path / f"{path.name}.mcap"
    data = file.read_bytes()
    assert b"uint16 max_instances" in data
    file.write_bytes(data.replace(b"uint16 max_instances", b"uint16 max_instancez"))
    return file


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing.mcap": (lambda path: path, "No recording at"),
    "noise.mcap": (noise, "is not a rosbag2 that can be read"),
    "noise.txt": (noise, "is not a rosbag2 that can be read"),
    "empty": (lambda path: (path.mkdir(), path)[1], "is not a rosbag2 that can be read"),
    "cut": (cut_short, "It was cut off: `mcap recover FILE.mcap -o NEW.mcap`"),
    "killed": (without_its_sheet, "Name the .mcap or .db3 file in it."),
    "emptied": (emptied, "none of the 1 messages on /cam/rgb/image_raw that it counts"),
    "x" * 300: (lambda path: path, "x is not a rosbag2 that can be read: [Errno 36] File name"),
    "one.bag": (of_ros_1, "is of ROS 1"),
    "blind": (
        lambda path: write(path, [(0, "/t", String(data="x"))]),
        "has no colour images",
    ),
    "mute": (lambda path: write(path, moment(0)), "No instructions were recorded"),
    "two": (to_two_nodes, "several nodes: /left/sam3i, /right/sam3i; say --instruction"),
    "version": (of_another_version, "was another message then"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_replayed_ends_in_one_line(
    tmp_path: Path, name: str, loaded: list[str]
) -> None:
    make, reason = BAD[name]
    line = refused(replay(make(tmp_path / name), tmp_path / "out"))
    assert reason in line
    assert not (tmp_path / "out").exists()
    assert loaded == []  # before the model is loaded


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--name", "a b"), "--name a b"),
        (("--name", "../x"), "--name ../x"),
        (("--name", "sämi"), "--name sämi: a node can't be called that"),
        (("--name", "x" * 300), "a node can't be called that"),
        (("--name", ""), "a node can't be called that"),
        (("--rate", "nan"), "--rate nan: not between 0 and 240"),
        (("--rate", "-1"), "--rate -1: not between"),
        (("--instruction", " "), "the text is empty"),
        (("--instruction", "red " * 500), "use at most 1000"),
    ],
)
def test_what_can_not_be_asked_is_said(
    recording: Path, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    assert reason in refused(replay(recording, tmp_path / "out", *RED_ONLY, *options))


def test_damage_in_the_middle_keeps_what_came_before(tmp_path: Path) -> None:
    filler = String(data="x" * 50_000)
    frames = [line for n in range(40) for line in [*moment(50 * n), (50 * n, "/filler", filler)]]
    bag = write(tmp_path / "bag", frames)
    with AnyReader([bag]) as reader:
        chunk = reader.readers[0].storage.storages[0].chunks[-1]
    file = bag / "bag.mcap"
    data = bytearray(file.read_bytes())
    start = chunk.chunk_start_offset + 49  # its records, not compressed
    data[start : start + 9] = b"\x05" + (2**62).to_bytes(8, "little")
    file.write_bytes(data)
    said = replay(bag, tmp_path / "out", *RED_ONLY)
    assert said.exit_code == 1, said.output
    assert "The recording is damaged" in said.output
    assert "Traceback" not in said.output
    found = read(tmp_path / "out")["/sam3i/segments"]
    assert 0 < len(found) < 40
    assert f"answers to {len(found)} of 40 images" in said.output
