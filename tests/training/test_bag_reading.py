"""Files of every kind give the same messages; what is damaged costs itself and is reported."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import zlib
from pathlib import Path

import lz4.frame
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from sam3i_model.decoding import MessageError
from tests.training import bag_samples as make
from training.annotations.images import Problems
from training.bags.bag import Bag
from training.bags.files import storage_files
from training.bags.heads import read_head
from training.bags.scan import Contents, scan
from training.bags.storage import BagError, Topic
from training.bags.types import Types

FRAMES = 6
CHUNK = 6


def look(path: Path) -> tuple[Contents, list[str], list[int]]:
    """Contents, problems, and the depth in mm of every depth image, read again by its place."""
    problems = Problems()
    with Bag(path, problems.add) as bag:
        contents = scan(bag, problems, lambda done: None)
        values = []
        stream = contents.streams.get((make.DEPTH, make.IMAGE))
        for index in range(len(stream) if stream else 0):
            message = bag.read(stream.topic, stream.address(index))
            assert (message.height, message.width) == (make.HEIGHT, make.WIDTH)
            values.append(int(message.data.view("<u2")[0]))
    return contents, problems.lines, values


def records(data: bytes) -> list[tuple[int, int, int]]:
    """(code, begin, end) of an MCAP file's records."""
    found, at = [], 8
    while at < len(data) - 8:
        code, length = struct.unpack_from("<BQ", data, at)
        found.append((code, at, at + 9 + length))
        at += 9 + length
    return found


def large(path: Path) -> Path:
    """A recording of one file with several chunks (rosbags begins another after 1 MiB)."""
    frames = [
        (make.DEPTH, make.START + i, make.depth(make.START + i, i + 1, (make.HEIGHT, make.WIDTH)))
        for i in range(600)
    ]
    return next(make.write(path, frames).glob("*.mcap"))


@pytest.mark.parametrize(
    ("sqlite", "compression"),
    [(False, c) for c in ("", "message", "file", "storage")]
    + [(True, c) for c in ("", "message", "file")],
)
def test_all_kinds_of_files_give_the_same(tmp_path, sqlite, compression):
    bag = make.write(tmp_path / "bag", make.camera(FRAMES), sqlite, compression)
    contents, problems, values = look(bag)
    assert problems == []
    assert values == [500 + i for i in range(FRAMES)]
    colour = contents.streams[make.COLOUR, make.IMAGE]
    assert colour.stamps.tolist() == [make.START + i * make.STEP for i in range(FRAMES)]
    assert colour.frame == "camera"
    (bag / "metadata.yaml").unlink()
    assert look(bag)[2] == values
    if compression != "file":
        assert look(next(p for p in bag.iterdir()))[2] == values


@pytest.mark.parametrize("listed", [True, False])
def test_split_recordings_are_read_in_order(tmp_path, listed):
    whole = tmp_path / "whole"
    whole.mkdir()
    names = []
    for part in (0, 1, 10, 2):
        bag = make.write(tmp_path / f"part_{part}", make.camera(2, first=2 * part))
        names.append(f"whole_{part}.mcap")
        shutil.move(next(bag.glob("*.mcap")), whole / names[-1])
    if listed:  # rosbag2 knows better than the names; old versions put the folder before them
        paths = "".join(f"  - old/place/{name}\n" for name in names)
        (whole / "metadata.yaml").write_text(
            f"rosbag2_bagfile_information:\n  relative_file_paths:\n{paths}"
        )
    _, problems, values = look(whole)
    order = (0, 1, 10, 2) if listed else (0, 1, 2, 10)
    assert values == [500 + 2 * part + i for part in order for i in range(2)]
    assert problems == []
    if listed:
        (whole / "whole_1.mcap").unlink()
        shutil.copy(whole / "whole_2.mcap", whole / "other.mcap")
        _, problems, values = look(whole)
        assert values == [500, 501, 520, 521, 504, 505]
        assert any("whole_1.mcap: it is missing" in line for line in problems)
        assert any("other.mcap: it is left out" in line for line in problems)
        assert any("delete metadata.yaml or run `ros2 bag reindex`" in line for line in problems)


def test_a_file_a_minute_is_read_with_few_of_them_open(tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    for minute in range(20):
        bag = make.write(tmp_path / f"part_{minute}", make.camera(1, first=minute))
        shutil.move(next(bag.glob("*.mcap")), whole / f"drive-12h{minute:02}.mcap")
    assert [len(row) for row in storage_files(whole, lambda *_: None)] == [20]
    assert look(whole)[2] == [500 + minute for minute in range(20)]


def test_broken_metadata_is_told_and_not_needed(tmp_path):
    bag = make.write(tmp_path / "bag", make.camera(2))
    (bag / "metadata.yaml").write_text("rosbag2_bagfile_information: [:\n")
    _, problems, values = look(bag)
    assert values == [500, 501]
    assert len(problems) == 1
    assert "metadata.yaml: it can't be used" in problems[0]


def test_a_file_without_definitions_is_read_by_ours(tmp_path):
    events = [*make.camera(2), (make.SAID, make.START, make.said("a", "the red mug"))]
    bag = make.write(tmp_path / "bag", events, sqlite=True)
    with sqlite3.connect(next(bag.glob("*.db3"))) as base:
        base.execute("DROP TABLE message_definitions")
        base.execute("DROP TABLE schema")
    contents, problems, values = look(bag)
    assert (values, problems) == ([500, 501], [])
    assert [asked.text for asked in contents.book.entries] == ["the red mug"]


def test_a_definition_that_is_nonsense_is_not_used():
    data = make.STORE.serialize_cdr(make.sentence("hello"), "std_msgs/msg/String")
    for form, text in [("ros2msg", "float float float\n%%"), ("ros2idl", "module {"), ("x", "y")]:
        topic = Topic("/a", "std_msgs/msg/String", form, text)
        assert Types().read(topic, bytes(data)).data == "hello"


@pytest.mark.parametrize(
    "text", ["string other", "int32 data", "string[] data", "string other\nint8 data"]
)
def test_a_definition_with_other_fields_is_told(text):
    data = bytes(make.STORE.serialize_cdr(make.sentence("hello"), "std_msgs/msg/String"))
    with pytest.raises(MessageError, match="another 'data'"):
        Types().read(Topic("/a", "std_msgs/msg/String", "ros2msg", text), data)
    longer = Topic("/a", "std_msgs/msg/String", "ros2msg", "string data\nstring more")
    assert Types().read(longer, data + b"\0\0\1\0\0\0\0").data == "hello"


def test_idl_definitions_are_read():
    idl = "module std_msgs { module msg { struct String { string data; }; }; };"
    data = make.STORE.serialize_cdr(make.sentence("hello"), "std_msgs/msg/String")
    rule = "=" * 80
    for text in (idl, f"{rule}\nIDL: std_msgs/msg/String\n{idl}"):
        topic = Topic("/a", "std_msgs/msg/String", "ros2idl", text)
        assert Types().read(topic, bytes(data)).data == "hello"


def test_a_cut_file_is_read_as_far_as_it_goes(tmp_path):
    path = large(tmp_path / "bag")
    whole = look(path)[2]
    assert whole == list(range(1, 601))
    data = path.read_bytes()
    chunks = [r for r in records(data) if r[0] == CHUNK]
    assert len(chunks) > 2
    path.write_bytes(data[: chunks[-1][1]])  # no index, no footer
    _, problems, values = look(path)
    assert values == whole[: len(values)]
    assert len(values) > 300
    assert problems == []
    path.write_bytes(data[: chunks[-1][2] - 100])
    _, problems, cut = look(path)
    assert cut == values
    assert len(problems) == 1
    assert "cut off or damaged" in problems[0]


def test_a_packed_file_that_is_cut_is_read_as_far_as_it_goes(tmp_path):
    rng = np.random.default_rng(0)
    frames = []
    for number in range(600):
        message = make.depth(make.START + number, 0)
        message.data[2:] = rng.integers(0, 256, len(message.data) - 2)
        message.data[:2] = divmod(number, 256)[::-1]
        frames.append((make.DEPTH, make.START + number, message))
    bag = make.write(tmp_path / "bag", frames, compression="file")
    path = next(p for p in bag.iterdir() if p.suffix == ".zstd")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    _, problems, values = look(bag)
    assert values == list(range(len(values)))
    assert 100 < len(values) < 400
    assert len(problems) == 1


@pytest.mark.parametrize("where", ["length", "inside"])
def test_a_damaged_chunk_costs_that_chunk(tmp_path, where):
    path = large(tmp_path / "bag")
    whole = look(path)[2]
    data = bytearray(path.read_bytes())
    _, first, second = [r for r in records(data) if r[0] == CHUNK][:3]
    if where == "length":  # of the record: what comes behind it has to be found again
        struct.pack_into("<Q", data, first[1] + 1, 2**50)
    else:  # of the first record in it
        struct.pack_into("<Q", data, first[1] + 9 + 28 + 4 + 8 + 1, 2**40)
    path.write_bytes(data)
    _, problems, values = look(path)
    kept = [v for v in whole if v in values]
    assert values == kept
    lost = sorted(set(whole) - set(values))
    assert lost == list(range(lost[0], lost[-1] + 1))
    assert 0 < len(lost) < 200
    assert len(problems) == 1
    assert "lost" in problems[0]
    assert second[1] > first[2]


def test_topics_of_a_lost_first_chunk_are_known_from_the_end(tmp_path):
    path = large(tmp_path / "bag")
    data = bytearray(path.read_bytes())
    first = next(r for r in records(data) if r[0] == CHUNK)
    struct.pack_into("<Q", data, first[1] + 1, 2**50)
    path.write_bytes(data)
    _, problems, values = look(path)
    assert values == list(range(values[0], 601))
    assert len(problems) == 1
    path.write_bytes(data[:-8])  # and now from nowhere
    _, problems, values = look(path)
    assert values == []
    assert any("what their topic was" in line for line in problems)


def repacked(data: bytes, kind: bytes, packed, crc: bool = True, size: int = 0) -> bytes:
    """The same file, its chunks in another compression."""
    out = bytearray(data[:8])
    for code, begin, end in records(data):
        if code != CHUNK:
            out += data[begin:end]
            continue
        start, stop, unpacked, _ = struct.unpack_from("<QQQI", data, begin + 9)
        body = data[begin + 9 + 28 + 4 + 8 : end]
        check = zlib.crc32(body) if crc else 12345
        new = struct.pack("<QQQI", start, stop, size or unpacked, check)
        new += struct.pack("<I", len(kind)) + kind
        squeezed = packed(body)
        new += struct.pack("<Q", len(squeezed)) + squeezed
        out += struct.pack("<BQ", CHUNK, len(new)) + new
    return bytes(out) + data[-8:]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": b"lz4", "packed": lz4.frame.compress}, ""),
        ({"kind": b"", "packed": bytes}, ""),
        ({"kind": b"", "packed": bytes, "crc": False}, "checksum"),
        ({"kind": b"lz4", "packed": lambda body: b"rubbish" + body}, "lz4"),
        ({"kind": b"zstd", "packed": lambda body: b"rubbish" + body}, "zstd"),
        ({"kind": b"lz4", "packed": lz4.frame.compress, "size": 2**60}, "claims"),
        ({"kind": b"lz4", "packed": lz4.frame.compress, "size": 17}, "instead of 17"),
        ({"kind": b"brotli", "packed": bytes}, "compression"),
    ],
)
def test_chunks_are_checked(tmp_path, change, told):
    path = next(make.write(tmp_path / "bag", make.camera(3)).glob("*.mcap"))
    path.write_bytes(repacked(path.read_bytes(), **change))
    _, problems, values = look(path)
    assert values == ([] if told else [500, 501, 502])
    assert any(told in line for line in problems) == bool(told)


def test_records_of_an_application_are_passed_over(tmp_path):
    path = next(make.write(tmp_path / "bag", make.camera(2)).glob("*.mcap"))
    whole = path.read_bytes()
    at = records(whole)[0][2]  # behind the header
    for code, told in ((0x80, False), (0xFF, False), (0x7F, True)):
        path.write_bytes(whole[:at] + struct.pack("<BQ", code, 70) + bytes(70) + whole[at:])
        _, problems, values = look(path)
        assert values == [500, 501]
        assert any("79 bytes" in line for line in problems) == told


@pytest.mark.parametrize("stamp", [0, make.START])
def test_a_time_beyond_all_times_costs_its_message_if_it_has_no_stamp(tmp_path, stamp):
    events = [*make.camera(2), (make.DEPTH, 2**63, make.depth(stamp, 700))]
    (path,) = make.write(tmp_path / "bag", events).glob("*.mcap")
    _, problems, values = look(path)
    assert values == [500, 501, *([700] if stamp else [])]
    assert any("recorded at no time that can be" in line for line in problems) == (not stamp)


def test_a_damaged_database_is_read_around_the_damage(tmp_path):
    frames = [(make.DEPTH, make.START + i, make.depth(make.START + i, i + 1)) for i in range(400)]
    path = next(make.write(tmp_path / "bag", frames, sqlite=True).glob("*.db3"))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 3 * 4096] = b"\xff" * (3 * 4096)
    path.write_bytes(data)
    problems = Problems()
    with Bag(path, problems.add) as bag:
        contents = scan(bag, problems, lambda done: None)
        stream = contents.streams[make.DEPTH, make.IMAGE]
        stamps = stream.stamps - make.START
    assert 200 < len(stamps) < 400
    assert stamps.tolist() == sorted(stamps.tolist())
    assert stamps[-1] > 390


def test_what_a_killed_recorder_left_in_its_log_is_read(tmp_path):
    bag = make.write(tmp_path / "bag", make.camera(3), sqlite=True)
    path = next(bag.glob("*.db3"))
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA wal_autocheckpoint = 0")
    base.execute("DELETE FROM messages WHERE timestamp = ?", (make.START + 3_000_000,))
    base.commit()
    cut = tmp_path / "cut"
    cut.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        shutil.copy(bag / name, cut / name)
    base.close()
    assert look(cut)[2] == [501, 502]


def test_what_is_no_recording_is_told(tmp_path):
    (tmp_path / "a.mcap").write_bytes(b"\x89MCAP1\r\n")
    (tmp_path / "a.db3").write_bytes(b"no database" * 100)
    (tmp_path / "a.bag").write_bytes(b"#ROSBAG V2.0")
    (tmp_path / "empty").mkdir()
    for name, why in [
        ("a.mcap", "no MCAP"),
        ("a.db3", "no rosbag2"),
        ("a.bag", "name a folder"),
        ("empty", "has no .mcap"),
        ("missing", "there is no"),
    ]:
        with pytest.raises(BagError, match=why) as caught:
            look(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_the_head_is_read_without_the_rest():
    message = make.image(make.START + 5, make.picture(0), "left_eye")
    data = bytes(make.STORE.serialize_cdr(message, make.IMAGE))
    assert read_head(data[:64]) == (make.START + 5, "left_eye")
    big = bytes(make.STORE.serialize_cdr(message, make.IMAGE, little_endian=False))
    assert read_head(memoryview(big)[:64]) == (make.START + 5, "left_eye")
    for cut in range(20):
        assert read_head(data[:cut]) is None
    for at, value in [(4, b"\xff\xff\xff\xff"), (8, b"\xff" * 4), (12, b"\xff" * 4), (0, b"\x07")]:
        assert read_head(data[:at] + value + data[at + len(value) :]) is None


def test_types_that_dont_fit_are_told():
    types = Types()
    for kind in (make.IMAGE, "sam3i_ros/msg/SegmentArray", "nobody/msg/Knows"):
        with pytest.raises(MessageError, match=kind):
            types.read(Topic("/a", kind), b"\0\1\0\0" + b"\xff" * 40)


def test_wrong_types_and_absurd_counts_cost_only_themselves(tmp_path):
    good = make.camera(3)
    answer = make.answer(make.START, [make.result("a", "b", 1)], [])
    data = bytearray(make.STORE.serialize_cdr(answer, answer.__msgtype__))
    struct.pack_into("<I", data, 4 + 8 + 4 + 8 + 8, 2**31 - 1)  # results
    bag = tmp_path / "bag"
    make.write(bag, good)
    with Writer(tmp_path / "other", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        lies = writer.add_connection(make.COLOUR, make.IMAGE, typestore=make.STORE)
        answers = writer.add_connection(make.SEGMENTS, answer.__msgtype__, typestore=make.STORE)
        said = writer.add_connection(make.SAID, "sam3i_ros/msg/Instruction", typestore=make.STORE)
        for number in range(50):
            writer.write(lies, make.START + number, b"\0\1\0\0" + b"\xff" * 100)
        writer.write(answers, make.START, bytes(data))
        writer.write(said, make.START, b"\0\1\0\0\7")
    shutil.move(tmp_path / "other" / "other.mcap", bag / "second.mcap")
    (bag / "metadata.yaml").unlink()
    _, problems, values = look(bag)
    assert values == [500, 501, 502]
    assert any(f"50 messages on {make.COLOUR} are no {make.IMAGE}" in line for line in problems)
    assert any(make.SEGMENTS in line for line in problems)
    assert any(make.SAID in line for line in problems)


def test_tiny_messages_by_the_hundred_thousand(tmp_path):
    tiny = bytes(make.STORE.serialize_cdr(make.sentence(""), "std_msgs/msg/String"))
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        noise = writer.add_connection("/noise", "std_msgs/msg/String", typestore=make.STORE)
        text = writer.add_connection(make.TEXT, "std_msgs/msg/String", typestore=make.STORE)
        for number in range(100_000):
            writer.write(noise, make.START + number, tiny)
            if number % 10 == 0:
                writer.write(text, make.START + number, tiny)
    contents, problems, _ = look(tmp_path / "bag")
    assert problems == []
    assert contents.book.entries == []
    assert np.size(list(contents.timeline.at(iter([0, 10**6])))) == 0
