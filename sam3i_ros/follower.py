"""Answers every frame at once, while the model works on one of them in a thread of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction
from sam3i_ros.camera import CameraBuffer, RawFrame
from sam3i_ros.frames import Frame
from sam3i_ros.health import Health, Severity, failure
from sam3i_ros.instructions import Entry
from sam3i_ros.parameters import Settings
from sam3i_ros.pipeline import Laps, Pipeline, Result
from sam3i_ros.tracking import GAP, Tracker

Groundings = list[Grounding]


class Follower:
    """Stands in for a Pipeline: the model's newest answer, carried to each frame.

    A frame waits for the model only if it is the one that the model works on, and only until the
    next frame comes: so a model that keeps up with the camera answers every frame itself.
    """

    def __init__(self, pipeline: Pipeline, buffer: CameraBuffer, health: Health) -> None:
        self._pipeline = pipeline
        self._buffer = buffer
        self._health = health
        self._tracker = Tracker()
        self._model = ThreadPoolExecutor(1, "sam3i model")
        self._job: Future[Groundings] | None = None
        self._next_job = 0.0  # arrival before which `max_rate` allows none
        self._last = float("-inf")  # arrival of the frame before
        self._took = 0.0  # s, of the newest answer

    def close(self) -> None:
        """Ends the model's thread after the frame it is at."""
        self._model.shutdown()

    def run(
        self,
        raw: RawFrame,
        entries: Sequence[Entry],
        settings: Settings,
        want_3d: bool,
        laps: Laps,
    ) -> Result:
        """As `Pipeline.run`, with masks of an earlier frame where there is no newer answer."""
        frame = self._pipeline.decode(raw, want_3d, laps)
        asked = [e.instruction for e in entries if not e.rejected]
        with laps.stage("track"):
            self._accept()
            self._tracker.cut(frame.rgb, raw.arrived, settings.tracking_width)
        begun = self._job is None and self._begin(frame, raw.arrived, asked, settings)
        with laps.stage("track"):
            self._tracker.see(frame.rgb, raw.arrived, settings.tracking_width)
            if begun:
                self._tracker.mark()
        interval, self._last = raw.arrived - self._last, raw.arrived
        keeps_up = self._took < interval
        if GAP < interval < math.inf and self._job and not begun:
            self._health.fault(
                "camera.gap",
                Severity.WARN,
                f"the model was at an image for longer than {GAP:g} s without another, over which "
                "nothing is carried, so its answer is lost; set tracking to false, or have the "
                "camera send more often",
            )
        if self._job and begun and keeps_up:
            with laps.stage("model"):
                self._buffer.wait(self._job.done)
            with laps.stage("track"):
                self._accept()
        return self._pipeline.conclude(
            frame, raw.arrived, entries, self._tracker.present(), settings, laps
        )

    def _accept(self) -> None:
        """Takes the model's answer, once, when it has come."""
        if not (self._job and self._job.done()):
            return
        job, self._job = self._job, None
        try:
            self._tracker.accept(job.result())
        except Exception as error:
            self._health.count("failed")
            self._health.fault("model.failed", Severity.ERROR, failure(error))
            self._tracker.unmark()

    def _begin(
        self, frame: Frame, arrived: float, asked: Sequence[Instruction], settings: Settings
    ) -> bool:
        """Gives a frame to the model if an answer is due; whether it did."""
        old = arrived - self._tracker.answered >= settings.tracking_max_age
        due = old or self._tracker.unsure or not all(map(self._tracker.knows, asked))
        if not (asked and due and arrived >= self._next_job):
            return False
        self._next_job = arrived + (1 / settings.max_rate if settings.max_rate > 0 else 0.0)
        self._job = self._model.submit(self._ground, frame, asked, settings.score_threshold)
        self._job.add_done_callback(lambda _: self._buffer.nudge())
        return True

    def _ground(self, frame: Frame, asked: Sequence[Instruction], threshold: float) -> Groundings:
        """In the model's thread."""
        laps = Laps()
        groundings = self._pipeline.ground(frame.rgb, asked, threshold, laps)
        for stage, seconds in laps.seconds.items():
            self._health.took(stage, seconds)
        self._took = sum(laps.seconds.values())
        # As they were asked, without the threshold that was filled in.
        return [replace(g, instruction=i) for g, i in zip(groundings, asked, strict=True)]
