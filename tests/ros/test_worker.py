"""When the worker takes a frame; what it does with one is in the tests of the node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sam3i_ros import vitals, worker
from sam3i_ros.camera import CameraBuffer, RawFrame
from sam3i_ros.demo.recorder import unanswered
from sam3i_ros.health import Health
from sam3i_ros.instructions import Entry, InstructionList, entry
from sam3i_ros.parameters import Settings, defaults
from sam3i_ros.pipeline import Laps, Result
from sam3i_ros.worker import POLL, Worker
from tests.ros.recordings import colour
from tests.ros.test_outputs import result


class Rig:
    """A worker without a camera, a model and DDS."""

    def __init__(self) -> None:
        self.settings = defaults()
        self.heard = True
        self.broken = False
        self.begun: list[float] = []
        self.health = Health()
        self.buffer = CameraBuffer(False, 0.02, 0.1)
        self.worker = Worker(
            self.buffer, self, self, InstructionList(1), lambda: self.settings, self.health
        )

    def wanted(self) -> set[str]:
        return {"segments"} if self.heard else set()

    def publish(self, made: Result, topics: Any, laps: Laps) -> None:
        if self.broken:
            raise RuntimeError("told to break")

    def run(
        self, raw: RawFrame, entries: Sequence[Entry], settings: Settings, want_3d: bool, laps: Laps
    ) -> Result:
        self.begun.append(time.monotonic())
        self.health.tick("grounded")
        return replace(result(), results=[entry("mug").result()])

    def show(self) -> None:
        self.buffer.add_image(colour(0))
        self.health.tick("image")

    def wait(self, done: Callable[[], Any], seconds: float = 5.0) -> bool:
        deadline = time.monotonic() + seconds
        while not (there := done()) and time.monotonic() < deadline:
            time.sleep(0.005)
        return bool(there)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.worker.stop()


def test_a_higher_rate_counts_at_once(rig: Rig) -> None:
    rig.settings = replace(rig.settings, max_rate=0.05)
    rig.show()
    assert rig.wait(lambda: rig.begun)
    rig.show()
    assert not rig.wait(lambda: rig.begun[1:], 2 * POLL)
    rig.settings = replace(rig.settings, max_rate=30.0)
    assert rig.wait(lambda: rig.begun[1:])


def test_a_rate_is_kept(rig: Rig) -> None:
    rig.settings = replace(rig.settings, max_rate=10.0)
    for count in range(1, 4):
        rig.show()
        assert rig.wait(lambda count=count: len(rig.begun) == count)
    first, second, third = rig.begun
    assert min(second - first, third - second) >= 0.099


def test_a_frame_that_nobody_hears_does_not_count(rig: Rig) -> None:
    rig.settings = replace(rig.settings, max_rate=0.05)
    rig.heard = False
    rig.show()
    assert rig.wait(lambda: rig.health.counter("unheard"))
    rig.heard = True
    rig.show()
    assert rig.wait(lambda: rig.begun)


def test_every_frame_is_done_with_once_also_if_it_fails_after_it_was_grounded(rig: Rig) -> None:
    def left() -> int:
        return unanswered({**vitals.camera(rig.health, None), **vitals.model(rig.health, None)})

    rig.broken = True
    for count in range(1, 4):
        rig.show()
        assert rig.wait(lambda count=count: rig.health.counter("failed") == count)
    rig.broken = rig.heard = False
    rig.show()
    assert rig.wait(lambda: left() == 0)
    assert rig.health.counter("grounded") == rig.health.counter("failed") == 3
    rig.health.tick("image")  # one that is still on its way
    assert left() == 1


@pytest.mark.parametrize("end", ["unheard", "failed", "silent"])
def test_results_are_of_the_newest_frame_only(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    rig.show()
    assert rig.wait(lambda: rig.worker.results)
    assert (rig.worker.results[0].text, rig.worker.no_3d) == ("mug", "off")
    if end == "silent":
        assert not rig.wait(lambda: not rig.worker.results, 2 * POLL)
        monkeypatch.setattr(worker, "SILENT", 0.0)
    else:
        rig.heard, rig.broken = end != "unheard", end == "failed"
        rig.show()
    assert rig.wait(lambda: not rig.worker.results)
    assert rig.wait(lambda: rig.worker.no_3d == "")
