"""Several robots in a recording: each camera has its own node's answers and instructions."""

from __future__ import annotations

import pytest

from tests.training import bag_samples as make
from tests.training.prepare_runs import ALL, prepare, read
from tests.training.topic_choice import chosen, stamps

FOUND = 1


def test_whose_sentences_are_taken_is_told(tmp_path):
    events = [
        (f"/{robot}/color/image_raw", t, make.image(t, make.picture(1)))
        for robot in ("r1", "r2")
        for t in stamps(4 if robot == "r1" else 3)
    ]
    for space in ("/r1/sam3i", "/r2/sam3i", "/planner"):
        events.append((f"{space}/instruction_text", stamps()[0], make.sentence("cans")))
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.unheard == ("/r2/sam3i/instruction_text",)
    left_out, together = camera.notes[-2:]
    assert "/r2/sam3i/instruction_text is left out" in left_out
    assert "/r1/sam3i/instruction_text, /planner/instruction_text is asked" in together


def test_who_answered_to_a_camera_was_asked_about_it(tmp_path):
    cameras = ("/camera/color", "/robot/wrist/color")
    events = [
        (f"{name}/image_raw", t + late, make.image(t + late, make.picture(1)))
        for late, name in enumerate(cameras)
        for t in stamps()
    ]
    events.append(("/robot/sam3i/instruction_text", stamps()[0], make.sentence("cans")))
    result = make.result("default", "cans", 1)
    events += [("/robot/sam3i/segments", t, make.answer(t, [result], [])) for t in stamps(2)]
    bag = make.write(tmp_path / "bag", events)
    for late, name in enumerate(cameras):
        camera = chosen(bag, image="" if late == 0 else f"{name}/image_raw")
        assert (camera.colour.name, camera.unheard) == (f"{name}/image_raw", ())
    assert len(chosen(make.write(tmp_path / "silent", events[:-2])).unheard) == 1


def seen(robot: str, times: list[int], number: int = 0) -> list[make.Event]:
    """A robot's pictures."""
    return [
        (f"/{robot}/camera/color/image_raw", t, make.image(t, make.picture(number))) for t in times
    ]


def answered(space: str, text: str, times: list[int]) -> list[make.Event]:
    """A node's answers."""
    results = [make.result("default", text, FOUND)]
    segments = [make.segment("default", make.square(5, 5), 0.9)]
    return [(f"{space}/segments", t + 9, make.answer(t, results, segments)) for t in times]


@pytest.mark.parametrize("late", [0, 7])
@pytest.mark.parametrize("count", [4, 3])
def test_a_camera_that_is_named_has_its_own_nodes_answers(tmp_path, late, count):
    """Though the other node answered more; a simulation's robots have the same stamps."""
    first, second = stamps(4), [t + late for t in stamps(4)]
    events = [
        *seen("r1", first),
        *seen("r2", second),
        *answered("/r1/sam3i", "the red mug", first),
        *answered("/r2/sam3i", "the blue box", second[:count]),
    ]
    bag = make.write(tmp_path / "bag", events)
    for robot, text, number in (("r1", "the red mug", 4), ("r2", "the blue box", count)):
        out = tmp_path / robot
        result = prepare(bag, out, *ALL, "--image", f"/{robot}/camera/color/image_raw")
        assert result.exit_code == 0, result.output
        texts = [s.texts["simple_query"] for s in read(out) if s.labelled]
        assert texts == [(text,)] * number


def test_matching_stamps_come_before_a_near_name(tmp_path):
    events = [*seen("r1", stamps(4)), *answered("/far/sam3i", "cans", stamps(4))]
    events += answered("/r1/sam3i", "cans", stamps(1))
    camera = chosen(make.write(tmp_path / "bag", events), image="/r1/camera/color/image_raw")
    assert camera.answers is not None
    assert camera.answers.stream.topic.name == "/far/sam3i/segments"


def test_of_cameras_with_the_same_stamps_the_answers_own_is_taken(tmp_path):
    events = [*seen("r1", stamps(4)), *seen("r2", stamps(4))]
    events += [*answered("/r1/sam3i", "cans", stamps(2)), *answered("/r2/sam3i", "cans", stamps(3))]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert camera.colour.name == "/r2/camera/color/image_raw"


def test_of_pictures_of_two_sizes_those_that_were_answered_are_taken(tmp_path):
    small = [("/camera/small", t, make.image(t, make.picture(1))) for t in stamps(4)]
    wide = make.picture(1).repeat(2, 0).repeat(2, 1)
    large = [(make.COLOUR, t, make.image(t, wide)) for t in stamps(4)]
    said = [(make.TEXT, stamps(1)[0] - 9, make.sentence("the red mug"))]
    events = [*said, *small, *large, *answered("/sam3i", "the red mug", stamps(4))]
    bag = make.write(tmp_path / "bag", events)
    assert chosen(bag).colour.name == "/camera/small"
    out = tmp_path / "out"
    result = prepare(bag, out, *ALL, "--image", make.COLOUR)
    assert result.exit_code == 0, result.output
    assert "the answer is left out: it is to a 64x48 image, this one is 128x96" in result.output
    assert [(s.review, s.targets) for s in read(out)] == [("open", ())] * 4


@pytest.mark.parametrize("robots", [("r1", "r2"), ("r2", "r1")])
def test_an_answer_is_to_what_was_said_in_its_own_namespace(tmp_path, robots):
    """One robot was asked for one of the mugs, and its answer is cut; the other for all."""
    most = {"r1": 1, "r2": 0}
    events = [
        (f"/{r}/sam3i/instruction", stamps()[0] - 9, make.said("default", "mugs", most=most[r]))
        for r in robots
    ]
    for robot in most:
        events += [*seen(robot, stamps(1)), *answered(f"/{robot}/sam3i", "mugs", stamps(1))]
    bag = make.write(tmp_path / "bag", events)
    for robot, review in (("r1", "open"), ("r2", "")):
        out = tmp_path / robot
        assert prepare(bag, out, *ALL, "--image", f"/{robot}/camera/color/image_raw").exit_code == 0
        (sample,) = read(out)
        assert (sample.review, len(sample.targets)) == (review, 1)


@pytest.mark.parametrize("name", ["/sam3i/input", "/sam3i/image"])
def test_what_lies_beside_instructions_is_no_other_camera(tmp_path, name):
    events = [(make.TEXT, stamps()[0] - 9, make.sentence("the red mug")), *make.camera(2)]
    events += [(name, t, make.image(t, make.picture(9))) for t in stamps(40)]
    bag = make.write(tmp_path / "bag", events)
    camera = chosen(bag)
    assert (camera.colour.name, camera.unheard) == (make.COLOUR, ())
    result = prepare(bag, tmp_path / "out", *ALL)
    assert result.exit_code == 0, result.output
    assert len(read(tmp_path / "out")) == 2


def test_robots_with_all_in_one_namespace_have_cameras(tmp_path):
    events = [
        (f"/{r}/image_raw", t, make.image(t, make.picture(1))) for r in "ab" for t in stamps()
    ]
    events += [(f"/{r}/instruction_text", stamps()[0] - 9, make.sentence("cans")) for r in "ab"]
    camera = chosen(make.write(tmp_path / "silent", events))
    assert (camera.colour.name, camera.unheard) == ("/a/image_raw", ("/b/instruction_text",))
    events += [*answered("/a", "cans", stamps(2)), *answered("/b", "cans", stamps(3))]
    camera = chosen(make.write(tmp_path / "bag", events))
    assert (camera.colour.name, camera.unheard) == ("/b/image_raw", ("/a/instruction_text",))


def test_if_all_was_said_to_another_camera_that_is_told(tmp_path):
    events = [("/r1/sam3i/instruction_text", stamps()[0] - 9, make.sentence("the red mug"))]
    events += [*seen("r1", stamps(1)), *seen("r2", stamps(4))]
    result = prepare(make.write(tmp_path / "bag", events), tmp_path / "out")
    assert result.exit_code == 1
    last = " ".join(result.output.split())
    assert last.endswith(
        "what was said on /r1/sam3i/instruction_text is for another camera: name that with "
        '--image, or give sentences to label with --instruction "the red mug"'
    )
