"""Ctrl-C or SIGTERM ends a run; while what it made is put into place, they do nothing."""

from __future__ import annotations

import signal
from typing import Any

SIGNALS = signal.SIGINT, signal.SIGTERM


def heed() -> None:
    """From now on each of them raises KeyboardInterrupt in the main thread."""
    for number in SIGNALS:
        signal.signal(number, _end)


def heed_none() -> None:
    """From now on they do nothing; KeyboardInterrupt if one has come at the last moment."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
