"""Which frames are taken, and what is asked of each."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training import bag_samples as make
from training.annotations.entries import EntryError
from training.annotations.images import Problems
from training.bags.asked import Book, Timeline, asked_of
from training.bags.bag import Bag
from training.bags.looks import Judge, Look
from training.bags.picking import Plan
from training.bags.scan import scan
from training.bags.topics import Wishes, choose

SLOP = make.SECOND // 20
FOUND, AMBIGUOUS, REJECTED = 1, 3, 4


def plan(path, rate: float = 0.0, extra=(), teacher: bool = False, image: str = "") -> Plan:
    problems = Problems()
    with Bag(path, lambda where, what: None) as bag:
        contents = scan(bag, problems, lambda done: None)
        camera = choose(bag, contents, Wishes(image), SLOP)
        asked = [asked_of(f"extra-{i}", text, 0) for i, text in enumerate(extra)]
        return Plan(contents, camera, rate, SLOP, asked, teacher)


def questions(made: Plan) -> dict[int, tuple[list[str], list[str]]]:
    """Texts answered and open, by the first frame of each slot."""
    return {
        s.frames[0].index: (
            [a.text for a in s.frames[0].answered],
            [a.text for a in s.frames[0].open],
        )
        for s in made.slots
    }


def at(frame: int) -> int:
    return make.START + frame * make.STEP


@pytest.mark.parametrize("sqlite", [False, True])
def test_recordings_in_one_folder_go_by_when_they_were_recorded(tmp_path, sqlite):
    """Frames in two files; before and after them by name, what was said, in two files each."""
    both = tmp_path / "both"
    both.mkdir()
    parts = {
        "drive_0": make.camera(3),
        "drive_1": make.camera(3, first=3),
        "a_0": [(make.TEXT, at(1) + 50, make.sentence("bottles"))],
        "a_1": [(make.TEXT, at(3) + 50, make.sentence("cans"))],
        "z_0": [(make.SAID, at(2) + 50, make.said("a", "the red mug"))],
        "z_1": [(make.SAID, at(4) + 50, make.said("a", "", operation=1))],
    }
    for name, events in parts.items():
        bag = make.write(tmp_path / name, events, sqlite and name[0] != "d")
        (file,) = (f for f in bag.iterdir() if f.name != "metadata.yaml")
        file.rename(both / f"{name}{file.suffix}")
    assert questions(plan(both)) == {
        2: ([], ["bottles"]),
        3: ([], ["bottles", "the red mug"]),
        4: ([], ["the red mug", "cans"]),
        5: ([], ["cans"]),
    }


def test_instructions_are_active_from_when_they_were_said(tmp_path):
    events = make.camera(10)
    events += [
        (make.SAID, at(0) - 50, make.said("a", "the red  mug")),  # before there were images
        (make.TEXT, at(2) + 50, make.sentence("bottles")),
        (make.SAID, at(4) + 50, make.said("a", "the blue mug")),
        (make.SAID, at(5) + 50, make.said("default", "", operation=1)),
        (make.SAID, at(7) + 50, make.said("", "", operation=2)),
        (make.SAID, at(8) + 50, make.said("", "cans", level=1)),
    ]
    events.sort(key=lambda event: event[1])
    found = questions(plan(make.write(tmp_path / "bag", events)))
    assert found == {
        0: ([], ["the red mug"]),
        1: ([], ["the red mug"]),
        2: ([], ["the red mug"]),
        3: ([], ["the red mug", "bottles"]),
        4: ([], ["the red mug", "bottles"]),
        5: ([], ["bottles", "the blue mug"]),
        6: ([], ["the blue mug"]),
        7: ([], ["the blue mug"]),
        9: ([], ["cans"]),
    }


def test_each_robots_camera_is_asked_what_was_said_to_that_robot(tmp_path):
    events = []
    for robot, text, first in (("r1", "the red mug", 0), ("r2", "the blue box", 50)):
        for number in range(3):
            picture = make.image(at(number), make.picture(first + number))
            events.append((f"/{robot}/camera/color/image_raw", at(number), picture))
        events.append((f"/{robot}/sam3i/instruction_text", at(0) - 50, make.sentence(text)))
    events.append(("/planner/instruction", at(0) - 20, make.said("a", "cans")))
    events.append(("/r2/sam3i/instruction", at(1) + 50, make.said("", "", operation=2)))
    bag = make.write(tmp_path / "bag", sorted(events, key=lambda event: event[1]))
    for robot, found in (
        ("r1", ["the red mug", "cans"]),  # the other's "clear" clears none of it
        ("r2", ["the blue box", "cans"]),
    ):
        made = plan(bag, image=f"/{robot}/camera/color/image_raw")
        after = found if robot == "r1" else ["cans"]
        assert [asked for _, asked in questions(made).values()] == [found, found, after]


def test_answers_go_to_their_image_and_spare_the_others(tmp_path):
    events = make.camera(6)
    events += [
        (make.SAID, at(0) - 50, make.said("a", "the red mug")),
        (make.SAID, at(0) - 40, make.said("b", "what nobody answered")),
    ]
    for frame in (1, 4):  # half a second late
        results = [
            make.result("a", "the red mug", FOUND),
            make.result("b", "what nobody answered", REJECTED),
        ]
        events += [(make.SEGMENTS, at(frame + 5), make.answer(at(frame), results, []))]
    events.sort(key=lambda event: event[1])
    made = plan(make.write(tmp_path / "bag", events))
    without = ([], ["what nobody answered"])
    both = (["the red mug"], ["what nobody answered"])
    assert list(questions(made).values()) == [without, both, without, without, both, without]
    assert [s.frames[0].answer for s in made.slots] == [None, 0, None, None, 1, None]
    frame = made.slots[2].frames[0]
    assert (frame.depth, frame.info, frame.stamp) == (2, 2, at(2))
    taught = plan(tmp_path / "bag", teacher=True)
    assert set(map(str, questions(taught).values())) == {
        str(([], ["the red mug", "what nobody answered"]))
    }


def test_answers_alone_tell_what_was_asked(tmp_path):
    # Through the node's service nothing is published.
    events = make.camera(30)
    for frame in range(3, 30, 3):
        text = "the red mug" if frame < 15 else "cans"
        answer = make.answer(at(frame), [make.result("a", text, FOUND)], [])
        events += [(make.SEGMENTS, at(frame) + 1, answer)]
    events.sort(key=lambda event: event[1])
    bag = make.write(tmp_path / "bag", events)
    made = plan(bag)
    assert list(questions(made)) == list(range(3, 30, 3))
    assert [s.frames[0].index for s in made.slots if s.keep] == [3, 15]
    assert [f[0] for f in questions(made).values()] == [["the red mug"]] * 4 + [["cans"]] * 5


def test_some_frames_a_second_and_one_after_each_instruction(tmp_path):
    events = make.camera(40)
    events += [
        (make.SAID, at(0) - 50, make.said("a", "the red mug")),
        (make.SAID, at(13) + 50, make.said("b", "cans")),
    ]
    events.sort(key=lambda event: event[1])
    made = plan(make.write(tmp_path / "bag", events), rate=1.0)
    indices = [[f.index for f in s.frames] for s in made.slots]
    assert indices == [[0], [14], [20, 24, 29], [30, 34, 39]]
    assert [s.keep for s in made.slots] == [True, True, False, False]


def test_answered_frames_are_preferred(tmp_path):
    events = make.camera(20)
    for frame in (3, 6, 16):
        answer = make.answer(at(frame), [make.result("a", "cans", FOUND)], [])
        events += [(make.SEGMENTS, at(frame) + 1, answer)]
    events.sort(key=lambda event: event[1])
    made = plan(make.write(tmp_path / "bag", events), rate=1.0, extra=["mugs"])
    assert [[f.index for f in s.frames] for s in made.slots] == [[3], [16]]
    slot = made.slots[1]
    assert [a.text for a in slot.frames[0].answered] == ["cans"]
    assert [a.text for a in slot.frames[0].open] == ["mugs"]


def test_certain_answers_come_before_carried_and_ambiguous_ones(tmp_path):
    """As with tracking: the model answers every fifth frame, in between its masks are carried."""
    events = make.camera(30)
    for frame in range(30):
        carried = frame % 5 != 0
        outcome = AMBIGUOUS if frame == 15 else FOUND
        segments = [make.segment("a", make.square(5, 5), 0.9, carried)]
        answer = make.answer(at(frame), [make.result("a", "the cup", outcome)], segments)
        answer.results[0].truncated = frame == 20
        events.append((make.SEGMENTS, at(frame) + 1, answer))
    events.sort(key=lambda event: event[1])
    made = plan(make.write(tmp_path / "bag", events), rate=1.0)
    assert [[f.index for f in s.frames] for s in made.slots] == [[0], [10], [25]]


def test_a_clock_that_jumps_back_mixes_nothing(tmp_path):
    # The second run has the first one's stamps, shifted by 4 ms, and other depths.
    first = make.camera(8)
    second = make.camera(8, start=make.START + 4_000_000)
    for number, (_, _, message) in enumerate(e for e in second if e[0] == make.DEPTH):
        message.data = np.full(make.HEIGHT * make.WIDTH, 2000 + number, "<u2").view(np.uint8)
    answer = make.answer(at(2) + 4_000_000, [make.result("a", "cans", FOUND)], [])
    bag = make.write(tmp_path / "bag", [*first, *second, (make.SEGMENTS, at(19), answer)])
    made = plan(bag, extra=["mugs"])
    frames = [slot.frames[0] for slot in made.slots]
    assert [f.epoch for f in frames] == [0] * 8 + [1] * 8
    assert [f.depth for f in frames] == list(range(16))
    assert [f.info for f in frames] == list(range(16))
    assert [f.answer for f in frames] == [None] * 10 + [0] + [None] * 5


def test_a_frame_that_was_recorded_twice_is_taken_once(tmp_path):
    events = [event for event in make.camera(3) for _ in range(2)]
    answer = make.answer(at(1), [make.result("a", "cans", FOUND)], [])
    bag = make.write(tmp_path / "bag", [*events, (make.SEGMENTS, at(5), answer)])
    assert list(questions(plan(bag, extra=["mugs"]))) == [0, 2, 4]
    assert list(questions(plan(bag))) == [2]


def test_what_cant_be_asked_is_told():
    timeline = Timeline(Book())
    timeline.take(0, make.said("a", "cans"))
    for number, bad in enumerate(
        [
            make.said("a", "x" * 1001),
            make.said("a", " "),
            make.said("a" * 129, "x"),
            make.said("a", "x", level=9),
            make.said("a", "x", operation=9),
        ],
        1,
    ):
        with pytest.raises(EntryError):
            timeline.take(number, bad)
    # As in the node, the first of them has taken the place of what had its id.
    assert list(timeline.at(iter([0, 1, 2, 9]))) == [(), (0,), (), ()]


def test_a_flood_of_instructions_is_bounded(monkeypatch):
    monkeypatch.setattr("training.bags.asked.MAX_DIFFERENT", 10)
    book = Book()
    timeline = Timeline(book)
    for number in range(50):
        timeline.take(number, make.said(f"id {number % 3}", f"thing {number}"))
    assert len(book.entries) == 10
    assert book.refused == 40
    assert all(set(state) <= set(range(10)) for state in timeline.at(iter(range(50))))


def test_sharpness_and_motion():
    sharp = make.picture(1).repeat(4, 0).repeat(4, 1)
    soft = sharp // 2 + 60
    assert Look.of(sharp).sharpness > 3 * Look.of(soft).sharpness
    moved = sharp.copy()
    moved[40:60, 40:60] = 255 - moved[40:60, 40:60]
    assert Look.of(sharp).motion(Look.of(sharp)) == 0
    assert Look.of(sharp).motion(Look.of(moved)) > 20
    # Sensor noise moves nothing.
    noisy = np.clip(sharp + np.random.default_rng(0).normal(0, 5, sharp.shape), 0, 255)
    assert Look.of(sharp).motion(Look.of(noisy.astype(np.uint8))) < 8
    assert Look.of(np.zeros((3, 7, 3), np.uint8)).cells.shape == (24, 32)


def test_the_judge_goes_by_what_was_kept():
    grey = np.zeros((24, 32), np.uint8)
    usual, other = Look(100.0, grey), Look(90.0, grey + 20)
    judge = Judge(blur=0.5, motion=10)
    assert judge.objection(usual, keep=False) == ""
    judge.kept(usual)
    assert judge.objection(usual, keep=False) == "nothing has moved"
    assert judge.objection(usual, keep=True) == ""
    assert judge.objection(other, keep=False) == ""
    assert judge.objection(Look(40.0, grey + 20), keep=True) == "blurred"
    careless = Judge(blur=0.0, motion=0)
    careless.kept(usual)
    assert careless.objection(Look(0.0, grey), keep=False) == ""
