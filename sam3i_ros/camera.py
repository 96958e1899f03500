"""From image, depth and camera_info messages to one `Frame`.

`CameraBuffer` is filled by subscription callbacks, which only store messages, and emptied by the
one worker, which always gets the newest complete frame. `FrameDecoder` then turns messages into
arrays, so nothing is decoded that is not used.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from sam3i_model import decoding
from sam3i_model.intrinsics import Intrinsics
from sam3i_ros.geometry import ray_grid
from sam3i_ros.health import Health, Severity

DEPTH_SILENT = 1.0  # s of images without any depth, after which none is waited for
_HISTORY = 8  # messages of a stream that are kept at least
_FASTEST = 60.0  # Hz, of a camera whose images can all wait for their depth


@dataclass(frozen=True)
class RawFrame:
    """The messages of one camera moment, not decoded yet."""

    image: Image | CompressedImage
    depth: Image | CompressedImage | None
    info: CameraInfo | None
    arrived: float  # of the image, in the buffer's clock, s
    no_depth: str  # why depth is None


@dataclass(frozen=True)
class Frame:
    """One camera moment, decoded."""

    header: Header  # of the colour image
    stamp_ns: int
    rgb: npt.NDArray[np.uint8]  # (H, W, 3)
    depth: npt.NDArray[Any] | None  # (H, W), uint16 mm or float32 m
    rays: npt.NDArray[np.float32] | None  # (H, W, 2): x/z, y/z
    no_3d: str  # why depth or rays is None


@dataclass(frozen=True)
class _Stored:
    message: Any
    stamp_ns: int
    arrived: float


def stamp_ns(message: Any) -> int:
    """The header's stamp, ns."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


class CameraBuffer:
    """Holds the newest complete frame, and the few images that still wait for their depth.

    A frame is complete when its depth is there and none nearer can be expected, when its depth is
    no longer waited for, or, with `use_depth` off, at once. The first one waits for camera_info
    as well, which comes after the image. Whatever is overtaken by a newer complete frame is
    forgotten, and `on_drop` is told how many images that were.

    With `every`, for a recording, nothing is forgotten, the oldest frame comes first, and as nobody
    is in a hurry an image waits DEPTH_SILENT for its depth, or until as many more wait as come in
    that time from the fastest camera.
    """

    def __init__(
        self,
        use_depth: bool,
        slop: float,
        depth_wait: float,
        depth_topic: str = "depth",
        on_drop: Callable[[int], None] = lambda count: None,
        clock: Callable[[], float] = time.monotonic,
        every: bool = False,
    ) -> None:
        self.slop = slop  # s; it and the next may be changed at any time
        self.depth_wait = depth_wait  # s that an image waits for its depth, from its arrival
        self._use_depth = use_depth
        self._depth_topic = depth_topic
        self._on_drop = on_drop
        self._clock = clock
        self._every = every
        self._changed = threading.Condition()
        self._images: deque[_Stored] = deque()
        self._depths: deque[_Stored] = deque()
        self._depth_stamps: deque[int] = deque(maxlen=_HISTORY)
        self._info: CameraInfo | None = None
        self._info_due = use_depth
        self._depth_seen = False
        self._without: float | None = None  # since when images come without any depth, s
        self._closed = False

    def add_image(self, message: Image | CompressedImage) -> None:
        """Stores a colour image."""
        with self._changed:
            arrived = self._clock()
            self._images.append(_Stored(message, stamp_ns(message), arrived))
            if self._without is None:
                self._without = arrived
            if self._crowded() and not self._every:
                self._drop(1)
            self._forget_overtaken()

    def add_depth(self, message: Image | CompressedImage) -> None:
        """Stores a depth image."""
        with self._changed:
            self._without, self._depth_seen = None, True
            stored = _Stored(message, stamp_ns(message), self._clock())
            self._depths.append(stored)
            self._depth_stamps.append(stored.stamp_ns)
            if len(self._depths) > self._room():
                self._depths.popleft()
            self._forget_overtaken()

    def add_info(self, message: CameraInfo) -> None:
        """Stores the newest camera_info; it belongs to all images that follow."""
        with self._changed:
            self._info, self._info_due = message, False
            self._forget_overtaken()

    def close(self) -> None:
        """Makes `take` return at once, now and later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def nudge(self) -> None:
        """Makes `wait` look again."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, done: Callable[[], bool]) -> None:
        """Until a frame is complete, or `done()` is true when it begins or after a `nudge`."""
        with self._changed:
            while not (self._closed or done() or self._next() is not None):
                # With depth, an image does without it after `depth_wait`, which may be 0.
                self._changed.wait(max(self.depth_wait, 0.01) if self._use_depth else None)

    def take(self, timeout: float) -> RawFrame | None:
        """The next complete frame, waiting up to `timeout` s for one; None if there is none."""
        deadline = self._clock() + timeout
        with self._changed:
            while not self._closed:
                index = self._next()
                if index is not None:
                    return self._pop(index)
                now = self._clock()
                if now >= deadline:
                    return None
                wake = deadline
                if self._images:  # the oldest is the first to give up on its depth
                    wake = min(wake, self._images[0].arrived + self.depth_wait)
                self._changed.wait(max(wake - now, 0.001))
        return None

    def _next(self) -> int | None:
        """Index of the image to answer now: the newest complete one, or with `every` the oldest."""
        late = self._clock() - self._patience()
        silent = not self._every and self._silent()
        crowded = self._crowded()
        unpaired = None
        for index in range(len(self._images))[: 1 if self._every else None][::-1]:
            if not (self._lonely(self._images[index]) or self._info_due):
                return index
            if unpaired is None and (silent or crowded or self._images[index].arrived <= late):
                unpaired = index
        return unpaired

    def _patience(self) -> float:
        """How long an image waits for its depth, s."""
        return DEPTH_SILENT if self._every else self.depth_wait

    def _room(self) -> int:
        return max(_HISTORY, math.ceil(_FASTEST * self._patience()))

    def _crowded(self) -> bool:
        return len(self._images) > self._room()

    def _silent(self) -> bool:
        return self._without is not None and self._clock() - self._without > DEPTH_SILENT

    def _lonely(self, image: _Stored) -> bool:
        """Whether its depth may be still to come: one that is half a period older, or more, may be
        the frame's before."""
        if not self._use_depth:
            return False
        nearest = self._partner(image)
        if nearest is None:
            return True
        if any(depth.stamp_ns >= image.stamp_ns for depth in self._depths):
            return False
        return image.stamp_ns - nearest.stamp_ns > self._depth_period() / 2

    def _depth_period(self) -> float:
        """Median time between depth stamps, ns; 0 before the second."""
        gaps = [later - earlier for earlier, later in pairwise(self._depth_stamps)]
        return median([gap for gap in gaps if gap > 0] or [0])

    def _partner(self, image: _Stored) -> _Stored | None:
        # Of equally near ones the newest: stamps may all be zero.
        newest_first = reversed(self._depths)
        nearest = min(newest_first, key=lambda d: abs(d.stamp_ns - image.stamp_ns), default=None)
        if nearest is None or abs(nearest.stamp_ns - image.stamp_ns) > self.slop * 1e9:
            return None
        return nearest

    def _pop(self, index: int) -> RawFrame:
        self._drop(index)
        self._info_due = False  # it has been waited for
        image = self._images.popleft()
        depth = self._partner(image) if self._use_depth else None
        why = "" if depth else self._why_no_depth(image)
        if depth:  # and older ones have no image left to go with
            newer = (d for d in self._depths if d.stamp_ns > depth.stamp_ns)
            self._depths = deque(newer)
        return RawFrame(
            image.message, depth.message if depth else None, self._info, image.arrived, why
        )

    def _why_no_depth(self, image: _Stored) -> str:
        if not self._use_depth:
            return "depth is off (depth_transport: none)"
        if not self._depth_seen:
            return f"no depth image has come on {self._depth_topic}"
        if self._silent():
            return f"depth images have stopped coming on {self._depth_topic}"
        apart = min((abs(d.stamp_ns - image.stamp_ns) for d in self._depths), default=None)
        nearest = "" if apart is None else f" (the nearest is {apart / 1e6:.0f} ms away)"
        return f"no depth image within sync_slop ({self.slop:g} s) of the image{nearest}"

    def _forget_overtaken(self) -> None:
        index = self._next()
        if index is not None:
            self._drop(index)
            self._changed.notify_all()

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._images.popleft()
        if count:
            self._on_drop(count)


class FrameDecoder:
    """Decodes frames and reports what is wrong with them; rays are kept per camera_info."""

    def __init__(self, health: Health, use_depth: bool) -> None:
        self._health = health
        self._use_depth = use_depth
        self._intrinsics: Intrinsics | None = None
        self._rays: npt.NDArray[np.float32] | None = None

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
        if intrinsics != self._intrinsics or self._rays is None:
            self._intrinsics, self._rays = intrinsics, ray_grid(intrinsics)
        return depth, self._rays

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
