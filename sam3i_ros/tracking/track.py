"""One thing that answers one instruction, from its first grounding to when it is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam3i_ros.tracking.identity import Sight, placed
from sam3i_ros.tracking.motion import Way
from sam3i_ros.tracking.outline import Outline, carry

Array = npt.NDArray[Any]

HIDDEN = 1.0  # s out of sight for which a thing keeps its identity at least
MISSES = 2  # answers in a row without it, before which it is not forgotten either
DOUBTFUL, LOST = 0.3, 0.5  # share of a carried mask that looks otherwise than its origin
DOUBTFUL_AREA, LOST_AREA = 0.5, 0.25  # of a carried mask, relative to its origin
SHRINKING = 0.9  # from answer to answer, at most, of the size that is believed
WHOLE = 0.7  # share of its size from which most of a thing is in sight
SMOOTHING = 0.3  # share of the newest frame in the velocity


@dataclass
class Track:
    """Where a thing is in the newest frame."""

    id: int
    sight: Sight
    """In the newest small picture; its look and size stay those of the grounded one."""
    seen: float
    """When it was last in sight, s."""
    outline: Outline | None = None
    """In the frame of the newest answer; None if that does not have it."""
    score: float = 0.0
    mask: Array | None = None
    """bool (H, W) in the newest frame; None if it is out of sight."""
    doubtful: bool = False
    """Whether it was lost, or its mask may be wrong."""
    misses: int = 0
    """Answers in a row without it."""
    _velocity: Array = field(default_factory=lambda: np.zeros(2))  # px a frame, of its own
    _led: Array = field(default_factory=lambda: np.zeros(2))  # px, how the picture moved there

    def predict(self, motion: Array, time: float) -> None:
        """Goes to the next frame with the picture, by an affine map (2, 3).

        What is out of sight goes on with its own velocity for as long as it can be hidden.
        """
        centre = motion[:, :2] @ self.sight.centre + motion[:, 2]
        self._led = centre - self.sight.centre
        if self.mask is None and time - self.seen <= HIDDEN:
            centre = centre + self._velocity
        self.sight = replace(self.sight, centre=centre)

    def found(self, outline: Outline, score: float, seen: Sight, time: float) -> None:
        """The newest answer, to a frame at `time`, has it."""
        self.outline, self.score, self.misses = outline, score, 0
        # What is seen of it may be a part.
        size = max(seen.size, SHRINKING * self.sight.size)
        self.sight, self.seen = replace(self.sight, size=size, look=seen.look), max(self.seen, time)

    def missed(self, time: float) -> bool:
        """The newest answer, to a frame at `time`, does not have it; whether to forget it."""
        self.outline, self.misses = None, self.misses + 1
        return self.misses >= MISSES and time - self.seen > HIDDEN

    def locate(self, way: Way, changed: Array, colour: Array, time: float) -> None:
        """Carries the outline to the newest frame.

        Args:
            way: from the newest frame to that of the answer.
            changed: uint8 (h, w) of `Anchor.changed`.
            colour: uint8 (h, w, 3), the newest small picture.
            time: of the newest frame, s.
        """
        self.mask, self.doubtful = None, False
        if self.outline:
            mask, small = carry(self.outline, way, colour)
            area = cv2.countNonZero(small)
            size = area / cv2.countNonZero(self.outline.small)
            other = cv2.countNonZero(cv2.bitwise_and(changed, small)) / max(area, 1)
            steady = DOUBTFUL_AREA <= size <= 1 / DOUBTFUL_AREA
            self.doubtful = other > DOUBTFUL or not steady
            if other <= LOST and size >= LOST_AREA:
                self.mask, self.seen = mask, time
                self.sight = placed(self.sight, small)
        if self.mask is None:
            self.sight = replace(self.sight, shape=None)

    def learn(self, back: Array) -> None:
        """Takes its velocity from the flow (h, w, 2) of `Flow.back`, if most of it is in sight."""
        shape = self.sight.shape
        if shape is None or cv2.countNonZero(shape) < WHOLE * self.sight.size**2:
            return
        # That of its pixels: its centre moves as well when a part of it is covered.
        x, y, width, height = self.sight.box
        window = np.s_[y : y + height, x : x + width]
        own = -np.median(back[window][shape[window] > 0], axis=0) - self._led
        self._velocity = self._velocity + SMOOTHING * (own - self._velocity)
