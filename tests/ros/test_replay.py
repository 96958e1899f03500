"""`sam3i replay`: recordings written here, results read back with the file's own types alone."""

from __future__ import annotations

import errno
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from rosbags import rosbag1
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from sam3i_ros.msg import Instruction
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header, String
from typer.testing import CliRunner, Result

from sam3i_model import cli
from sam3i_ros.bags import type_name, typestore
from sam3i_ros.messages import image_msg, mask_from_segment
from sam3i_ros.replay import result_bag
from tests.ros.fakes import ColourSegmenter
from tests.ros.rig import BLUE, HEIGHT, RED, RED_CENTROID, WIDTH, flat_depth, info, scene
from training.world import bag as world
from training.world.bag import Shot, write_bag

START, STEP = world.FIRST_STAMP, 100_000_000  # ns
MATRIX = np.array([[50.0, 0.0, 31.5], [0.0, 50.0, 23.5], [0.0, 0.0, 1.0]])
RESULTS = ("masks", "points", "segments", "markers", "overlay")
ADD, REMOVE, CLEAR = Instruction.ADD, Instruction.REMOVE, Instruction.CLEAR
PROJECT = Path(__file__).resolve().parents[2]
SHELF = Path(os.environ.get("SAM3I_DATA", PROJECT.parent / "shared/data"))
SHELF = SHELF / "rosbag/apc_shelf_15frames"


class Read(NamedTuple):
    """A message as it lies in a bag."""

    time: int
    data: bytes
    content: Any


def read(path: Path, only: str = "") -> dict[str, list[Read]]:
    """All messages by topic, in their order; the types are those that the file defines."""
    found: dict[str, list[Read]] = defaultdict(list)
    with AnyReader([path]) as reader:
        wanted = [c for c in reader.connections if only in ("", c.topic)]
        for connection, time, data in reader.messages(wanted):
            content = reader.deserialize(data, connection.msgtype)
            found[connection.topic].append(Read(time, bytes(data), content))
    return found


def stamp(content: Any) -> int:
    return content.header.stamp.sec * 10**9 + content.header.stamp.nanosec


def times(messages: Sequence[Read]) -> list[int]:
    return [(message.time - START) // 10**6 for message in messages]


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The colour segmenter stands in for every model; the models asked for."""
    models: list[str] = []

    def load(model: str, device: str) -> ColourSegmenter:
        models.append(model)
        return ColourSegmenter()

    monkeypatch.setattr("sam3i_model.segmenter.Segmenter.from_pretrained", load)
    return models


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The command takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def replay(bag: Path, out: Path, *options: str) -> Result:
    arguments = ["replay", str(bag), "--out", str(out), *options]
    return CliRunner().invoke(cli.build("replay"), arguments)


def refused(said: Result) -> str:
    """The one line of an error."""
    assert said.exit_code == 1, said.output
    lines = said.output.strip().splitlines()
    assert len(lines) == 1, said.output
    return lines[0]


RED_ONLY = ("--instruction", "the red thing")


def shots(count: int) -> list[Shot]:
    return [
        Shot(
            START + n * STEP,
            scene(),
            flat_depth(np.float32),
            MATRIX,
            np.zeros((HEIGHT, WIDTH), np.uint8),
            [],
            [],
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames of a red and a blue square two metres away, as the world is recorded."""
    path = tmp_path_factory.mktemp("bags") / "scene"
    write_bag(path, shots(4), lossless=True)
    return path


Line = tuple[int, str, Any]  # ms from START, topic, message or CDR


def write(path: Path, lines: Sequence[Line], plugin: StoragePlugin = StoragePlugin.MCAP) -> Path:
    """A recording of these messages, each at its time."""
    store, connections = typestore(), {}
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        for time, topic, message in lines:
            kind, data = (
                message
                if isinstance(message, tuple)
                else (type_name(type(message)), bytes(serialize_message(message)))
            )
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], START + time * 10**6, data)
    return path


def header(milliseconds: int) -> Header:
    result = Header(frame_id="camera_optical_frame")
    total = START + milliseconds * 10**6
    result.stamp.sec, result.stamp.nanosec = divmod(total, 10**9)
    return result


def colour(milliseconds: int) -> Image:
    return image_msg(scene(), "rgb8", header(milliseconds))


def depth(milliseconds: int) -> Image:
    return image_msg(flat_depth(), "16UC1", header(milliseconds))


def moment(milliseconds: int) -> list[Line]:
    """A frame of a camera with raw images."""
    return [
        (milliseconds, "/cam/rgb/image_raw", colour(milliseconds)),
        (milliseconds, "/cam/depth_registered/image_raw", depth(milliseconds)),
        (milliseconds, "/cam/rgb/camera_info", camera(milliseconds)),
    ]


def camera(milliseconds: int) -> CameraInfo:
    result = info()
    result.header = header(milliseconds)
    return result


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
        (250, "/sam3i/instruction", Instruction(id="r", operation=REMOVE)),
        (350, "/sam3i/instruction", Instruction(id="x" * 500, text="green")),
        (450, "/sam3i/instruction", Instruction(operation=9)),
        (550, "/sam3i/instruction", Instruction(operation=CLEAR)),
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


def test_topics_are_named_where_they_can_not_be_told(tmp_path: Path) -> None:
    grey = image_msg(scene()[..., 0].copy(), "mono8", header(0))
    lines: list[Line] = [
        *moment(0),
        (0, "/left/image_raw", colour(0)),
        (0, "/infra/image_raw", grey),
        (0, "/cam/depth/image_raw", depth(0)),  # not aligned
        (0, "/left/camera_info", camera(0)),
    ]
    bag = write(tmp_path / "bag", lines)
    line = refused(replay(bag, tmp_path / "out", *RED_ONLY))
    assert "colour image: /cam/rgb/image_raw, /left/image_raw; say --image" in line
    named = (*RED_ONLY, "--image", "/left/image_raw")
    assert replay(bag, tmp_path / "out", *named).exit_code == 0
    after = read(tmp_path / "out")
    assert {"/left/image_raw", "/cam/depth_registered/image_raw"} < set(after)
    assert not {"/cam/rgb/image_raw", "/infra/image_raw", "/cam/depth/image_raw"} & set(after)
    assert after["/sam3i/segments"][0].content.frame_3d
    assert replay(bag, tmp_path / "flat", *named, "--depth", "none").exit_code == 0
    assert read(tmp_path / "flat")["/sam3i/segments"][0].content.frame_3d == ""
    line = refused(replay(bag, tmp_path / "x", *RED_ONLY, "--image", "/nowhere"))
    assert "no such colour image; it has: /cam/depth/image_raw" in line
    line = refused(replay(bag, tmp_path / "x", *named, "--camera-info", "/nowhere"))
    assert "no such camera_info" in line


def test_an_image_is_preferred_to_its_compressed_twin(tmp_path: Path, recording: Path) -> None:
    packed = read(recording)[world.COLOUR][0].data
    twin = ("sensor_msgs/msg/CompressedImage", packed)
    lines: list[Line] = [*moment(0), (0, "/cam/rgb/image_raw/compressed", twin)]
    bag = write(tmp_path / "bag", lines)
    assert replay(bag, tmp_path / "out", *RED_ONLY).exit_code == 0
    assert "/cam/rgb/image_raw/compressed" not in read(tmp_path / "out")


def test_an_interrupt_leaves_what_was_answered(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    ground = ColourSegmenter.ground

    def stopped(self: ColourSegmenter, instructions: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return ground(self, instructions)

    monkeypatch.setattr(ColourSegmenter, "ground", stopped)
    said = replay(recording, tmp_path / "out", *RED_ONLY)
    assert said.exit_code == 130
    assert "Stopped." in said.output
    assert "answers to 2 of 4 images" in said.output
    assert times(read(tmp_path / "out")["/sam3i/segments"]) == [0, 100]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_bag_is_replaced_only_if_told_to(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0
    assert "is there already" in refused(replay(recording, out, "--instruction", "blue"))
    assert read(out)["/sam3i/segments"][0].content.results[0].text == "the red thing"
    assert replay(recording, out, "--instruction", "blue", "--force").exit_code == 0
    assert read(out)["/sam3i/segments"][0].content.results[0].text == "blue"
    home = tmp_path / "home"
    home.mkdir()
    (home / "precious").touch()
    assert "is not a bag" in refused(replay(recording, home, *RED_ONLY, "--force"))
    assert (home / "precious").exists()
    for place in (recording, recording.parent):
        line = refused(replay(recording, place, *RED_ONLY, "--force"))
        assert "where the recording itself is" in line
    inside = next(recording.glob("*.mcap"))
    assert "where the recording" in refused(replay(inside, recording, *RED_ONLY, "--force"))


def test_a_full_disk_changes_nothing(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0

    class Full(Writer):
        def write(self, *arguments: Any) -> None:
            if sum(self.counts.values()) > 5:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().write(*arguments)

    monkeypatch.setattr(result_bag, "Writer", Full)
    said = replay(recording, out, "--instruction", "blue", "--force")
    assert said.exit_code == 1
    lines = said.output.strip().splitlines()
    assert lines[-1] == f"{out} can't be written: No space left on device"
    assert len(lines) == 2  # the other is the progress bar
    assert read(out)["/sam3i/segments"][0].content.results[0].text == "the red thing"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


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
    assert "answers to 0 of 4 images" in said.output
    assert "told to crash" in said.output
    assert "Traceback" not in said.output


def noise(path: Path) -> Path:
    path.write_bytes(b"noise" * 1000)
    return path


def cut_short(path: Path) -> Path:
    write(path, moment(0))
    file = path / f"{path.name}.mcap"
    file.write_bytes(file.read_bytes()[:-300])
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
    "cut": (cut_short, "is not a rosbag2 that can be read"),
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


def test_the_bag_keeps_how_topics_were_offered(tmp_path: Path, recording: Path) -> None:
    """Latched ones stay latched when the new bag is played."""
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

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
