"""planner as a process of its own, answered over DDS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rclpy
from geometry_msgs.msg import Point
from rclpy.qos import DurabilityPolicy, QoSProfile
from sam3i_ros.msg import Instruction, InstructionResult, Segment, SegmentArray

from sam3i_ros.planner import describe, read_instructions

DOMAIN = 62


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))


def start(*parameters: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sam3i_ros.planner", "--ros-args"]
    for parameter in parameters:
        command += ["-p", parameter]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def answer(outcome: int, score: float = 0.0, points: int = 0) -> SegmentArray:
    array = SegmentArray(results=[InstructionResult(id="a", text="the mug", outcome=outcome)])
    if score:
        segment = Segment(instruction_id="a", score=score, point_count=points)
        segment.centroid = Point(x=0.42, y=0.1, z=0.81)
        array.segments = [segment]
    return array


def test_describes_an_answer_in_one_line() -> None:
    found = answer(InstructionResult.FOUND, 0.93, 100)
    assert (
        describe("the mug", found.results[0], found) == "'the mug' FOUND 0.93 at 0.42 0.10 0.81 m"
    )
    flat = answer(InstructionResult.AMBIGUOUS, 0.5)
    assert describe("the mug", flat.results[0], flat) == "'the mug' AMBIGUOUS 0.50"
    rejected = answer(InstructionResult.REJECTED)
    rejected.results[0].detail = "too long"
    assert describe("the mug", rejected.results[0], rejected) == "'the mug' REJECTED (too long)"


def test_reads_instructions_from_json_and_yaml(tmp_path: Path) -> None:
    path = tmp_path / "instructions"
    path.write_text(json.dumps([{"id": "m", "text": "mug", "level": "concept"}]))
    assert read_instructions(path) == [("m", "mug")]
    path.write_text("- mug\n- the red mug\n")
    assert read_instructions(path) == [("1", "mug"), ("2", "the red mug")]
    path.write_text("- {id: 7, text: 2024}\n- 12\n")
    assert read_instructions(path) == [("7", "2024"), ("2", "12")]


@pytest.mark.parametrize(
    "text",
    [
        "{unclosed",
        "7",
        "- {id: a}",
        "- {id: a, text: }",
        "- [red, mug]",
        "the mug",
        "{id: a, text: mug}",
        "",
    ],
)
def test_a_bad_file_is_an_error_of_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "instructions"
    path.write_text(text)
    with pytest.raises(ValueError, match="is no list of texts") as caught:
        read_instructions(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", ["{id: a, text: cup}", "cup"])
def test_an_id_is_given_once(tmp_path: Path, other: str) -> None:
    path = tmp_path / "instructions"
    path.write_text(f"- {{id: {'a' if 'id' in other else 2}, text: mug}}\n- {other}\n")
    with pytest.raises(ValueError, match=r"has the id '[a2]' twice; give each one of its own$"):
        read_instructions(path)


def test_asks_a_late_node_and_reports_each_change_once(environment: None) -> None:
    process = start("instructions:=[the mug]")
    time.sleep(1.5)  # the node is late: transient local has to keep what was asked
    rclpy.init()
    node = rclpy.create_node("late")
    asked: list[Instruction] = []
    qos = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(Instruction, "sam3i/instruction", asked.append, qos)
    publisher = node.create_publisher(SegmentArray, "sam3i/segments", 5)
    try:
        end = time.monotonic() + 15
        while (len(asked) < 2 or not publisher.get_subscription_count()) and time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.05)
        assert [(i.operation, i.id, i.text) for i in asked] == [
            (Instruction.CLEAR, "", ""),
            (Instruction.ADD, "1", "the mug"),
        ]
        missing = answer(InstructionResult.NOT_FOUND)
        found = answer(InstructionResult.FOUND, 0.93, 100)
        stranger = answer(InstructionResult.FOUND, 0.5)
        stranger.results[0].id = stranger.segments[0].instruction_id = "stranger"
        for array in (missing, found):
            array.results[0].id = "1"
        found.segments[0].instruction_id = "1"
        for array in (missing, missing, found, found, stranger, missing):
            publisher.publish(array)
            rclpy.spin_once(node, timeout_sec=0.05)
        time.sleep(0.5)
    finally:
        node.destroy_node()
        rclpy.shutdown()
        os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=5)[0]
    assert process.returncode == 0, output
    said = [line.split("]: ")[1] for line in output.splitlines()]
    assert said == [
        "asked for 'the mug'",
        "'the mug' NOT_FOUND",
        "'the mug' FOUND 0.93 at 0.42 0.10 0.81 m",
        "'the mug' NOT_FOUND",
    ]


@pytest.mark.parametrize(
    ("parameter", "cause"),
    [
        (f"instructions:={[str(i) for i in range(65)]}", "65 instructions are too many, take 64."),
        ("instructions:=[]", "there are no instructions, name what to look for."),
        ("instructions:=mug", "'instructions' to 'mug'"),
        ("instructions:=[1, 2]", "expecting type 'STRING_ARRAY'"),
        ("instructions_file:=/no/such/file", "/no/such/file is no list of texts"),
    ],
)
def test_a_wrong_parameter_ends_in_one_line(environment: None, parameter: str, cause: str) -> None:
    process = start(parameter)
    output = process.communicate(timeout=15)[0]
    assert process.returncode == 1
    assert "a parameter cannot be used: " in output
    assert cause in output
    assert len(output.strip().splitlines()) == 1
