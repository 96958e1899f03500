"""Which thread runs a callback of the node."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

from rclpy.executors import Executor, ShutdownException, TimeoutException
from rclpy.service import Service


class NodeExecutor(Executor):
    """Runs what is quick in the thread that spins, and each call of a service in one of its own.

    A call may take seconds: a transition loads a model, a parameter has adapters checked. With
    rclpy's own executor of several threads the rest would go on as well, but it hands out a
    callback again and again until a thread has begun with it: at 30 images a second, all of a
    core, and the interpreter's lock with it.
    """

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Waits for one callback, and runs it or has it run."""
        self._spin_once_impl(timeout_sec)

    def _spin_once_impl(
        self, timeout_sec: Any = None, wait_condition: Callable[[], bool] = lambda: False
    ) -> None:
        """What `spin` calls itself since rclpy 10.0.1 (and Jazzy's 7.1.9, Kilted's 9.1.5)."""
        try:
            task, entity, _ = self.wait_for_ready_callbacks(timeout_sec)
        except (ShutdownException, TimeoutException):
            return
        if isinstance(entity, Service):
            Thread(target=_run, args=(task,), name="sam3i service", daemon=True).start()
        else:
            _run(task)


def _run(task: Any) -> None:
    task()
    if error := task.exception():
        raise error
