"""The list of active instructions: bounded, ordered, and with a reason for every refusal."""

from __future__ import annotations

import pytest
from sam3i_ros.msg import Instruction, InstructionResult

from sam3i_model.instruction import MAX_TEXT_LENGTH, Level
from sam3i_ros.instructions import MAX_ID_LENGTH, InstructionList, entry, entry_from_message


def texts(instructions: InstructionList) -> dict[str, str]:
    return {e.instruction.id: e.instruction.text for e in instructions.snapshot()}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"text": " \n"}, "the text is empty"),
        ({"text": "?! \U0001f534"}, "the text has no words"),
        ({"text": "x" * (MAX_TEXT_LENGTH + 1)}, "1001 characters"),
        ({"text": "cup", "id": "i" * (MAX_ID_LENGTH + 1)}, "the id has 129 characters"),
        ({"text": "cup", "level": 7}, "level 7 does not exist"),
        ({"text": "cup", "threshold": 1.5}, "threshold 1.5"),
        ({"text": "cup", "threshold": float("nan")}, "threshold nan"),
    ],
)
def test_refused(arguments: dict, reason: str) -> None:
    refused = entry(**arguments)
    assert reason in refused.rejected
    assert len(refused.instruction.text) <= MAX_TEXT_LENGTH
    assert len(refused.instruction.id) <= MAX_ID_LENGTH
    result = refused.result()
    assert (result.outcome, result.detail) == (InstructionResult.REJECTED, refused.rejected)


@pytest.mark.parametrize("text", ["x" * MAX_TEXT_LENGTH, "7", "红色的杯子", "ça?"])
def test_any_word_is_taken(text: str) -> None:
    assert entry(text).rejected == ""


def test_from_the_wire() -> None:
    message = Instruction(text="cup", level=Instruction.LEVEL_COMPLEX, max_instances=2)
    message.threshold = 0.5
    taken = entry_from_message(message)
    asked = taken.instruction
    assert (asked.id, asked.level, asked.max_instances) == ("default", Level.COMPLEX, 2)
    assert asked.threshold == 0.5
    result = taken.result()
    assert (result.outcome, result.level_used) == (InstructionResult.PENDING, 3)


def test_order_and_replacement() -> None:
    instructions = InstructionList(4)
    for id, text in (("b", "box"), ("a", "apple"), ("b", "ball")):
        instructions.add(entry(text, id))
    assert list(texts(instructions).items()) == [("b", "ball"), ("a", "apple")]
    assert instructions.remove("b")
    assert not instructions.remove("b")
    instructions.add(entry("cup"))
    assert instructions.remove("")  # empty means "default"
    assert texts(instructions) == {"a": "apple"}


def test_bounds() -> None:
    instructions = InstructionList(3)
    kept = instructions.replace([entry("cup", f"i{n}") for n in range(100)])
    assert sum(not e.rejected for e in kept) == 3
    assert "remove one or raise max_instructions" in kept[3].rejected
    listed = instructions.snapshot()
    assert [e.instruction.id for e in listed] == ["i0", "i1", "i2", "i97", "i98", "i99"]
    instructions.remove("i0")
    assert not instructions.add(entry("cup", "i99")).rejected
    assert instructions.add(entry("cup", "i0")).rejected


def test_one_call_cannot_replace_what_it_brings() -> None:
    instructions = InstructionList(4)
    first, second, third = instructions.replace([entry("cup"), entry("box"), entry("ball", "b")])
    assert (first.rejected, third.rejected) == ("", "")
    assert second.rejected == "id 'default' is given twice; give each one of its own"
    assert texts(instructions) == {"default": "cup", "b": "ball"}


def test_an_id_that_is_too_long_is_not_that_of_another() -> None:
    longest, first, second = "a" * MAX_ID_LENGTH, "a" * 129, "a" * 128 + "b"
    instructions = InstructionList(4)
    asked = [entry("cup", longest), entry("box", first), entry("ball", second)]
    reasons = [e.rejected.partition(";")[0] for e in instructions.replace(asked)]
    assert reasons == ["", "the id has 129 characters", "the id has 129 characters"]
    assert [e.instruction.text for e in instructions.snapshot()] == ["cup", "box", "ball"]
    assert instructions.remove(first)
    assert instructions.remove(second)
    assert not instructions.remove(first)
    instructions.add(entry("pen", first))
    assert instructions.snapshot()[0] == entry("cup", longest)


def test_results_of_what_was_taken_back_or_changed_do_not_count() -> None:
    instructions = InstructionList(4)
    first = instructions.replace([entry("cup", "a"), entry("box", "b"), entry(" ", "c")])
    results = [e.result() for e in first]
    assert instructions.still_asked(results) == results
    instructions.add(entry("ball", "b"))
    instructions.remove("c")
    assert instructions.still_asked(results) == results[:1]
    instructions.replace([])
    assert instructions.still_asked(results) == []


def test_defaults_are_a_group_of_their_own() -> None:
    instructions = InstructionList(8)
    instructions.replace_defaults(["cup", "box"])
    instructions.add(entry("ball", "mine"))
    assert texts(instructions) == {
        "instructions[0]": "cup",
        "instructions[1]": "box",
        "mine": "ball",
    }
    instructions.replace_defaults(["pen"])
    assert texts(instructions) == {"mine": "ball", "instructions[0]": "pen"}
