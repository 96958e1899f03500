"""Processes end with the one that started them, even if that is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.parent import end_with_parent

PROJECT = Path(__file__).resolve().parents[2]
PARENT = """
import multiprocessing, time
from tests.training.test_parent import linger
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    said = context.Queue()
    for _ in range(2):
        context.Process(target=linger, args=(said,)).start()
    print(said.get(), said.get(), flush=True)
    time.sleep(60)
"""


def linger(said: multiprocessing.Queue[int]) -> None:
    """A worker that would stay for a minute."""
    end_with_parent()
    said.put(os.getpid())
    time.sleep(60)


def ended(process: int, within: float = 5.0) -> bool:
    """Whether a process is gone soon; a dead one that nobody has waited for counts as gone."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_when_the_one_that_started_them_is_killed(tmp_path, method, how):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(method=method))
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])}
    with subprocess.Popen([sys.executable, script], env=known, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.send_signal(how)
    assert all(map(ended, workers))
