"""The bag that results are written to; it appears at its place when it is complete."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from sam3i_model.definitions import typestore
from sam3i_ros.bags import SEGMENTS, Message, type_name
from sam3i_ros.outputs import TOPICS, FrameMessages
from sam3i_ros.pipeline import Result
from sam3i_ros.replay.workplace import Workplace

AHEAD = 16  # messages and frames that may wait to be written
# At the head of its file, where a reindex leaves it; live recordings hold segments too.
_WRITER = b"rosbags-"


def is_result_bag(path: Path) -> bool:
    """Whether a folder holds a bag that `ResultBag` made, and nothing else."""
    sheet = path / "metadata.yaml"
    files = [p for p in path.iterdir() if p != sheet] if sheet.is_file() else []
    if [p.suffix for p in files] != [".mcap"] or SEGMENTS.encode() not in sheet.read_bytes():
        return False
    with files[0].open("rb") as file:
        return _WRITER in file.read(64)


class ResultBag:
    """Messages of the recording and results, written by a thread of its own in their order.

    As a context: what was written until the end of the block is at `path` afterwards instead of
    what was there; after an error, and without any result, nothing has changed there. An interrupt
    while it ends would be such an error.
    """

    def __init__(
        self, path: Path, reader: AnyReader, copied: Sequence[Connection], base: str
    ) -> None:
        self._path = path
        self._reader = reader
        self._copied = copied
        self._base = base
        self._pool = ThreadPoolExecutor(1, "sam3i writer")
        self._pending: deque[Future[None]] = deque()
        self._answered = False

    def __enter__(self) -> ResultBag:
        """OSError if the place can't be written to, as from all other methods."""
        self._place = Workplace(self._path)
        try:
            self._open()
        except BaseException:
            self._place.close()
            raise
        return self

    def _open(self) -> None:
        self._writer = Writer(self._place.new, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._writer.open()
        ours, theirs = typestore(), self._reader.typestore
        self._outputs = {
            topic.name: self._writer.add_connection(
                f"{self._base}/{topic.name}", type_name(topic.type), typestore=ours
            )
            for topic in TOPICS
        }
        self._inputs: dict[str, Connection] = {}
        for connection in self._copied:
            topic, kind = connection.topic, connection.msgtype
            store = theirs if kind in theirs.fielddefs else ours
            # A file holds one definition of a type: results of another version stay behind.
            known = kind in store.fielddefs and (
                kind not in self._writer.added_types
                or store.hash_rihs01(kind) == ours.hash_rihs01(kind)
            )
            if known and topic not in self._inputs:  # of several publishers, one is enough
                self._inputs[topic] = self._writer.add_connection(
                    topic,
                    kind,
                    typestore=store,
                    offered_qos_profiles=connection.ext.offered_qos_profiles,  # type: ignore[union-attr]
                )

    def copy(self, message: Message) -> None:
        """Writes a message as it was recorded, if its topic is one of those."""
        connection = self._inputs.get(message.topic)
        if connection:
            self._submit(self._writer.write, connection, message.time, message.data)

    def add(self, result: Result, time: int) -> None:
        """Writes all messages of a frame, recorded at `time`, ns."""
        now = monotonic()  # it is done; that it waits to be written is no latency
        self._submit(self._write_frame, FrameMessages(result, lambda: now), time)
        self._answered = True

    def _write_frame(self, frame: FrameMessages, time: int) -> None:
        for topic in TOPICS:
            data = serialize_message(topic.build(frame))
            self._writer.write(self._outputs[topic.name], time, data)

    def _submit(self, work: Callable[..., None], *arguments: Any) -> None:
        self._pending.append(self._pool.submit(work, *arguments))
        while len(self._pending) > AHEAD:
            self._pending.popleft().result()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._pool.shutdown()
            if kind is None and self._answered:
                self._complete()
            else:
                self._writer.abort()
        finally:
            # What was there is given up for nothing but what took its place.
            self._place.close(keep=self._place.old.exists() and not self._path.exists())

    def _complete(self) -> None:
        for future in self._pending:
            future.result()
        self._writer.close()
        if self._path.exists():
            self._path.rename(self._place.old)
        try:
            self._place.new.rename(self._path)
        except OSError:
            if self._place.old.exists():
                self._restore()
            raise

    def _restore(self) -> None:
        try:
            self._place.old.rename(self._path)
        except OSError as error:
            where = (
                f"the earlier results are in {self._place.old}, the new ones in {self._place.new}"
            )
            raise OSError(error.errno, f"{error.strerror}; {where}") from error
