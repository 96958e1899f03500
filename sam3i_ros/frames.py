"""From the messages of one camera moment to the arrays of one `Frame`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from sam3i_model import decoding
from sam3i_ros.camera import RawFrame, stamp_ns
from sam3i_ros.geometry import ray_grid
from sam3i_ros.health import Health, Severity


@dataclass(frozen=True)
class Frame:
    """One camera moment, decoded."""

    header: Header  # of the colour image
    stamp_ns: int
    rgb: npt.NDArray[np.uint8]  # (H, W, 3)
    depth: npt.NDArray[Any] | None  # (H, W), uint16 mm or float32 m
    rays: npt.NDArray[np.float32] | None  # (H, W, 2): x/z, y/z
    no_3d: str  # why depth or rays is None


class FrameDecoder:
    """Decodes frames and reports what is wrong with them; rays are kept per camera_info."""

    def __init__(self, health: Health, use_depth: bool) -> None:
        self._health = health
        self._use_depth = use_depth
        self._ray_grid = lru_cache(maxsize=1)(ray_grid)

    def decode(self, raw: RawFrame, want_3d: bool) -> Frame:
        """Arrays of a frame. MessageError if the colour image cannot be used.

        Without usable depth and camera_info the frame has no 3D and says why.
        """
        compressed = isinstance(raw.image, CompressedImage)
        decode = decoding.rgb_from_compressed if compressed else decoding.rgb_from_image
        rgb = decode(raw.image)
        stamp = stamp_ns(raw.image)
        if stamp == 0:
            self._warn("camera.stamp", f"images have no stamp; {_STAMP_REMEDY}")
        depth = rays = None
        no_3d = ""
        if not self._use_depth:
            no_3d = raw.no_depth
        elif not want_3d:
            no_3d = "nobody listened to an output with 3D"
        else:
            try:
                depth, rays = self._depth_and_rays(raw, (rgb.shape[0], rgb.shape[1]))
            except decoding.MessageError as error:
                no_3d = str(error)
                self._warn("geometry.depth", no_3d)
        return Frame(raw.image.header, stamp, rgb, depth, rays, no_3d)

    def _depth_and_rays(
        self, raw: RawFrame, size: tuple[int, int]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        if raw.depth is None:
            raise decoding.MessageError(f"{raw.no_depth}; {_DEPTH_REMEDY}")
        if not raw.image.header.frame_id:
            raise decoding.MessageError("images have no frame_id; set it in the camera driver")
        if raw.info is None:
            raise decoding.MessageError(
                "no camera_info has come; remap camera_info to the one of the colour camera"
            )
        intrinsics = decoding.intrinsics_from_camera_info(raw.info)
        _check_size("camera_info", (intrinsics.height, intrinsics.width), size, _INFO_REMEDY)
        compressed = isinstance(raw.depth, CompressedImage)
        decode = decoding.depth_from_compressed if compressed else decoding.depth_from_image
        depth = decode(raw.depth)
        _check_size("depth", depth.shape, size, _ALIGN_REMEDY)
        if not decoding.measured(depth).any():
            raise decoding.MessageError(
                "the depth image holds no valid value; look at the depth camera and its range"
            )
        frames = raw.image.header.frame_id, raw.depth.header.frame_id
        if frames[0] != frames[1]:
            self._warn(
                "geometry.frames",
                f"image is in frame {frames[0]!r} but depth in {frames[1]!r}; {_ALIGN_REMEDY}",
            )
        return depth, self._ray_grid(intrinsics)

    def _warn(self, key: str, text: str) -> None:
        self._health.fault(key, Severity.WARN, text)


_STAMP_REMEDY = "let the driver stamp them, depth and TF cannot be matched without"
_DEPTH_REMEDY = "check the depth topic, its QoS and its stamps; if it comes late, raise depth_wait"
_ALIGN_REMEDY = "use the depth image that the driver aligns to the colour image"
_INFO_REMEDY = "remap camera_info to the one of the colour camera"


def _check_size(what: str, actual: tuple[int, ...], expected: tuple[int, int], remedy: str) -> None:
    if actual != expected:
        raise decoding.MessageError(
            f"{what} is {actual[1]}x{actual[0]} but the image is {expected[1]}x{expected[0]}; "
            f"{remedy}"
        )
