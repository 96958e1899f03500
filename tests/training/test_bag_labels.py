"""Answers become labels exactly; what isn't certain waits for a person."""

from __future__ import annotations

import numpy as np
import pytest

from sam3i_model.decoding import MessageError
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from tests.training import bag_samples as make
from training.annotations.sam3i_json import OPEN
from training.bags.asked import Asked
from training.bags.labels import Label, recorded, taught, unlabelled

MUG = Asked("a", "the red mug")
MUGS = Asked("b", "mugs", max_instances=2)
SIZE = make.HEIGHT, make.WIDTH
LEFT, RIGHT = make.square(5, 5), make.square(40, 20, 12)
FOUND, NOT_FOUND, AMBIGUOUS, REJECTED = 1, 2, 3, 4


def labels(results, segments, wanted=(MUG, MUGS), cut: float = 0.5) -> dict[str, Label]:
    answer = make.answer(make.START, results, segments)
    return {label.asked.id: label for label in recorded(answer, wanted, SIZE, cut)}


def test_masks_and_scores_are_the_segments_own():
    results = [make.result("a", "the  red mug", FOUND), make.result("b", "mugs", FOUND, level=1)]
    segments = [
        make.segment("b", LEFT, 0.75),
        make.segment("a", RIGHT, 0.875),
        make.segment("c", LEFT, 1.0),
    ]
    found = labels(results, segments)
    assert [m.tolist() for m in found["a"].masks] == [RIGHT.tolist()]
    assert (found["a"].level, found["a"].score, found["a"].review) == (Level.SIMPLE, 0.875, "")
    assert [m.tolist() for m in found["b"].masks] == [LEFT.tolist()]
    assert (found["b"].level, found["b"].score, found["b"].review) == (Level.CONCEPT, 0.75, "")


def test_what_isnt_there_is_a_label_too():
    result = make.result("a", MUG.text, NOT_FOUND, presence=0.25)
    label = labels([result], [])["a"]
    assert (label.masks, label.score, label.review) == ((), 0.75, "")
    assert labels([result], [], cut=0.8)["a"].review == OPEN


@pytest.mark.parametrize(
    ("result", "segments"),
    [
        (make.result("a", MUG.text, FOUND), [make.segment("a", LEFT, 0.25)]),
        (make.result("a", MUG.text, AMBIGUOUS), [make.segment("a", LEFT, 0.9)]),
        (make.result("a", MUG.text, FOUND), [make.segment("a", LEFT, 0.9, carried=True)]),
        (make.result("a", MUG.text, NOT_FOUND), [make.segment("a", LEFT, 0.9)]),
        (make.result("a", MUG.text, FOUND), [make.segment("a", LEFT, float("nan"))]),
        (make.result("b", "mugs", FOUND), [make.segment("b", m, 0.9) for m in (LEFT, RIGHT)]),
    ],
)
def test_what_isnt_certain_is_a_proposal(result, segments):
    (label,) = labels([result], segments).values()
    assert label.review == OPEN
    assert len(label.masks) == len(segments)


def test_what_wasnt_looked_for_has_no_label():
    for result, segments in [
        (make.result("a", MUG.text, REJECTED), []),
        (make.result("a", MUG.text, FOUND), []),
        (make.result("a", MUG.text, FOUND), [make.segment("a", np.zeros(SIZE, bool), 0.9)]),
    ]:
        label = labels([result], segments)["a"]
        assert (label.masks, label.review) == ((), OPEN)
    assert labels([make.result("a", "another text", FOUND)], []) == {}


def test_masks_that_dont_fit_are_told():
    results = [make.result("a", MUG.text, FOUND)]
    answer = make.answer(make.START, results, [make.segment("a", LEFT, 0.9)])
    larger = (2 * make.HEIGHT, 2 * make.WIDTH)
    with pytest.raises(MessageError, match="is to a 64x48 image, this one is 128x96"):
        list(recorded(answer, [MUG], larger, 0.5))
    answer.height = answer.width = 0  # as of a sender that doesn't say
    assert len(list(recorded(answer, [MUG], larger, 0.5))) == 1
    with pytest.raises(MessageError, match="does not fit a 10x10 image"):
        list(recorded(answer, [MUG], (10, 10), 0.5))
    answer.segments[0].mask_runs = np.array([2**32 - 1] * 3, np.uint32)
    with pytest.raises(MessageError, match="does not fit"):
        list(recorded(answer, [MUG], SIZE, 0.5))
    answer.segments = answer.segments * 1001
    with pytest.raises(MessageError, match="1,001 segments"):
        list(recorded(answer, [MUG], SIZE, 0.5))


@pytest.mark.parametrize(
    ("text", "level", "prompt", "learned", "single"),
    [
        ("please show me the red mug", 2, "red mug", "red mug", False),
        ("all mugs", 1, "mugs", "mugs", False),
        ("a mug", 1, "mug", "mug", False),
        # The best "mug" alone is meant: there may be others.
        ("Could you find the mug?", 1, "mug", "mug", True),
        ("please show me the red mug", 2, "", "please show me the red mug", False),
        ("find the mug", 1, "", "find the mug", True),
    ],
)
def test_what_the_model_read_is_learned_to_be_read(text, level, prompt, learned, single):
    asked = Asked("a", text, Level(level))
    result = make.result("a", text, FOUND, level=level, prompt=prompt)
    label = labels([result], [make.segment("a", LEFT, 0.9)], [asked])["a"]
    assert (label.text, label.level, label.review) == (learned, level, "")
    assert label.single == single


@pytest.mark.parametrize(
    ("level", "prompt", "learned"),
    [
        (0, "blue box", (Level.SIMPLE, "the blue box")),
        (0, "Please give me the blue box", (Level.CONCEPT, "Please give me the blue box")),
        (1, "Please give me the blue box", (Level.CONCEPT, "Please give me the blue box")),
    ],
)
def test_the_kind_that_a_node_without_adapters_took_is_not_what_adapters_learn(
    level, prompt, learned
):
    asked = Asked("a", "Please give me the blue box", Level(level))
    result = make.result("a", asked.text, FOUND, level=1, prompt=prompt)
    label = labels([result], [make.segment("a", LEFT, 0.9)], [asked])["a"]
    assert (label.level, label.text) == learned


def test_the_kind_that_a_teacher_without_adapters_took_is_not_what_adapters_learn():
    class Concepts(Teacher):
        def ground(self, instructions):
            return [
                Grounding(i, Outcome.NOT_FOUND, Level.CONCEPT, 0.25, prompt="blue box")
                for i in instructions
            ]

    (label,) = taught(Concepts(), make.picture(0), [Asked("a", "show me the blue box")], 0.5)
    assert (label.level, label.text, label.score) == (Level.SIMPLE, "the blue box", 0.75)


def test_levels_are_worked_out_as_the_node_does():
    assert unlabelled(Asked("a", "the mug left of the box")).level == Level.SIMPLE
    assert unlabelled(Asked("a", "something to drink from")).level == Level.COMPLEX
    assert unlabelled(Asked("a", "the mug left of the box", Level.CONCEPT)).level == Level.CONCEPT


class Teacher:
    def __init__(self) -> None:
        self.asked: list[Instruction] = []

    def set_image(self, image) -> None:
        self.shape = image.shape

    def ground(self, instructions):
        self.asked = list(instructions)
        masks = np.stack([LEFT, RIGHT])
        return [
            Grounding(i, o, Level.SIMPLE, 0.125, masks=m, scores=np.array(s, np.float32))
            for i, (o, m, s) in zip(
                instructions,
                [(Outcome.FOUND, masks, [0.75, 0.5]), (Outcome.NOT_FOUND, masks[:0], [])],
                strict=True,
            )
        ]


def test_a_model_labels_like_the_node():
    teacher = Teacher()
    first, second = taught(teacher, make.picture(0), [MUG, MUGS], 0.5)
    assert teacher.shape == (make.HEIGHT, make.WIDTH, 3)
    assert teacher.asked[1] == Instruction("mugs", "b", Level.AUTO, 2)
    assert (len(first.masks), first.score, first.review) == (2, 0.5, "")
    assert (second.masks, second.score, second.review) == ((), 0.875, "")


def test_the_nodes_own_messages():
    rclpy = pytest.importorskip("rclpy.serialization")
    from sam3i_ros.msg import InstructionResult, SegmentArray

    from sam3i_ros.messages import segment_msg

    sent = SegmentArray()
    sent.results = [InstructionResult(id="a", text=MUG.text, outcome=FOUND, level_used=2)]
    sent.segments = [segment_msg("a", 1, 0.75, RIGHT)]
    data = rclpy.serialize_message(sent)
    heard = make.STORE.deserialize_cdr(data, "sam3i_ros/msg/SegmentArray")
    (label,) = recorded(heard, [MUG], SIZE, 0.5)
    assert np.array_equal(label.masks[0], RIGHT)
    assert (label.score, label.review) == (0.75, "")
