"""What the tests of the node share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from tests.ros.rig import Rig


@pytest.fixture(scope="module")
def make_rig() -> Iterator[Callable[..., Rig]]:
    """Rigs that spin in threads of their own until the module is done."""
    context = Context()
    rclpy.init(context=context)
    threads = []

    def make(namespace: str, outputs: dict[str, type]) -> Rig:
        node = Node("rig", context=context, namespace=namespace)
        rig = Rig(node, outputs)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)

        def spin() -> None:
            with contextlib.suppress(ExternalShutdownException):
                executor.spin()

        threads.append(threading.Thread(target=spin, daemon=True))
        threads[-1].start()
        return rig

    yield make
    rclpy.shutdown(context=context)
    for thread in threads:
        thread.join(5)
