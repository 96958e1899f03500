"""Processes that the demo starts, watches and surely ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sam3i_ros.demo.errors import DemoError

STOP_TIMEOUT = 8.0  # s for an orderly end, then it is killed
POLL = 0.05  # s


class Process:
    """A command in a process group of its own, its output in a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def check(self, ended: bool = False) -> None:
        """Raises DemoError if it has failed, or has ended at all unless that was expected."""
        code = self._process.poll()
        if code or (code == 0 and not ended):
            raise self.error(f"{self.name} ended with code {code}")

    def error(self, message: str) -> DemoError:
        """The error with the last lines that this process wrote."""
        return DemoError(f"{message} (log: {self._log})", self._log.read_text(errors="replace"))

    def stop(self) -> None:
        """Ends it as Ctrl-C would, and kills what is left."""
        for end, patience in ((signal.SIGINT, STOP_TIMEOUT), (signal.SIGKILL, 1.0)):
            if not self.running:
                return
            os.killpg(self._process.pid, end)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                continue


def wait_until(
    condition: Callable[[], bool], timeout: float, what: str, watched: Sequence[Process]
) -> None:
    """Raises DemoError if a watched process ends first, or after `timeout` s."""
    end = time.monotonic() + timeout
    while not condition():
        for process in watched:
            process.check()
        if time.monotonic() > end:
            raise watched[0].error(f"waited {timeout:.0f} s for {what} in vain")
        time.sleep(POLL)
