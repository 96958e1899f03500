"""The bag that results are written to; it appears at its place when it is complete."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from sam3i_model.definitions import typestore
from sam3i_ros.bags import BagError, Message, type_name
from sam3i_ros.outputs import TOPICS, FrameMessages
from sam3i_ros.pipeline import Result

AHEAD = 16  # messages and frames that may wait to be written


class ResultBag:
    """Messages of the recording and results, written by a thread of its own in their order.

    As a context: what was written until the end of the block, even if an interrupt or a damaged
    recording ended it, is at `path` afterwards instead of what was there; after any other error
    nothing has changed there.
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

    def __enter__(self) -> ResultBag:
        """OSError if the place can't be written to, as from all other methods."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=".sam3i-", dir=self._path.parent))
        try:
            self._open()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    def _open(self) -> None:
        # The final name already, as the file inside is called after it.
        self._new = self._folder / "new" / self._path.name
        self._writer = Writer(self._new, version=9, storage_plugin=StoragePlugin.MCAP)
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
        self._submit(self._write_result, result, time)

    def _write_result(self, result: Result, time: int) -> None:
        frame = FrameMessages(result)
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
            if kind is None or issubclass(kind, KeyboardInterrupt | BagError):
                self._complete()
            else:
                self._writer.abort()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _complete(self) -> None:
        for future in self._pending:
            future.result()
        self._writer.close()
        if self._path.exists():
            self._path.rename(self._folder / "old")
        self._new.rename(self._path)
