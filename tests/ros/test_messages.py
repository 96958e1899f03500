"""Arrays to messages: bytes, counts and offsets exact, through the real serialisation."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from array import array
from types import SimpleNamespace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from sam3i_ros.msg import InstructionResult, Segment, SegmentArray
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from sam3i_model.decoding import metres
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.visualize import color_for
from sam3i_ros import messages
from sam3i_ros.geometry import Cloud, OrientedBox

HEADER = Header(stamp=Time(sec=12, nanosec=345), frame_id="camera_color_optical_frame")


def over_the_wire(msg):
    return deserialize_message(serialize_message(msg), type(msg))


def cloud_of(points, pixels, rotation=None, center=(0.0, 0.0, 1.0), size=(0.3, 0.2, 0.1)):
    points = np.asarray(points, np.float32)
    box = OrientedBox(np.array(center), np.eye(3) if rotation is None else rotation, np.array(size))
    return Cloud(points, np.asarray(pixels, np.int32), points.mean(axis=0, dtype=float), box)


def read_points(msg):
    """As any reader does it: field by field from offset and type."""
    types = {PointField.FLOAT32: "<f4", PointField.UINT32: "<u4"}
    dtype = np.dtype(
        {
            "names": [f.name for f in msg.fields],
            "formats": [types[f.datatype] for f in msg.fields],
            "offsets": [f.offset for f in msg.fields],
            "itemsize": msg.point_step,
        }
    )
    return np.frombuffer(msg.data, dtype)


def grounding(**fields):
    common = {
        "instruction": Instruction("the red mug", id="cup"),
        "outcome": Outcome.FOUND,
        "level": Level.SIMPLE,
        "prompt": "red mug",
        "presence": 0.75,
        "token_count": 5,
        "truncated": False,
        "detail": "",
    }
    return SimpleNamespace(**{**common, **fields})


def test_label_image_gives_overlaps_to_the_higher_score():
    masks = np.zeros((3, 6, 8), bool)
    masks[0, 1:4, 1:4] = True
    masks[1, 2:6, 2:6] = True
    masks[2, 3, :] = masks[2, 5, 7] = True
    labels = messages.label_image(list(masks), [0.5, 0.9, 0.7], (6, 8))
    assert labels.dtype == np.uint16
    expected = np.zeros((6, 8), int)
    expected[masks[0]] = 1
    expected[masks[2]] = 3
    expected[masks[1]] = 2
    assert np.array_equal(labels, expected)


def test_label_image_of_equal_scores_and_of_nothing():
    masks = [np.ones((4, 4), bool), np.ones((4, 4), bool), np.zeros((4, 4), bool)]
    assert (messages.label_image(masks, [0.5, 0.5, 0.9], (4, 4)) == 1).all()
    assert not messages.label_image([], [], (4, 4)).any()


@pytest.mark.parametrize(
    ("encoding", "image"),
    [
        ("rgb8", np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)),
        ("rgb8", np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)[:, ::-1]),
        ("16UC1", np.arange(48, dtype=np.uint16).reshape(6, 8)),
        ("32FC1", np.arange(48, dtype=np.float32).reshape(6, 8)),
    ],
)
def test_image_arrives_as_it_was(encoding, image):
    msg = over_the_wire(messages.image_msg(image, encoding, HEADER))
    assert (msg.height, msg.width, msg.encoding, msg.is_bigendian) == (6, 8, encoding, 0)
    assert msg.step * msg.height == len(msg.data) == image.nbytes
    assert np.array_equal(np.frombuffer(msg.data, image.dtype).reshape(image.shape), image)
    assert msg.header == HEADER


def test_depth_written_is_depth_read():
    depth_mm = np.array([[0, 1000], [2500, 1]], np.uint16)
    depth = metres(messages.depth_from_image(messages.image_msg(depth_mm, "16UC1", HEADER)))
    np.testing.assert_allclose(depth, [[np.nan, 1.0], [2.5, 0.001]], rtol=1e-6)


def test_points_are_read_back_exactly():
    rgb = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) * 4
    first = cloud_of([[0.1, 0.2, 1.5], [-0.1, 0.3, 1.25]], [0, 7])
    third = cloud_of([[9, 8, 7], [6, 5, 4], [3, 2, 1]], [19, 1, 12])
    msg = over_the_wire(messages.points_msg([first, None, third], rgb, HEADER))
    assert (msg.height, msg.width, msg.point_step, msg.row_step) == (1, 5, 20, 100)
    assert msg.is_dense
    assert not msg.is_bigendian
    assert len(msg.data) == 100
    assert msg.header == HEADER
    assert [f.name for f in msg.fields] == ["x", "y", "z", "rgb", "label"]
    assert all(f.count == 1 for f in msg.fields)
    points = read_points(msg)
    xyz = np.stack([points["x"], points["y"], points["z"]], 1)
    assert np.array_equal(xyz, np.concatenate([first.points, third.points]))
    assert points["label"].tolist() == [1, 1, 3, 3, 3]
    bits = points["rgb"].copy().view("<u4")
    colours = np.stack([bits >> 16, bits >> 8 & 255, bits & 255], 1)
    assert np.array_equal(colours, rgb.reshape(-1, 3)[[0, 7, 19, 1, 12]])


@pytest.mark.parametrize("clouds", [[], [None, None]])
def test_no_points(clouds):
    msg = over_the_wire(messages.points_msg(clouds, np.zeros((2, 2, 3), np.uint8), HEADER))
    assert (msg.width, msg.row_step, len(msg.data)) == (0, 0, 0)


def test_result():
    msg = over_the_wire(messages.result_msg(grounding(detail="no cup", truncated=True)))
    assert (msg.id, msg.text, msg.detail) == ("cup", "the red mug", "no cup")
    assert (msg.outcome, msg.level_used) == (InstructionResult.FOUND, 2)
    assert msg.prompt == "red mug"
    assert (msg.presence, msg.token_count, msg.truncated) == (0.75, 5, True)


def test_result_of_every_outcome():
    for outcome in Outcome:
        msg = messages.result_msg(grounding(outcome=outcome))
        assert msg.outcome == getattr(InstructionResult, outcome.name)


def test_result_of_an_endless_text():
    assert messages.result_msg(grounding(token_count=10**6)).token_count == 65535


@pytest.mark.parametrize(
    "turn",
    [
        Rotation.identity(),
        *(Rotation.from_rotvec(axis) for axis in math.pi * np.eye(3)),
        Rotation.from_rotvec([math.pi * 0.6, math.pi * 0.8, 0]),
        *Rotation.random(50, random_state=0),
    ],
)
def test_every_orientation_is_sent(turn):
    cloud = cloud_of([[0, 0, 1]], [0], turn.as_matrix(), (0, 0, 1))
    sent = messages.segment_msg("cup", 1, 0.5, np.ones((4, 4), bool), cloud).pose.orientation
    again = Rotation.from_quat([sent.x, sent.y, sent.z, sent.w])
    assert (again.inv() * turn).magnitude() < 1e-7
    assert np.linalg.norm([sent.x, sent.y, sent.z, sent.w]) == pytest.approx(1, abs=1e-12)


def test_segment_with_points():
    rotation = Rotation.from_euler("xyz", [0.3, -0.5, 1.1]).as_matrix()
    cloud = cloud_of([[0, 0, 1], [0.5, 0, 1]], [0, 1], rotation, (0.25, -0.5, 1.5))
    mask = np.zeros((48, 64), bool)
    mask[10:14, 20:30] = True
    msg = over_the_wire(messages.segment_msg("cup", 3, 0.5, mask, cloud, 17, 8, True))
    assert (msg.instruction_id, msg.label, msg.score) == ("cup", 3, 0.5)
    assert (msg.track_id, msg.carried) == (8, True)
    roi = msg.roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (20, 10, 10, 4)
    assert (msg.centroid.x, msg.centroid.y, msg.centroid.z) == (0.25, 0.0, 1.0)
    place, turn = msg.pose.position, msg.pose.orientation
    assert (place.x, place.y, place.z) == (0.25, -0.5, 1.5)
    again = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    np.testing.assert_allclose(again, rotation, atol=1e-12)
    assert (msg.size.x, msg.size.y, msg.size.z) == (0.3, 0.2, 0.1)
    assert (msg.point_offset, msg.point_count) == (17, 2)


def test_segment_without_points_has_no_3d():
    mask = np.ones((4, 4), bool)
    msg = messages.segment_msg("cup", 1, 0.5, mask)
    empty = Segment()
    assert (msg.centroid, msg.pose, msg.size) == (empty.centroid, empty.pose, empty.size)
    assert (msg.point_offset, msg.point_count) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "runs"),
    [
        (["....", ".##.", "#..#", "...."], [1, 2, 1, 1, 2, 1]),
        (["....", ".##.", ".##."], [0, 4]),
        (["#..#"], [0, 1, 2, 1]),
        (["....", "...."], [0]),
    ],
)
def test_runs_by_hand(rows, runs):
    """Only the box around the mask counts; the first run is background."""
    mask = np.array([[c == "#" for c in row] for row in rows])
    msg = messages.segment_msg("cup", 1, 0.5, mask)
    assert list(msg.mask_runs) == runs
    assert np.array_equal(messages.mask_from_segment(msg, mask.shape), mask)


def test_masks_come_back_from_their_runs():
    generator = np.random.default_rng(0)
    for density in (0.01, 0.5, 0.99):
        mask = generator.random((48, 64)) < density
        msg = over_the_wire(messages.segment_msg("cup", 1, 0.5, mask))
        assert np.array_equal(messages.mask_from_segment(msg, (48, 64)), mask)


@pytest.mark.parametrize(
    ("runs", "shape"), [([2**32 - 1, 5], (48, 64)), ([0, 39], (48, 64)), ([0, 40], (12, 64))]
)
def test_runs_that_do_not_fit_are_refused(runs, shape):
    mask = np.zeros((48, 64), bool)
    mask[10:14, 20:30] = True
    msg = messages.segment_msg("cup", 1, 0.5, mask)
    msg.mask_runs = array("I", runs)
    with pytest.raises(messages.MessageError, match="does not fit"):
        messages.mask_from_segment(msg, shape)


def scene():
    mask = np.zeros((48, 64), bool)
    mask[10:14, 20:30] = True
    clouds = [cloud_of([[0, 0, 1]], [0]), cloud_of([[0, 0, 1]], [0], size=(0.3, 0.2, 0.0)), None]
    segments = [
        messages.segment_msg(name, label, 0.5, mask, cloud)
        for label, (name, cloud) in enumerate(zip(("plate", "cup", "cup"), clouds, strict=True), 1)
    ]
    results = [
        messages.result_msg(grounding()),
        messages.result_msg(grounding(instruction=Instruction("a plate", id="plate"))),
    ]
    return SegmentArray(header=HEADER, results=results, segments=segments, frame_3d="base_link")


def test_markers():
    deletion, *markers = over_the_wire(messages.markers_msg(scene(), 1.25)).markers
    assert deletion.action == Marker.DELETEALL
    assert deletion.header.frame_id == "base_link"
    assert [m.type for m in markers] == [Marker.CUBE, Marker.TEXT_VIEW_FACING] * 2
    assert len({(m.ns, m.id) for m in markers}) == 4
    for marker in markers:
        assert marker.header.frame_id == "base_link"
        assert marker.header.stamp == HEADER.stamp
        assert (marker.lifetime.sec, marker.lifetime.nanosec) == (1, 250_000_000)
        assert marker.action == Marker.ADD
    plate, plate_text, cup, cup_text = markers
    assert (plate.color.a, cup_text.scale.z) == (pytest.approx(0.4), 0.03)
    assert cup_text.color == ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    assert (plate_text.text, cup_text.text) == ("a plate 0.50", "the red mug 0.50")
    assert (plate.scale.x, plate.scale.y, plate.scale.z) == (0.3, 0.2, 0.1)
    assert cup.scale.z == 0.001  # RViz refuses a cube without height
    assert plate.pose.position.z == 1.0
    # The colour is that of the instruction, as in the overlay.
    assert [round(255 * c) for c in (cup.color.r, cup.color.g, cup.color.b)] == [*color_for(0)]
    assert [round(255 * c) for c in (plate.color.r, plate.color.g, plate.color.b)] == [
        *color_for(1)
    ]


def test_markers_without_3d_only_delete():
    array_msg = scene()
    array_msg.frame_3d = ""
    for segment in array_msg.segments:
        segment.point_count = 0
    (marker,) = messages.markers_msg(array_msg, 1.0).markers
    assert marker.action == Marker.DELETEALL


def test_segment_array_goes_over_the_wire():
    assert over_the_wire(scene()) == scene()


CHECKED = "test_markers or test_segment or test_points or test_image or test_result or test_masks"


def test_field_types_are_right():
    """rclpy checks the type of every field it is given only if asked to, at its import."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHECKED, __file__],
        env={**os.environ, "ROS_PYTHON_CHECK_FIELDS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    with pytest.raises(subprocess.CalledProcessError):  # and it does check
        subprocess.run(
            [sys.executable, "-c", "from sam3i_ros.msg import Segment; Segment(score='a')"],
            env={**os.environ, "ROS_PYTHON_CHECK_FIELDS": "1"},
            capture_output=True,
            timeout=60,
            check=True,
        )
