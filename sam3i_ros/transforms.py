"""The transform from the camera to the frame that the points are wanted in.

With a ROS install it comes from TF at the image's stamp; without one, or where a camera is
bolted down, from the parameter `camera_to_target`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

TF_TIMEOUT = 0.1  # s to wait for a transform that is not there yet
JUMP = 1_000_000_000  # ns back, from which stamps are those of a recording that began again


class TransformError(Exception):
    """There is no such transform; one line that says why, and the remedy."""


class Transforms(Protocol):
    """Where transforms come from."""

    name: str  # for the log

    def lookup(self, target: str, source: str, stamp_ns: int) -> npt.NDArray[np.float64]:
        """4x4 matrix that takes points from `source` to `target` at a time; TransformError."""

    def close(self) -> None:
        """Stops listening."""


def matrix_from_pose(
    translation: Sequence[float], quaternion: Sequence[float]
) -> npt.NDArray[np.float64]:
    """4x4 matrix of a translation (m) and a quaternion x, y, z, w of any length but zero.

    ValueError for values that are not finite and for a zero quaternion.
    """
    t = np.asarray(translation, np.float64)
    q = np.asarray(quaternion, np.float64)
    norm = float(np.linalg.norm(q))
    if not (np.isfinite(t).all() and np.isfinite(norm) and norm > 1e-6):
        raise ValueError("a pose needs finite numbers and a quaternion that is not zero")
    x, y, z, w = q / norm
    matrix = np.eye(4)
    matrix[:3, :3] = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    matrix[:3, 3] = t
    return matrix


class StaticTransforms:
    """One transform that never changes: the pose of the camera in the target frame."""

    name = "the parameter camera_to_target"

    def __init__(self, camera_to_target: Sequence[float]) -> None:
        self._matrix = matrix_from_pose(camera_to_target[:3], camera_to_target[3:])

    def lookup(self, target: str, source: str, stamp_ns: int) -> npt.NDArray[np.float64]:
        """The parameter's matrix, whatever the frames are called."""
        return self._matrix

    def close(self) -> None:
        """Nothing to stop."""


class NoTransforms:
    """Neither TF nor a static transform: says how to get one."""

    name = "none (tf2_ros is not installed and camera_to_target is empty)"

    def lookup(self, target: str, source: str, stamp_ns: int) -> npt.NDArray[np.float64]:
        """Always TransformError."""
        raise TransformError(
            f"no transform from {source} to {target}: tf2_ros is not installed; "
            "set camera_to_target to [x, y, z, qx, qy, qz, qw], or target_frame to ''"
        )

    def close(self) -> None:
        """Nothing to stop."""


class TfTransforms:
    """TF, looked up at the image's own stamp."""

    name = "TF"

    def __init__(self, node: Any) -> None:
        import tf2_ros

        self._tf2 = tf2_ros
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)
        self._newest = 0  # stamp asked for, ns

    def lookup(self, target: str, source: str, stamp_ns: int) -> npt.NDArray[np.float64]:
        """Waits up to TF_TIMEOUT for the transform; call it outside the executor's thread."""
        from rclpy.duration import Duration
        from rclpy.time import Time

        if stamp_ns < self._newest - JUMP:
            self._buffer.clear()  # else it takes what a recording played again sends for too old
        self._newest = stamp_ns
        try:
            found = self._buffer.lookup_transform(
                target, source, Time(nanoseconds=stamp_ns), Duration(seconds=TF_TIMEOUT)
            )
        except self._tf2.TransformException as error:
            raise TransformError(
                f"no transform from {source} to {target} at the image's stamp "
                f"({' '.join(str(error).split())}); check `ros2 run tf2_ros tf2_echo "
                f"{target} {source}` and the clocks, or set target_frame to ''"
            ) from error
        t, q = found.transform.translation, found.transform.rotation
        return matrix_from_pose((t.x, t.y, t.z), (q.x, q.y, q.z, q.w))

    def close(self) -> None:
        """Unsubscribes from /tf and /tf_static."""
        self._listener.unregister()


def make_transforms(node: Any, camera_to_target: Sequence[float]) -> Transforms:
    """A static transform if one is given, else TF if it is installed, else none."""
    if camera_to_target:
        return StaticTransforms(camera_to_target)
    try:
        return TfTransforms(node)
    except ImportError:
        return NoTransforms()
