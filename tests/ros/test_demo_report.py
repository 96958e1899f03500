"""The demo's machinery on a tiny table: real processes and DDS, a segmenter by colour."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from sam3i_ros.demo import sources
from sam3i_ros.demo.orchestrate import play, running_node
from sam3i_ros.demo.report import write_report
from sam3i_ros.demo.results import Results, at_end, read_results
from sam3i_ros.demo.scoring import summarise
from sam3i_ros.demo.sources import Source
from tests.ros.fakes import ColourSegmenter

STORE = get_typestore(Stores.ROS2_KILTED)
TYPES = STORE.types
SIZE = (240, 320)  # H, W
FOCAL = 300.0
TABLE = 1.0  # m
FRAMES = 12
STEP = 200_000_000
START = 3_000_000_000
SQUARES = {1: ("red", (200, 20, 20), 0.8), 2: ("green", (20, 180, 40), 0.9)}  # depth in m
SLIVER = 3  # label of 50 pixels
INSTRUCTIONS = [
    {"id": "r", "text": "the red <b>square</b>", "level": "simple", "labels": [1]},
    {"id": "g", "text": "green square", "level": "concept", "labels": [2]},
    {"id": "b", "text": "the blue square", "level": "simple", "labels": []},
    {"id": "y", "text": "the yellow sliver", "level": "simple", "labels": [SLIVER]},
]


def corner(label: int, frame: int) -> tuple[int, int]:
    """Upper left corner (row, column) of a square; the red one moves."""
    return (60, 40 + 5 * frame) if label == 1 else (130, 200)


def draw(frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rgb uint8 (H, W, 3), depth m (H, W), labels uint16 (H, W)."""
    rgb = np.full((*SIZE, 3), 128, np.uint8)
    depth = np.full(SIZE, TABLE)
    labels = np.zeros(SIZE, np.uint16)
    labels[:5, :10] = SLIVER
    for label, (_, colour, distance) in SQUARES.items():
        row, column = corner(label, frame)
        place = np.s_[row : row + 60, column : column + 60]
        rgb[place], depth[place], labels[place] = colour, distance, label
    return rgb, depth, labels


def centroid(label: int, frame: int) -> list[float]:
    row, column = corner(label, frame)
    z = SQUARES[label][2]
    return [(column + 29.5 - 160) / FOCAL * z, (row + 29.5 - 120) / FOCAL * z, z]


def write_bag(path: Path) -> Path:
    image, info = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo"
    topics = {
        sources.COLOUR: image,
        sources.DEPTH: image,
        sources.INFO: info,
        sources.TRUTH_LABELS: "sensor_msgs/msg/Image",
        sources.TRUTH_SCENE: "std_msgs/msg/String",
    }
    k = np.array([FOCAL, 0, 160, 0, FOCAL, 120, 0, 0, 1.0])
    p = np.array([FOCAL, 0, 160, 0, 0, FOCAL, 120, 0, 0, 0, 1.0, 0])
    roi = TYPES["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {t: writer.add_connection(t, n, typestore=STORE) for t, n in topics.items()}
        for frame in range(FRAMES):
            rgb, depth, labels = draw(frame)
            stamp = START + frame * STEP
            time = TYPES["builtin_interfaces/msg/Time"](stamp // 10**9, stamp % 10**9)
            header = TYPES["std_msgs/msg/Header"](time, "camera_color_optical_frame")
            jpeg = cv2.imencode(".png", rgb[..., ::-1])[1].ravel()
            png = cv2.imencode(".png", (depth * 1000).round().astype(np.uint16))[1].tobytes()
            png = np.frombuffer(struct.pack("<iff", 0, 0, 0) + png, np.uint8)
            scene = {
                "stamp_ns": stamp,
                "objects": [{"label": i, "centroid": centroid(i, frame)} for i in SQUARES],
                "instructions": INSTRUCTIONS,
            }
            contents = {
                sources.COLOUR: TYPES[image](header, "png", jpeg),
                sources.DEPTH: TYPES[image](header, "16UC1; compressedDepth png", png),
                sources.INFO: TYPES[info](
                    header, *SIZE, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), p, 0, 0, roi
                ),
                sources.TRUTH_LABELS: TYPES["sensor_msgs/msg/Image"](
                    header, *SIZE, "16UC1", 0, SIZE[1] * 2, labels.view(np.uint8).ravel()
                ),
                sources.TRUTH_SCENE: TYPES["std_msgs/msg/String"](json.dumps(scene)),
            }
            for topic, content in contents.items():
                data = STORE.serialize_cdr(content, topics[topic])
                writer.write(connections[topic], stamp, bytes(data))
    return path


@dataclass
class Played:
    source: Source
    bag: Path
    results: Results
    progress: list[int]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, environment: None) -> Played:
    out = tmp_path_factory.mktemp("demo")
    source = Source("table", "A table & two squares", write_bag(out / "table"))
    progress: list[int] = []
    bag = out / "results_table"
    with running_node(out, "bundled", "auto", module="fakes") as (node, ears):
        play(source, source.wanted, node, ears, bag, out, lambda _, n: progress.append(n))
    assert not node.running
    return Played(source, bag, read_results(source, bag, source.wanted), progress)


def test_every_answer_is_scored_against_the_truth_of_its_frame(played: Played) -> None:
    rows = played.results.rows
    frames = {row.frame for row in rows}
    assert len(frames) >= 10  # of 12 at 5 Hz; the first may come before the instructions
    assert len(rows) == len(INSTRUCTIONS) * len(frames)
    for row in rows:
        assert row.source == "table"
        if row.instruction == "the blue square":
            assert (row.outcome, row.iou, row.targets, row.score) == ("NOT_FOUND", 1.0, 0, None)
        elif row.instruction == "the yellow sliver":
            assert (row.outcome, row.iou, row.targets, row.score) == ("NOT_FOUND", None, 0, None)
        else:
            assert (row.outcome, row.targets, row.segments) == ("FOUND", 1, 1)
            assert row.iou is not None
            assert row.iou > 0.98
            assert row.centroid_error_m is not None
            assert row.centroid_error_m < 0.002
            assert row.score == pytest.approx(0.9, abs=1e-6)
        assert row.level == ("concept" if row.instruction == "green square" else "simple")
        assert 0 < row.latency_ms < 1000


def test_progress_runs_to_the_last_frame(played: Played) -> None:
    assert played.progress == sorted(played.progress)
    assert played.progress[-1] == FRAMES


def test_summary_of_the_run(played: Played) -> None:
    summary = summarise(played.results.rows, FRAMES)
    assert summary["levels"]["simple"]["rows_in_view"] == summary["frames_grounded"]
    assert summary["levels"]["concept"]["giou"] > 0.98
    assert summary["absent"] == {"rows": summary["frames_grounded"], "not_found_rate": 1.0}


def test_recording_opens_without_our_package(played: Played) -> None:
    """Any tool can read it: the definitions of our messages are in the bag."""
    with AnyReader([played.bag], default_typestore=STORE) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        array = next(sources.messages(reader, "/sam3i/segments"))
    assert counts["/sam3i/instruction"] == 1 + len(INSTRUCTIONS)
    for topic in ("segments", "masks", "points", "overlay"):
        assert counts[f"/sam3i/{topic}"] >= 10
    assert type(array).__name__ == "sam3i_ros__msg__SegmentArray"


def test_what_the_node_said_at_its_end(played: Played) -> None:
    stages, device = at_end(played.bag)
    assert device == ColourSegmenter.device  # not the option, which was "auto"
    assert {"decode", "ground", "lift", "total"} <= stages.keys()
    for value in stages.values():
        median, high = map(float, value.split(" / "))
        assert 0 <= median <= high


class Reader(HTMLParser):
    """Checks that tags are closed in order and collects pictures and table cells."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[str] = []
        self.links: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [str(v) for k, v in values.items() if k in ("src", "href") and v]
        if tag == "img":
            self.images.append(str(values["src"]))
        if tag == "td":
            self.cells.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open:
            self.cells[-1] += data


def test_report_is_one_page_with_everything_in_it(played: Played, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(
        path, [(played.results, played.bag)], {"Model": "by <colour>"}, {"lift": "7.00 / 8064.11"}
    )
    text = path.read_text(encoding="utf-8")
    assert len(text) < 15_000_000
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.links == reader.images  # nothing else is loaded
    assert len(reader.images) == 2 * 8
    for uri in reader.images:
        head, data = uri.split(",")
        assert head == "data:image/jpeg;base64"
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert picture.size == (SIZE[1], SIZE[0])
    cells = [" ".join(cell.split()) for cell in reader.cells]
    assert cells[0] == "the red <b>square</b>"
    assert cells[1:3] == ["simple", "FOUND"]
    rounds = len({row.frame for row in played.results.rows})
    assert cells[3] == f"✓ {rounds} / {rounds}"
    assert "the blue square (not there)" in cells
    sliver = cells.index("the yellow sliver")
    assert cells[sliver + 3] == "· 0 / 0"
    assert "by &lt;colour&gt;" in text
    assert '<tr><td>lift</td><td class="n">7.00</td><td class="n">8064</td></tr>' in text
    assert len(re.findall(r'"type":"scatter3d"', text.split("</head>")[1])) == 3
