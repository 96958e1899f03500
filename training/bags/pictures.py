"""A recording's camera messages as pictures, and pictures as files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sam3i_model.decoding import (
    depth_from_compressed,
    depth_from_image,
    metres,
    rgb_from_compressed,
    rgb_from_image,
)

COMPRESSED = "sensor_msgs/msg/CompressedImage"
FULL_COLOUR = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
JPEG_OPTIONS = (cv2.IMWRITE_JPEG_QUALITY, 95, *FULL_COLOUR)
"""For images recorded raw: a third more bytes, but a small thing keeps its colour."""
PNG_OPTIONS = (cv2.IMWRITE_PNG_COMPRESSION, 3)
_SEGMENT = re.compile(rb"\xff+([^\xff\xda])(..)", re.DOTALL)
"""Of a JPEG, before its coefficients (marker DA): marker, and how long it is from there on."""
_METADATA = b"\xe1"
"""Marker of EXIF and XMP."""
DEPTH_ENCODINGS = ("16UC1", "32FC1")


def is_depth(message: Any, called_depth: bool) -> bool:
    """Whether an Image or CompressedImage holds depth, by what it says of itself.

    Thermal and infrared cameras send mono16, too: that it is depth must be said by its topic's
    name, or by the user.
    """
    known = (*DEPTH_ENCODINGS, "mono16") if called_depth else DEPTH_ENCODINGS
    if hasattr(message, "encoding"):
        return message.encoding in known
    encoding, _, method = message.format.partition(";")
    return "compressedDepth" in method or encoding.strip() in known


def colour(message: Any, type: str) -> NDArray[np.uint8]:
    """uint8 RGB (H, W, 3). Raises MessageError."""
    return rgb_from_compressed(message) if type == COMPRESSED else rgb_from_image(message)


def depth(message: Any, type: str) -> NDArray[np.float32]:
    """float32 (H, W), m, NaN where nothing was measured. Raises MessageError."""
    return metres(
        depth_from_compressed(message) if type == COMPRESSED else depth_from_image(message)
    )


def millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Depth in metres, NaN for none, as uint16 millimetres, 0 for none or beyond 65 m."""
    scaled = np.nan_to_num(depth * 1000, nan=0, posinf=0, neginf=0)
    return np.where((scaled > 0) & (scaled < 65535.5), np.rint(scaled), 0).astype(np.uint16)


def picture_file(message: Any, type: str, rgb: NDArray[np.uint8]) -> tuple[str, bytes]:
    """The end of an image's file name and its bytes: JPEG as recorded but for EXIF, PNG as PNG,
    raw as JPEG."""
    data = bytes(message.data) if type == COMPRESSED else b""
    swapped = type == COMPRESSED and "compressed rgb" in message.format
    if data.startswith(b"\xff\xd8") and not swapped:
        return ".jpg", _unturned(data)
    kind = ".png" if data and not data.startswith(b"\xff\xd8") else ".jpg"
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return kind, encoded(kind, bgr, JPEG_OPTIONS).tobytes()


def _unturned(data: bytes) -> bytes:
    """A JPEG without its EXIF, all else byte for byte.

    It may say how the picture is to be turned; the node never turns it, nor the masks upon it.
    """
    kept, at = [data[:2]], 2
    while segment := _SEGMENT.match(data, at):
        end = segment.end() - 2 + int.from_bytes(segment[2], "big")
        if segment[1] != _METADATA:
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])


def depth_file(depth: NDArray[np.float32]) -> bytes:
    """PNG of uint16 mm."""
    return encoded(".png", millimetres(depth), PNG_OPTIONS).tobytes()


def encoded(kind: str, image: NDArray[Any], options: Sequence[int]) -> NDArray[np.uint8]:
    """An image as the bytes of a file, uint8 (N,); `kind` ends its name, such as ".png"."""
    done, packed = cv2.imencode(kind, image, list(options))
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {kind} image")
    return packed.reshape(-1)
