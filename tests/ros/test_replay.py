"""`sam3i replay`: recordings written here, results read back with the file's own types alone."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from sam3i_ros.msg import Instruction, SegmentArray
from std_msgs.msg import String

from sam3i_model.definitions import typestore
from sam3i_ros.messages import mask_from_segment
from sam3i_ros.replay import result_bag
from tests.ros.recordings import (
    RED_ONLY,
    START,
    STEP,
    Line,
    camera,
    colour,
    depth,
    moment,
    read,
    replay,
    stamp,
    times,
    write,
)
from tests.ros.rig import BLUE, HEIGHT, RED, RED_CENTROID, WIDTH
from training.world import bag as world

RESULTS = ("masks", "points", "segments", "markers", "overlay")
PROJECT = Path(__file__).resolve().parents[2]
SHELF = Path(os.environ.get("SAM3I_DATA", PROJECT.parent / "shared/data"))
SHELF = SHELF / "rosbag/apc_shelf_15frames"
pytestmark = pytest.mark.usefixtures("loaded")


def test_results_lie_beside_the_camera_with_its_stamps(recording: Path, tmp_path: Path) -> None:
    asked = (*RED_ONLY, "--instruction", "blue", "--instruction", "green")
    said = replay(recording, tmp_path / "out", *asked)
    assert said.exit_code == 0, said.output
    assert "answers to 4 of 4 images" in said.output
    before, after = read(recording), read(tmp_path / "out")
    copied = {world.COLOUR, world.DEPTH, world.CAMERA_INFO}
    assert set(after) == copied | {f"/sam3i/{name}" for name in RESULTS}
    for topic in copied:
        assert [m[:2] for m in after[topic]] == [m[:2] for m in before[topic]]
    for name in ("masks", "points", "segments", "overlay"):
        found = after[f"/sam3i/{name}"]
        assert [m.time for m in found] == [START + n * STEP for n in range(4)]
        assert [stamp(m.content) for m in found] == [m.time for m in found]
    assert times(after["/sam3i/markers"]) == [0, 100, 200, 300]
    assert all(len(m.content.markers) == 5 for m in after["/sam3i/markers"])

    array = after["/sam3i/segments"][0].content
    assert [(r.id, r.text, r.outcome) for r in array.results] == [
        ("instructions[0]", "the red thing", 1),
        ("instructions[1]", "blue", 1),
        ("instructions[2]", "green", 2),
    ]
    assert (array.frame_3d, array.detail_3d) == (world.FRAME_ID, "")
    assert 0 < array.latency < 10
    red, blue = array.segments
    centroid = red.centroid.x, red.centroid.y, red.centroid.z
    np.testing.assert_allclose(centroid, RED_CENTROID, atol=1e-3)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[RED] = True
    np.testing.assert_array_equal(mask_from_segment(red, (HEIGHT, WIDTH)), expected)
    labels = after["/sam3i/masks"][0].content
    labels = labels.data.view(np.uint16).reshape(HEIGHT, WIDTH)
    assert (labels[RED] == 1).all()
    assert (labels[BLUE] == 2).all()
    points = after["/sam3i/points"][0].content
    assert points.width == red.point_count + blue.point_count
    picture = after["/sam3i/overlay"][0].content
    assert (picture.encoding, picture.width, picture.height) == ("rgb8", WIDTH, HEIGHT)
    assert not list(tmp_path.glob(".sam3i-*"))


def test_instructions_are_those_of_their_time(tmp_path: Path) -> None:
    commands: list[Line] = [
        (-20, "/sam3i/instruction", Instruction(id="r", text="red")),  # latched: before any frame
        (150, "/sam3i/instruction_text", String(data="blue")),
        (250, "/sam3i/instruction", Instruction(id="r", operation=Instruction.REMOVE)),
        (350, "/sam3i/instruction", Instruction(id="x" * 500, text="green")),
        (450, "/sam3i/instruction", Instruction(operation=9)),
        (550, "/sam3i/instruction", Instruction(operation=Instruction.CLEAR)),
        (650, "/sam3i/instruction_text", String(data="  ")),
    ]
    frames = [line for n in range(8) for line in moment(100 * n)]
    lines = sorted([*commands, *frames], key=lambda line: line[0])
    said = replay(write(tmp_path / "bag", lines), tmp_path / "out")
    assert said.exit_code == 0, said.output
    assert "operation 9 does not exist" in said.output
    after = read(tmp_path / "out")
    results = [{r.id[:7]: r.outcome for r in m.content.results} for m in after["/sam3i/segments"]]
    assert results == [
        {"r": 1},
        {"r": 1},
        {"r": 1, "default": 1},
        {"default": 1},
        {"default": 1, "xxxxxxx": 4},
        {"default": 1, "xxxxxxx": 4},
        {},
        {},
    ]
    assert times(after["/sam3i/instruction"]) == [-20, 250, 350, 450, 550]
    assert [m.content.data for m in after["/sam3i/instruction_text"]] == ["blue", "  "]


def test_two_models_side_by_side(recording: Path, tmp_path: Path, loaded: list[str]) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    assert replay(recording, first, *RED_ONLY, "--model", "a").exit_code == 0
    other = ("--instruction", "blue", "--model", "b", "--name", "right/sam3i")
    assert replay(first, second, *other).exit_code == 0
    both = read(second)
    texts = {
        name: both[f"{name}/segments"][0].content.results[0].text
        for name in ("/sam3i", "/right/sam3i")
    }
    assert texts == {"/sam3i": "the red thing", "/right/sam3i": "blue"}
    old = read(first)
    for name in RESULTS:
        assert [m[:2] for m in both[f"/sam3i/{name}"]] == [m[:2] for m in old[f"/sam3i/{name}"]]
        assert len(both[f"/right/sam3i/{name}"]) == 4
    assert replay(second, third, "--instruction", "green").exit_code == 0
    anew = read(third)
    assert {m.content.results[0].text for m in anew["/sam3i/segments"]} == {"green"}
    assert len(anew["/sam3i/segments"]) == 4
    assert {m.content.results[0].text for m in anew["/right/sam3i/segments"]} == {"blue"}
    assert loaded == ["a", "b", "bundled"]


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_every_image_is_answered_whatever_its_depth_does(
    tmp_path: Path, plugin: StoragePlugin
) -> None:
    rgb, registered = "/cam/rgb/image_raw", "/cam/depth_registered/image_raw"
    lines: list[Line] = [
        (0, rgb, colour(0)),
        (60, rgb, colour(60)),
        (61, registered, depth(60)),
        (190, registered, depth(0)),  # late: the image waits
        (191, "/cam/rgb/camera_info", camera(0)),  # holds for the first image too
        (200, rgb, colour(200)),  # has none
        (2500, rgb, colour(2500)),  # nothing came for long
        (2501, registered, depth(2500)),
        (2600, rgb, colour(2600)),  # the last one has none either
    ]
    said = replay(write(tmp_path / "bag", lines, plugin), tmp_path / "out", *RED_ONLY)
    assert said.exit_code == 0, said.output
    found = read(tmp_path / "out")["/sam3i/segments"]
    assert times(found) == [0, 60, 200, 2500, 2600]
    assert [stamp(m.content) for m in found] == [m.time for m in found]
    assert [bool(m.content.frame_3d) for m in found] == [True, True, False, True, False]
    assert "depth" in found[2].content.detail_3d
    assert {m.content.results[0].outcome for m in found} == {1}


def test_rate_leaves_images_out_evenly(tmp_path: Path) -> None:
    lines = [line for n in range(20) for line in moment(50 * n)]
    said = replay(write(tmp_path / "bag", lines), tmp_path / "out", *RED_ONLY, "--rate", "5")
    assert "answers to 5 of 20 images" in said.output
    after = read(tmp_path / "out")
    assert times(after["/sam3i/segments"]) == [0, 200, 400, 600, 800]
    assert len(after["/cam/rgb/image_raw"]) == 20


def test_the_last_image_of_a_simulation_is_answered_without_its_depth(tmp_path: Path) -> None:
    """Its times are small, and not as round as those of today."""
    since = 77 - START // 10**6
    lines: list[Line] = [(since, "/cam/rgb/image_raw", colour(since))]
    lines = [(since - 50, topic, message) for _, topic, message in moment(since - 50)] + lines
    said = replay(write(tmp_path / "bag", lines), tmp_path / "out", *RED_ONLY)
    assert "answers to 2 of 2 images" in said.output


def test_latency_ends_before_what_waits_to_be_written(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Writer):
        def write(self, *arguments: Any) -> None:
            if not sum(self.counts.values()):
                time.sleep(0.5)
            super().write(*arguments)

    monkeypatch.setattr(result_bag, "Writer", Slow)
    assert replay(recording, tmp_path / "out", *RED_ONLY).exit_code == 0
    arrays = read(tmp_path / "out")["/sam3i/segments"]
    assert all(0 < m.content.latency < 0.4 for m in arrays)


def test_results_of_another_version_stay_behind(tmp_path: Path) -> None:
    """All of them, or their pictures would pass for a camera's where their segments are missing."""
    old: list[Line] = [
        (0, "/old/segments", SegmentArray()),
        (0, "/old/masks", colour(0)),
        (0, "/old/overlay", colour(0)),
    ]
    file = write(tmp_path / "bag", [*moment(0), *old]) / "bag.mcap"
    data = file.read_bytes()
    assert b"string prompt" in data  # of the InstructionResult that is in it
    file.write_bytes(data.replace(b"string prompt", b"string pronpt"))
    told = "Results of /old are of another version and are left out."
    said = replay(file, tmp_path / "out", *RED_ONLY)
    assert said.exit_code == 0, said.output
    assert said.output.splitlines().count(told) == 1
    after = read(tmp_path / "out")
    assert {topic for topic in after if topic.startswith("/old")} == set()
    assert after["/sam3i/segments"][0].content.results[0].prompt == ""  # as it is now
    again = replay(tmp_path / "out", tmp_path / "again", *RED_ONLY, "--name", "other")
    assert again.exit_code == 0, again.output
    assert told not in again.output
    same = replay(file, tmp_path / "same", *RED_ONLY, "--name", "old")
    assert same.exit_code == 0
    assert told not in same.output  # those of the same name are always left out


def test_the_bag_keeps_how_topics_were_offered(tmp_path: Path, recording: Path) -> None:
    """Latched ones stay latched when the new bag is played."""
    forever = QosTime(2147483647, 4294967295)
    latched = Qos(
        QosHistory.KEEP_LAST,
        1,
        QosReliability.RELIABLE,
        QosDurability.TRANSIENT_LOCAL,
        forever,
        forever,
        QosLiveliness.AUTOMATIC,
        forever,
        False,
    )
    store = typestore()
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        tf = writer.add_connection(
            "/tf_static", "tf2_msgs/msg/TFMessage", typestore=store, offered_qos_profiles=[latched]
        )
        transforms = store.types["tf2_msgs/msg/TFMessage"]([])
        writer.write(tf, START, store.serialize_cdr(transforms, tf.msgtype))
        connection = writer.add_connection("/image", "sensor_msgs/msg/Image", typestore=store)
        writer.write(connection, START, bytes(serialize_message(colour(0))))
    assert replay(tmp_path / "bag", tmp_path / "out", *RED_ONLY).exit_code == 0
    with AnyReader([tmp_path / "out"]) as reader:
        kept = {c.topic: c.ext.offered_qos_profiles for c in reader.connections}
        counts = {c.topic: c.msgcount for c in reader.connections}
    assert kept["/tf_static"] == [latched]
    assert counts["/tf_static"] == 1


@pytest.mark.skipif(not SHELF.is_dir(), reason="the recording is not there")
def test_a_real_recording(tmp_path: Path) -> None:
    said = replay(SHELF, tmp_path / "out", "--instruction", "blue", "--rate", "2.5")
    assert said.exit_code == 0, said.output
    before, after = read(SHELF), read(tmp_path / "out")
    assert set(before) < set(after)
    assert [m[:2] for m in after["/tf"]] == [m[:2] for m in before["/tf"]]
    arrays = after["/sam3i/segments"]
    images = before["/camera/color/image_raw/compressed"]
    assert [m.time for m in arrays] == [m.time for m in images[::2]]
    assert all(m.content.frame_3d == "camera_color_optical_frame" for m in arrays)
    found = [m.content for m in arrays if m.content.segments]
    assert found
    assert all(0.1 < a.segments[0].centroid.z < 2 for a in found if a.segments[0].point_count)
