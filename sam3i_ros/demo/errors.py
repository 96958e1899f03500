"""What the demo says when it can't go on."""

from __future__ import annotations

LOG_LINES = 15


class DemoError(RuntimeError):
    """One line for the user, and the last lines of the log that explains it."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = "\n".join(log.strip().splitlines()[-LOG_LINES:])
