"""The perception node in a process of its own, with a camera and a planner that talk DDS to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.parameter import Parameter, parameter_value_to_python
from sam3i_ros.msg import Instruction, InstructionResult, SegmentArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header, String

from sam3i_ros.dds import profile_variable
from sam3i_ros.messages import image_msg
from sam3i_ros.parameters import PARAMETERS
from tests.ros.rig import (
    BLUE,
    FOUND,
    HEIGHT,
    NOT_FOUND,
    OUTPUTS,
    RED,
    RED_CENTROID,
    REJECTED,
    SETTLE,
    WIDTH,
    Process,
    Rig,
    flat_depth,
    info,
    outcomes,
    scene,
)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The node that most tests share. At its end it must have lived, and said no more than due."""
    process = Process(tmp_path_factory.mktemp("node") / "log", "autostart:=true")
    yield process
    assert process.process.poll() is None, process.log.read_text()
    assert process.end() == 0
    assert process.said("Traceback") == 0, process.log.read_text()


@pytest.fixture(scope="module")
def shared_rig(process: Process, make_rig: Callable[..., Rig]) -> Rig:
    return make_rig("/", OUTPUTS)


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    """Asked for red and blue, and nothing heard yet."""
    shared_rig.ask(red="the red thing", blue="blue")
    shared_rig.heard.clear()
    return shared_rig


def test_masks_points_and_the_rest_of_one_frame(rig: Rig) -> None:
    rig.ask(red="the red thing", green="green", blue="blue")
    header = rig.show()
    answer = rig.answer(header)
    assert outcomes(answer) == {"red": FOUND, "green": NOT_FOUND, "blue": FOUND}
    assert (answer.frame_3d, answer.detail_3d) == ("camera_optical_frame", "")
    assert 0 < answer.latency < 1
    red, blue = answer.segments
    assert (red.instruction_id, red.label, blue.instruction_id, blue.label) == ("red", 1, "blue", 2)
    roi = red.roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (8, 10, 20, 20)
    centroid = (red.centroid.x, red.centroid.y, red.centroid.z)
    np.testing.assert_allclose(centroid, RED_CENTROID, atol=1e-3)

    labels = rig.of("masks", header)
    mask = np.frombuffer(labels.data, np.uint16).reshape(HEIGHT, WIDTH)
    expected = np.zeros((HEIGHT, WIDTH), np.uint16)
    expected[RED], expected[BLUE] = 1, 2
    assert labels.encoding == "16UC1"
    np.testing.assert_array_equal(mask, expected)

    cloud = rig.of("points", header)
    points = np.frombuffer(cloud.data, [("xyz", "<f4", 3), ("rgb", "<u4"), ("label", "<u4")])
    part = points[blue.point_offset : blue.point_offset + blue.point_count]
    assert cloud.header == header
    assert len(points) == red.point_count + blue.point_count
    assert set(part["label"]) == {2}
    assert set(part["rgb"]) == {0x1414DC}

    overlay = rig.of("overlay", header)
    assert (overlay.width, overlay.height, overlay.encoding) == (WIDTH, HEIGHT, "rgb8")
    markers = rig.wait(lambda: rig.heard["markers"])[0].markers
    assert len(markers) == 5  # delete all, two boxes, two texts


def bayer(rgb: np.ndarray) -> np.ndarray:
    mosaic = rgb[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = rgb[::2, ::2, 0], rgb[1::2, 1::2, 2]
    return mosaic


def yuyv(rgb: np.ndarray) -> np.ndarray:
    y, u, v = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV))
    chroma = u.copy()
    chroma[:, 1::2] = v[:, ::2]
    return np.dstack([y, chroma])


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("rgb8", lambda rgb: rgb),
        ("bgr8", lambda rgb: rgb[..., ::-1]),
        ("rgba8", lambda rgb: np.dstack([rgb, rgb[..., :1]])),
        ("bgra8", lambda rgb: np.dstack([rgb[..., ::-1], rgb[..., :1]])),
        ("bayer_rggb8", bayer),
        ("yuv422_yuy2", yuyv),
    ],
)
def test_colour_encodings(
    rig: Rig, encoding: str, pixels: Callable[[np.ndarray], np.ndarray]
) -> None:
    answer = rig.answer(rig.show(np.ascontiguousarray(pixels(scene())), encoding))
    assert outcomes(answer) == {"red": FOUND, "blue": FOUND}
    assert all(segment.point_count for segment in answer.segments)


def test_grey_images_are_answered(rig: Rig) -> None:
    answer = rig.answer(rig.show(scene()[..., 0].copy(), "mono8"))
    assert outcomes(answer) == {"red": NOT_FOUND, "blue": NOT_FOUND}


def test_depth_in_metres(rig: Rig) -> None:
    red = rig.answer(rig.show(depth=flat_depth(np.float32))).segments[0]
    assert red.centroid.z == pytest.approx(2.0)


BAD_DEPTH = {
    "size": ({"depth": np.ones((24, 32), np.uint16)}, "depth is 32x24 but the image is 64x48"),
    "nan": ({"depth": np.full((HEIGHT, WIDTH), np.nan, np.float32)}, "no valid value"),
    "zeros": ({"camera": CameraInfo()}, "camera_info cannot be used"),
    "focal": ({"camera": info(focal=0.0)}, "not calibrated"),
}


@pytest.mark.parametrize("fault", BAD_DEPTH)
def test_bad_depth_is_told_once_and_masks_go_on(rig: Rig, process: Process, fault: str) -> None:
    arguments, text = BAD_DEPTH[fault]
    for _ in range(3):
        answer = rig.answer(rig.show(**arguments))
        assert outcomes(answer) == {"red": FOUND, "blue": FOUND}
        assert answer.frame_3d == ""
        assert text in answer.detail_3d
    complaint = rig.complaint(text)
    assert (complaint.name, complaint.level) == ("/sam3i: geometry", DiagnosticStatus.WARN)
    assert process.said(text) <= 1
    assert rig.answer(rig.show()).segments[0].point_count


def test_a_mask_without_points_is_told(rig: Rig) -> None:
    depth = flat_depth()
    depth[RED] = 0

    def show() -> SegmentArray:
        return rig.answer(rig.show(depth=depth))

    assert [bool(segment.point_count) for segment in show().segments] == [False, True]
    complaint = rig.complaint("no points for a mask of 'red': fewer than 20 of its pixels", show)
    assert (complaint.name, complaint.level) == ("/sam3i: geometry", DiagnosticStatus.WARN)
    assert "look at the depth image there" in complaint.message


def test_depth_that_does_not_come(rig: Rig) -> None:
    answer = rig.answer(rig.show_colour())
    assert outcomes(answer)["red"] == FOUND
    assert "depth" in answer.detail_3d


def test_images_without_a_stamp_are_called_that_and_not_old(rig: Rig) -> None:
    unstamped = Header(frame_id="camera_optical_frame")

    def show() -> None:
        rig.publish("depth", image_msg(flat_depth(), "16UC1", unstamped))
        rig.publish("image", image_msg(scene(), "rgb8", unstamped))

    show()
    assert outcomes(rig.answer(unstamped)) == {"red": FOUND, "blue": FOUND}
    complaint = rig.complaint("images have no stamp", again=show)
    assert (complaint.name, complaint.level) == ("/sam3i: camera", DiagnosticStatus.WARN)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda m: setattr(m, "encoding", "hsv8"), "encoding 'hsv8' is not known"),
        (lambda m: setattr(m, "step", 7), "with step 7"),
        (lambda m: setattr(m, "width", 0), "empty"),
    ],
)
def test_bad_image_is_told_and_the_node_lives(
    rig: Rig, process: Process, spoil: Callable[[Image], None], text: str
) -> None:
    message = image_msg(scene(), "rgb8", rig.header())
    spoil(message)
    for _ in range(3):
        message.header = rig.header()
        rig.publish("depth", image_msg(flat_depth(), "16UC1", message.header))
        rig.publish("image", message)
        time.sleep(0.05)
    complaint = rig.complaint(text)
    assert (complaint.name, complaint.level) == ("/sam3i: camera", DiagnosticStatus.ERROR)
    assert process.said(text) <= 1
    assert outcomes(rig.answer(rig.show())) == {"red": FOUND, "blue": FOUND}


def test_a_crash_in_the_model_is_survived(rig: Rig, process: Process) -> None:
    rig.ask(bad="crash")
    for _ in range(3):
        rig.show()
        time.sleep(0.05)
    complaint = rig.complaint("a frame failed: RuntimeError: told to crash")
    assert (complaint.name, complaint.level) == ("/sam3i: model", DiagnosticStatus.ERROR)
    assert process.said("told to crash") == 1
    rig.ask(red="red")
    assert outcomes(rig.answer(rig.show())) == {"red": FOUND}


def test_impossible_instructions_are_rejected(rig: Rig) -> None:
    results = rig.ask(empty="  ", long="red " * 500, good="red")
    assert [r.outcome for r in results] == [REJECTED, REJECTED, InstructionResult.PENDING]
    assert "2000 characters; use at most 1000" in results[1].detail
    assert results[2].level_used == Instruction.LEVEL_CONCEPT
    answer = rig.answer(rig.show())
    assert outcomes(answer) == {"empty": REJECTED, "long": REJECTED, "good": FOUND}
    complaint = rig.complaint("'empty' is rejected: the text is empty")
    assert complaint.name == "/sam3i: instructions"
    assert "'long' is rejected" in complaint.message
    rig.ask(active="red")
    assert "instructions.rejected" not in rig.row("instructions")
    rig.answer(rig.show())
    values = rig.row("instructions")
    assert values["active"] == "1"
    assert values["id active"].startswith("FOUND 'red'")


def test_too_many_instructions(rig: Rig) -> None:
    results = rig.ask(**{f"i{n}": "red" for n in range(18)})
    assert [r.outcome for r in results].count(REJECTED) == 2
    assert "raise max_instructions" in results[17].detail
    assert outcomes(rig.answer(rig.show()))["i17"] == REJECTED


def test_instruction_topics(rig: Rig) -> None:
    rig.ask()

    def expect(**expected: int) -> None:
        rig.wait(lambda: outcomes(rig.answer(rig.show())) == expected)

    rig.text.publish(String(data="the red thing, please"))
    expect(default=FOUND)
    rig.instruction.publish(Instruction(id="b", text="blue"))
    expect(default=FOUND, b=FOUND)
    rig.instruction.publish(Instruction(id="b", text="green"))
    expect(default=FOUND, b=NOT_FOUND)
    rig.instruction.publish(Instruction(id="b", text="red", threshold=0.95))
    expect(default=FOUND, b=NOT_FOUND)
    rig.instruction.publish(Instruction(id="b", operation=Instruction.REMOVE))
    expect(default=FOUND)
    rig.text.publish(String(data=""))
    expect()
    rig.instruction.publish(Instruction(id="c", text="x" * 2000))
    expect(c=REJECTED)
    rig.instruction.publish(Instruction(operation=9))
    assert rig.complaint("operation 9 does not exist").level == DiagnosticStatus.WARN
    rig.instruction.publish(Instruction(operation=Instruction.CLEAR))
    expect()


def test_a_volatile_planner_is_heard(rig: Rig) -> None:
    rig.ask()
    publisher = rig.node.create_publisher(String, "sam3i/instruction_text", 10)
    rig.wait(publisher.get_subscription_count)
    publisher.publish(String(data="blue"))
    rig.wait(lambda: outcomes(rig.answer(rig.show())) == {"default": FOUND})
    rig.node.destroy_publisher(publisher)


def test_the_newest_frame_wins(rig: Rig) -> None:
    work = 0.4  # s, of "slowly"
    rig.ask(red="slowly red")
    rig.answer(rig.show())
    before = rig.row("camera")
    rig.heard.clear()
    headers = []
    for _ in range(60):
        headers.append(rig.show())
        time.sleep(1 / 30)
    last = rig.answer(headers[-1])
    answers = rig.heard["segments"]
    assert 4 <= len(answers) <= 8
    assert [headers.index(a.header) for a in answers] == sorted(
        headers.index(a.header) for a in answers
    )
    # The first frame that came during the work would have waited for nearly all of it, as the
    # very last one had to.
    latencies = [a.latency for a in answers[:-1]]
    assert all(latency < 1.6 * work for latency in latencies), latencies
    assert last.results[0].outcome == FOUND
    after = rig.row("camera")
    received = int(after["images received"]) - int(before["images received"])
    dropped = int(after["images dropped"]) - int(before["images dropped"])
    assert received - dropped == len(answers)


def test_parameters_are_honoured(rig: Rig) -> None:
    def red() -> SegmentArray:
        return rig.answer(rig.show())

    rig.ask(red="red")
    assert rig.set(score_threshold=0.95) == []
    assert red().results[0].outcome == NOT_FOUND
    assert rig.set(score_threshold=0.0, min_depth=3.0) == []
    assert red().segments[0].point_count == 0
    assert rig.set(min_depth=0.1, max_depth=1.5) == []
    assert red().segments[0].point_count == 0
    assert rig.set(max_depth=10.0, max_points=100) == []
    assert 0 < red().segments[0].point_count <= 100
    assert rig.set(max_points=20000, mask_erosion=0) == []
    whole = red().segments[0].point_count
    assert rig.set(mask_erosion=20) == []
    assert red().segments[0].point_count < whole
    assert rig.set(mask_erosion=2, target_frame="base_link") == []
    answer = red()
    assert answer.frame_3d == ""
    assert "no transform from camera_optical_frame to base_link" in answer.detail_3d
    assert rig.set(target_frame="", instructions=["blue", "green"]) == []
    assert outcomes(red()) == {"red": FOUND, "instructions[0]": FOUND, "instructions[1]": NOT_FOUND}
    for _ in range(2):
        assert rig.set(instructions=["green"]) == []
        assert outcomes(red()) == {"red": FOUND, "instructions[0]": NOT_FOUND}
        rig.ask(red="red")
        assert outcomes(red()) == {"red": FOUND}
    assert rig.set(instructions=["green"]) == []
    request = Parameter("instructions", Parameter.Type.STRING_ARRAY, [])
    rig.call("set_parameters", SetParameters.Request(parameters=[request.to_parameter_msg()]))
    assert outcomes(red()) == {"red": FOUND}


def test_parameters_can_be_read_all_at_once(rig: Rig) -> None:
    """As `ros2 param dump` and rqt do; rclpy answers nothing at all if one of them is unset."""
    request = GetParameters.Request(names=list(PARAMETERS))
    values = rig.call("get_parameters", request).values
    read = {n: parameter_value_to_python(v) for n, v in zip(PARAMETERS, values, strict=True)}
    assert list(read["instructions"]) == list(read["camera_to_target"]) == []
    assert (read["model"], read["max_depth"]) == ("bundled", 10.0)


def test_sync_slop_and_max_rate(rig: Rig) -> None:
    def apart(milliseconds: int) -> SegmentArray:
        early, late = rig.header(), rig.header()
        ns = early.stamp.sec * 10**9 + early.stamp.nanosec + milliseconds * 10**6
        late.stamp.sec, late.stamp.nanosec = divmod(ns, 10**9)
        rig.publish("depth", image_msg(flat_depth(), "16UC1", late))
        rig.publish("image", image_msg(scene(), "rgb8", early))
        return rig.answer(early)

    assert apart(15).segments[0].point_count
    assert "within sync_slop" in apart(60).detail_3d
    assert rig.set(sync_slop=0.1) == []
    assert apart(60).segments[0].point_count
    assert rig.set(sync_slop=0.02, max_rate=5.0) == []
    rig.heard.clear()
    for _ in range(30):
        rig.show()
        time.sleep(1 / 30)
    assert 4 <= len(rig.heard["segments"]) <= 7
    assert rig.set(max_rate=0.0) == []


def test_impossible_parameters_are_refused(rig: Rig) -> None:
    for name, value, reason in (
        ("score_threshold", 1.5, "out of range"),
        ("min_depth", 11.0, "min_depth must be less than max_depth"),
        ("max_rate", float("nan"), "out of range"),
        ("model", "other", "read-only"),
        ("image_transport", "compressed", "read-only"),
        ("camera_to_target", [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], "read-only"),
        ("instructions", ["red", ""], "the text is empty"),
        ("instructions", ["red"] * 17, "more than max_instructions"),
    ):
        refused = rig.set(**{name: value})
        assert refused, name
        assert reason in refused[0]
    assert outcomes(rig.answer(rig.show())) == {"red": FOUND, "blue": FOUND}


def test_silence_is_explained(rig: Rig) -> None:
    """Nothing has come for 2 s, from a publisher that is there."""
    rig.show()
    complaint = rig.complaint("no image on /image")
    assert complaint.level == DiagnosticStatus.ERROR
    assert profile_variable() in complaint.message


def test_stages_are_reported(rig: Rig) -> None:
    rig.answer(rig.show())
    values = rig.row("node")
    assert values["state"] == "active"
    stages = ("wait", "decode", "encode", "ground", "lift", "messages", "publish", "total")
    for stage in (*stages, "overhead"):
        p50, p95 = (float(v) for v in values[f"{stage} p50/p95"].removesuffix(" ms").split(" / "))
        assert 0 <= p50 <= p95 < 1000


def test_compressed_camera_early_planner_and_fixed_extrinsic(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = make_rig("/left", {"segments": SegmentArray})
    rig.text.publish(String(data="red"))  # before the node is there
    process = Process(
        tmp_path / "log",
        "autostart:=true",
        "image_transport:=compressed",
        "depth_transport:=compressedDepth",
        "target_frame:=base_link",
        "camera_to_target:=[0.2, 0.0, 1.0, -0.5, 0.5, -0.5, 0.5]",
        namespace="/left",
    )
    try:
        colour = CompressedImage(format="rgb8; png compressed bgr8")
        colour.data = cv2.imencode(".png", scene()[..., ::-1])[1].tobytes()
        depth = CompressedImage(format="16UC1; compressedDepth png")
        depth.data = bytes(12) + cv2.imencode(".png", flat_depth())[1].tobytes()
        rig.wait(rig.text.get_subscription_count, 20)
        time.sleep(0.3)  # the planner's words travel
        colour.header = depth.header = rig.header()
        rig.publish("camera_info", info())
        rig.publish("depth/compressedDepth", depth)
        rig.publish("image/compressed", colour)
        answer = rig.answer(colour.header)
        assert (answer.frame_3d, answer.detail_3d) == ("base_link", "")
        assert outcomes(answer) == {"default": FOUND}
        point = answer.segments[0].centroid
        x, y, z = RED_CENTROID  # the target's x is the camera's z, its y is -x, its z is -y
        np.testing.assert_allclose((point.x, point.y, point.z), (0.2 + z, -x, 1 - y), atol=1e-3)
    finally:
        status = process.end(signal.SIGTERM)
    assert status == 0
    assert process.said("Traceback") == 0


def test_lifecycle(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = make_rig("/right", {"segments": SegmentArray})
    process = Process(tmp_path / "log", "depth_transport:=none", namespace="/right")
    silence = 0.5  # s
    try:
        assert not rig.change(Transition.TRANSITION_ACTIVATE)
        assert rig.row("node")["state"] == "unconfigured"
        assert rig.change(Transition.TRANSITION_CONFIGURE)
        assert not rig.change(Transition.TRANSITION_CONFIGURE)
        assert rig.row("model")["name"] == "colours"
        rig.ask(red="red")
        for _ in range(2):
            assert rig.change(Transition.TRANSITION_ACTIVATE)
            answer = rig.answer(rig.show_colour())
            assert outcomes(answer) == {"red": FOUND}
            assert answer.detail_3d == "depth is off (depth_transport: none)"
            assert rig.change(Transition.TRANSITION_DEACTIVATE)
            rig.heard.clear()
            rig.cameras["image"].publish(image_msg(scene(), "rgb8", rig.header()))
            time.sleep(silence)
            assert rig.heard["segments"] == []
        assert rig.row("node")["state"] == "inactive"
        assert rig.change(Transition.TRANSITION_CLEANUP)
        assert not rig.change(Transition.TRANSITION_CLEANUP)
        assert rig.row("model")["name"] == ""
        assert rig.change(Transition.TRANSITION_CONFIGURE)
        assert rig.change(Transition.TRANSITION_ACTIVATE)
        assert outcomes(rig.answer(rig.show_colour())) == {"red": FOUND}
        rig.deafen()
        time.sleep(SETTLE)
        rig.show_colour()
        rig.wait(lambda: rig.row("model")["frames nobody listened to"] == "1")
        assert rig.change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
        assert not rig.change(Transition.TRANSITION_CONFIGURE)
        assert rig.row("node")["state"] == "finalized"
        assert process.process.poll() is None
    finally:
        status = process.end()
    assert status == 0
    assert process.said("Traceback") == 0


@pytest.mark.parametrize("tracking", ["true", "false"])
def test_interrupted_twice_while_the_model_works(
    make_rig: Callable[..., Rig], tmp_path: Path, tracking: str
) -> None:
    name = f"/twice_{tracking}"
    rig = make_rig(name, {"segments": SegmentArray})
    given = ("autostart:=true", "depth_transport:=none", f"tracking:={tracking}")
    four = 'instructions:=["slowly red", "slowly red", "slowly red", "slowly red"]'
    process = Process(tmp_path / "log", *given, four, namespace=name)
    try:
        for _ in range(10):
            rig.show_colour()
            time.sleep(0.1)
        before = process.said("[ERROR]")  # a camera that was found late is an error of its own
        process.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    finally:
        status = process.end()
    assert status == 0, process.log.read_text()
    assert process.said("[ERROR]") == before, process.log.read_text()


def test_a_destroyed_node_gives_its_shared_memory_back() -> None:
    """Without the garbage collector, which may have no turn before a process ends."""
    code = """
import gc, os, re, rclpy
from sam3i_ros.perception_node import PerceptionNode
def segments():
    mapped = open("/proc/self/maps").read()
    return sum(map(os.path.exists, set(re.findall(r"/dev/shm/fastdds_[0-9a-f]{16}\\b", mapped))))
gc.disable()
rclpy.init()
node = PerceptionNode()
before = segments()
node.destroy_node()
rclpy.shutdown()
print(before, segments())
"""
    apart = {**os.environ, "ROS_DOMAIN_ID": "101", "ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=apart, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "1 0\n", done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_takes_long_is_ended_at_once(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "slow.hold").touch()  # for ever
    process = Process(tmp_path / "log", "autostart:=true", f"adapters:={tmp_path / 'slow'}")
    while not process.said("loading model"):
        assert process.process.poll() is None, process.log.read_text()
        time.sleep(0.05)
    assert process.end(how) == 0
    assert len(process.log.read_text().splitlines()) == 1, process.log.read_text()


def test_a_start_with_an_impossible_instruction(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    """It is rejected like any other, and stands in nothing's way."""
    rig = make_rig("/long", {"segments": SegmentArray})
    asked = f"instructions:=['{'red ' * 500}', '...', red, green, blue, red]"
    given = ("autostart:=true", "depth_transport:=none", "max_instructions:=3")
    process = Process(tmp_path / "log", *given, asked, namespace="/long")
    try:
        # Again and again, as the node may not know yet that it is listened to.
        answer = rig.wait(lambda: rig.show_colour() and rig.heard["segments"], 20)[0]
        assert outcomes(answer) == {
            "instructions[0]": REJECTED,
            "instructions[1]": REJECTED,
            "instructions[2]": FOUND,
            "instructions[3]": NOT_FOUND,
            "instructions[4]": FOUND,
            "instructions[5]": REJECTED,
        }
        assert [result.detail for result in answer.results if result.outcome == REJECTED] == [
            "the text has 2000 characters; use at most 1000",
            "the text has no words; say what to look for",
            "3 instructions are active already; remove one or raise max_instructions",
        ]
        assert rig.set(max_rate=1.0) == []
        assert rig.set(instructions=["..."]) == [
            "instructions: the text has no words; say what to look for"
        ]
    finally:
        status = process.end()
    assert status == 0, process.log.read_text()


def test_a_model_that_cannot_be_loaded(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = make_rig("/none", {})
    process = Process(tmp_path / "log", "model:=missing", namespace="/none")
    try:
        assert not rig.change(Transition.TRANSITION_CONFIGURE)
        assert not rig.change(Transition.TRANSITION_CONFIGURE)
        complaint = rig.complaint("model 'missing' on 'auto' cannot be loaded")
        assert complaint.name == "/none/sam3i: model"
        assert "give a path" in complaint.message
        assert "\n" not in complaint.message
        assert process.said("cannot be loaded") == 1
    finally:
        status = process.end()
    assert status == 0
    assert process.said("Traceback") == 0


@pytest.mark.parametrize("where", ["depth.subscription", "sam3i/points.publisher"])
def test_a_mistyped_qos_override_is_told_and_leaves_nothing(
    make_rig: Callable[..., Rig], tmp_path: Path, where: str
) -> None:
    name = f"/qos_{where.partition('.')[2]}"
    rig = make_rig(name, {})
    override = f"qos_overrides.{name}/{where}.reliability:=besteffort"
    process = Process(tmp_path / "log", override, namespace=name)
    configures = "subscription" in where
    state, what = ("inactive", "activated") if configures else ("unconfigured", "configured")
    try:
        assert not rig.change(Transition.TRANSITION_ACTIVATE)  # its reply may be lost, see `call`
        assert rig.change(Transition.TRANSITION_CONFIGURE) == configures
        assert not rig.change(Transition.TRANSITION_ACTIVATE)
        complaint = rig.complaint(f"the node cannot be {what}: RuntimeError: Unexpected QoS")
        assert (complaint.name, complaint.level) == (f"{name}/sam3i: node", DiagnosticStatus.ERROR)
        assert rig.row("node")["state"] == state
        assert rig.node.get_subscriptions_info_by_topic(f"{name}/image") == []
        masks = rig.node.get_publishers_info_by_topic(f"{name}/sam3i/masks")
        assert len(masks) == configures
        assert process.said("the node cannot be") == 1
    finally:
        status = process.end()
    assert status == 0
    assert process.said("Traceback") == 0


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("depth_transport:=zip", "use one of raw, compressedDepth, none"),
        ("max_rate:=-1.0", "out of range"),
        ("max_rate:=5", "max_rate"),  # an integer
        ("camera_to_target:=[1.0, 2.0]", "needs 7 numbers"),
    ],
)
def test_impossible_start(tmp_path: Path, parameter: str, text: str) -> None:
    process = Process(tmp_path / "log", parameter)
    assert process.process.wait(20) == 1
    log = process.log.read_text()
    assert "a parameter cannot be used" in log
    assert text in log
    assert len(log.splitlines()) == 1
