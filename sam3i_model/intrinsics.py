"""The pinhole camera that pixels and rays are related by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera without distortion; pixel (u, v) sees x/z = (u - cx) / fx. Units: pixels."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def from_matrix(cls, matrix: npt.ArrayLike, width: int, height: int) -> Intrinsics:
        """Read the upper left 3x3 of a camera matrix K, or of a 3x4 projection P.

        Raises ValueError for a size or focal length that is not positive, or a value not finite.
        """
        m = np.asarray(matrix, dtype=np.float64)
        k = cls(int(width), int(height), *(float(m[i]) for i in ((0, 0), (1, 1), (0, 2), (1, 2))))
        if k.width <= 0 or k.height <= 0:
            raise ValueError(f"camera size is {k.width}x{k.height}: the camera driver must fill it")
        if not all(map(math.isfinite, (k.fx, k.fy, k.cx, k.cy))) or k.fx <= 0 or k.fy <= 0:
            raise ValueError(
                f"focal length is ({k.fx:g}, {k.fy:g}): the camera is not calibrated; "
                "run camera_calibration or let the driver publish its factory calibration"
            )
        return k
