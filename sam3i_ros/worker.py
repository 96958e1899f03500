"""The one thread that does the work: takes the newest frame, runs the pipeline, publishes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sam3i_model.decoding import MessageError
from sam3i_ros.camera import CameraBuffer, RawFrame
from sam3i_ros.health import Health, Severity, failure
from sam3i_ros.inputs import SILENT
from sam3i_ros.instructions import Entry, InstructionList
from sam3i_ros.msg import InstructionResult
from sam3i_ros.outputs import WITH_3D, Outputs
from sam3i_ros.parameters import Settings
from sam3i_ros.pipeline import Laps, Result

POLL = 0.2  # s between two looks at whether to stop, and at the parameters
# All other stages are the node's overhead: what its answer costs beside the model.
NO_OVERHEAD = ("encode", "ground", "model", "pictures")


class Answering(Protocol):
    """A Pipeline or a Follower."""

    def run(
        self,
        raw: RawFrame,
        entries: Sequence[Entry],
        settings: Settings,
        want_3d: bool,
        laps: Laps,
    ) -> Result: ...


class Worker:
    """Runs from its making until `stop`."""

    def __init__(
        self,
        buffer: CameraBuffer,
        pipeline: Answering,
        outputs: Outputs,
        instructions: InstructionList,
        settings: Callable[[], Settings],
        health: Health,
    ) -> None:
        self.results: list[InstructionResult] = []  # of the newest frame, if it was answered
        self.no_3d = ""  # why it had no 3D
        self._buffer = buffer
        self._pipeline = pipeline
        self._outputs = outputs
        self._instructions = instructions
        self._settings = settings
        self._health = health
        self._began = float("-inf")  # with the frame that `max_rate` counts from
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="sam3i worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the frame it is at. Nothing is published after this returns."""
        self._stopping.set()
        self._buffer.close()
        self._thread.join()

    def _loop(self) -> None:
        latest = time.monotonic()  # that a frame was done with
        while not self._stopping.is_set():
            if (pause := self._pause()) > 0:
                self._stopping.wait(min(pause, POLL))
            elif raw := self._buffer.take(POLL):
                self._know(self._survive(raw))
                self._health.count("done")
                latest = time.monotonic()
            elif time.monotonic() - latest > SILENT:
                self._know(None)

    def _know(self, result: Result | None) -> None:
        """What of the newest frame the diagnostics show."""
        self.results = result.results if result else []
        self.no_3d = result.no_3d if result else ""

    def _pause(self) -> float:
        """How long `max_rate`, as it is now, still holds the next frame back, s."""
        settings = self._settings()
        if not settings.max_rate or settings.tracking:  # a Follower keeps it itself
            return 0.0
        return self._began + 1.0 / settings.max_rate - time.monotonic()

    def _survive(self, raw: RawFrame) -> Result | None:
        """One bad frame must not end the node: whatever happens is told in one line."""
        try:
            return self._work(raw)
        except MessageError as error:
            self._health.count("failed")
            self._health.fault("camera.image", Severity.ERROR, str(error))
        except Exception as error:
            self._health.count("failed")
            self._health.fault("model.failed", Severity.ERROR, failure(error))
        return None

    def _work(self, raw: RawFrame) -> Result | None:
        """Answers a frame; None if nobody listens."""
        wanted = self._outputs.wanted()
        if not wanted:
            self._health.count("unheard")
            return None
        self._began = time.monotonic()
        laps = Laps()
        laps.seconds["wait"] = time.monotonic() - raw.arrived
        result = self._pipeline.run(
            raw, self._instructions.snapshot(), self._settings(), bool(wanted & WITH_3D), laps
        )
        self._outputs.publish(result, wanted, laps)
        total = time.monotonic() - raw.arrived
        laps.seconds["total"] = total
        laps.seconds["overhead"] = total - sum(laps.seconds[stage] for stage in NO_OVERHEAD)
        for stage, seconds in laps.seconds.items():
            self._health.took(stage, seconds)
        self._health.tick("answered")
        return result
