"""`sam3i prepare` from end to end: recordings in, a data set out, whatever happens between."""

from __future__ import annotations

import errno
import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training import bag_samples as make
from tests.training.prepare_runs import ALL, prepare, read
from training.annotations.rle import decode
from training.annotations.sam3i_json import OPEN
from training.bags import command, folder
from training.instruction_file import InstructionFile
from training.sam3i_check import explain

REAL = Path(__file__).parents[3] / "shared/data/rosbag/apc_shelf_15frames"
FOUND, NOT_FOUND = 1, 2
LEFT = make.square(5, 5)


def at(frame: int) -> int:
    return make.START + frame * make.STEP


def talk(frames: int = 6) -> list[make.Event]:
    """A camera, one instruction found in every second frame and absent in the others, one that
    nobody answered from frame 3 on.
    """
    events = make.camera(frames)
    events += [
        (make.SAID, at(0) - 50, make.said("cup", "the red mug")),
        (make.TEXT, at(3) - 50, make.sentence("something to drink from")),
    ]
    for frame in range(frames):
        there = frame % 2 == 0
        result = make.result("cup", "the red mug", FOUND if there else NOT_FOUND, presence=0.125)
        segments = [make.segment("cup", LEFT, 0.75)] if there else []
        events += [(make.SEGMENTS, at(frame) + 90, make.answer(at(frame), [result], segments))]
    return sorted(events, key=lambda event: event[1])


def test_a_recording_with_answers(tmp_path):
    bag = make.write(tmp_path / "drive one", talk())
    result = prepare(bag, tmp_path / "out", *ALL)
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    samples = read(out)
    cups = [s for s in samples if s.recording and s.recording.instruction == "cup"]
    assert [s.recording.stamp for s in cups if s.recording] == [at(i) for i in range(6)]
    for number, sample in enumerate(cups):
        assert sample.recording is not None
        assert sample.texts == {
            "concept": (),
            "simple_query": ("the red mug",),
            "complex_query": (),
        }
        assert sample.labelled
        assert sample.file_name == f"images/drive_one-{at(number)}.jpg"
        assert (sample.recording.bag, sample.recording.topic) == ("drive one", make.COLOUR)
        assert sample.provenance is not None
        assert sample.provenance.model == "sam3i node"
        if number % 2 == 0:
            (target,) = sample.targets
            mask = decode({"size": [sample.height, sample.width], "counts": target.counts})
            assert np.array_equal(mask, LEFT)
            assert sample.recording.score == 0.75
        else:
            assert sample.targets == ()
            assert (sample.family, sample.recording.score) == ("negative", 0.875)
        picture = cv2.imread(str(out / sample.file_name))[..., ::-1]
        assert np.abs(picture.astype(int) - make.picture(number)).mean() < 20
        depth = cv2.imread(str(out / sample.recording.depth), cv2.IMREAD_UNCHANGED)
        assert depth.dtype == np.uint16
        assert (depth == 500 + number).all()
    waiting = [s for s in samples if s not in cups]
    assert len(waiting) == 3
    for sample in waiting:
        assert sample.texts["complex_query"] == ("something to drink from",)
        assert (sample.review, sample.targets, sample.labelled) == (OPEN, (), False)
        assert sample.provenance is None
    cameras = json.loads((out / "cameras.json").read_text())
    assert len(cameras) == 6
    assert cameras[cups[0].file_name]["fx"] == 50.0
    figures = json.loads((out / "statistics.json").read_text())
    assert (figures["labelled"], figures["negative"], figures["open"]) == (3, 3, 3)
    assert figures["problems"] == 0
    assert cv2.imread(str(out / "preview.jpg")) is not None
    # Open samples are no questions; the official loader is told what it would stop at.
    asked = [q for picture in InstructionFile(out / "annotations.json") for q in picture.questions]
    assert {q.text for q in asked} == {"the red mug"}
    faults = list(explain(json.loads((out / "annotations.json").read_text())))
    assert any("concept has no text" in line for line in faults)
    assert any("review is 'open'" in line for line in faults)
    before = (out / "annotations.json").read_bytes()
    again = prepare(bag, out, *ALL)
    assert again.exit_code == 0
    assert "complete already" in again.output
    assert (out / "annotations.json").read_bytes() == before


def test_small_things_of_raw_images_keep_their_colour(tmp_path):
    rgb = np.full((make.HEIGHT, make.WIDTH, 3), 128, np.uint8)
    rgb[20:23, 30:33] = small = (220, 30, 30)
    events = [(make.COLOUR, make.START, make.image(make.START, rgb))]
    events += [(make.INFO, make.START, make.camera_info(make.START))]
    bag, out = make.write(tmp_path / "bag", events), tmp_path / "out"
    assert prepare(bag, out, *ALL, "--instruction", "the red dot").exit_code == 0
    (picture,) = (out / "images").iterdir()
    kept = cv2.imread(str(picture))[..., ::-1][20:23, 30:33]
    # Chroma at half resolution would be 38 away.
    assert np.abs(kept.astype(int) - small).mean() < 8


def test_the_same_from_every_kind_of_file(tmp_path):
    expected = None
    for sqlite, compression in [(False, ""), (False, "storage"), (True, ""), (True, "file")]:
        place = tmp_path / f"{sqlite}{compression}"
        bag = make.write(place / "bag", talk(), sqlite, compression)
        assert prepare(bag, place / "out", *ALL).exit_code == 0
        samples = read(place / "out")
        expected = expected or samples
        assert samples == expected


def test_scores_below_the_cut_wait_for_a_person(tmp_path):
    bag = make.write(tmp_path / "bag", talk())
    assert prepare(bag, tmp_path / "out", *ALL, "--score", "0.8").exit_code == 0
    samples = [s for s in read(tmp_path / "out") if s.texts["simple_query"]]
    assert [s.review for s in samples] == [OPEN, ""] * 3
    assert [len(s.targets) for s in samples] == [1, 0] * 3  # still a proposal


def test_a_concept_of_one_certain_thing_is_kept_as_it_was_read_and_says_so(tmp_path):
    events = make.camera(1)
    for id, text in (("one", "Could you find the box?"), ("all", "boxes")):
        events.append((make.SAID, at(0) - 50, make.said(id, text)))
    bag, out = make.write(tmp_path / "bag", sorted(events, key=lambda e: e[1])), tmp_path / "out"
    assert prepare(bag, out, *ALL).exit_code == 0
    assert [(s.texts["concept"], s.single) for s in read(out)] == [
        (("box",), True),
        (("boxes",), False),
    ]


def test_two_recordings_of_one_name(tmp_path):
    first = make.write(tmp_path / "a" / "bag", talk())
    second = make.write(tmp_path / "b" / "bag", talk(4))
    assert prepare(first, second, tmp_path / "out", *ALL).exit_code == 0
    names = {s.file_name for s in read(tmp_path / "out")}
    assert len(names) == 10
    assert sum(name.startswith("images/bag.2-") for name in names) == 4


def test_a_dry_run_leaves_nothing(tmp_path):
    bag = make.write(tmp_path / "bag", talk())
    result = prepare(bag, tmp_path / "out", "--dry-run", "--rate", "0")
    assert result.exit_code == 0
    assert "at most 6 frames with 9 samples" in result.output
    assert "the red mug" in result.output
    assert not (tmp_path / "out").exists()


def test_without_instructions_the_remedy_is_told(tmp_path):
    bag = make.write(tmp_path / "bag", make.camera(3))
    result = prepare(bag, tmp_path / "out")
    assert result.exit_code == 1
    assert "--instruction" in result.output
    assert not (tmp_path / "out").exists()
    result = prepare(bag, tmp_path / "out", *ALL, "--instruction", "cans", "--instruction", "mugs")
    assert result.exit_code == 0
    samples = read(tmp_path / "out")
    assert [s.texts["concept"] for s in samples] == [("cans",), ("mugs",)] * 3
    assert {s.review for s in samples} == {OPEN}


def test_sentences_that_are_read_alike_are_asked_once(tmp_path):
    bag, out = make.write(tmp_path / "bag", make.camera(1)), tmp_path / "out"
    said = ["find the box", "the box", "boxes", "all the boxes", "a box", "box", "the box"]
    result = prepare(bag, out, *ALL, *(w for text in said for w in ("--instruction", text)))
    assert result.exit_code == 0, result.output
    assert '"the box" is left out: it is read as "find the box" is' in result.output
    assert '"all the boxes" is left out: it is read as "boxes" is' in result.output
    assert '"box" is left out: it is read as "a box" is' in result.output
    assert result.output.count("is left out: it is read") == 3
    samples = read(out)
    assert [(s.texts["concept"], s.single) for s in samples] == [
        (("box",), True),
        (("boxes",), False),
        (("box",), False),
    ]


def test_a_teacher_labels(tmp_path):
    bag = make.write(tmp_path / "bag", talk(4))
    result = prepare(bag, tmp_path / "out", "--teacher", "bundled", "--rate", "0")
    assert result.exit_code == 0, result.output
    samples = read(tmp_path / "out")
    assert {s.provenance.model for s in samples if s.provenance} == {"bundled"}
    assert any("the red mug" in s.texts["simple_query"] for s in samples)
    assert prepare(bag, tmp_path / "x", "--teacher", "/no/such").exit_code == 1
    assert not (tmp_path / "x").exists()


def test_errors_are_one_line(tmp_path):
    bag = make.write(tmp_path / "bag", talk())
    out = tmp_path / "out"
    assert prepare(bag, out, *ALL).exit_code == 0
    other = make.write(tmp_path / "other", talk())
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "annotations.json").write_text("{}")
    file = tmp_path / "file"
    file.write_text("")
    for arguments, told in [
        ((tmp_path / "missing", tmp_path / "x"), "there is no recording"),
        ((other, out, *ALL), "holds a run made with other bags: choose"),
        ((bag, out, "--rate", "5"), "holds a run made with rate 0.0: choose"),
        ((bag, taken), "holds something that wasn't prepared here: name a new folder after the"),
        ((bag, other), f"{other} holds something that wasn't prepared here"),  # OUT was forgotten
        ((bag, other, "--dry-run"), "wasn't prepared here"),
        ((bag, bag), "wasn't prepared here"),
        ((bag, file), "file is a file: name a new folder after the recordings"),
        ((bag, tmp_path / "x", "--image", "/nope"), "no image topic '/nope'"),
        ((bag, tmp_path / "x", "--camera-info", "/nope"), "no CameraInfo topic '/nope'"),
        ((bag, tmp_path / "x", "--image", make.DEPTH), "holds depth, no colour"),
        (
            (bag, tmp_path / "x", "--instruction", " "),
            '--instruction " ": the text is empty; say what to look for',
        ),
        (
            (bag, tmp_path / "x", "--instruction", "..."),
            '--instruction "...": the text has no words; say what to look for',
        ),
        ((bag, file / "x"), "x can't be written (Not a directory): name another folder"),
    ]:
        result = prepare(*arguments)
        assert result.exit_code == 1, arguments
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert told in result.output.replace("\n", " ")
        assert not (tmp_path / "x").exists()


def test_a_folder_that_cant_be_written_is_told_before_the_bags_are_read(tmp_path, monkeypatch):
    bag, out = make.write(tmp_path / "bag", talk()), tmp_path / "new" / "out"
    looked: list[object] = []
    monkeypatch.setattr(command, "look_through", lambda *given: looked.append(given))
    monkeypatch.setattr(folder, "TemporaryFile", closed)
    result = prepare(bag, out)
    assert (result.exit_code, looked) == (1, [])
    assert "can't be written (Read-only file system): name another" in result.output
    assert not out.parent.exists()


def closed(dir: Path) -> None:
    raise OSError(errno.EROFS, "Read-only file system", str(dir))


def test_pictures_that_cant_be_read_cost_themselves(tmp_path):
    events = talk()
    broken = 0
    for topic, _, message in events:
        if topic == make.COLOUR and broken < 2:
            message.step, broken = 1, broken + 1
        if topic == make.DEPTH:
            message.encoding = "16UC1" if message.header.stamp.nanosec > 3 * make.STEP else "8UC1"
        if topic == make.SEGMENTS and message.segments:
            message.segments[0].roi.width = 2**32 - 1
    bag = make.write(tmp_path / "bag", events)
    result = prepare(bag, tmp_path / "out", *ALL, "--depth", make.DEPTH)
    assert result.exit_code in (0, 1)
    result = prepare(bag, tmp_path / "out2", *ALL)
    assert result.exit_code == 0, result.output
    samples = read(tmp_path / "out2")
    assert sorted({s.recording.stamp for s in samples if s.recording}) == [
        at(i) for i in range(2, 6)
    ]
    assert all(s.review == OPEN for s in samples if s.recording and s.recording.stamp == at(2))
    figures = json.loads((tmp_path / "out2" / "statistics.json").read_text())
    assert figures["frames_left_out"] == {"its pictures can't be read": 2}
    assert any("the image is left out" in line for line in figures["problem_lines"])
    assert any("the answer is left out" in line for line in figures["problem_lines"])


def test_a_data_set_without_a_picture_is_none(tmp_path):
    events = make.camera(6)
    answer = make.answer(at(3), [make.result("cup", "the red mug", NOT_FOUND)], [])
    events.append((make.SEGMENTS, at(3) + 90, answer))
    next(m for topic, time, m in events if (topic, time) == (make.COLOUR, at(3))).step = 1
    bag, out = make.write(tmp_path / "bag", events), tmp_path / "out"
    for _ in range(2):  # the second goes on with the first
        result = prepare(bag, out, *ALL)
        assert result.exit_code == 1
        assert "none of 1 pictures can be read: delete" in result.output
        assert not (out / "annotations.json").exists()


@pytest.mark.parametrize(("sqlite", "compression"), [(False, ""), (False, "storage"), (True, "")])
def test_whatever_the_bytes_there_is_no_stack_trace(tmp_path, sqlite, compression):
    whole = make.write(tmp_path / "whole", talk(4), sqlite, compression)
    outcomes = set()
    for seed in range(15):
        rng = random.Random(seed)
        bag, out = tmp_path / f"bag{seed}", tmp_path / f"out{seed}"
        shutil.copytree(whole, bag)
        path = next(p for p in bag.iterdir() if p.name != "metadata.yaml")
        data = bytearray(path.read_bytes())
        for _ in range(rng.choice([1, 5, 50])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])
        result = prepare(bag, out, *ALL)
        outcomes.add(result.exit_code)
        assert result.exception is None or isinstance(result.exception, SystemExit), seed
        if result.exit_code == 0:
            assert read(out)
        else:
            assert not out.exists()
    assert outcomes == {0, 1}


def snapshot(out: Path) -> dict[str, bytes]:
    """Every file of a data set."""
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


STOPPED = """
import os, signal, sys
from sam3i_model.cli import main
from training.bags.taking import Taker
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
stop, real, taken = int(sys.argv.pop(1)), Taker.take, []
def take(self, slot, key):
    taken.append(key)
    if len(taken) == 7:
        os.kill(os.getpid(), stop)
    return real(self, slot, key)
Taker.take = take
main()
"""
"""`sam3i prepare` that gets a signal at the seventh frame it takes."""


def test_a_run_that_was_stopped_goes_on(tmp_path):
    out = tmp_path / "out"
    journal = out / "journal.jsonl"
    events = talk(60)
    pictures = [message for topic, _, message in events if topic == make.COLOUR]
    for before, message in zip(pictures[4::5], pictures[5::5], strict=False):
        message.data = before.data  # nothing has moved
    bag = make.write(tmp_path / "bag", events)
    arguments = ["prepare", str(bag), str(out), "--rate", "0"]
    assert prepare(*arguments[1:]).exit_code == 0
    expected = snapshot(out)
    figures = json.loads((out / "statistics.json").read_text())
    assert figures["frames_left_out"] == {"nothing has moved": 11}
    shutil.rmtree(out)
    for stop in (signal.SIGINT, signal.SIGKILL):
        command = [sys.executable, "-c", STOPPED, str(int(stop)), *arguments]
        run = subprocess.run(command, stderr=subprocess.PIPE, timeout=60, check=False)
        assert not (out / "annotations.json").exists()
        if stop == signal.SIGINT:
            assert run.returncode == 130
            assert b"run again to go on" in run.stderr
            assert b"Traceback" not in run.stderr
        else:
            assert run.returncode == -signal.SIGKILL
    assert 2 * 6 <= journal.read_bytes().count(b"\n") < 20
    assert prepare(*arguments[1:]).exit_code == 0
    assert snapshot(out) == expected


def test_nothing_imports_ros(tmp_path):
    code = (
        "import sys, training.bags.command\n"
        "ros = {'rclpy', 'sam3i_ros', 'sensor_msgs', 'std_msgs'}\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ros]\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not REAL.exists(), reason="the recording of apc_shelf isn't on this machine")
def test_a_real_recording(tmp_path):
    result = prepare(REAL, tmp_path / "out", *ALL, "--instruction", "the red book")
    assert result.exit_code == 0, result.output
    samples = read(tmp_path / "out")
    assert len(samples) == 15
    truth = REAL.parents[1] / "apc_shelf"
    for number, sample in enumerate(samples):
        assert sample.recording is not None
        ours = cv2.imread(str(tmp_path / "out" / sample.file_name)).astype(int)
        theirs = cv2.imread(str(truth / f"frame-{number:06d}.color.png"))
        assert np.abs(ours - theirs).mean() < 5
        depth = cv2.imread(str(tmp_path / "out" / sample.recording.depth), cv2.IMREAD_UNCHANGED)
        mm = sorted((truth / "depth_aligned_mm").iterdir())[number]
        assert np.array_equal(depth, cv2.imread(str(mm), cv2.IMREAD_UNCHANGED))
    (camera,) = {
        json.dumps(c) for c in json.loads((tmp_path / "out/cameras.json").read_text()).values()
    }
    assert json.loads(camera)["fx"] == pytest.approx(615.195, abs=1e-3)
