"""What the documentation shows works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
import yaml
from builtin_interfaces.msg import Time
from sam3i_ros.msg import Instruction, InstructionResult, SegmentArray
from sam3i_ros.srv import SetInstructions
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header, String

from sam3i_ros.geometry import Cloud, OrientedBox
from sam3i_ros.messages import points_msg, segment_msg

ROOT = Path(__file__).resolve().parents[2]
TYPES = {
    "std_msgs/msg/String": String,
    "sam3i_ros/msg/Instruction": Instruction,
    "sam3i_ros/srv/SetInstructions": SetInstructions.Request,
}


@pytest.mark.parametrize("order", [1, -1], ids=["points first", "answer first"])
def test_the_node_that_reads_answers(tmp_path: Path, order: int) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/node.md").read_text(), re.S)
    mine = tmp_path / "mine.py"
    mine.write_text(example)
    said = tmp_path / "said.txt"
    with said.open("w") as file:
        process = subprocess.Popen([sys.executable, "-u", mine], stdout=file)
    rclpy.init()
    node = rclpy.create_node("tester")
    publishers = {
        kind: node.create_publisher(kind, f"sam3i/{name}", 5)
        for name, kind in (("points", PointCloud2), ("segments", SegmentArray))
    }
    try:
        end = time.monotonic() + 30
        while not all(p.get_subscription_count() for p in publishers.values()):
            assert time.monotonic() < end, "the example doesn't listen"
            time.sleep(0.05)
        for message in messages()[::order]:
            publishers[type(message)].publish(message)
            time.sleep(0.5)  # on two topics nothing keeps their order
        while len(said.read_text().splitlines()) < 3 and time.monotonic() < end + 10:
            time.sleep(0.05)
    finally:
        node.destroy_node()
        rclpy.shutdown()
        process.kill()
        process.wait()
    assert said.read_text().splitlines() == [
        "mug: 1 ",
        "  0.75, 6 pixels, 2 points",
        "cup: 2 none here",
    ]


def messages() -> list[Any]:
    """The points, then the segments of a frame with one more segment before the best mug."""
    header = Header(stamp=Time(sec=7), frame_id="camera")
    masks = np.zeros((2, 8, 10), bool)
    masks[0, :1, :4] = masks[1, 2:4, 3:6] = True
    box = OrientedBox(np.zeros(3), np.eye(3), np.ones(3))
    clouds = [
        Cloud(np.ones((n, 3), np.float32), np.zeros(n, np.int32), np.zeros(3), box) for n in (3, 2)
    ]
    answer = SegmentArray(header=header, height=8, width=10, frame_3d="camera")
    answer.results = [
        InstructionResult(id="m", text="mug", outcome=InstructionResult.FOUND),
        InstructionResult(
            id="c", text="cup", outcome=InstructionResult.NOT_FOUND, detail="none here"
        ),
    ]
    answer.segments = [
        segment_msg("other", 1, 0.9, masks[0], clouds[0]),
        segment_msg("m", 2, 0.75, masks[1], clouds[1], 3),
    ]
    return [points_msg(clouds, np.zeros((8, 10, 3), np.uint8), header), answer]


@pytest.mark.parametrize("page", ["README.md", "docs/node.md"])
def test_messages_on_a_command_line(page: str) -> None:
    text = (ROOT / page).read_text().replace("\\\n", "")
    commands = re.findall(r'^ros2 (?:topic pub|service call) .*? (\S+/\S+/\w+) +"(.*)"', text, re.M)
    assert commands
    for kind, content in commands:
        fields = yaml.safe_load(content)
        instructions = [Instruction(**each) for each in fields.pop("instructions", [])]
        asked = [*instructions, TYPES[kind](**fields)]
        assert any(getattr(one, "id", "") or getattr(one, "data", "") for one in asked), content
