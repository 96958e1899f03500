"""How fast recordings are read beside rosbags alone, and whether memory stays flat.

python -m training.bags.bench --gigabytes 5
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import track
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from sam3i_model.definitions import typestore
from sam3i_model.terminal import notes
from training.annotations.images import Problems
from training.bags.bag import Bag
from training.bags.heads import SECOND
from training.bags.picking import Plan
from training.bags.scan import ANSWERS, IMAGE, INFO, scan
from training.bags.topics import Wishes, choose

WIDTH, HEIGHT, RATE = 640, 480, 30
START = 1_700_000_000 * SECOND
SENTENCE = "the grey square"
COLOUR, DEPTH = "/camera/color/image_raw", "/camera/aligned_depth_to_color/image_raw"
INFO_TOPIC, ANSWER_TOPIC = "/camera/color/camera_info", "/sam3i/segments"
ROUNDS = 5
SMALL = 0.1
"""GB of the recording that memory is compared with."""


class Compression(str, Enum):
    """As rosbag2 names it; storage: MCAP's chunks."""

    NONE = "none"
    MESSAGE = "message"
    STORAGE = "storage"


def write_recording(path: Path, gigabytes: float, mcap: bool, compression: Compression) -> None:
    """A camera at 30 Hz, 640x480 raw colour and depth, an answer to every fifth frame."""
    store = typestore()
    types: Any = store.types
    topics = {COLOUR: IMAGE, DEPTH: IMAGE, INFO_TOPIC: INFO, ANSWER_TOPIC: ANSWERS}
    plugin = StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3
    writer = Writer(path, version=9, storage_plugin=plugin)
    if compression is not Compression.NONE:
        writer.set_compression(CompressionMode[compression.name], CompressionFormat.ZSTD)
    noise = np.random.default_rng(0).integers(0, 64, (HEIGHT, 2 * WIDTH, 3), np.uint8)
    noise[100:200, 200:300] += 128
    distance = np.full(HEIGHT * WIDTH, 900, "<u2").view(np.uint8)
    frames = int(gigabytes * 1e9 / (WIDTH * HEIGHT * 5))
    with writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=store)
            for topic, kind in topics.items()
        }
        for number in track(range(frames), "writing", console=notes()):
            stamp = START + number * SECOND // RATE
            time_ = types["builtin_interfaces/msg/Time"](*divmod(stamp, SECOND))
            header = types["std_msgs/msg/Header"](time_, "camera")
            left = number * 7 % WIDTH
            rgb = np.ascontiguousarray(noise[:, left : left + WIDTH])
            region = types["sensor_msgs/msg/RegionOfInterest"]
            matrix = np.array([500.0, 0, WIDTH / 2, 0, 500, HEIGHT / 2, 0, 0, 1])
            messages = {
                COLOUR: types[IMAGE](header, HEIGHT, WIDTH, "rgb8", 0, 3 * WIDTH, rgb.reshape(-1)),
                DEPTH: types[IMAGE](header, HEIGHT, WIDTH, "16UC1", 0, 2 * WIDTH, distance),
                INFO_TOPIC: types[INFO](
                    header,
                    HEIGHT,
                    WIDTH,
                    "plumb_bob",
                    np.zeros(5),
                    matrix,
                    np.eye(3).reshape(-1),
                    np.zeros(12),
                    0,
                    0,
                    region(0, 0, 0, 0, False),
                ),
            }
            if number % 5 == 0:
                messages[ANSWER_TOPIC] = _answer(types, header)
            for topic, message in messages.items():
                data = store.serialize_cdr(message, topics[topic])
                writer.write(connections[topic], stamp, data)


def _answer(types: Any, header: Any) -> Any:
    """An answer with one square of 100 pixels a side."""
    result = types["sam3i_ros/msg/InstructionResult"](
        "default", SENTENCE, 1, 2, SENTENCE, 0.9, 5, False, ""
    )
    point = types["geometry_msgs/msg/Point"](0.0, 0.0, 0.0)
    turn = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    segment = types["sam3i_ros/msg/Segment"](
        "default",
        0,
        1,
        0.9,
        False,
        types["sensor_msgs/msg/RegionOfInterest"](200, 100, 100, 100, False),
        np.array([0, 10_000], np.uint32),
        point,
        types["geometry_msgs/msg/Pose"](point, turn),
        types["geometry_msgs/msg/Vector3"](0.0, 0.0, 0.0),
        0,
        0,
    )
    return types[ANSWERS](header, HEIGHT, WIDTH, [result], [segment], "", "no 3D", 0.1)


def read_ours(path: Path, rate: float) -> int:
    """All that `sam3i prepare` reads, up to the picked frames' messages; bytes of the bag."""
    problems = Problems()
    with Bag(path, problems.add) as bag:
        contents = scan(bag, problems, lambda done: None)
        slop = SECOND // 20
        camera = choose(bag, contents, Wishes(), slop)
        plan = Plan(contents, camera, rate, slop, (), teacher=False)
        depth = camera.depth.stream if camera.depth else None
        answers = camera.answers.stream if camera.answers else None
        streams = camera.colour.stream, depth, camera.info, answers
        for slot in plan.slots:
            for frame in slot.frames:
                places = frame.index, frame.depth, frame.info, frame.answer
                for stream, index in zip(streams, places, strict=True):
                    if stream is not None and index is not None:
                        bag.read(stream.topic, stream.address(index))
        if problems.count:
            raise RuntimeError(problems.lines[0])
        return bag.size


def read_rosbags(path: Path) -> int:
    """The same topics by rosbags alone, every message deserialised; how many there were."""
    kinds = (IMAGE, INFO, ANSWERS)
    count = 0
    with AnyReader([path], default_typestore=typestore()) as reader:
        wanted = [c for c in reader.connections if c.msgtype in kinds]
        for connection, _, data in reader.messages(wanted):
            reader.deserialize(data, connection.msgtype)
            count += 1
    return count


def seconds(call: Callable[[], object]) -> float:
    """What a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def peak_mb(bag: Path, out: Path) -> float:
    """The most memory that a whole `sam3i prepare` holds, MB."""
    command = [sys.executable, "-m", "sam3i_model.cli", "prepare", str(bag), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said)
    return usage.ru_maxrss / 1024


def main(
    gigabytes: Annotated[float, typer.Option(help="Size of the recording.")] = 1.0,
    sqlite: Annotated[bool, typer.Option("--sqlite", help=".db3 instead of .mcap.")] = False,
    compression: Annotated[Compression, typer.Option(help="zstd.")] = Compression.NONE,
    rate: Annotated[float, typer.Option(help="Frames a second that are picked.")] = 2.0,
    folder: Annotated[Path | None, typer.Option(help="Where there is room for it.")] = None,
) -> None:
    """Measure reading and memory on a recording that is made for it."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        bag, small = Path(made, "bag"), Path(made, "small")
        write_recording(bag, gigabytes, not sqlite, compression)
        write_recording(small, SMALL, not sqlite, compression)
        read_rosbags(bag)  # warms the page cache
        pairs = []
        for _ in range(ROUNDS):
            ours = seconds(lambda: read_ours(bag, rate))
            pairs.append((ours, seconds(lambda: read_rosbags(bag))))
        megabytes = sum(p.stat().st_size for p in bag.iterdir()) / 1e6
        peaks = [peak_mb(path, Path(made, f"out-{path.name}")) for path in (small, bag)]
    figures = {
        "megabytes": round(megabytes),
        "ours_mb_per_s": round(megabytes / median(p[0] for p in pairs)),
        "rosbags_mb_per_s": round(megabytes / median(p[1] for p in pairs)),
        "ratio": round(median(p[1] / p[0] for p in pairs), 2),
        "peak_mb_small": round(peaks[0]),
        "peak_mb": round(peaks[1]),
        "growth_mb": round(peaks[1] - peaks[0]),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    typer.run(main)
