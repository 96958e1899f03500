"""Callbacks go on while a service call takes long, and waiting for it costs nothing."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from rcl_interfaces.srv import SetParametersAtomically as Call
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import String

from sam3i_ros.executor import NodeExecutor

LONG = 20.0  # s, that nothing here takes


class Counted(NodeExecutor):
    """Knows how often it had something to run."""

    rounds = 0

    def _spin_once_impl(
        self, timeout_sec: Any = None, wait_condition: Callable[[], bool] = lambda: False
    ) -> None:
        self.rounds += 1
        super()._spin_once_impl(timeout_sec, wait_condition)


class Slow:
    """A node whose service is held back, with traffic in a group of its own; and who calls it."""

    def __init__(self, context: Context) -> None:
        self.executor = Counted(context=context)
        node, other = Node("slow", context=context), Node("other", context=context)
        self.began, self.leave = threading.Event(), threading.Event()
        self.heard: list[tuple[str, threading.Thread]] = []
        traffic = MutuallyExclusiveCallbackGroup()
        node.create_subscription(String, "words", self._hear, 100, callback_group=traffic)
        node.create_service(Call, "wait", self._wait)
        self.executor.add_node(node)
        self.words = other.create_publisher(String, "words", 100)
        self.client = other.create_client(Call, "wait")
        self.others = SingleThreadedExecutor(context=context)
        self.others.add_node(other)
        self.threads = [
            threading.Thread(target=_spin, args=(e,)) for e in (self.executor, self.others)
        ]
        for thread in self.threads:
            thread.start()
        assert self.client.wait_for_service(LONG)
        assert self.until(lambda: self.words.get_subscription_count() == 1)

    def until(self, there: Callable[[], object]) -> bool:
        end = time.monotonic() + LONG
        while not there() and time.monotonic() < end:
            time.sleep(0.005)
        return bool(there())

    def _hear(self, message: String) -> None:
        self.heard.append((message.data, threading.current_thread()))

    def _wait(self, request: Call.Request, response: Call.Response) -> Call.Response:
        self.began.set()
        response.result.successful = self.leave.wait(LONG)
        return response


def _spin(executor: rclpy.executors.Executor) -> None:
    with contextlib.suppress(ExternalShutdownException):
        executor.spin()


@pytest.fixture
def slow() -> Iterator[Slow]:
    context = Context()
    rclpy.init(context=context)
    made = Slow(context)
    yield made
    made.leave.set()
    rclpy.shutdown(context=context)
    for thread in made.threads:
        thread.join(LONG)
        assert not thread.is_alive()


def test_messages_are_taken_while_a_service_works(slow: Slow) -> None:
    answers = [slow.client.call_async(Call.Request()) for _ in range(2)]
    assert slow.began.wait(LONG)
    before = slow.executor.rounds
    for number in range(50):
        slow.words.publish(String(data=str(number)))
    assert slow.until(lambda: len(slow.heard) == 50)
    assert [word for word, _ in slow.heard] == [str(number) for number in range(50)]
    assert {thread for _, thread in slow.heard} == {slow.threads[0]}
    time.sleep(0.3)
    # A callback, and being told that it has ended: no other rounds.
    assert slow.executor.rounds - before < 4 * 50
    assert not any(answer.done() for answer in answers)
    slow.leave.set()
    assert slow.until(lambda: all(answer.done() for answer in answers))
    assert all(answer.result().result.successful for answer in answers)


class LaterSpin(NodeExecutor):
    """Spins as newer rclpy does: without `spin_once`."""

    def spin(self) -> None:
        while self._context.ok() and not self._is_shutdown:
            self._spin_once_impl()


@pytest.mark.parametrize("kind", [NodeExecutor, LaterSpin])
def test_a_callback_that_fails_is_the_spinning_threads_error(kind: type[NodeExecutor]) -> None:
    context = Context()
    rclpy.init(context=context)
    node = Node("failing", context=context)
    executor = kind(context=context)
    executor.add_node(node)

    def fail() -> None:
        raise ValueError("as it has to")

    node.create_timer(0.01, fail)
    with pytest.raises(ValueError, match="as it has to"):
        executor.spin()
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)
