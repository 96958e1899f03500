"""The agent's rounds, bounds and outcomes, alone and behind the segmenter."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from sam3i_model.agent import Agent, AgentLimits
from sam3i_model.chat.client import AgentError, BudgetError, ChatClient
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.segmenter import Segmenter
from tests.chat_server import ChatServer, Said, images_of, prompt_of

RGB = np.full((60, 90, 3), 120, np.uint8)


def grounding(instruction: Instruction, *lefts: int) -> Grounding:
    masks = np.zeros((len(lefts), 60, 90), bool)
    for row, left in enumerate(lefts):
        masks[row, 10:40, left : left + 20] = True
    scores = np.linspace(0.9, 0.6, len(lefts), dtype=np.float32)
    boxes = np.array([[left, 10, left + 20, 40] for left in lefts], np.float32).reshape(-1, 4)
    outcome = Outcome.FOUND if lefts else Outcome.NOT_FOUND
    return Grounding(
        instruction, outcome, Level.CONCEPT, 0.8, masks=masks, scores=scores, boxes=boxes
    )


def segment(instructions: Sequence[Instruction]) -> list[Grounding]:
    """Two cups, seen once more as mugs; nothing else."""
    assert all(i.level == Level.CONCEPT for i in instructions)
    there = {"cup": (5, 50), "mug": (6, 51)}
    return [grounding(i, *there.get(i.text, ())) for i in instructions]


def agent(chat: ChatServer, **limits) -> Agent:
    client = ChatClient(chat.address, "seer", first_wait_s=0.01, attempts=2)
    return Agent(client, AgentLimits(**limits))


def test_phrases_are_segmented_and_numbers_chosen(chat):
    chat.replies({"phrases": ["cup", "mug"]}, {"keep": [2]})
    one = agent(chat)
    found = one.ground(RGB, Instruction("something to drink from"), segment)
    assert (found.outcome, found.level) == (Outcome.FOUND, Level.COMPLEX)
    assert found.masks.shape == (1, 60, 90)
    assert found.masks[0, 20, 55]
    assert found.presence == pytest.approx(0.8)
    assert "has 2 numbered candidates" in prompt_of(chat.requests[1])  # not four: duplicates go
    assert len(images_of(chat.requests[1])) == 2
    assert found.detail.startswith("by seer as cup, mug: 2 calls")
    assert (one.cost.instructions, one.cost.calls) == (1, 2)
    assert one.cost.seconds > 0


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["The  mug", "mug", "the"], ["mug", "the"]),
        (["7 up can", "one way sign", "two mugs"], ["7 up can", "one way sign", "two mugs"]),
        (["the 2 litre bottle", "a 1 euro coin"], ["2 litre bottle", "a 1 euro coin"]),
    ],
)
def test_phrases_lose_what_would_make_the_segmenter_choose(chat, named, expected):
    chat.replies({"phrases": named}, {"keep": [1]}, {"phrases": []})
    asked: list[str] = []

    def note(instructions: Sequence[Instruction]) -> list[Grounding]:
        asked.extend(i.text for i in instructions)
        return segment(instructions)

    agent(chat).ground(RGB, Instruction("something to drink from"), note)
    assert asked == expected


def test_half_characters_are_sent_back(chat):
    chat.replies('{"phrases": ["cup \\ud83d"]}', {"phrases": ["cup"]}, {"keep": [1]})
    found = agent(chat).ground(RGB, Instruction("a cup"), segment)
    assert found.detail.startswith("by seer as cup: 3 calls")


def test_the_instructions_own_threshold_holds_for_the_phrases(chat):
    chat.replies({"phrases": ["cup"]}, {"keep": [1]})
    asked: list[float] = []

    def note(instructions: Sequence[Instruction]) -> list[Grounding]:
        asked.extend(i.threshold for i in instructions)
        return segment(instructions)

    agent(chat).ground(RGB, Instruction("cups", threshold=0.85), note)
    assert asked == [0.85]


def test_many_candidates_of_a_large_picture_cost_little(chat):
    masks = np.zeros((20, 1500, 2000), bool)
    for row in range(20):
        masks[row, 375 * (row // 5) :, 400 * (row % 5) :][:365, :390] = True

    def thrice(instructions: Sequence[Instruction]) -> list[Grounding]:
        scores, boxes = np.linspace(0.9, 0.5, 20, dtype=np.float32), np.zeros((20, 4), np.float32)
        return [
            Grounding(i, Outcome.FOUND, Level.CONCEPT, masks=masks, scores=scores, boxes=boxes)
            for i in instructions
        ]

    chat.replies({"phrases": ["cup", "mug", "beaker"]}, {"keep": [20]})
    began = time.thread_time()  # of this thread alone, whatever else the machine does
    found = agent(chat).ground(np.zeros((1500, 2000, 3), np.uint8), Instruction("a cup"), thrice)
    assert time.thread_time() - began < 0.7
    assert "has 20 numbered candidates" in prompt_of(chat.requests[1])
    np.testing.assert_array_equal(found.masks, masks[[19]])


def test_other_phrases_are_tried_and_rounds_end(chat):
    chat.replies({"phrases": ["vase"]}, {"phrases": ["cup"]}, {"keep": []})
    found = agent(chat, rounds=2).ground(RGB, Instruction("a flower"), segment)
    assert found.outcome == Outcome.NOT_FOUND
    assert found.masks.shape == (0, 60, 90)
    assert "found nothing fitting: vase" in prompt_of(chat.requests[1])
    assert len(chat.requests) == 3


def test_nothing_meant_costs_one_call(chat):
    chat.replies({"phrases": []})
    found = agent(chat).ground(RGB, Instruction("a unicorn"), segment)
    assert found.outcome == Outcome.NOT_FOUND
    assert len(chat.requests) == 1


def test_several_for_a_certain_one_are_ambiguous(chat):
    chat.replies({"phrases": ["cup"]}, {"keep": [1, 2]})
    found = agent(chat).ground(RGB, Instruction("the cup"), segment)
    assert (found.outcome, len(found.masks)) == (Outcome.AMBIGUOUS, 2)
    chat.replies({"phrases": ["cup"]}, {"keep": [1, 2]})
    assert agent(chat).ground(RGB, Instruction("cups"), segment).outcome == Outcome.FOUND


@pytest.mark.parametrize(
    ("text", "most", "outcome", "given"),
    [
        ("the cup", 2, Outcome.AMBIGUOUS, 2),
        ("the cup", 1, Outcome.AMBIGUOUS, 3),
        ("cups", 2, Outcome.FOUND, 2),
        ("cups", 1, Outcome.AMBIGUOUS, 3),
    ],
)
def test_more_than_one_instance_is_a_limit(chat, text, most, outcome, given):
    def three(instructions: Sequence[Instruction]) -> list[Grounding]:
        return [grounding(i, 5, 30, 60) for i in instructions]

    chat.replies({"phrases": ["cup"]}, {"keep": [1, 2, 3]})
    found = agent(chat).ground(RGB, Instruction(text, max_instances=most), three)
    assert (found.outcome, len(found.masks)) == (outcome, given)


def test_calls_are_bounded(chat):
    chat.replies("what?")
    with pytest.raises(BudgetError):
        agent(chat, calls=2).ground(RGB, Instruction("cup"), segment)
    assert len(chat.requests) == 2


def test_time_is_bounded_whatever_the_server_does(chat):
    chat.replies(Said('{"phrases": ["cup"]}', delay_s=20))
    began = time.monotonic()
    with pytest.raises(AgentError):
        agent(chat, seconds=0.4).ground(RGB, Instruction("cup"), segment)
    assert time.monotonic() - began < 3


def test_a_segmenter_that_would_end_too_late_is_not_started(chat):
    chat.replies({"phrases": ["cup"]})

    def never(instructions: Sequence[Instruction]) -> list[Grounding]:
        raise AssertionError("started")

    with pytest.raises(BudgetError, match="time"):
        agent(chat, seconds=2).ground(RGB, Instruction("cup"), never, segment_s=5)


@pytest.fixture
def blind(segmenter: Segmenter, chat: ChatServer, monkeypatch) -> Segmenter:
    """A segmenter that finds cups alone, as concepts, and asks an agent about the rest."""
    helped = Segmenter(segmenter.model, segmenter.tokenizer, fallback=agent(chat, seconds=1.0))

    def own(asked: Sequence[Instruction]) -> list[Grounding]:
        return [grounding(i, *((5, 50) if i.text == "cup" else ())) for i in asked]

    monkeypatch.setattr(helped, "_ground", own)
    helped.set_image(RGB)
    return helped


def test_fallback_answers_what_was_not_found(blind, chat):
    chat.replies({"phrases": ["cup"]}, {"keep": [1]})
    first, second = blind.ground(["cup", "something to drink from"])
    assert (len(first.masks), first.detail) == (2, "")
    assert second.outcome == Outcome.FOUND
    assert second.instruction.text == "something to drink from"
    assert len(chat.requests) == 2


def test_without_a_fallback_nobody_is_asked(segmenter, chat):
    assert segmenter.fallback is None
    segmenter.set_image(RGB)
    segmenter.ground([Instruction("a unicorn", threshold=0.999)])
    assert chat.requests == []


def test_a_silent_fallback_holds_nobody_up(blind, chat):
    chat.replies(Said("{}", delay_s=20))
    began = time.monotonic()
    answers = blind.ground(["a vase", "a fork", "a spoon"])
    assert time.monotonic() - began < 2.5  # one deadline for all three
    assert all(a.outcome == Outcome.NOT_FOUND for a in answers)
    assert "answer within" in answers[0].detail


def test_fallback_uses_the_model_itself_for_concepts(segmenter, chat):
    chat.replies({"phrases": ["mug"]}, {"keep": []}, {"phrases": []})
    helped = Segmenter(segmenter.model, segmenter.tokenizer, fallback=agent(chat))
    helped.set_image(RGB)
    (found,) = helped.ground([Instruction("a unicorn", threshold=0.999)])
    assert found.outcome == Outcome.NOT_FOUND
    assert "by seer as mug" in found.detail
    assert found.masks.shape == (0, 60, 90)
