"""Depth and a mask to clean points, a centroid and an oriented box.

Pure NumPy and OpenCV, no ROS. Everything is in the camera optical frame of REP-103 (x right,
y down, z forward) and in metres, until `transform_cloud` takes it to another frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam3i_model.decoding import scaled
from sam3i_model.intrinsics import Intrinsics
from sam3i_ros.surface import fullest, main_layer, on_surface

Array = npt.NDArray[Any]
Roi = tuple[int, int, int, int]
"""Smallest box around a mask: x, y, width, height in pixels."""


@dataclass(frozen=True)
class LiftOptions:
    """How a mask becomes points."""

    min_depth: float = 0.1
    """Metres; nearer depth is no measurement."""
    max_depth: float = 10.0
    """Metres; farther depth is no measurement."""
    mask_erosion: int = 2
    """Pixels taken off the mask's rim at 640 pixels image width; scaled for other widths."""
    edge_tolerance: float = 0.02
    """Depth step between neighbouring pixels, as a share of the depth, that parts two surfaces."""
    max_points: int = 20000
    """Upper bound of points kept for one mask."""
    min_points: int = 20
    """With fewer good points there is no cloud."""


DEFAULT_LIFT = LiftOptions()


@dataclass(frozen=True)
class OrientedBox:
    """Box around the visible surface: longest side first."""

    center: Array
    """float64 (3,), metres."""
    rotation: Array
    """float64 (3, 3), right-handed; columns are the box axes in the cloud's frame."""
    size: Array
    """float64 (3,), metres along the axes, never negative."""


@dataclass(frozen=True)
class Cloud:
    """Points of one mask."""

    points: Array
    """float32 (N, 3), metres."""
    pixels: Array
    """int32 (N,), flat index of each point's pixel in the image."""
    centroid: Array
    """float64 (3,), mean of the points."""
    box: OrientedBox


def ray_grid(k: Intrinsics) -> Array:
    """Viewing rays (x/z, y/z) of every pixel, float32 (H, W, 2); compute once per camera_info."""
    rays = np.empty((k.height, k.width, 2), dtype=np.float32)
    rays[..., 0] = (np.arange(k.width) - k.cx) / k.fx
    rays[..., 1] = ((np.arange(k.height) - k.cy) / k.fy)[:, None]
    return rays


def mask_roi(mask: Array) -> Roi:
    """Of a bool (H, W); all 0 for an empty mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return 0, 0, 0, 0
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    return left, top, right - left, bottom - top


def lift(
    mask: Array,
    depth: Array,
    rays: Array,
    options: LiftOptions = DEFAULT_LIFT,
    roi: Roi | None = None,
) -> Cloud | None:
    """Points of the surface under a mask, without mask bleed, holes and flying pixels.

    Args:
        mask: bool (H, W).
        depth: (H, W), as REP-118 has it: uint16 millimetres or float32 metres; what is not between
            the limits, or no number, is no measurement.
        rays: float32 (H, W, 2) of `ray_grid`.
        options: limits.
        roi: `mask_roi` of the mask, from whoever has it; it takes a look at every pixel.

    Returns:
        The cloud, or None if fewer than `options.min_points` good points are left.

    Raises:
        ValueError: the three do not have the same size.
    """
    if not mask.shape == depth.shape == rays.shape[:2]:
        raise ValueError(
            f"mask {mask.shape}, depth {depth.shape} and camera_info {rays.shape[:2]} differ in "
            "size (height, width): use the depth image that is aligned to the colour image"
        )
    width = mask.shape[1]
    left, top, box_width, box_height = roi or mask_roi(mask)
    # One pixel more on each side, so that erosion and neighbours see what is next to the mask.
    x0, y0 = max(left - 1, 0), max(top - 1, 0)
    x1, y1 = left + box_width + 1, top + box_height + 1
    shape = mask[y0:y1, x0:x1].view(np.uint8)
    core, eroded = _erode(shape, round(options.mask_erosion * width / 640))
    # A large mask is thinned on the pixel grid before the costly steps.
    stride = max(1, int(math.sqrt(cv2.countNonZero(core) / options.max_points)))
    row, column = fullest(depth[y0:y1, x0:x1], stride)
    thin = np.s_[row::stride, column::stride]
    z = scaled(depth[y0:y1, x0:x1][thin])
    z = np.where((z >= options.min_depth) & (z <= options.max_depth), z, np.float32(0))
    surface = on_surface(z, options.edge_tolerance * stride)
    core = surface & core[thin].view(bool)
    if np.count_nonzero(core) < options.min_points:
        return None
    near, far = main_layer(z, core, options.edge_tolerance)
    chosen = np.flatnonzero(surface & shape[thin].view(bool) & (z >= near) & (z <= far))
    rows, columns = np.divmod(chosen, z.shape[1])
    x0, y0 = x0 + column, y0 + row
    pixels = (rows * stride + y0) * width + (columns * stride + x0)
    deep = z.take(chosen)
    # A ray's x is that of its column and its y that of its row.
    right, down = rays[0, x0:x1:stride, 0].take(columns), rays[y0:y1:stride, 0, 1].take(rows)
    whole = np.empty((len(pixels), 3), dtype=np.float32)
    np.multiply(right, deep, out=whole[:, 0])
    np.multiply(down, deep, out=whole[:, 1])
    whole[:, 2] = deep
    # The rim counts for the centroid: without it a slanted object's centroid moves to its near
    # side by millimetres, with it a mask that bleeds a pixel or two moves it less.
    centroid = _mean(whole)
    inner = np.flatnonzero(core.take(chosen))
    if len(inner) < options.min_points:
        return None
    inner = _thin_out(inner, options.max_points)
    points = whole.take(inner, axis=0)
    pixel = stride * float(rays[0, -1, 0] - rays[0, 0, 0]) / max(width - 1, 1) * centroid[2]
    box = _oriented_box(points, whole, eroded / stride, float(pixel))
    return Cloud(points, pixels.take(inner).astype(np.int32), centroid, box)


def transform_points(transform: Array, points: Array) -> Array:
    """Points (N, 3) or (3,) moved by a homogeneous 4x4 transform (target from source)."""
    moved = points @ transform[:3, :3].T + transform[:3, 3]
    return moved.astype(points.dtype, copy=False)


def transform_box(transform: Array, box: OrientedBox) -> OrientedBox:
    """The box in the target frame of a rigid 4x4 transform (target from source)."""
    return OrientedBox(
        transform_points(transform, box.center), transform[:3, :3] @ box.rotation, box.size
    )


def transform_cloud(transform: Array, cloud: Cloud) -> Cloud:
    """The cloud in the target frame of a rigid 4x4 transform (target from source)."""
    return replace(
        cloud,
        points=transform_points(transform, cloud.points),
        centroid=transform_points(transform, cloud.centroid),
        box=transform_box(transform, cloud.box),
    )


def _erode(mask: Array, radius: int) -> tuple[Array, int]:
    """Take up to `radius` pixels off the rim; less where little would be left (a pen, a cable)."""
    pixels = cv2.countNonZero(mask)
    for r in range(radius, 0, -1):
        core = cv2.erode(mask, np.ones((2 * r + 1, 2 * r + 1), np.uint8))
        if 3 * cv2.countNonZero(core) >= pixels:
            return core, r
    return mask, 0


def _oriented_box(core: Array, whole: Array, eroded: float, pixel: float) -> OrientedBox:
    """Box with one axis along the normal of the dominant plane, tight in that plane.

    A camera sees one to three faces of a box. The smallest volume is ambiguous for two of them
    and principal axes tilt away from the faces; a face's normal plus the smallest rectangle
    around its projection is right for all three cases.

    Args:
        core: points (N, 3) without the rim of the mask; they give the axes.
        whole: points (M, 3) with the rim; they widen the box by what erosion can have taken.
        eroded: width of the rim in pixels.
        pixel: width of a pixel at the object, metres.
    """
    sample = _thin_out(core, 2000).astype(np.float64)
    center = _mean(sample)
    sample -= center
    normal, u, v = _plane_axes(sample, tolerance=max(0.002, 0.005 * float(center[2])))
    outline = (sample @ np.stack([u, v], 1)).astype(np.float32)
    # OpenCV sorts them too, but with branches that cost more than all the rest.
    outline = outline.take(np.argsort(outline[:, 0]), axis=0)
    angle = math.radians(cv2.minAreaRect(outline)[2])
    cos, sin = math.cos(angle), math.sin(angle)
    axes = np.stack([cos * u + sin * v, cos * v - sin * u, normal])
    low, high = _extent(axes @ sample.T)
    rim_low, rim_high = _extent(axes @ (_thin_out(whole, 2000) - center).T)
    # A rim r wide hides r / h of a surface along an axis that has the share h across the view.
    # Along the view (h below 1/2) the rim's depth is too poor to tell, and counts less and less.
    across = np.maximum(np.hypot(axes[:, 0], axes[:, 1]), 1e-6)
    hidden = eroded * pixel * np.minimum(1 / across, 4 * across)
    low = np.maximum(np.minimum(low, rim_low), low - hidden)
    high = np.minimum(np.maximum(high, rim_high), high + hidden)
    size = high - low + across * pixel  # points are the middles of pixels
    center = center + (low + high) / 2 @ axes
    order = np.argsort(-size, kind="stable")
    rotation = axes[order].T
    # A box has no front: each axis points to where its largest component is positive, for a
    # steady display; the shortest one makes it right-handed.
    rotation *= np.where(rotation[np.argmax(np.abs(rotation), axis=0), range(3)] < 0, -1.0, 1.0)
    rotation[:, 2] = _cross(rotation[:, 0], rotation[:, 1])
    return OrientedBox(center, rotation, size[order])


def _cross(a: Array, b: Array) -> Array:
    """Cross products of (3, ...) and (3, ...), along their first axis; NumPy's own is slower."""
    (ax, ay, az), (bx, by, bz) = a, b
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _mean(points: Array) -> Array:
    """float64 (3,) of points (N, 3), added up as float64; NumPy's own takes ten times as long."""
    return np.array(cv2.mean(points[:, None])[:3])


def _thin_out(points: Array, most: int) -> Array:
    """At most `most` of the points, no two the same, evenly spread over the image's rows and
    columns: equal steps alone would miss the outermost ones of a mask whose width they divide.
    """
    if len(points) <= most:
        return points
    step = len(points) / most
    count, golden = _spread(most)
    chosen = count * step + golden * min(step, 2.6 * (step - 1))
    return points.take(chosen.astype(np.intp), axis=0)


@lru_cache(8)
def _spread(most: int) -> tuple[Array, Array]:
    """float64 (most,) each: 0, 1, 2 ..., and their multiples of the golden ratio, modulo 1."""
    count = np.arange(most, dtype=np.float64)
    return count, count * ((math.sqrt(5) - 1) / 2) % 1


def _extent(along: Array) -> tuple[Array, Array]:
    """Lowest and highest of each row but for the outermost permille, which may be noise."""
    trim = along.shape[1] // 1000
    ordered = np.partition(along, (trim, -1 - trim), axis=1)
    return ordered[:, trim], ordered[:, -1 - trim]


@lru_cache(8)
def _triples(count: int) -> Array:
    """Index (3, 64) of 64 triples of `count` points."""
    return np.random.default_rng(0).integers(count, size=(3, 64))


def _plane_axes(points: Array, tolerance: float) -> Array:
    """Normal and two directions in the plane that has most points within `tolerance`.

    RANSAC over 64 triples with a fixed seed, then least squares through the plane's points.
    Float64 (3, 3), orthonormal rows, normal first.
    """
    coarse = _thin_out(points, 400)
    corners = coarse.take(_triples(len(coarse)), axis=0)
    normals = _cross(*(corners[1:] - corners[0]).transpose(0, 2, 1)).T
    lengths = np.sqrt(np.add.reduce(normals * normals, axis=1, keepdims=True))
    normals /= np.maximum(lengths, 1e-12)
    offsets = np.einsum("ij,ij->i", normals, corners[0])
    apart = coarse @ normals.T
    apart -= offsets
    votes = np.count_nonzero(np.abs(apart, out=apart) < tolerance, axis=0)
    # Three points in a row give the normal zero, a plane that everything votes for.
    best = np.argmax(np.where(normals.any(axis=1), votes, 0))
    inliers = points[np.abs(points @ normals[best] - offsets[best]) < tolerance]
    inliers -= _mean(inliers)
    return np.linalg.eigh(inliers.T @ inliers)[1].T
