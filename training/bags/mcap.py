"""Files in MCAP (https://mcap.dev/spec), read from front to back without their index.

So a file is read that was cut off, and a damaged chunk costs that chunk: readers that go by the
index, rosbags' and MCAP's own among them, end there.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import lz4.frame

from training.bags.storage import (
    HEAD,
    MAX_MESSAGE,
    BagError,
    DamageError,
    Message,
    Place,
    Report,
    Topic,
    Want,
    plain,
    topic_of,
    unzstd,
)

MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 2, 3, 4, 5, 6, 15
_LAST, _FOREIGN = 15, 128
"""The highest operation code, and the lowest of an application's own."""
_RECORD = struct.Struct("<BQ")
_CHUNK_HEAD = struct.Struct("<QQQI")
_MESSAGE_HEAD = struct.Struct("<HIQQ")
_KINDS = {b"": 0, b"zstd": 4, b"lz4": 3}
_SEEN = re.compile(rb"\x06(?=.{36}(?:\x04\0\0\0zstd|\x03\0\0\0lz4|\0\0\0\0))", re.DOTALL)
"""May begin a chunk."""
_WINDOW = 1 << 20
_SUMMARY = 64 * 1024**2
"""Bytes of the summary that are read; chunk indices of 100 GB take 10 MB."""
_HELD = 2
"""Unpacked chunks that are kept for `read`."""


class McapFile:
    """An MCAP file; see `storage.File`."""

    def __init__(self, path: Path) -> None:
        """Open.

        Raises:
            BagError: It is no MCAP file.
        """
        self._file: BufferedReader = path.open("rb")
        self._size = path.stat().st_size
        self._position = 0
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._topics: dict[int, Topic] = {}
        self._chunks: OrderedDict[int, bytes] = OrderedDict()
        if self._file.read(len(MAGIC)) != MAGIC:
            self._file.close()
            raise BagError(f"{path} is no MCAP file: it doesn't begin as one")
        self._read_summary()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._chunks.clear()

    def tell(self) -> int:
        """Bytes read so far."""
        return self._position

    def messages(self, want: Want, report: Report) -> Iterator[Message]:
        """See `storage.File`."""
        needs: dict[int, tuple[Topic, int]] = {}
        self._position = len(MAGIC)
        unknown = 0
        while self._position + _RECORD.size <= self._size:
            at = self._position
            code, length = self._record(at)
            end = at + _RECORD.size + length
            if code == _DATA_END:
                break
            if not (0 < code <= _LAST or code >= _FOREIGN) or end > self._size:
                self._position = self._next_chunk(at + 1)
                lost = self._position - at
                report(f"{lost:,} bytes from byte {at:,} on are lost: cut off or damaged")
                continue
            self._position = end
            try:
                if code == _CHUNK:
                    data, first = memoryview(self._chunk(at)), 0
                elif code in (_SCHEMA, _CHANNEL, _MESSAGE) and length <= MAX_MESSAGE:
                    data, first = memoryview(self._bytes(at, end - at)), -1
                else:
                    continue
            except DamageError as error:
                report(f"the chunk at byte {at:,} is lost: {error}")
                continue
            try:
                for channel, time, body, inside in self._walk(data, needs):
                    if channel not in needs:
                        if channel not in self._topics:
                            unknown += 1
                            continue
                        topic = self._topics[channel]
                        needs[channel] = topic, want(topic)
                    topic, need = needs[channel]
                    if need:
                        yield Message(
                            topic,
                            time,
                            plain(body, need),
                            len(body),
                            Place(at, inside if first == 0 else -1),
                        )
            except DamageError as error:
                report(f"a part of the chunk at byte {at:,} is lost: {error}")
        if unknown:
            report(f"{unknown:,} messages are lost: what their topic was is in none of its parts")

    def read(self, place: Place) -> bytes:
        """See `storage.File`."""
        at, inside = place
        if inside < 0:
            code, length = self._record(at)
            data, start = self._bytes(at, _RECORD.size + length), 0
        else:
            if at not in self._chunks:
                self._chunks[at] = self._chunk(at)
                while len(self._chunks) > _HELD:
                    self._chunks.popitem(last=False)
            data, start = self._chunks[at], inside
        code, length = _RECORD.unpack_from(data, start)
        if code != _MESSAGE:
            raise DamageError("the file has changed since it was looked through")
        begin = start + _RECORD.size
        body = memoryview(data)[begin + _MESSAGE_HEAD.size : begin + length]
        return bytes(plain(body, MAX_MESSAGE))

    def _walk(
        self, data: memoryview, needs: dict[int, tuple[Topic, int]]
    ) -> Iterator[tuple[int, int, memoryview, int]]:
        """Channel, time, body and offset of a chunk's messages; its definitions are taken up."""
        at, size = 0, len(data)
        while at < size:
            if at + _RECORD.size > size:
                raise DamageError("it ends in the middle of a record")
            code, length = _RECORD.unpack_from(data, at)
            begin = at + _RECORD.size
            end = begin + length
            if end > size:
                raise DamageError("a record leaves it")
            if code == _MESSAGE:
                if length < _MESSAGE_HEAD.size:
                    raise DamageError("a message is too short")
                channel, _, time, _ = _MESSAGE_HEAD.unpack_from(data, begin)
                yield channel, time, data[begin + _MESSAGE_HEAD.size : end], at
            elif code in (_SCHEMA, _CHANNEL):
                changed = self._define(code, bytes(data[begin:end]))
                needs.pop(changed, None)
            at = end

    def _define(self, code: int, body: bytes) -> int:
        """Take up a schema or channel; the channel's number, or -1."""
        try:
            if code == _SCHEMA:
                name, at = _text(body, 2)
                encoding, at = _text(body, at)
                definition, _ = _text(body, at)
                (number,) = struct.unpack_from("<H", body)
                self._schemas[number] = name, encoding, definition
                return -1
            number, schema = struct.unpack_from("<HH", body)
            name, at = _text(body, 4)
            encoding, _ = _text(body, at)
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise DamageError("a definition is malformed") from error
        kind, form, definition = self._schemas.get(schema, ("", "", ""))
        topic = topic_of(name, kind, encoding, form, definition)
        if self._topics.get(number) == topic:
            return -1
        self._topics[number] = topic
        return number

    def _read_summary(self) -> None:
        """Topics from the end of the file, where it is there: of use if a chunk with them isn't."""
        footer = self._size - len(MAGIC) - _RECORD.size - 20
        try:
            code, length = self._record(footer)
            if (code, length) != (_FOOTER, 20):
                return
            (start,) = struct.unpack_from("<Q", self._bytes(footer + _RECORD.size, 8))
            if 0 < start < footer:
                summary = memoryview(self._bytes(start, min(footer - start, _SUMMARY)))
                for _ in self._walk(summary, {}):
                    pass
        except (DamageError, struct.error, OSError):
            return

    def _record(self, at: int) -> tuple[int, int]:
        code, length = _RECORD.unpack(self._bytes(at, _RECORD.size))
        return code, length

    def _bytes(self, at: int, count: int) -> bytes:
        if at < 0 or at + count > self._size:
            raise DamageError("the file ends early")
        self._file.seek(at)
        data = self._file.read(count)
        if len(data) != count:
            raise DamageError("the file ends early")
        return data

    def _chunk(self, at: int) -> bytes:
        """The records of the chunk whose record begins there."""
        _, length = self._record(at)
        kind, size, crc, start, packed = self._chunk_head(at)
        if size > MAX_MESSAGE or packed > MAX_MESSAGE:
            raise DamageError(f"it claims to have {max(size, packed):,} bytes")
        if start + packed > at + _RECORD.size + length:
            raise DamageError("its data leave it")
        data = self._bytes(start, packed)
        if kind == b"zstd":
            data = unzstd(data, size + 1)
        elif kind == b"lz4":
            try:
                data = lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=size + 1)
            except RuntimeError as error:
                raise DamageError(f"lz4: {error}") from error
        if len(data) != size:
            raise DamageError(f"it has {len(data):,} bytes instead of {size:,}")
        if crc and zlib.crc32(data) != crc:
            raise DamageError("its checksum is wrong")
        return data

    def _chunk_head(self, at: int) -> tuple[bytes, int, int, int, int]:
        """Compression, unpacked size, checksum, and where how many packed bytes are."""
        head = self._bytes(at, min(HEAD, self._size - at))
        try:
            _, _, size, crc = _CHUNK_HEAD.unpack_from(head, _RECORD.size)
            begin = _RECORD.size + _CHUNK_HEAD.size
            (count,) = struct.unpack_from("<I", head, begin)
            kind = head[begin + 4 : begin + 4 + count]
            (packed,) = struct.unpack_from("<Q", head, begin + 4 + count)
        except struct.error as error:
            raise DamageError("its head is malformed") from error
        if kind not in _KINDS:
            raise DamageError("its compression is neither zstd nor lz4")
        return kind, size, crc, at + begin + 4 + count + 8, packed

    def _next_chunk(self, at: int) -> int:
        """Where the next chunk begins from there on; the end of the file if there is none.

        One is known by its lengths: that of the record is that of its head and its data.
        """
        while at < self._size:
            window = self._bytes(at, min(_WINDOW + HEAD, self._size - at))
            for found in _SEEN.finditer(window):
                start = at + found.start()
                try:
                    _, length = self._record(start)
                    *_, begin, packed = self._chunk_head(start)
                except DamageError:
                    continue
                end = start + _RECORD.size + length
                if begin + packed == end <= self._size:
                    return start
            at += _WINDOW
        return self._size


def _text(body: bytes, at: int) -> tuple[str, int]:
    (count,) = struct.unpack_from("<I", body, at)
    end = at + 4 + count
    if end > len(body):
        raise IndexError
    return body[at + 4 : end].decode(), end
