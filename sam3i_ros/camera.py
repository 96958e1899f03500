"""From image, depth and camera_info messages to those of one camera moment.

`CameraBuffer` is filled by subscription callbacks, which only store messages, and emptied by the
one worker, which always gets the newest complete frame. Only that is then decoded, by
`frames.FrameDecoder`.
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

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

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
