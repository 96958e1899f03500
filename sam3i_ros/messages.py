"""Arrays to messages; the way back is `sam3i_model.decoding`, whose functions are also found here.

Bulk data goes into messages as `array.array`, the one type that every rclpy takes without looking
at each element.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from sensor_msgs.msg import Image, PointCloud2, PointField, RegionOfInterest
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from sam3i_model.decoding import (
    MAX_PIXELS,
    MessageError,
    depth_from_compressed,
    depth_from_image,
    intrinsics_from_camera_info,
    mask_from_segment,
    rgb_from_compressed,
    rgb_from_image,
)
from sam3i_model.grounding import Grounding
from sam3i_model.visualize import color_for
from sam3i_ros.geometry import Cloud, Roi, mask_roi
from sam3i_ros.msg import InstructionResult, Segment, SegmentArray

__all__ = [
    "MAX_PIXELS",
    "MessageError",
    "depth_from_compressed",
    "depth_from_image",
    "image_msg",
    "intrinsics_from_camera_info",
    "label_image",
    "markers_msg",
    "mask_from_segment",
    "points_msg",
    "result_msg",
    "rgb_from_compressed",
    "rgb_from_image",
    "segment_msg",
]

Array = npt.NDArray[Any]

_POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<u4"), ("label", "<u4")])
# RViz and PCL read `rgb` as a float32 whose bits are 0x00RRGGBB.
_FIELDS = (
    ("x", 0, PointField.FLOAT32),
    ("y", 4, PointField.FLOAT32),
    ("z", 8, PointField.FLOAT32),
    ("rgb", 12, PointField.FLOAT32),
    ("label", 16, PointField.UINT32),
)
_TEXT_HEIGHT = 0.03  # m
_LEAST_SIDE = 0.001  # m; RViz does not draw a flat cube


def label_image(
    masks: Sequence[Array],
    scores: Sequence[float],
    shape: tuple[int, int],
    rois: Sequence[Roi] | None = None,
) -> Array:
    """Masks drawn into one image, the higher score on top.

    Args:
        masks: bool (H, W) each; mask i gets the label i + 1.
        scores: one a mask.
        shape: (H, W).
        rois: `mask_roi` of each mask, from whoever has them.

    Returns:
        uint16 (H, W), 0 is background.
    """
    labels = np.zeros(shape, np.uint16)
    # Lowest first; of equal scores the earlier mask is drawn last.
    for index in sorted(range(len(masks)), key=lambda i: (scores[i], -i)):
        x, y, width, height = rois[index] if rois else mask_roi(masks[index])
        window = np.s_[y : y + height, x : x + width]
        np.copyto(labels[window], np.uint16(index + 1), where=masks[index][window])
    return labels


def image_msg(image: Array, encoding: str, header: Header) -> Image:
    """Image (H, W) or (H, W, C) as a message; the array's type must be that of the encoding."""
    return Image(
        header=header,
        height=image.shape[0],
        width=image.shape[1],
        encoding=encoding,
        step=image[0].nbytes,
        data=_array("B", image),
    )


def points_msg(clouds: Sequence[Cloud | None], rgb: Array, header: Header) -> PointCloud2:
    """Points of all segments in one dense, unorganised cloud: x y z [m], rgb, label.

    Args:
        clouds: one a segment, None without 3D; cloud i gets the label i + 1. The points of a
            segment lie together, segments in their order.
        rgb: uint8 (H, W, 3), the image that the clouds' pixels index.
        header: stamp of the image, frame of the clouds.
    """
    points = np.empty(sum(len(c.points) for c in clouds if c is not None), _POINT)
    colours = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA).view("<u4").ravel()
    start = 0
    for label, cloud in enumerate(clouds, start=1):
        if cloud is None:
            continue
        part = points[start : start + len(cloud.points)]
        start += len(part)
        for axis, name in enumerate("xyz"):
            part[name] = cloud.points[:, axis]
        part["rgb"] = colours.take(cloud.pixels) & 0xFFFFFF
        part["label"] = label
    return PointCloud2(
        header=header,
        height=1,
        width=len(points),
        fields=[
            PointField(name=name, offset=offset, datatype=datatype, count=1)
            for name, offset, datatype in _FIELDS
        ],
        is_bigendian=False,
        point_step=_POINT.itemsize,
        row_step=points.nbytes,
        data=_array("B", points),
        is_dense=True,
    )


def result_msg(grounding: Grounding) -> InstructionResult:
    """What became of one instruction."""
    return InstructionResult(
        id=grounding.instruction.id,
        text=grounding.instruction.text,
        outcome=int(grounding.outcome),
        level_used=int(grounding.level),
        prompt=grounding.prompt,
        presence=float(grounding.presence),
        token_count=min(grounding.token_count, 0xFFFF),
        truncated=bool(grounding.truncated),
        detail=grounding.detail,
    )


def segment_msg(
    instruction_id: str,
    label: int,
    score: float,
    mask: Array,
    cloud: Cloud | None = None,
    point_offset: int = 0,
    track_id: int = 0,
    carried: bool = False,
    roi: Roi | None = None,
) -> Segment:
    """One segment; all 3D fields are zero without a cloud.

    Args:
        instruction_id: which instruction it answers.
        label: its place in SegmentArray.segments + 1.
        score: 0 to 1.
        mask: bool (H, W).
        cloud: its points, in the frame that the array will name.
        point_offset: index of its first point in `points_msg` of all clouds.
        track_id: 0 means not tracked.
        carried: moved here from an earlier grounding.
        roi: `mask_roi` of the mask, from whoever has it.
    """
    x, y, width, height = roi or mask_roi(mask)
    msg = Segment(
        instruction_id=instruction_id,
        track_id=track_id,
        label=label,
        score=float(score),
        carried=carried,
        roi=RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height),
        mask_runs=_runs(mask[y : y + height, x : x + width]),
    )
    if cloud is not None:
        msg.centroid = Point(**_xyz(cloud.centroid))
        msg.pose = Pose(
            position=Point(**_xyz(cloud.box.center)), orientation=_quaternion(cloud.box.rotation)
        )
        msg.size = Vector3(**_xyz(cloud.box.size))
        msg.point_offset = point_offset
        msg.point_count = len(cloud.points)
    return msg


def markers_msg(segments: SegmentArray, lifetime: float) -> MarkerArray:
    """Oriented boxes with instruction and score above them, for RViz.

    The first marker deletes those of the frame before; without 3D it is the only one.

    Args:
        segments: what was found.
        lifetime: seconds until RViz removes them if nothing follows.
    """
    header = Header(stamp=segments.header.stamp, frame_id=segments.frame_3d)
    lasting = Duration(sec=int(lifetime), nanosec=int(lifetime % 1 * 1e9))
    asked = {result.id: (index, result.text) for index, result in enumerate(segments.results)}
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for segment in segments.segments:
        if not segment.point_count:
            continue
        index, text = asked[segment.instruction_id]
        r, g, b = (c / 255 for c in color_for(index))
        sides = segment.size.x, segment.size.y, segment.size.z
        common = {"header": header, "id": segment.label, "lifetime": lasting}
        markers.append(
            Marker(
                **common,
                ns="boxes",
                type=Marker.CUBE,
                action=Marker.ADD,
                pose=segment.pose,
                scale=Vector3(**_xyz([max(side, _LEAST_SIDE) for side in sides])),
                color=ColorRGBA(r=r, g=g, b=b, a=0.4),
            )
        )
        markers.append(
            Marker(
                **common,
                ns="texts",
                type=Marker.TEXT_VIEW_FACING,
                action=Marker.ADD,
                pose=Pose(position=segment.pose.position),
                scale=Vector3(z=_TEXT_HEIGHT),
                color=ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
                text=f"{text} {segment.score:.2f}",
            )
        )
    return MarkerArray(markers=markers)


def _array(code: str, data: Array) -> array[int]:
    filled = array(code)
    filled.frombytes(np.ascontiguousarray(data).reshape(-1).view(np.uint8).data)
    return filled


def _runs(mask: Array) -> array[int]:
    """Lengths of alternating runs, row by row, background first (possibly of length 0)."""
    borders = np.flatnonzero(np.diff(mask.ravel(), prepend=False))
    return _array("I", np.diff(borders, prepend=0, append=mask.size).astype(np.uint32))


def _quaternion(rotation: Array) -> Quaternion:
    """Of a rotation (3, 3), from the quaternion's largest component (Shepperd 1978).

    SciPy's takes ten times as long for a single one.
    """
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    products = (  # of each component with all four, times four
        (1 + a - e - i, b + d, c + g, h - f),
        (b + d, 1 - a + e - i, f + h, c - g),
        (c + g, f + h, 1 - a - e + i, d - b),
        (h - f, c - g, d - b, 1 + a + e + i),
    )
    largest = max(range(4), key=lambda k: products[k][k])
    norm = 2 * products[largest][largest] ** 0.5
    x, y, z, w = (product / norm for product in products[largest])
    return Quaternion(x=x, y=y, z=z, w=w)


def _xyz(values: Any) -> dict[str, float]:
    return {name: float(value) for name, value in zip("xyz", values, strict=False)}
