"""Messages to arrays: colour, depth and intrinsics of a camera, masks of the node's answers.

No ROS: a message is any object with the fields of its type, such as those that rclpy receives or
that rosbags reads. Whatever may be wrong with one ends in a `MessageError`, one line that says what
is wrong and what to do. Raw images are views of the message where their layout allows it.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from sam3i_model.intrinsics import Intrinsics

Array = npt.NDArray[Any]
Message = Any

MAX_PIXELS = 64_000_000
"""Larger images are refused: no robot camera makes them, and they would eat the memory."""

# Encoding (sensor_msgs/image_encodings): channels, and the OpenCV conversion to RGB.
# OpenCV names a Bayer pattern after its second row, ROS after its first.
_COLOUR: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUY2),
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2RGB),
}
_TOO_LARGE = (
    f"the image has more than {MAX_PIXELS // 10**6} million pixels; lower the camera's resolution"
)
_DEPTH = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
_COMPRESSED_DEPTH_HEADER = struct.Struct("<iff")  # format, quantisation A and B


class MessageError(ValueError):
    """A message that cannot be used; the text is one line with the remedy."""


def rgb_from_image(msg: Message) -> Array:
    """sensor_msgs/Image as uint8 (H, W, 3) RGB; a view of the message's data for rgb8.

    Raises MessageError.
    """
    if msg.encoding not in _COLOUR:
        raise MessageError(
            f"colour encoding '{msg.encoding}' is not known; publish rgb8 or bgr8 "
            f"(also known: {', '.join(sorted(_COLOUR))})"
        )
    channels, conversion = _COLOUR[msg.encoding]
    raw = _pixels(msg, "u1", channels)
    if conversion is None:
        return raw
    try:
        return cv2.cvtColor(raw, conversion)
    except cv2.error as error:  # such as YUV 4:2:2 with an odd width
        raise MessageError(
            f"cannot convert a {msg.width}x{msg.height} '{msg.encoding}' image: {error.err}; "
            "publish rgb8 or bgr8"
        ) from None


def rgb_from_compressed(msg: Message) -> Array:
    """sensor_msgs/CompressedImage, JPEG or PNG, as uint8 (H, W, 3) RGB. Raises MessageError."""
    if "compressedDepth" in msg.format:
        raise MessageError(
            f"'{msg.format}' is a depth image on the colour topic; remap image/compressed"
        )
    image = _imdecode(
        np.frombuffer(msg.data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    )
    if "compressed rgb" in msg.format:  # the sender compressed RGB as if it were BGR
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def depth_from_image(msg: Message) -> Array:
    """Depth image (H, W) as it is (REP-118), maybe in the message's own memory; see `metres`.

    16UC1 and mono16 are uint16 millimetres, 32FC1 is float32 metres. Raises MessageError.
    """
    if msg.encoding not in _DEPTH:
        raise MessageError(
            f"depth encoding '{msg.encoding}' is not known; publish 16UC1 (mm) or 32FC1 (m)"
        )
    raw = _pixels(msg, _DEPTH[msg.encoding], 1)
    return raw.astype(raw.dtype.newbyteorder("="), copy=False)


def depth_from_compressed(msg: Message) -> Array:
    """Compressed depth (H, W): uint16 millimetres or float32 metres, see `metres`.

    Reads what compressed_depth_image_transport writes with its format png ("16UC1;
    compressedDepth png" and the 32FC1 twin; the word png is missing in older versions), and
    plain 16-bit PNG ("16UC1; png compressed"). Raises MessageError.
    """
    data = np.frombuffer(msg.data, np.uint8)
    encoding, _, method = (part.strip() for part in msg.format.partition(";"))
    if "rvl" in method:
        raise MessageError(
            "RVL-compressed depth cannot be read; set the camera driver's compressedDepth format "
            "to png, or use depth_transport: raw"
        )
    quantisation = None
    if "compressedDepth" in method:
        if len(data) <= _COMPRESSED_DEPTH_HEADER.size:
            raise MessageError("compressed depth is empty; check the camera driver")
        quantisation = _COMPRESSED_DEPTH_HEADER.unpack_from(msg.data)[1:]
        data = data[_COMPRESSED_DEPTH_HEADER.size :]
    image = _imdecode(data, cv2.IMREAD_UNCHANGED)
    if image.dtype != np.uint16 or image.ndim != 2:
        raise MessageError(
            f"'{msg.format}' holds {image.dtype} {image.shape} instead of 16-bit depth; "
            "depth must come as compressedDepth or 16-bit PNG, JPEG cannot carry it"
        )
    if encoding != "32FC1":
        return image
    if quantisation is None:
        raise MessageError(f"'{msg.format}' cannot carry 32FC1 depth; use compressedDepth")
    # Inverse depth, quantised (codec.cpp of compressed_depth_image_transport): z = A / (v - B).
    a, b = (np.float32(q) for q in quantisation)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(image > 0, a / (image - b), np.float32(0))


def metres(depth: Array) -> Array:
    """Depth as float32 metres, NaN where nothing was measured; takes what `scaled` does."""
    known = np.where(measured(depth), scaled(depth), np.float32(np.nan))
    return known.astype(np.float32, copy=False)


def scaled(depth: Array) -> Array:
    """Depth in metres; what is no measurement stays so.

    Args:
        depth: unsigned integers are millimetres, 0 for none; floats are metres (REP-118).
    """
    return depth * np.float32(0.001) if depth.dtype.kind == "u" else depth


def measured(depth: Array) -> Array:
    """Where depth holds a distance: bool, its shape."""
    return depth > 0 if depth.dtype.kind == "u" else (depth > 0) & (depth < np.inf)


def intrinsics_from_camera_info(msg: Message) -> Intrinsics:
    """Intrinsics of the image that a sensor_msgs/CameraInfo goes with.

    The image is taken to be rectified, or its distortion to be small: P where it is set, else K.
    A raw image of a strongly distorted lens gives wrong rays towards its corners; rectify it first
    (image_proc). Binning and region of interest are accounted for as sensor_msgs/CameraInfo
    defines them. Raises MessageError.
    """
    p = np.asarray(msg.p, dtype=np.float64).reshape(3, 4)
    matrix = (p[:, :3] if p[0, 0] != 0 else np.asarray(msg.k).reshape(3, 3)).copy()
    roi = msg.roi
    matrix[0, 2] -= roi.x_offset
    matrix[1, 2] -= roi.y_offset
    binning_x, binning_y = max(msg.binning_x, 1), max(msg.binning_y, 1)
    matrix[0] /= binning_x
    matrix[1] /= binning_y
    try:
        return Intrinsics.from_matrix(
            matrix, (roi.width or msg.width) // binning_x, (roi.height or msg.height) // binning_y
        )
    except ValueError as error:
        raise MessageError(f"camera_info cannot be used: {error}") from None


def mask_from_segment(segment: Message, shape: tuple[int, int]) -> Array:
    """The whole mask of a sam3i_ros/Segment, bool (H, W) of the image's shape.

    Raises MessageError if the runs do not fill the region of interest, or it is not in the image.
    """
    roi = segment.roi
    runs = np.asarray(segment.mask_runs, dtype=np.uint64)
    bottom, right = roi.y_offset + roi.height, roi.x_offset + roi.width
    if bottom > shape[0] or right > shape[1] or int(runs.sum()) != roi.height * roi.width:
        raise MessageError(
            f"segment {segment.label} does not fit a {shape[1]}x{shape[0]} image; take the image "
            "with the same stamp"
        )
    mask = np.zeros(shape, bool)
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs.astype(np.intp))
    mask[roi.y_offset : bottom, roi.x_offset : right] = inside.reshape(roi.height, roi.width)
    return mask


def no_end(data: Array, kind: str | None) -> bool:
    """Whether a file, uint8 (N,), of Pillow's format `kind` is a JPEG without its end mark.

    Of one that is cut off, older OpenCV fills the missing part with grey and says nothing.
    """
    return kind in ("JPEG", "MPO") and b"\xff\xd9" not in data[-4096:].tobytes()


def _check_size(width: int, height: int) -> None:
    if width <= 0 or height <= 0:
        raise MessageError(f"the image is empty ({width}x{height}); check the camera driver")
    if width * height > MAX_PIXELS:
        raise MessageError(_TOO_LARGE)


def _pixels(msg: Message, kind: str, channels: int) -> Array:
    """View of the data as (H, W) or (H, W, channels), whatever the row padding."""
    _check_size(msg.width, msg.height)
    dtype = np.dtype((">" if msg.is_bigendian else "<") + kind)
    row = msg.width * channels * dtype.itemsize
    if msg.step < row or len(msg.data) != msg.step * msg.height:
        raise MessageError(
            f"a {msg.width}x{msg.height} '{msg.encoding}' image with step {msg.step} has "
            f"{len(msg.data)} bytes; the camera driver must send step >= {row} and step * height "
            "bytes"
        )
    shape: tuple[int, ...] = (msg.height, msg.width)
    strides: tuple[int, ...] = (msg.step, channels * dtype.itemsize)
    if channels > 1:
        shape, strides = (*shape, channels), (*strides, dtype.itemsize)
    return np.ndarray(shape, dtype, buffer=msg.data, strides=strides)


def _imdecode(data: Array, flags: int) -> Array:
    """Decode JPEG or PNG; the size is read from its head before any memory is taken for it."""
    try:
        with PillowImage.open(io.BytesIO(data.tobytes()), formats=("JPEG", "PNG")) as head:
            size, kind = head.size, head.format
    except PillowImage.DecompressionBombError:
        raise MessageError(_TOO_LARGE) from None
    except (OSError, ValueError, SyntaxError):
        raise MessageError(
            "compressed data is neither JPEG nor PNG; use jpeg or png in the camera driver"
        ) from None
    _check_size(*size)
    image = None if no_end(data, kind) else cv2.imdecode(data, flags)
    if image is None:
        raise MessageError(
            f"the {kind} image ({len(data)} bytes) is cut short or damaged; check the network and "
            "the camera driver"
        )
    return image
