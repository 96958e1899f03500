"""From the bag of the node's outputs to rows, and to what the report shows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sam3i_model.instruction import Level, Outcome
from sam3i_ros.demo import recorder
from sam3i_ros.demo.scoring import Answer, Row, Wanted, score
from sam3i_ros.demo.sources import Source, messages, open_made, stamp_of
from sam3i_ros.messages import mask_from_segment

PENDING = 0  # sam3i_ros/InstructionResult, before the first answer
POINT_FIELDS = ("x", "y", "z", "label")


@dataclass
class Cloud:
    """Points of all segments in one frame, in the camera's optical frame."""

    xyz: npt.NDArray[np.float32]  # (N, 3), m
    owner: list[str]  # instruction's text per segment
    label: npt.NDArray[np.int64]  # (N,), 1 + index into `owner`


@dataclass
class Results:
    """All that was measured on one source."""

    source: Source
    wanted: list[Wanted]
    rows: list[Row] = field(default_factory=list)
    overlay_stamps: list[int] = field(default_factory=list)  # of frames with rows and a picture

    @property
    def moving(self) -> bool:
        """Whether the truth changes from frame to frame."""
        first, *others = self.source.truths.values()
        return any(not np.array_equal(first.labels, other.labels) for other in others)


def read_results(source: Source, bag: Path, wanted: Sequence[Wanted]) -> Results:
    """Scores each answer of the node against the truth of the frame with the same stamp."""
    results = Results(source, list(wanted))
    numbers = {stamp: number for number, stamp in enumerate(source.stamps)}
    by_id = {w.id: w for w in wanted}
    with open_made(bag) as reader:
        for array in messages(reader, recorder.SEGMENTS):
            stamp = stamp_of(array)
            truth = source.truths.get(stamp)
            if truth is None:
                continue
            for identity, answer in answers(array):
                asked = by_id.get(identity)
                if asked:
                    results.rows.append(
                        score(source.name, numbers[stamp], asked, answer, truth, array.latency)
                    )
        scored = {row.frame for row in results.rows}
        results.overlay_stamps = [
            stamp
            for stamp in map(stamp_of, messages(reader, recorder.OVERLAY))
            if numbers.get(stamp) in scored
        ]
    return results


def answers(array: Any) -> Iterator[tuple[str, Answer]]:
    """(instruction id, answer) for each result of a SegmentArray that is not pending."""
    shape = (array.height, array.width)
    in_camera = array.frame_3d == array.header.frame_id
    for result in array.results:
        if result.outcome == PENDING:
            continue
        mine = [s for s in array.segments if s.instruction_id == result.id]
        best = max(mine, key=lambda s: s.score, default=None)
        centroid = None
        if best is not None and best.point_count and in_camera:
            centroid = np.array([best.centroid.x, best.centroid.y, best.centroid.z])
        mask = np.zeros(shape, bool)
        for segment in mine:
            mask |= mask_from_segment(segment, shape)
        yield (
            result.id,
            Answer(
                outcome=Outcome(result.outcome).name,
                level=Level(result.level_used).name.lower(),
                score=None if best is None else float(best.score),
                mask=mask,
                segments=len(mine),
                centroid=centroid,
            ),
        )


def overlays(bag: Path, stamps: set[int]) -> dict[int, npt.NDArray[np.uint8]]:
    """The node's overlay pictures at these stamps, uint8 RGB (H, W, 3)."""
    with open_made(bag) as reader:
        return {
            stamp_of(m): np.frombuffer(m.data, np.uint8).reshape(m.height, m.width, 3)
            for m in messages(reader, recorder.OVERLAY)
            if stamp_of(m) in stamps
        }


def clouds(bag: Path, stamps: set[int]) -> dict[int, Cloud]:
    """The node's points at these stamps."""
    found = {}
    with open_made(bag) as reader:
        arrays = {
            stamp_of(m): m for m in messages(reader, recorder.SEGMENTS) if stamp_of(m) in stamps
        }
        for message in messages(reader, recorder.POINTS):
            array = arrays.get(stamp_of(message))
            if array is None:
                continue
            texts = {result.id: result.text for result in array.results}
            points = point_fields(message)
            found[stamp_of(message)] = Cloud(
                xyz=np.stack([points[name] for name in "xyz"], axis=1),
                owner=[texts[s.instruction_id] for s in array.segments],
                label=points["label"].astype(np.int64),
            )
    return found


def point_fields(message: Any) -> dict[str, npt.NDArray[Any]]:
    """POINT_FIELDS of a PointCloud2, each (N,)."""
    types = {2: "u1", 4: "<u2", 6: "<u4", 7: "<f4"}  # sensor_msgs/PointField
    fields = {f.name: f for f in message.fields}
    layout = np.dtype(
        {
            "names": list(POINT_FIELDS),
            "formats": [types[fields[name].datatype] for name in POINT_FIELDS],
            "offsets": [fields[name].offset for name in POINT_FIELDS],
            "itemsize": message.point_step,
        }
    )
    points = np.frombuffer(message.data, layout)
    return {name: points[name] for name in POINT_FIELDS}


def at_end(bag: Path) -> tuple[dict[str, str], str]:
    """What the node's last diagnostics in a bag say: median and 95th percentile of each stage of
    its latest frames, ms, and the device that its model is on.
    """
    values: dict[str, str] = {}
    with open_made(bag) as reader:
        for array in messages(reader, recorder.DIAGNOSTICS):
            values = recorder.node_values(array) or values
    mark = " p50/p95"
    stages = {k.removesuffix(mark): v for k, v in values.items() if k.endswith(mark)}
    return {k: v.removesuffix(" ms") for k, v in stages.items()}, values.get("device", "")
