"""What the node says about itself, with a clock that the test turns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from sam3i_ros import health
from sam3i_ros.health import (
    HOLD,
    LOG_EVERY,
    WINDOW,
    Health,
    Percentiles,
    Severity,
    failure,
    percentiles,
    to_diagnostics,
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_percentiles() -> None:
    values = percentiles(range(101))
    assert (values.p50, values.p95) == (50, 95)
    assert percentiles([]) == Percentiles(0.0, 0.0)
    assert percentiles([3.0]).p50 == 3.0


def test_a_lasting_fault_is_logged_once(clock: Clock) -> None:
    lines: list[tuple[Severity, str]] = []
    health = Health(lambda severity, text: lines.append((severity, text)), clock)
    for _ in range(1000):
        health.fault("camera.image", Severity.ERROR, "bad; mend it")
        clock.now += 0.1
    assert lines == [(Severity.ERROR, "bad; mend it")]
    assert health.faults()[0].count == 1000


def test_a_changing_fault_is_logged_seldom(clock: Clock) -> None:
    lines: list[str] = []
    health = Health(lambda severity, text: lines.append(text), clock)
    for i in range(100):  # 20 s
        health.fault("geometry.no_depth", Severity.WARN, f"{i} ms away")
        clock.now += 0.2
    assert lines == ["0 ms away", f"{round(LOG_EVERY / 0.2)} ms away"]


def test_what_changes_soon_after_a_line_is_logged_when_that_may_be(clock: Clock) -> None:
    lines: list[tuple[float, str]] = []
    health = Health(lambda severity, text: lines.append((clock.now, text)), clock)
    for second in range(30):
        text = "no depth" if second < 3 else "another size"
        health.fault("geometry.depth", Severity.WARN, text)
        clock.now += 1
    assert lines == [(100.0, "no depth"), (100.0 + LOG_EVERY, "another size")]


def test_a_fault_runs_out_and_is_logged_when_it_comes_back(clock: Clock) -> None:
    lines: list[str] = []
    health = Health(lambda severity, text: lines.append(text), clock)
    health.fault("camera.image", Severity.ERROR, "bad")
    clock.now += HOLD + 0.1
    assert health.faults() == []
    clock.now += LOG_EVERY
    health.fault("camera.image", Severity.ERROR, "bad")
    assert lines == ["bad", "bad"]


def test_a_fault_that_comes_back_soon_and_stays_is_logged(clock: Clock) -> None:
    lines: list[float] = []
    health = Health(lambda severity, text: lines.append(clock.now), clock)
    for second in range(30):
        if not 0 < second < HOLD + 3:
            health.fault("geometry.depth", Severity.WARN, "no depth")
        clock.now += 1
    assert lines == [100.0, 100.0 + LOG_EVERY]


def test_a_fault_that_is_taken_back_and_comes_back_is_logged_as_seldom(clock: Clock) -> None:
    """As with a planner that asks for the same again and again, some of which is rejected."""
    lines: list[float] = []
    health = Health(lambda severity, text: lines.append(clock.now), clock)
    for _ in range(120):  # 15 s
        health.clear("instructions.rejected")
        assert health.faults() == []
        health.fault("instructions.rejected", Severity.WARN, "too long")
        assert [fault.text for fault in health.faults()] == ["too long"]
        clock.now += 0.125
    assert lines == [100.0, 100.0 + LOG_EVERY]


def test_the_worst_fault_heads_its_component(clock: Clock) -> None:
    health = Health(clock=clock)
    health.fault("camera.age", Severity.WARN, "old")
    health.fault("camera.silent", Severity.ERROR, "no image")
    rows = {row.component: row for row in health.report({"model": {"name": "m"}})}
    assert (rows["camera"].severity, rows["camera"].message) == (Severity.ERROR, "no image")
    assert rows["camera"].values == {
        "camera.silent": "no image (1 times)",
        "camera.age": "old (1 times)",
    }
    assert (rows["model"].severity, rows["model"].values) == (Severity.OK, {"name": "m"})
    health.clear("camera.silent")
    assert health.faults()[0].key == "camera.age"


def test_rates_and_counters(clock: Clock) -> None:
    health = Health(clock=clock)
    for _ in range(31):
        health.tick("image")
        clock.now += 0.1
    assert health.rate("image") == pytest.approx(10.0)
    assert health.counter("image") == 31
    assert health.rate("depth") == 0.0
    for _ in range(2):
        health.tick("depth")
        clock.now += 0.5
    assert health.rate("depth") == pytest.approx(2.0)
    clock.now += 60
    assert health.rate("image") == 0.0
    health.count("dropped")
    health.count("dropped", 3)
    assert health.counter("dropped") == 4


def test_a_quick_rate_is_that_of_the_latest_events(clock: Clock) -> None:
    health = Health(clock=clock)
    for period in (0.01, 0.001):
        for _ in range(WINDOW):
            clock.now += period
            health.tick("age")
    assert health.rate("age") == pytest.approx(1000.0)


def test_durations_are_bounded(clock: Clock) -> None:
    health = Health(clock=clock)
    for i in range(10_000):
        health.took("decode", i / 1000)
    assert health.stages()["decode"].p50 == pytest.approx(9.871, abs=0.002)


def test_the_message(clock: Clock) -> None:
    health = Health(clock=clock)
    health.fault("model.load", Severity.ERROR, "no such folder; give a path")
    array = to_diagnostics(health.report({}), "/sam3i", Time(sec=7))
    assert array.header.stamp.sec == 7
    rows = {status.name: status for status in array.status}
    assert list(rows) == [
        f"/sam3i: {c}" for c in ("camera", "geometry", "instructions", "model", "node")
    ]
    text = "no such folder; give a path"
    assert rows["/sam3i: model"] == DiagnosticStatus(
        level=b"\x02",
        name="/sam3i: model",
        message=text,
        hardware_id="/sam3i",
        values=[KeyValue(key="model.load", value=f"{text} (1 times)")],
    )
    assert rows["/sam3i: camera"].level == b"\x00"


def test_a_failure_is_one_short_line_with_its_place() -> None:
    def fail() -> None:
        def deeper() -> None:
            raise ValueError("two\nlines " + 400 * "x")

        deeper()

    with pytest.raises(ValueError, match="two") as caught:
        fail()
    line = fail.__code__.co_firstlineno + 2
    text = f"ValueError: two lines {400 * 'x'}"[:300]
    assert failure(caught.value) == f"a frame failed: {text} (test_health.py, line {line})"


def test_every_fault_of_the_node_belongs_to_a_row_of_the_diagnostics():
    sources = Path(health.__file__).parent.rglob("*.py")
    keys = re.findall(r'fault\(\s*"(\w+)\.', "".join(p.read_text("utf-8") for p in sources))
    assert len(keys) > 10
    assert set(keys) <= set(health.COMPONENTS)
