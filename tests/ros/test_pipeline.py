"""The way of one frame, without a node: what the model is asked, and what is lifted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sam3i_ros.msg import InstructionResult

from sam3i_ros.frames import FrameDecoder
from sam3i_ros.health import Health
from sam3i_ros.instructions import entry
from sam3i_ros.messages import image_msg
from sam3i_ros.parameters import defaults
from sam3i_ros.pipeline import Laps, Pipeline, Result
from sam3i_ros.transforms import NoTransforms, StaticTransforms, Transforms
from tests.ros.fakes import ColourSegmenter
from tests.ros.test_camera import RawFrame, image, info

SHAPE = (48, 64)
RED = (220, 20, 20)


class Asked(ColourSegmenter):
    def __init__(self) -> None:
        super().__init__()
        self.thresholds: list[list[float]] = []
        self.pictures = 0

    def set_image(self, rgb: np.ndarray) -> None:
        self.pictures += 1
        super().set_image(rgb)

    def ground(self, instructions: Any) -> Any:
        self.thresholds.append([i.threshold for i in instructions])
        return super().ground(instructions)


class Rig:
    """A red square of 20 pixels a side, one metre away."""

    def __init__(self, transforms: Transforms | None = None) -> None:
        self.model, self.health, self.laps = Asked(), Health(), Laps()
        decoder = FrameDecoder(self.health, use_depth=True)
        transforms = transforms or NoTransforms()
        self.pipeline = Pipeline(self.model, decoder, transforms, self.health)
        self.depth = np.ones(SHAPE, np.float32)

    def run(self, *entries: Any, **settings: Any) -> Result:
        rgb = np.zeros((*SHAPE, 3), np.uint8)
        rgb[10:30, 20:40] = RED
        colour = image(5, rgb)
        depth = image_msg(self.depth, "32FC1", colour.header)
        raw = RawFrame(colour, depth, info(SHAPE[1], SHAPE[0], focal=50.0), 3.0, "")
        return self.pipeline.run(
            raw, entries, replace(defaults(), **settings), want_3d=True, laps=self.laps
        )

    @property
    def faults(self) -> list[str]:
        return [fault.key for fault in self.health.faults()]


def test_an_instruction_s_own_threshold_goes_before_the_node_s() -> None:
    rig = Rig()
    asked = (entry("red"), entry("blue", id="b", threshold=0.75), entry("", id="empty"))
    result = rig.run(*asked, score_threshold=0.25)
    assert rig.model.thresholds == [[0.25, 0.75]]
    assert [(r.id, r.outcome) for r in result.results] == [
        ("default", InstructionResult.FOUND),
        ("b", InstructionResult.NOT_FOUND),
        ("empty", InstructionResult.REJECTED),
    ]
    assert (result.arrived, rig.health.counter("grounded")) == (3.0, 1)
    assert set(rig.laps.seconds) == {"decode", "encode", "ground", "lift"}


def test_without_anything_to_ask_the_model_does_not_see_the_picture() -> None:
    rig = Rig()
    assert rig.run(entry("", id="empty")).segments == []
    assert (rig.model.pictures, rig.model.thresholds) == (0, [])


@pytest.mark.parametrize(
    ("settings", "points"),
    [
        ({"mask_erosion": 0}, 400),
        ({"mask_erosion": 10}, 18 * 18),  # one pixel of 64 as ten of 640
        ({"mask_erosion": 0, "max_points": 50}, 50),
        ({"mask_erosion": 0, "min_depth": 1.01}, None),
        ({"mask_erosion": 0, "max_depth": 0.99}, None),
    ],
)
def test_settings_of_the_points(settings: dict[str, Any], points: int | None) -> None:
    rig = Rig()
    (segment,) = rig.run(entry("red"), **settings).segments
    assert (segment.instruction_id, segment.roi) == ("default", (20, 10, 20, 20))
    assert (segment.track_id, segment.carried) == (0, False)
    assert (segment.cloud and len(segment.cloud.points)) == points
    assert rig.faults == (["geometry.points"] if points is None else [])


def test_points_are_in_the_frame_that_is_wanted() -> None:
    rig = Rig(StaticTransforms((1, 2, 3, 0, 0, 0, 1)))
    here, there = rig.run(entry("red")), rig.run(entry("red"), target_frame="base")
    assert (here.frame_3d, there.frame_3d) == ("camera", "base")
    (near,), (far,) = here.segments, there.segments
    np.testing.assert_allclose(far.cloud.centroid, np.add(near.cloud.centroid, [1, 2, 3]))
    assert rig.faults == []


@pytest.mark.parametrize("lacking", ["transform", "depth"])
def test_without_3d_the_masks_are_left_and_the_reason(lacking: str) -> None:
    rig = Rig()
    if lacking == "depth":
        rig.depth[:] = np.nan
    result = rig.run(entry("red"), target_frame="base" if lacking == "transform" else "")
    (segment,) = result.segments
    assert (segment.cloud, result.frame_3d) == (None, "")
    says = {"transform": "no transform from camera to base", "depth": "no valid value"}[lacking]
    assert says in result.no_3d
    assert rig.faults == [f"geometry.{lacking}"]  # and not that its points are missing, too
