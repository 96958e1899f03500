"""The smallest planner there is: it asks for things in words and says what became of them.

planner --ros-args -p instructions:='["the red mug", "something to cut with"]'
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import rclpy
import yaml
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from sam3i_ros.arguments import ros_arguments_only
from sam3i_ros.msg import Instruction, InstructionResult, SegmentArray

OUTCOMES = {
    InstructionResult.PENDING: "PENDING",
    InstructionResult.FOUND: "FOUND",
    InstructionResult.NOT_FOUND: "NOT_FOUND",
    InstructionResult.AMBIGUOUS: "AMBIGUOUS",
    InstructionResult.REJECTED: "REJECTED",
}
MAX_INSTRUCTIONS = 64  # as much as the node can be set to


def read_instructions(path: Path) -> list[tuple[str, str]]:
    """(id, text) of each instruction in a YAML or JSON list of texts or of {id, text}.

    Raises ValueError with one line if the file is something else.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise TypeError(f"it holds {type(entries).__name__}")
        wanted = [
            (_text(entry["id"]), _text(entry["text"]))
            if isinstance(entry, dict)
            else (str(number), _text(entry))
            for number, entry in enumerate(entries, start=1)
        ]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError) as error:
        cause = str(error).splitlines()[0]
        raise ValueError(f"{path} is no list of texts or of {{id, text}}: {cause}") from error
    counted = Counter(identity for identity, _ in wanted)
    if twice := [identity for identity, count in counted.items() if count > 1]:
        raise ValueError(f"{path} has the id '{twice[0]}' twice; give each one of its own")
    return wanted


def _text(value: object) -> str:
    """A text, which YAML may have taken for a number."""
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"{value!r} is no text")
    return str(value)


def describe(text: str, answer: InstructionResult, array: SegmentArray) -> str:
    """One line, such as: 'the red mug' FOUND 0.93 at 0.42 0.10 0.81 m."""
    line = f"'{text}' {OUTCOMES[answer.outcome]}"
    segment = next((s for s in array.segments if s.instruction_id == answer.id), None)
    if segment is None:
        return f"{line} ({answer.detail})" if answer.detail else line
    line += f" {segment.score:.2f}"
    if segment.point_count:
        centre = segment.centroid
        line += f" at {centre.x:.2f} {centre.y:.2f} {centre.z:.2f} m"
    return line


class Planner(Node):
    def __init__(self) -> None:
        super().__init__("planner")
        texts = self._parameter("instructions", ["mug", "the red mug"], "what to look for")
        path = self._parameter(
            "instructions_file", "", "YAML or JSON list of texts or {id, text}, used instead"
        )
        wanted = (
            read_instructions(Path(path))
            if path
            else [(str(number), text) for number, text in enumerate(texts or (), start=1)]
        )
        if not wanted:
            raise ValueError("there are no instructions, name what to look for.")
        if len(wanted) > MAX_INSTRUCTIONS:
            raise ValueError(f"{len(wanted)} instructions are too many, take {MAX_INSTRUCTIONS}.")
        self._texts = dict(wanted)
        self._outcomes: dict[str, int] = {}

        # Transient local: a node that starts later still hears what was asked before. It hears the
        # last `depth` messages, which have to hold the CLEAR and all that follows.
        qos = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._publisher = self.create_publisher(Instruction, "sam3i/instruction", qos)
        self.create_subscription(SegmentArray, "sam3i/segments", self._on_segments, 5)

        self._publisher.publish(Instruction(operation=Instruction.CLEAR))
        for identity, text in wanted:
            self._publisher.publish(Instruction(id=identity, text=text))
            self.get_logger().info(f"asked for '{text}'")

    def _parameter(self, name: str, default: Any, what: str) -> Any:
        descriptor = ParameterDescriptor(description=what, read_only=True)
        return self.declare_parameter(name, default, descriptor).value

    def _on_segments(self, array: SegmentArray) -> None:
        for answer in array.results:
            known = self._outcomes.get(answer.id, InstructionResult.PENDING)
            if answer.id in self._texts and answer.outcome != known:
                self._outcomes[answer.id] = answer.outcome
                self.get_logger().info(describe(self._texts[answer.id], answer, array))


def main() -> int:
    ros_arguments_only(
        "planner",
        "-p 'instructions:=[mug, the red mug]' [-p instructions_file:=wanted.yaml]",
        "Asks the perception node for what is named, and says what becomes of each.",
    )
    rclpy.init()
    try:
        rclpy.spin(Planner())
    except (ValueError, ParameterException) as error:
        rclpy.logging.get_logger("planner").fatal(f"a parameter cannot be used: {error}")
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
