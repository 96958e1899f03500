"""The node with a slow model and a quick camera, over DDS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sam3i_ros.msg import Instruction, SegmentArray
from sensor_msgs.msg import CameraInfo

from sam3i_ros.messages import mask_from_segment
from tests.ros.moving import BLUE, HEIGHT, WIDTH, Disc, iou, scene
from tests.ros.rig import FOUND, Process, Rig, outcomes

FRAMES, RATE = 60, 30.0
K = [300.0, 0.0, WIDTH / 2, 0.0, 300.0, HEIGHT / 2, 0.0, 0.0, 1.0]
TWO_METRES = np.full((HEIGHT, WIDTH), 2000, np.uint16)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path / "log", "autostart:=true", "tracking:=true")
    yield process
    assert process.end() == 0
    assert process.said("Traceback") == 0, process.log.read_text()


def test_segments_come_at_the_rate_of_the_camera(
    process: Process, make_rig: Callable[..., Rig]
) -> None:
    rig = make_rig("/", {"segments": SegmentArray})
    rig.instruction.publish(Instruction(id="r", text="slowly red", max_instances=1))
    pictures = [scene([Disc(90, 100), Disc(200, 140, BLUE, 30)], pan=(n, 0)) for n in range(FRAMES)]
    camera = CameraInfo(width=WIDTH, height=HEIGHT, k=K)

    def show(n: int) -> int:
        header = rig.show(pictures[n][0], depth=TWO_METRES, camera=camera)
        return header.stamp.sec * 10**9 + header.stamp.nanosec

    def found() -> bool:
        show(0)
        time.sleep(1 / RATE)
        return any(outcomes(a) == {"r": FOUND} for a in rig.heard["segments"])

    rig.wait(found, timeout=30)
    before = int(rig.row("model")["frames grounded"])
    rig.heard.clear()
    sent = {}
    for n in range(FRAMES):
        sent[show(n)] = n
        time.sleep(1 / RATE)
    after = int(rig.row("model")["frames grounded"])

    def frame(answer: SegmentArray) -> int:
        return sent.get(answer.header.stamp.sec * 10**9 + answer.header.stamp.nanosec, -1)

    answers = [a for a in rig.heard["segments"] if frame(a) >= 0]
    assert len(answers) >= FRAMES / 2  # what the model does alone is a fifth of all
    assert after - before < len(answers) / 2
    assert [frame(a) for a in answers] == sorted({frame(a) for a in answers})
    assert all(outcomes(a) == {"r": FOUND} for a in answers)
    segments = [a.segments[0] for a in answers]
    assert {s.track_id for s in segments} == {1}
    assert sum(s.carried for s in segments) > len(answers) / 2
    assert all(s.point_count for s in segments)
    masks = [mask_from_segment(s, (HEIGHT, WIDTH)) for s in segments]
    truth = [pictures[frame(a)][1][0] for a in answers]
    assert np.median([iou(m, t) for m, t in zip(masks, truth, strict=True)]) > 0.8
