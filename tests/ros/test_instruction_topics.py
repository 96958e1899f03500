"""What is heard on the topics of instructions; nothing spins but when the test does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sam3i_ros.msg import Instruction

from sam3i_ros.health import Health
from sam3i_ros.instruction_topics import InstructionTopics
from sam3i_ros.instructions import InstructionList, entry

MOST = 64  # that max_instructions can be
PATIENCE = 10.0  # s


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context)
    yield Node("sam3i", context=context)
    rclpy.shutdown(context=context)


def wait(done: Callable[[], object], step: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not done() and time.monotonic() < end:
        step()
    assert done()


@pytest.mark.parametrize(
    "durability", [DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL]
)
def test_all_of_a_long_list_is_heard_at_once(node: Node, durability: DurabilityPolicy) -> None:
    active = InstructionList(MOST)
    active.add(entry("old", "old"))
    group = MutuallyExclusiveCallbackGroup()
    InstructionTopics(node, active, Health(), lambda: None, group)
    qos = QoSProfile(depth=100, durability=durability)
    planner = node.create_publisher(Instruction, "~/instruction", qos)
    listeners = 2 if durability is DurabilityPolicy.TRANSIENT_LOCAL else 1
    wait(lambda: planner.get_subscription_count() == listeners, lambda: time.sleep(0.01))
    planner.publish(Instruction(operation=Instruction.CLEAR))
    for n in range(MOST):
        planner.publish(Instruction(id=f"i{n}", text="cup"))
    assert planner.wait_for_all_acked(Duration(seconds=PATIENCE))
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    expected = [f"i{n}" for n in range(MOST)]
    wait(
        lambda: [e.instruction.id for e in active.snapshot()] == expected,
        lambda: executor.spin_once(0.1),
    )
