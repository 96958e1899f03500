"""What is wrong with the node's input and work, how to mend it, and how long things take.

`Health` only collects, from any thread; `to_diagnostics` turns a report into the message.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

HOLD = 5.0  # s a fault stays in the reports after it was last seen; diagnostics go out at 1 Hz
LOG_EVERY = 10.0  # s, at the least, between two log lines about one fault
WINDOW = 256  # latest durations or events that percentiles and rates are computed from
RATE_OVER = 5.0  # s that a rate is computed over at most
COMPONENTS = ("camera", "geometry", "instructions", "model", "node")


class Severity(IntEnum):
    """As in diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass
class Fault:
    """Something that needs a person, and what the person should do."""

    key: str  # "<component>.<what>"
    severity: Severity
    text: str  # "<what is wrong>; <what to do>"
    count: int
    last_seen: float
    last_logged: float
    logged: str  # the text then


@dataclass(frozen=True)
class Percentiles:
    """Of one stage, in seconds."""

    p50: float
    p95: float


@dataclass
class Status:
    """One row of the diagnostics."""

    component: str
    severity: Severity
    message: str
    values: dict[str, str] = field(default_factory=dict)


def percentiles(durations: Iterable[float]) -> Percentiles:
    """Nearest-rank percentiles; zeros for an empty sequence."""
    ordered = sorted(durations)
    if not ordered:
        return Percentiles(0.0, 0.0)
    last = len(ordered) - 1
    return Percentiles(ordered[round(0.5 * last)], ordered[round(0.95 * last)])


class Health:
    """Faults by key, counters, rates and durations; every method may be called from any thread."""

    def __init__(
        self,
        log: Callable[[Severity, str], None] = lambda severity, text: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._counters: Counter[str] = Counter()
        self._events: dict[str, deque[float]] = {}
        self._durations: dict[str, deque[float]] = {}

    def fault(self, key: str, severity: Severity, text: str) -> None:
        """Reports that something is wrong now. Logged when it is new or says something new."""
        now = self._clock()
        with self._lock:
            old = self._faults.get(key)
            last, said = (old.last_logged, old.logged) if old else (float("-inf"), "")
            if old and now - old.last_seen > HOLD:
                said = ""  # it had passed
            speak = said != text and now - last >= LOG_EVERY
            if speak:
                last, said = now, text
            count = 1 if old is None else old.count + 1
            self._faults[key] = Fault(key, severity, text, count, now, last, said)
        if speak:
            self._log(severity, text)

    def clear(self, key: str) -> None:
        """Takes a fault back at once instead of letting it run out."""
        with self._lock:
            if old := self._faults.get(key):
                old.last_seen = float("-inf")  # kept, as it also says when it was last logged

    def count(self, name: str, amount: int = 1) -> None:
        """Adds to a counter."""
        with self._lock:
            self._counters[name] += amount

    def tick(self, name: str) -> None:
        """Counts an event, and keeps its time for `rate`."""
        with self._lock:
            self._counters[name] += 1
            self._events.setdefault(name, deque(maxlen=WINDOW)).append(self._clock())

    def took(self, stage: str, seconds: float) -> None:
        """Adds a duration of a stage, s."""
        with self._lock:
            self._durations.setdefault(stage, deque(maxlen=WINDOW)).append(seconds)

    def counter(self, name: str) -> int:
        """The counter's value; 0 if it was never counted."""
        with self._lock:
            return self._counters[name]

    def rate(self, name: str) -> float:
        """Events per second over the latest RATE_OVER seconds."""
        with self._lock:
            since = self._clock() - RATE_OVER
            recent = [t for t in self._events.get(name, ()) if t >= since]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / max(recent[-1] - recent[0], 1e-9)

    def stages(self) -> dict[str, Percentiles]:
        """Percentiles of every stage, over its latest durations."""
        with self._lock:
            copies = {stage: tuple(durations) for stage, durations in self._durations.items()}
        return {stage: percentiles(durations) for stage, durations in copies.items()}

    def faults(self) -> list[Fault]:
        """What is wrong now, the worst first."""
        now = self._clock()
        with self._lock:
            current = [f for f in self._faults.values() if now - f.last_seen <= HOLD]
        return sorted(current, key=lambda f: (-f.severity, f.key))

    def report(self, values: dict[str, dict[str, str]]) -> list[Status]:
        """One row per component: its worst fault, all its faults, and the given values."""
        faults = self.faults()
        rows = []
        for component in COMPONENTS:
            mine = [f for f in faults if f.key.startswith(f"{component}.")]
            row = Status(component, Severity.OK, "ok", dict(values.get(component, {})))
            if mine:
                row.severity, row.message = mine[0].severity, mine[0].text
                row.values.update({f.key: f"{f.text} ({f.count} times)" for f in mine})
            rows.append(row)
        return rows


def to_diagnostics(rows: Iterable[Status], node_name: str, stamp: Time) -> DiagnosticArray:
    """The message for /diagnostics, named "<node>: <component>"."""
    array = DiagnosticArray()
    array.header.stamp = stamp
    array.status = [
        DiagnosticStatus(
            level=bytes([row.severity]),
            name=f"{node_name}: {row.component}",
            message=row.message,
            hardware_id=node_name,
            values=[KeyValue(key=key, value=value) for key, value in row.values.items()],
        )
        for row in rows
    ]
    return array


def failure(error: Exception, what: str = "a frame failed") -> str:
    """One line about what failed, with the place that a bug report needs."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    why = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return f"{what}: {why} ({Path(where.filename).name}, line {where.lineno})"
