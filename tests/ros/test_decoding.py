"""Camera messages to arrays: every encoding, padding, byte order, and what cameras do wrong."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from sam3i_model.decoding import metres
from sam3i_ros.messages import (
    MAX_PIXELS,
    MessageError,
    depth_from_compressed,
    depth_from_image,
    intrinsics_from_camera_info,
    rgb_from_compressed,
    rgb_from_image,
)

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
SMOOTH = np.dstack([*np.meshgrid(range(0, 256, 4), range(0, 192, 4)), np.full((48, 64), 90)])
SMOOTH = SMOOTH.astype(np.uint8)  # (48, 64, 3): JPEG keeps it within a few steps


def image(array, encoding, padding=0, big_endian=False):
    height, width = array.shape[:2]
    if big_endian:
        array = array.astype(array.dtype.newbyteorder(">"))
    rows = np.frombuffer(array.tobytes(), np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xAB)
    return Image(
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=rows.shape[1],
        data=rows.tobytes(),
    )


def compressed(data, fmt):
    return CompressedImage(format=fmt, data=bytes(data))


def encode(array, extension):
    return cv2.imencode(extension, array)[1].tobytes()


def one_line(error):
    text = str(error.value)
    return text and "\n" not in text


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "stored"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("rgba8", np.dstack([RGB, np.full((6, 8), 7, np.uint8)])),
        ("bgra8", np.dstack([RGB[..., ::-1], np.full((6, 8), 7, np.uint8)])),
    ],
)
def test_colour_encodings(encoding, stored, padding):
    decoded = rgb_from_image(image(np.ascontiguousarray(stored), encoding, padding))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, RGB)


def test_mono_becomes_grey():
    decoded = rgb_from_image(image(RGB[..., 0].copy(), "mono8", padding=3))
    assert np.array_equal(decoded, np.dstack([RGB[..., 0]] * 3))


def test_rgb8_is_not_copied():
    msg = image(RGB, "rgb8")
    msg.data[0] = 201
    decoded = rgb_from_image(msg)
    msg.data[0] = 17
    assert decoded[0, 0, 0] == 17


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer(pattern):
    """An orange picture through the filter pattern that the name spells, row by row."""
    orange = {"r": 240, "g": 130, "b": 20}
    tile = np.array([orange[c] for c in pattern], np.uint8).reshape(2, 2)
    decoded = rgb_from_image(image(np.tile(tile, (8, 8)), f"bayer_{pattern}8"))
    assert (decoded[2:-2, 2:-2] == [240, 130, 20]).all()


@pytest.mark.parametrize(("encoding", "order"), [("yuv422_yuy2", "yuyv"), ("yuv422", "uyvy")])
def test_yuv(encoding, order):
    """ITU-R BT.601 video range: Y 82, U 90, V 240 is pure red."""
    values = {"y": 82, "u": 90, "v": 240}
    pair = [values[c] for c in order]
    data = np.tile(np.array(pair, np.uint8), (4, 4)).reshape(4, 8, 2)
    decoded = rgb_from_image(image(data, encoding)).astype(int)
    assert np.abs(decoded - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize(
    "fmt", ["jpeg", "rgb8; jpeg compressed bgr8", "bgr8; jpeg compressed bgr8"]
)
def test_jpeg(fmt):
    decoded = rgb_from_compressed(compressed(encode(SMOOTH[..., ::-1], ".jpg"), fmt))
    assert decoded.shape == SMOOTH.shape
    assert np.abs(decoded.astype(int) - SMOOTH).mean() < 2


@pytest.mark.parametrize("fmt", ["png", "rgb8; png compressed bgr8"])
def test_png_is_exact(fmt):
    assert np.array_equal(rgb_from_compressed(compressed(encode(RGB[..., ::-1], ".png"), fmt)), RGB)


def test_compressed_as_rgb_is_not_swapped():
    """Some senders hand RGB to a codec that expects BGR, and say so."""
    msg = compressed(encode(RGB, ".png"), "rgb8; png compressed rgb8")
    assert np.array_equal(rgb_from_compressed(msg), RGB)


def test_compressed_mono():
    decoded = rgb_from_compressed(compressed(encode(RGB[..., 0], ".png"), "mono8; png compressed "))
    assert np.array_equal(decoded, np.dstack([RGB[..., 0]] * 3))


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("encoding", ["16UC1", "mono16"])
def test_depth_in_millimetres(encoding, big_endian, padding):
    raw = np.array([[0, 1, 1000], [256, 65535, 2500]], np.uint16)
    measured = depth_from_image(image(raw, encoding, padding, big_endian))
    assert measured.dtype == np.dtype("=u2")
    np.testing.assert_array_equal(measured, raw)
    depth = metres(measured)
    assert depth.dtype == np.float32
    expected = np.array([[np.nan, 0.001, 1.0], [0.256, 65.535, 2.5]], np.float32)
    np.testing.assert_allclose(depth, expected, rtol=1e-6)


@pytest.mark.parametrize("padding", [0, 4])
@pytest.mark.parametrize("big_endian", [False, True])
def test_depth_in_metres(big_endian, padding):
    raw = np.array([[0, 1.25, np.inf], [-np.inf, np.nan, -1]], np.float32)
    msg = image(raw, "32FC1", padding, big_endian)
    measured = depth_from_image(msg)
    assert measured.dtype == np.dtype("=f4")
    np.testing.assert_array_equal(measured, raw)
    depth = metres(measured)
    nan = np.nan
    np.testing.assert_array_equal(depth, np.array([[nan, 1.25, nan], [nan, nan, nan]], np.float32))
    again = metres(depth_from_image(msg))
    np.testing.assert_array_equal(depth, again)  # the message itself was not touched


@pytest.mark.parametrize(
    "fmt", ["16UC1; compressedDepth png", "16UC1; compressedDepth", "16UC1;compressedDepth png"]
)
def test_compressed_depth_in_millimetres(fmt):
    raw = np.random.default_rng(1).integers(0, 65536, (48, 64), dtype=np.uint16)
    raw[:4] = 0
    data = struct.pack("<iff", 0, 0.0, 0.0) + encode(raw, ".png")
    depth = metres(depth_from_compressed(compressed(data, fmt)))
    np.testing.assert_allclose(depth, np.where(raw == 0, np.nan, raw / 1000), rtol=1e-6)


def test_compressed_depth_in_metres():
    """Inverse depth as the publisher writes it: v = A / z + B, 0 for none."""
    truth = np.random.default_rng(2).uniform(0.3, 9.5, (48, 64)).astype(np.float32)
    truth[3] = np.nan
    depth_max, quantisation = 10.0, 100.0  # the publisher's defaults
    a = quantisation * (quantisation + 1)
    b = 1 - a / depth_max
    inverse = np.where(np.isnan(truth), 0, a / truth + b).astype(np.uint16)
    data = struct.pack("<iff", 0, a, b) + encode(inverse, ".png")
    depth = metres(depth_from_compressed(compressed(data, "32FC1; compressedDepth png")))
    assert depth.dtype == np.float32
    assert np.isnan(depth[3]).all()
    valid = ~np.isnan(truth)
    # One step of the code is z^2 / A.
    assert (np.abs(depth - truth)[valid] <= 1.01 * truth[valid] ** 2 / a + 1e-4).all()


def test_depth_as_plain_png():
    raw = np.array([[0, 500], [1500, 7]], np.uint16)
    depth = depth_from_compressed(compressed(encode(raw, ".png"), "16UC1; png compressed "))
    np.testing.assert_allclose(metres(depth), [[np.nan, 0.5], [1.5, 0.007]], rtol=1e-6)


def sized(width, height, step, size, encoding="rgb8"):
    return Image(width=width, height=height, step=step, encoding=encoding, data=bytes(size))


@pytest.mark.parametrize(
    ("decode", "msg", "says"),
    [
        (rgb_from_image, sized(8, 6, 24, 143), "143 bytes"),
        (rgb_from_image, sized(8, 6, 24, 145), "145 bytes"),
        (rgb_from_image, sized(8, 6, 23, 138), "step"),
        (rgb_from_image, sized(0, 6, 0, 0), "empty"),
        (rgb_from_image, sized(8, 0, 24, 0), "empty"),
        (rgb_from_image, sized(65535, 65535, 196605, 0), "more than 64 million"),
        (rgb_from_image, sized(8, 6, 24, 144, "16UC1"), "publish rgb8"),
        (rgb_from_image, sized(7, 6, 14, 84, "yuv422"), "publish rgb8"),
        (rgb_from_image, sized(8, 6, 24, 144, ""), "publish rgb8"),
        (depth_from_image, sized(8, 6, 24, 144), "16UC1"),
        (depth_from_image, sized(8, 6, 16, 95, "16UC1"), "95 bytes"),
        (depth_from_image, sized(8, 6, 16, 96, "32FC1"), "step"),
    ],
)
def test_impossible_images_are_refused(decode, msg, says):
    with pytest.raises(MessageError, match=says) as error:
        decode(msg)
    assert one_line(error)


def huge_png(width=50000, height=50000):
    """A head that promises more than there is."""
    png = bytearray(encode(RGB, ".png"))
    png[16:24] = struct.pack(">II", width, height)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    return bytes(png)


def huge_jpeg():
    jpeg = bytearray(encode(SMOOTH, ".jpg"))
    size = jpeg.index(b"\xff\xc0") + 5
    jpeg[size : size + 4] = struct.pack(">HH", 60000, 60000)
    return bytes(jpeg)


JPEG, PNG = encode(SMOOTH, ".jpg"), encode(SMOOTH, ".png")
DEPTH_PNG = encode(np.ones((48, 64), np.uint16), ".png")
RGB_PNG16 = encode(np.ones((48, 64, 3), np.uint16), ".png")


@pytest.mark.parametrize(
    ("decode", "data", "fmt", "says"),
    [
        (rgb_from_compressed, b"", "jpeg", "neither JPEG nor PNG"),
        (rgb_from_compressed, b"\x00" * 100, "jpeg", "neither JPEG nor PNG"),
        (rgb_from_compressed, JPEG[: len(JPEG) * 2 // 3], "jpeg", "cut short"),
        (rgb_from_compressed, PNG[: len(PNG) * 2 // 3], "png", "cut short"),
        (rgb_from_compressed, huge_png(), "png", "more than 64 million"),
        (rgb_from_compressed, huge_png(8001, 8000), "png", "more than 64 million"),
        (rgb_from_compressed, huge_jpeg(), "jpeg", "more than 64 million"),
        (rgb_from_compressed, PNG, "16UC1; compressedDepth png", "depth image on the colour"),
        (depth_from_compressed, b"", "16UC1; compressedDepth png", "empty"),
        (depth_from_compressed, bytes(12), "16UC1; compressedDepth png", "empty"),
        (depth_from_compressed, bytes(12) + huge_png(), "16UC1; compressedDepth", "64 million"),
        (depth_from_compressed, bytes(12) + PNG, "16UC1; compressedDepth png", "16-bit"),
        (depth_from_compressed, JPEG, "16UC1; jpeg compressed ", "16-bit"),
        (depth_from_compressed, RGB_PNG16, "16UC1; png compressed ", "16-bit"),
        (depth_from_compressed, bytes(200), "16UC1; compressedDepth rvl", "format to png"),
        (depth_from_compressed, DEPTH_PNG, "32FC1; png compressed ", "compressedDepth"),
        (depth_from_compressed, bytes(12) + DEPTH_PNG[:-30], "16UC1; compressedDepth", "cut short"),
    ],
)
def test_impossible_compressed_images_are_refused(decode, data, fmt, says):
    with pytest.raises(MessageError, match=says) as error:
        decode(compressed(data, fmt))
    assert one_line(error)


def test_the_largest_size_is_still_read():
    width, height = 8000, MAX_PIXELS // 8000
    depth = depth_from_image(sized(width, height, 2 * width, 2 * width * height, "16UC1"))
    assert depth.shape == (height, width)


def camera_info(**fields):
    k = [600.0, 0.0, 320.0, 0.0, 610.0, 240.0, 0.0, 0.0, 1.0]
    p = [500.0, 0.0, 310.0, 0.0, 0.0, 510.0, 230.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    msg = CameraInfo(width=640, height=480, k=k, p=p)
    for name, value in fields.items():
        setattr(msg, name, value)
    return msg


def as_tuple(k):
    return (k.width, k.height, k.fx, k.fy, k.cx, k.cy)


def test_projection_comes_before_camera_matrix():
    assert as_tuple(intrinsics_from_camera_info(camera_info())) == (640, 480, 500, 510, 310, 230)
    unset = camera_info(p=[0.0] * 12)
    assert as_tuple(intrinsics_from_camera_info(unset)) == (640, 480, 600, 610, 320, 240)


def test_binning_and_region_of_interest():
    msg = camera_info(binning_x=2, binning_y=2)
    assert as_tuple(intrinsics_from_camera_info(msg)) == (320, 240, 250, 255, 155, 115)
    msg = camera_info()
    msg.roi.x_offset, msg.roi.y_offset, msg.roi.width, msg.roi.height = 100, 50, 200, 100
    assert as_tuple(intrinsics_from_camera_info(msg)) == (200, 100, 500, 510, 210, 180)


@pytest.mark.parametrize(
    "fields",
    [
        {"k": [0.0] * 9, "p": [0.0] * 12},
        {"p": [float("nan")] * 12},
        {"p": [float("inf")] + [0.0] * 11},
        {"width": 0},
    ],
)
def test_uncalibrated_cameras_are_refused(fields):
    with pytest.raises(MessageError, match="camera_info cannot be used: ") as error:
        intrinsics_from_camera_info(camera_info(**fields))
    assert one_line(error)
