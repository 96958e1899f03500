"""Messages and services: every field goes over the wire and comes back as it was."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from rclpy.serialization import deserialize_message, serialize_message
from sam3i_ros.msg import Instruction, InstructionResult, Segment, SegmentArray
from sam3i_ros.srv import SetInstructions
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from sam3i_model.instruction import Level, Outcome

HEADER = Header(stamp=Time(sec=1_700_000_000, nanosec=123_456_789), frame_id="camera_optical")
INSTRUCTION = Instruction(
    header=HEADER,
    id="breakfast",
    text="the red mug, Ø 8 cm",
    level=Instruction.LEVEL_SIMPLE,
    operation=Instruction.REMOVE,
    max_instances=65535,
    threshold=0.625,
)
RESULT = InstructionResult(
    id="breakfast",
    text="the red mug",
    outcome=InstructionResult.AMBIGUOUS,
    level_used=Instruction.LEVEL_COMPLEX,
    presence=0.8125,
    prompt="red mug",
    token_count=33,
    truncated=True,
    detail="2 fit equally well",
)
SEGMENT = Segment(
    instruction_id="breakfast",
    track_id=4_294_967_295,
    label=65535,
    score=0.9375,
    carried=True,
    roi=RegionOfInterest(x_offset=3, y_offset=4, height=5, width=6, do_rectify=False),
    mask_runs=array("I", [0, 12, 18]),
    centroid=Point(x=0.1, y=-0.2, z=0.75),
    pose=Pose(
        position=Point(x=0.11, y=-0.21, z=0.76), orientation=Quaternion(x=0.0, y=0.6, z=0.0, w=0.8)
    ),
    size=Vector3(x=0.08, y=0.08, z=0.1),
    point_offset=20_000,
    point_count=1_234,
)
ARRAY = SegmentArray(
    header=HEADER,
    height=480,
    width=640,
    results=[RESULT, InstructionResult(id="other", outcome=InstructionResult.REJECTED)],
    segments=[SEGMENT, Segment()],
    frame_3d="base_link",
    detail_3d="no depth",
    latency=0.25,
)


@pytest.mark.parametrize(
    "message",
    [
        INSTRUCTION,
        RESULT,
        SEGMENT,
        ARRAY,
        SetInstructions.Request(instructions=[INSTRUCTION, Instruction()]),
        SetInstructions.Response(success=True, message="1 of 2", results=[RESULT]),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_field_survives_the_wire(message: Any) -> None:
    default = type(message)()
    for field in message.get_fields_and_field_types():
        assert getattr(message, field) != getattr(default, field), f"{field} is not tested"
    assert deserialize_message(serialize_message(message), type(message)) == message


def test_constants_are_those_of_the_model() -> None:
    levels = {name: getattr(Instruction, f"LEVEL_{name}") for name in Level.__members__}
    assert levels == {level.name: level.value for level in Level}
    outcomes = {name: getattr(InstructionResult, name) for name in Outcome.__members__}
    assert outcomes == {outcome.name: outcome.value for outcome in Outcome}
    assert InstructionResult.PENDING == 0
    assert (Instruction.ADD, Instruction.REMOVE, Instruction.CLEAR) == (0, 1, 2)


def test_an_instruction_by_default_is_added_as_it_reads() -> None:
    instruction = Instruction(text="mug")
    assert instruction.operation == Instruction.ADD
    assert instruction.level == Instruction.LEVEL_AUTO
    assert instruction.max_instances == 0
    assert instruction.threshold == 0.0
