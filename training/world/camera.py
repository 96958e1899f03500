"""A pinhole camera over the table and what its sensor does to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.world.scene import Outlook

Rng = np.random.Generator
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """Intrinsics in pixels (centres of pixels are whole numbers) and the pose in the world.

    `rotation` (3, 3) turns the optical frame (x right, y down, z forward; REP-103) into the
    world frame (z up, table top at z = 0); `position` (3,) is in world metres.
    """

    width: int
    height: int
    focal: float
    rotation: NDArray[np.float64]
    position: NDArray[np.float64]

    @property
    def centre(self) -> tuple[float, float]:
        """The principal point (cx, cy): the middle of the picture."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The intrinsics as a matrix (3, 3)."""
        cx, cy = self.centre
        return np.array([[self.focal, 0, cx], [0, self.focal, cy], [0, 0, 1]])

    def rays(self) -> Floats:
        """Directions (H, W, 3) in the world frame with length 1 along the optical axis."""
        cx, cy = self.centre
        rays = np.ones((self.height, self.width, 3), np.float32)
        rays[..., 0] = (np.arange(self.width) - cx) / self.focal
        rays[..., 1] = ((np.arange(self.height) - cy) / self.focal)[:, None]
        return rays @ self.rotation.T.astype(np.float32)

    def to_optical(self, points: ArrayLike) -> NDArray[np.float64]:
        """World points (..., 3) in the camera optical frame."""
        return (np.asarray(points, np.float64) - self.position) @ self.rotation

    def to_viewer(self, points: ArrayLike) -> NDArray[np.float64]:
        """World points (..., 3) as (right, forward, up) of a person at the camera's foot point.

        Right and forward are horizontal; up is the height above the table top.
        """
        forward = self.rotation[:2, 2] / np.linalg.norm(self.rotation[:2, 2])
        offset = np.asarray(points, np.float64) - [*self.position[:2], 0.0]
        right = offset[..., 0] * forward[1] - offset[..., 1] * forward[0]
        return np.stack([right, offset[..., :2] @ forward, offset[..., 2]], -1)


def look_at(
    eye: ArrayLike, target: ArrayLike, width: int, height: int, fov: float, roll: float = 0.0
) -> Camera:
    """A camera at `eye` whose optical axis meets `target`.

    `fov` is the vertical field of view in degrees, `roll` turns about the optical axis (rad).
    The camera must not look straight down.
    """
    position = np.asarray(eye, np.float64)
    forward = np.asarray(target, np.float64) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turned_right = right * np.cos(roll) + down * np.sin(roll)
    turned_down = down * np.cos(roll) - right * np.sin(roll)
    rotation = np.stack([turned_right, turned_down, forward], 1)
    focal = height / 2 / np.tan(np.deg2rad(fov) / 2)
    return Camera(width, height, float(focal), rotation, position)


def sample_camera(rng: Rng, outlook: Outlook, width: int, height: int) -> Camera:
    """A camera somewhere where the outlook allows one."""
    pitch, turn = rng.uniform(*outlook.pitch), rng.uniform(*outlook.turn)
    fov = rng.uniform(38, 65)
    distance = outlook.width / 2 / np.tan(np.deg2rad(fov) / 2)
    level = np.cos(pitch) * distance
    target = np.array(outlook.target)
    eye = target + np.array([level * np.cos(turn), level * np.sin(turn), np.sin(pitch) * distance])
    return look_at(eye, target, width, height, fov, float(rng.normal(0, 0.06)))


@dataclass(frozen=True)
class Sensor:
    """gain 1 = well exposed; blur in px; noise and grain as a share of full scale.

    `vignette` is the share of light that the corners lose; `smear` the length (px) and the
    direction (rad) of motion blur.
    """

    gain: float
    gamma: float
    blur: float
    noise: float
    jpeg: int | None
    vignette: float = 0.0
    smear: tuple[float, float] = (0.0, 0.0)

    def develop(self, light: Floats, rng: Rng) -> NDArray[np.uint8]:
        """The picture uint8 (H, W, 3) of scene light (H, W, 3), about 0..1."""
        height, width = light.shape[:2]
        picture: NDArray[Any] = light * np.float32(self.gain)
        if self.vignette > 0:
            x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
            fall = 1 - self.vignette / 2 * (x[None] ** 2 + y[:, None] ** 2)
            picture *= fall.astype(np.float32)[..., None]
        picture = cv2.pow(np.clip(picture, 0, 1), self.gamma)
        if self.smear[0] > 1:
            picture = cv2.filter2D(picture, -1, _streak(*self.smear))
        if self.blur > 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        if self.noise > 0.002:
            grain = rng.standard_normal(picture.shape, dtype=np.float32)
            grain *= np.float32(self.noise) * (0.4 + 0.9 * cv2.sqrt(picture))
            picture = picture + grain
        image = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
        if self.jpeg is None:
            return image
        done, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
        if not done:
            raise RuntimeError("OpenCV could not encode a JPEG")
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def _streak(length: float, way: float) -> Floats:
    """Kernel of a motion blur of that length (px) and direction (rad)."""
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    half = np.array([np.cos(way), np.sin(way)]) * length / 2
    first, last = (tuple(int(v) for v in np.rint(side // 2 + s * half)) for s in (-1, 1))
    cv2.line(kernel, first, last, 1.0, 1)
    return kernel / kernel.sum()


def sample_sensor(rng: Rng, size: int) -> Sensor:
    """From a good camera in good light to a cheap one in a dim room, for pictures of `size` px."""
    draw, scale = rng.random(), size / 256
    exposure = (0.42, 0.7) if draw < 0.1 else (1.4, 2.2) if draw < 0.18 else (0.7, 1.4)
    return Sensor(
        gain=float(np.exp(rng.uniform(*np.log(exposure)))),
        gamma=float(rng.uniform(0.8, 1.15)),
        blur=float(scale * (rng.uniform(1.2, 2.5) if rng.random() < 0.06 else rng.uniform(0, 1.0))),
        noise=float(rng.uniform(0, 0.055) * rng.random()) if rng.random() < 0.7 else 0.0,
        jpeg=int(rng.integers(35, 96)) if rng.random() < 0.5 else None,
        vignette=float(rng.uniform(0.1, 0.6)) if rng.random() < 0.3 else 0.0,
        smear=(float(scale * rng.uniform(1.5, 6)), float(rng.uniform(0, np.pi)))
        if rng.random() < 0.1
        else (0.0, 0.0),
    )
