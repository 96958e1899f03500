"""Decoding of camera messages, and what is said of those that cannot be used."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from sam3i_model.decoding import MessageError
from sam3i_ros.camera import RawFrame
from sam3i_ros.frames import FrameDecoder
from sam3i_ros.health import Health
from tests.ros.test_camera import depth, image, info


def decode(
    colour: Image | CompressedImage,
    depth_image: Image | CompressedImage | None,
    camera: CameraInfo | None,
    no_depth: str = "",
):
    health = Health()
    raw = RawFrame(colour, depth_image, camera, 0.0, no_depth)
    return FrameDecoder(health, use_depth=True).decode(raw, want_3d=True), health.faults()


def test_decodes_depth_and_rays() -> None:
    millimetres = np.arange(24, dtype=np.uint16).reshape(4, 6) * 100
    rgb = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
    frame, faults = decode(image(1500, rgb), depth(1500, millimetres), info())
    assert faults == []
    assert (frame.stamp_ns, frame.no_3d) == (1_500_000_000, "")
    np.testing.assert_array_equal(frame.rgb, rgb)
    np.testing.assert_array_equal(frame.depth, millimetres)
    np.testing.assert_allclose(frame.rays[3, 5], [0.5, 0.3])


def test_rays_are_kept_until_camera_info_changes() -> None:
    decoder = FrameDecoder(Health(), use_depth=True)
    rays = [
        decoder.decode(RawFrame(image(5), depth(5), camera, 0.0, ""), want_3d=True).rays
        for camera in (info(), info(), info(focal=10.0))
    ]
    assert rays[1] is rays[0]
    np.testing.assert_allclose(rays[2], rays[0] / 2)


def test_compressed_pair() -> None:
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[..., 0] = 200
    colour = CompressedImage(header=image(5).header, format="png")
    colour.data = cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()
    packed = CompressedImage(header=image(5).header, format="16UC1; compressedDepth png")
    millimetres = np.full((4, 6), 1234, np.uint16)
    packed.data = bytes(12) + cv2.imencode(".png", millimetres)[1].tobytes()
    frame, faults = decode(colour, packed, info())
    assert faults == []
    assert frame.rgb[0, 0].tolist() == [200, 0, 0]
    np.testing.assert_array_equal(frame.depth, millimetres)


@pytest.mark.parametrize(
    ("depth_image", "camera", "reason"),
    [
        (depth(5, np.ones((2, 3), np.uint16)), info(), "depth is 3x2 but the image is 6x4"),
        (depth(5, np.full((4, 6), np.nan, np.float32)), info(), "no valid value"),
        (depth(5), info(3, 2), "camera_info is 3x2 but the image is 6x4"),
        (depth(5), info(focal=0.0), "not calibrated"),
        (depth(5), CameraInfo(), "camera_info cannot be used"),
        (depth(5), None, "no camera_info has come"),
        (image(5), info(), "rgb8"),
    ],
)
def test_bad_depth_leaves_the_image(
    depth_image: Image, camera: CameraInfo | None, reason: str
) -> None:
    frame, faults = decode(image(5), depth_image, camera)
    assert frame.rgb.shape == (4, 6, 3)
    assert frame.depth is None
    assert reason in frame.no_3d
    assert [(f.key, f.text) for f in faults] == [("geometry.depth", frame.no_3d)]
    assert "\n" not in frame.no_3d


def test_missing_depth_says_why() -> None:
    frame, faults = decode(image(5), None, info(), "no depth image has come on /depth")
    assert frame.no_3d.startswith("no depth image has come on /depth; check the depth topic")
    assert faults[0].key == "geometry.depth"


def test_other_frame_is_a_warning() -> None:
    other = depth(5)
    other.header.frame_id = "depth_camera"
    frame, faults = decode(image(5), other, info())
    assert frame.depth is not None
    assert "'camera' but depth in 'depth_camera'" in faults[0].text


def test_unstamped_and_nameless() -> None:
    colour = image(0)
    colour.header.frame_id = ""
    frame, faults = decode(colour, depth(0), info())
    assert {f.key for f in faults} == {"camera.stamp", "geometry.depth"}
    assert "frame_id" in frame.no_3d


def test_bad_colour_is_an_error() -> None:
    with pytest.raises(MessageError, match="encoding 'hsv8'"):
        decode(image(5, encoding="hsv8"), depth(5), info())


def test_depth_that_is_off_is_no_fault() -> None:
    health = Health()
    raw = RawFrame(image(5), None, None, 0.0, "depth is off (depth_transport: none)")
    frame = FrameDecoder(health, use_depth=False).decode(raw, want_3d=True)
    assert frame.no_3d == "depth is off (depth_transport: none)"
    assert health.faults() == []


def test_nothing_is_lifted_for_nobody() -> None:
    broken = Image(encoding="nonsense")
    raw = RawFrame(image(5), broken, info(), 0.0, "")
    health = Health()
    frame = FrameDecoder(health, use_depth=True).decode(raw, want_3d=False)
    assert (frame.depth, frame.no_3d) == (None, "nobody listened to an output with 3D")
    assert health.faults() == []
