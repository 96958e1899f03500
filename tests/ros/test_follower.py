"""Every frame is answered while the model works; the model is held back and let go by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sam3i_ros.msg import InstructionResult, SegmentArray
from std_msgs.msg import Header

from sam3i_ros.camera import RawFrame
from sam3i_ros.follower import Follower
from sam3i_ros.frames import FrameDecoder
from sam3i_ros.health import Health
from sam3i_ros.instructions import entry
from sam3i_ros.messages import image_msg
from sam3i_ros.outputs import FrameMessages
from sam3i_ros.parameters import defaults
from sam3i_ros.pipeline import Laps, Pipeline
from sam3i_ros.transforms import NoTransforms
from tests.ros.fakes import ColourSegmenter
from tests.ros.moving import BLUE, Disc, scene

PENDING, FOUND = InstructionResult.PENDING, InstructionResult.FOUND
RED_ONE = entry("red", id="r", max_instances=1)
BLUE_ONE = entry("blue", id="b", max_instances=1)
TWO = (Disc(90, 100), Disc(200, 140, BLUE, 30))
PERIOD = 1 / 32  # s from frame to frame, without a rounding error


class HeldBack(ColourSegmenter):
    """Answers only when it is let; `blind`, that there is nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.blind = False
        self.asked: list[list[str]] = []
        self.leave = threading.Semaphore(0)

    def ground(self, instructions: Any) -> Any:
        self.asked.append([i.text for i in instructions])
        assert self.leave.acquire(timeout=20)
        asked = [replace(i, text="nothing") for i in instructions] if self.blind else instructions
        return super().ground(asked)


class Model(ThreadPoolExecutor):
    """Counts how often it is given a frame."""

    given = 0

    def submit(self, *what: Any) -> Any:
        self.given += 1
        return super().submit(*what)


class Camera:
    """Stands in for the buffer: the next frame has always come, unless it is the `last`."""

    def __init__(self) -> None:
        self.last = False
        self.answer = threading.Event()

    def nudge(self) -> None:
        self.answer.set()

    def wait(self, done: Callable[[], bool]) -> None:
        if self.last:
            assert self.answer.wait(20)
            assert done()


class Rig:
    """A follower that is shown one frame after the other."""

    def __init__(self) -> None:
        self.period = PERIOD
        self.model, self.camera, self.health = HeldBack(), Camera(), Health()
        pipeline = Pipeline(
            self.model, FrameDecoder(self.health, False), NoTransforms(), self.health
        )
        self.follower = Follower(pipeline, self.camera, self.health)  # type: ignore[arg-type]
        self.follower._model = self.thread = Model(1)
        self.entries = [RED_ONE]
        self.settings = replace(defaults(), tracking=True)
        self.shown = 0

    def show(self, *things: Disc) -> SegmentArray:
        image = image_msg(scene(things or TWO)[0], "rgb8", Header())
        raw = RawFrame(image, None, None, self.shown * self.period, "")
        self.shown += 1
        result = self.follower.run(raw, self.entries, self.settings, False, Laps())
        return FrameMessages(result).segments()

    def let_go(self) -> None:
        """The model gives the answer that it is at."""
        self.camera.answer.clear()
        self.model.leave.release()
        assert self.camera.answer.wait(20)

    @property
    def asked(self) -> int:
        """Times that the model was given a frame."""
        return self.thread.given


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.model.leave.release(100)
    rig.follower.close()


def outcomes(answer: SegmentArray) -> dict[str, int]:
    return {result.id: result.outcome for result in answer.results}


def seen(answer: SegmentArray) -> list[tuple[str, int, bool]]:
    return [(s.instruction_id, s.track_id, s.carried) for s in answer.segments]


def corner(answer: SegmentArray) -> tuple[int, int]:
    roi = answer.segments[0].roi
    return roi.x_offset, roi.y_offset


def test_frames_are_answered_while_the_model_works(rig: Rig) -> None:
    for _ in range(5):
        pending = rig.show()
        assert (outcomes(pending), seen(pending)) == ({"r": PENDING}, [])
    assert rig.asked == 1
    rig.let_go()
    for n in range(20):
        answer = rig.show(Disc(90 + 2 * n, 100))
        assert outcomes(answer) == {"r": FOUND}
        assert seen(answer) == [("r", 1, True)]
        np.testing.assert_allclose(corner(answer), (67 + 2 * n, 77), atol=3)
    assert rig.asked == 2


def test_a_model_that_keeps_up_answers_every_frame_itself(rig: Rig) -> None:
    rig.camera.last, rig.period = True, 0.9
    rig.model.leave.release(100)
    for n in range(4):
        rig.camera.answer.clear()
        answer = rig.show(Disc(90 + 40 * n, 100))
        assert seen(answer) == [("r", 1, False)]
        np.testing.assert_allclose(corner(answer), (67 + 40 * n, 77), atol=2)
    assert rig.asked == 4


def test_after_a_gap_the_model_is_asked_at_once(rig: Rig) -> None:
    rig.settings = replace(rig.settings, tracking_max_age=5.0)
    rig.camera.last, rig.period = True, 2.0
    rig.model.leave.release(100)
    for _ in range(4):
        rig.camera.answer.clear()
        assert outcomes(rig.show()) == {"r": FOUND}
    assert rig.asked == 4


def test_a_new_instruction_waits_for_its_first_answer_alone(rig: Rig) -> None:
    rig.settings = replace(rig.settings, tracking_max_age=5.0)
    rig.show()
    rig.let_go()
    rig.show()
    assert rig.asked == 1
    rig.entries = [RED_ONE, BLUE_ONE, entry(" ", id="empty")]
    answer = rig.show()
    assert outcomes(answer) == {"r": FOUND, "b": PENDING, "empty": InstructionResult.REJECTED}
    assert seen(answer) == [("r", 1, True)]
    rig.let_go()
    assert rig.model.asked == [["red"], ["red", "blue"]]
    assert seen(rig.show()) == [("r", 1, True), ("b", 2, True)]
    rig.entries = [BLUE_ONE]
    assert seen(rig.show()) == [("b", 2, True)]
    assert rig.asked == 2


def test_nothing_is_asked_for_nothing(rig: Rig) -> None:
    rig.entries = []
    assert rig.show().results == []
    assert rig.asked == 0


def test_the_model_is_asked_again_at_max_age(rig: Rig) -> None:
    rig.settings = replace(rig.settings, tracking_max_age=8 * PERIOD)
    rig.show()
    rig.let_go()
    for _ in range(7):
        rig.show()
    assert rig.asked == 1
    rig.show()
    assert rig.asked == 2


def test_the_model_is_asked_sooner_when_something_is_lost(rig: Rig) -> None:
    rig.settings = replace(rig.settings, tracking_max_age=5.0)
    rig.show()
    rig.let_go()
    rig.show()
    assert rig.asked == 1
    lost = rig.show(TWO[1])
    assert (outcomes(lost), seen(lost)) == ({"r": PENDING}, [])
    assert lost.results[0].detail == "out of sight since it was found; it is looked for anew"
    rig.show(TWO[1])
    assert rig.asked == 2
    rig.model.blind = True
    rig.let_go()
    assert outcomes(rig.show(TWO[1])) == {"r": InstructionResult.NOT_FOUND}
    rig.show(TWO[1])
    assert rig.asked == 2


def test_max_rate_holds_the_model_back_and_not_the_answers(rig: Rig) -> None:
    rig.settings = replace(rig.settings, max_rate=1 / (10 * PERIOD))
    rig.model.leave.release(100)
    for _ in range(30):
        rig.camera.answer.clear()
        before = rig.asked
        rig.show()
        if rig.asked > before:
            assert rig.camera.answer.wait(20)
    assert rig.asked == 3


def test_a_model_that_fails_costs_no_frame(rig: Rig) -> None:
    rig.show()
    rig.let_go()
    rig.entries = [RED_ONE, entry("crash", id="c")]
    rig.show()
    rig.let_go()
    answer = rig.show()
    assert seen(answer) == [("r", 1, True)]
    assert outcomes(answer) == {"r": FOUND, "c": PENDING}
    assert rig.health.counter("failed") == 1
    assert "a frame failed: RuntimeError: told to crash" in rig.health.faults()[0].text
    rig.entries = [RED_ONE]
    rig.let_go()  # it was asked again, in vain
    rig.show()
    rig.let_go()
    assert seen(rig.show()) == [("r", 1, True)]


def test_the_threshold_for_all_is_not_part_of_what_was_asked(rig: Rig) -> None:
    rig.settings = replace(rig.settings, score_threshold=0.95)
    rig.show()
    rig.let_go()
    assert outcomes(rig.show()) == {"r": InstructionResult.NOT_FOUND}


def test_a_camera_too_slow_to_track_on_is_said(rig: Rig) -> None:
    def gaps() -> list[str]:
        report = rig.health.report({})
        return [s.message for s in report if s.component == "camera" and "tracking" in s.message]

    rig.show()
    rig.show()
    assert gaps() == []
    rig.shown += round(1.5 / PERIOD)
    assert outcomes(rig.show()) == {"r": PENDING}
    assert len(gaps()) == 1
    assert "set tracking to false" in gaps()[0]
