"""Which topics `sam3i replay` takes for the camera, and what it calls its own."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from sensor_msgs.msg import CompressedImage

from sam3i_ros.messages import image_msg
from tests.ros.recordings import (
    RED_ONLY,
    Line,
    camera,
    colour,
    depth,
    header,
    moment,
    read,
    refused,
    replay,
    write,
)
from tests.ros.rig import flat_depth, scene
from training.world import bag as world

pytestmark = pytest.mark.usefixtures("loaded")


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
    assert "no such colour image; it has: /cam/rgb/image_raw, /infra/image_raw, /left" in line
    for option, other in (("--image", "/cam/depth/image_raw"), ("--depth", "/left/image_raw")):
        line = refused(replay(bag, tmp_path / "x", *RED_ONLY, option, other))
        assert f"{option} {other}: the recording has no such" in line
    line = refused(replay(bag, tmp_path / "x", *named, "--camera-info", "/nowhere"))
    assert "no such camera_info" in line
    flat = (*named, "--depth", "none", "--camera-info", "/nowhere")
    assert "no such camera_info" in refused(replay(bag, tmp_path / "x", *flat))


def test_a_nodes_pictures_are_no_camera_where_its_segments_were_not_recorded(
    tmp_path: Path,
) -> None:
    drawn: list[Line] = [(0, "/sam3i/overlay", colour(0)), (0, "/sam3i/masks", depth(0))]
    alone = write(tmp_path / "alone", drawn)
    line = refused(replay(alone, tmp_path / "x", *RED_ONLY))
    assert line == (
        "The recording has no colour images; it holds: /sam3i/masks, /sam3i/overlay. "
        "What a node draws (masks, overlay) is no camera's."
    )
    bag = write(tmp_path / "bag", [(0, "/cam/rgb/image_raw", colour(0)), *drawn])
    assert replay(bag, tmp_path / "out", *RED_ONLY).exit_code == 0
    after = read(tmp_path / "out")
    assert len(after["/cam/rgb/image_raw"]) == 1
    assert after["/sam3i/segments"][0].content.frame_3d == ""  # the masks are no depth


def test_what_may_be_either_is_depth_if_it_is_called_that(tmp_path: Path) -> None:
    """A plain PNG; and one topic is not both."""
    plain = CompressedImage(header=header(0), format="png")
    plain.data = cv2.imencode(".png", flat_depth())[1].tobytes()
    lines: list[Line] = [
        (0, "/cam/rgb/image_raw", colour(0)),
        (0, "/cam/rgb/camera_info", camera(0)),
        (0, "/far", plain),
    ]
    bag = write(tmp_path / "bag", lines)
    assert replay(bag, tmp_path / "out", *RED_ONLY, "--depth", "/far").exit_code == 0
    assert read(tmp_path / "out")["/sam3i/segments"][0].content.segments[0].point_count
    both = (*RED_ONLY, "--depth", "/far", "--image", "/far")
    assert "--image /far: the recording has no such" in refused(replay(bag, tmp_path / "x", *both))


def test_an_image_is_preferred_to_its_compressed_twin(tmp_path: Path, recording: Path) -> None:
    packed = read(recording)[world.COLOUR][0].data
    twin = ("sensor_msgs/msg/CompressedImage", packed)
    lines: list[Line] = [*moment(0), (0, "/cam/rgb/image_raw/compressed", twin)]
    bag = write(tmp_path / "bag", lines)
    assert replay(bag, tmp_path / "out", *RED_ONLY).exit_code == 0
    assert "/cam/rgb/image_raw/compressed" not in read(tmp_path / "out")


def test_results_do_not_take_the_name_of_a_camera_topic(tmp_path: Path, loaded: list[str]) -> None:
    bag = write(tmp_path / "bag", [(0, "/camera/points", colour(0))])
    line = refused(replay(bag, tmp_path / "out", *RED_ONLY, "--name", "camera"))
    assert line == "--name /camera: the camera has /camera/points already; say another."
    assert loaded == []
    assert replay(bag, tmp_path / "out", *RED_ONLY, "--name", "left").exit_code == 0
