"""The recording's messages through the node's pipeline, in the order of their times."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String

from sam3i_model.decoding import MessageError
from sam3i_ros.bags import Message
from sam3i_ros.camera import DEPTH_SILENT, CameraBuffer, RawFrame
from sam3i_ros.frames import FrameDecoder
from sam3i_ros.health import Health, Severity, failure
from sam3i_ros.instructions import InstructionList
from sam3i_ros.msg import Instruction
from sam3i_ros.parameters import Settings
from sam3i_ros.pipeline import Laps, Pipeline, Result, SegmenterLike
from sam3i_ros.replay.topics import COMPRESSED, INSTRUCTION, Topics
from sam3i_ros.transforms import NoTransforms


class Replay:
    """Takes messages, gives results; counts what became of the images.

    Attributes:
        answered: Images with a result.
        skipped: Images passed over because of `rate`.
        failed: Messages that could not be used.
        reason: Why the first of those could not.
    """

    def __init__(
        self,
        topics: Topics,
        types: Mapping[str, str],
        segmenter: SegmenterLike,
        active: InstructionList,
        settings: Settings,
        health: Health,
        answer: Callable[[Result, int], None],
        rate: float = 0.0,
    ) -> None:
        """Prepare.

        Args:
            topics: What is read.
            types: Message types by topic.
            segmenter: The model.
            active: Instructions from the start; recorded ones change them.
            settings: Of the pipeline.
            health: Is told what is wrong with the input.
            answer: Gets every result, and the time that its image was recorded at, ns.
            rate: Most images answered per second of the recording; 0 means all.
        """
        self.answered = self.skipped = self.failed = 0
        self.reason = ""
        self._active = active
        self._settings = settings
        self._health = health
        self._answer = answer
        self._rate = rate
        self._first: int | None = None  # time of the first image, ns
        self._slot = -1  # the newest image's, of those that are 1 / rate s long
        self._now = 0  # time of the newest message, ns
        self._times: deque[int] = deque()  # of the images in the buffer, which keeps their order
        depth = bool(topics.depth)
        self._buffer = CameraBuffer(
            depth,
            settings.sync_slop,
            settings.depth_wait,
            topics.depth,
            clock=lambda: self._now * 1e-9,
            every=True,
        )
        self._pipeline = Pipeline(segmenter, FrameDecoder(health, depth), NoTransforms(), health)
        classes = {name: _CLASSES[kind] for name, kind in types.items() if kind in _CLASSES}
        handlers: dict[str, Callable[[Any], None]] = {
            topics.image: self._add_image,
            topics.depth: self._buffer.add_depth,
            topics.info: self._buffer.add_info,
            **dict.fromkeys(topics.instructions, self._hear),
        }
        self._handlers = {
            topic: (classes[topic], handle) for topic, handle in handlers.items() if topic
        }

    @property
    def done(self) -> int:
        """Images that nothing is left to be done with."""
        return self.answered + self.skipped + self.failed

    def feed(self, message: Message) -> None:
        """Takes one message; what nobody reads does nothing."""
        if message.topic not in self._handlers:
            return
        self._now = message.time
        message_type, handle = self._handlers[message.topic]
        try:
            content = deserialize_message(message.data, message_type)
        except RuntimeError:
            self._fail(f"a message on {message.topic} is damaged")
            return
        handle(content)
        self._drain()

    def finish(self) -> None:
        """Answers what still waited for its depth."""
        self._now += int(2 * DEPTH_SILENT * 1e9)  # more than enough, however it is rounded
        self._drain()

    def _add_image(self, image: Image | CompressedImage) -> None:
        if self._first is None:
            self._first = self._now
        slot = int((self._now - self._first) * 1e-9 * self._rate)
        if self._rate and slot == self._slot:
            self.skipped += 1
            return
        self._slot = slot
        self._times.append(self._now)
        self._buffer.add_image(image)

    def _hear(self, message: String | Instruction) -> None:
        if isinstance(message, String):
            self._active.hear_text(message.data)
            return
        try:
            self._active.hear(message)
        except ValueError as error:
            self._health.fault("instructions.operation", Severity.WARN, str(error))

    def _drain(self) -> None:
        while raw := self._buffer.take(0.0):
            self._work(replace(raw, arrived=time.monotonic()), self._times.popleft())

    def _work(self, raw: RawFrame, recorded: int) -> None:
        """One bad frame must not end the run, as it does not end the node."""
        try:
            entries = self._active.snapshot()
            result = self._pipeline.run(raw, entries, self._settings, True, Laps())
        except MessageError as error:
            self._fail(str(error))
        except Exception as error:
            self._fail(failure(error))
        else:
            self._answer(result, recorded)
            self.answered += 1

    def _fail(self, reason: str) -> None:
        self.failed += 1
        self.reason = self.reason or reason


_CLASSES = {
    "sensor_msgs/msg/Image": Image,
    COMPRESSED: CompressedImage,
    "sensor_msgs/msg/CameraInfo": CameraInfo,
    "std_msgs/msg/String": String,
    INSTRUCTION: Instruction,
}
