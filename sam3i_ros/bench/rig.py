"""Runs a node in a process of its own under a load, and measures it from outside."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from sam3i_model.terminal import notes
from sam3i_ros.bench.camera import Answer, Camera, Load
from sam3i_ros.bench.fixed import model_name
from sam3i_ros.dds import set_environment

OURS, USUAL = "sam3i_ros.bench.fixed", "sam3i_ros.bench.usual"  # modules that run a node
START = 60.0  # s, that a node may take to come up
WARM_UP = 10.0  # s, not measured
TRANSPORT = 0.03  # s, that a frame may take to the node; a busy machine needs some


@contextmanager
def running(
    command: Sequence[str], log: Path, core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process, on one core if that is given. What it says goes to a file."""
    allowed = os.sched_getaffinity(0)
    with log.open("w") as out:
        if core is not None:
            os.sched_setaffinity(0, {core})  # a process begins on the cores of its parent
        try:
            process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        finally:
            os.sched_setaffinity(0, allowed)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def node_command(module: str, load: Load, parameters: Sequence[str]) -> list[str]:
    """How to start a node that answers a load; `parameters` are more, each `NAME:=VALUE`."""
    asked = json.dumps([f"thing {i}" for i in range(load.instructions)])
    model = model_name(load.delay, load.segments)
    given = ("autostart:=true", f"model:={model}", f"instructions:={asked}", *parameters)
    words = [word for parameter in given for word in ("-p", parameter)]
    return [sys.executable, "-m", module, "--ros-args", *words]


def resident_mb(pid: int) -> float:
    """Resident memory of a process, MB (10^6 bytes); /proc only."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, s; /proc only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    load: Load,
    parameters: Sequence[str] = (),
    *,
    module: str = OURS,
    core: int | None = None,
    pictures: bool = True,
) -> dict[str, Any]:
    """Runs camera and node under a load, and gives all figures; times in ms, memory in MB.

    Without `pictures`, nobody listens to those for people. RuntimeError with the node's last words
    if it does not come up, or not to the end.
    """
    set_environment()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "node.log"
        with running(node_command(module, load, parameters), log, core) as process:
            camera = Camera(load, pictures)
            try:
                return _measure(camera, process, load)
            except RuntimeError as error:
                said = log.read_text(errors="replace").split("\n")
                last = next((line for line in reversed(said) if line.strip()), "nothing")
                raise RuntimeError(f"{error}; the node's last words: {last}") from error
            finally:
                camera.close()


def _measure(camera: Camera, process: subprocess.Popen[bytes], load: Load) -> dict[str, Any]:
    pid = process.pid
    deadline = time.monotonic() + START
    while not camera.ready():
        if process.poll() is not None:
            raise RuntimeError("the node ended before it listened")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the node did not come up within {START:g} s")
        time.sleep(0.1)
    time.sleep(1.0)  # the node may know of the match a moment later
    rate = load.rate
    warm, total = int(WARM_UP * rate), int((WARM_UP + load.seconds) * rate)
    memory = halfway = processor = 0.0
    start = time.monotonic()
    for number in track(range(total), f"{rate:g} Hz", console=notes()):
        if number == warm:
            memory, processor = resident_mb(pid), cpu_seconds(pid)
        if number == (warm + total) // 2:
            halfway = resident_mb(pid)
        camera.show(number)
        time.sleep(max(0.0, start + (number + 1) / rate - time.monotonic()))
    at_end, used = resident_mb(pid), cpu_seconds(pid) - processor
    time.sleep(2.0)  # the last answers, and diagnostics that know of them
    answers = [a for a in camera.answers if a.frame >= warm]
    if process.poll() is not None:
        raise RuntimeError("the node ended while it was measured")
    if not answers:
        raise RuntimeError("no complete answer came")
    return {
        "sent": total,
        **_reported(camera.diagnostics),
        "in_order": [a.frame for a in answers] == sorted(a.frame for a in answers),
        "not_newest": _not_newest(answers, camera.sent),
        "memory_mb": round(at_end, 1),
        "memory_growth_mb": round(at_end - memory, 2),
        "memory_growth_second_half_mb": round(at_end - halfway, 2),
        "cpu_percent": round(100 * used / load.seconds, 1),
        "cpu_ms_per_answer": round(1000 * used / len(answers), 2),
        "answered_hz": round(len(answers) / load.seconds, 2),
        "stamp_to_answer_ms": _quantiles([a.delay for a in answers]),
        "latency_ms": _quantiles([a.latency for a in answers]),
    }


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Of times in s, in ms."""
    p50, p95 = np.quantile(seconds, (0.5, 0.95))
    return {"p50": round(1000 * float(p50), 2), "p95": round(1000 * float(p95), 2)}


def _not_newest(answers: Sequence[Answer], sent: Sequence[float]) -> int:
    """Answers to a frame although a newer one had come before the node could begin with it.

    The node begins after it has given the answer before.
    """
    pairs = itertools.pairwise(answers)
    return sum(
        answer.frame + 1 < len(sent) and sent[answer.frame + 1] + TRANSPORT < before.heard
        for before, answer in pairs
    )


def _reported(diagnostics: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What our node says itself: counts, and p50 and p95 of every stage. Others say nothing."""
    if not diagnostics:
        return {}
    stages = {}
    for key, value in diagnostics["node"].items():
        if key.endswith(" p50/p95"):
            p50, p95 = (float(number) for number in value.removesuffix(" ms").split(" / "))
            stages[key.removesuffix(" p50/p95")] = {"p50": p50, "p95": p95}
    return {
        "received": int(diagnostics["camera"]["images received"]),
        "dropped": int(diagnostics["camera"]["images dropped"]),
        "grounded": int(diagnostics["model"]["frames grounded"]),
        "stages_ms": stages,
    }
