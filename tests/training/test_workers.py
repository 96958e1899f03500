"""Workers of a training end with it, and one that is killed is told as such."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from tests.training.test_parent import PROJECT, ended
from training.samples import workers

TRAINER = """
import multiprocessing, os, time
from multiprocessing.forkserver import _forkserver
from tests.training.test_workers import Endless
from training.samples.workers import made
if __name__ == "__main__":
    batches = made(Endless(), 2)
    next(batches)
    children = [child.pid for child in multiprocessing.active_children()]
    print(*children, _forkserver._forkserver_pid, flush=True)
    time.sleep(60)
"""


class Endless(torch.utils.data.IterableDataset[torch.Tensor]):
    """Batches without end."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        while True:
            yield torch.zeros(1000)


def test_a_worker_that_is_killed_is_no_fault_of_the_data(monkeypatch):
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.1)
    before = set(multiprocessing.active_children())
    batches = workers.made(Endless(), 1)
    next(batches)
    (worker,) = set(multiprocessing.active_children()) - before
    worker.kill()
    with pytest.raises(ChildProcessError, match=r"was killed .*: fewer `workers`"):
        for _ in batches:
            pass


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(104, "Connection reset by peer"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
    ],
)
def test_a_worker_is_missed_in_several_ways(monkeypatch, error):
    def lost(*given, **named) -> Iterator[torch.Tensor]:
        raise error
        yield

    monkeypatch.setattr(torch.utils.data, "DataLoader", lost)
    with pytest.raises(ChildProcessError, match="was killed"):
        next(workers.made(Endless(), 1))


def test_workers_end_with_a_killed_training(tmp_path):
    script = tmp_path / "trainer.py"
    script.write_text(TRAINER)
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])}
    with subprocess.Popen([sys.executable, script], env=known, stdout=subprocess.PIPE) as trainer:
        assert trainer.stdout is not None
        children = [int(word) for word in trainer.stdout.readline().split()]
        assert len(children) == 3, "two workers and what starts them"
        trainer.send_signal(signal.SIGKILL)
    assert all(map(ended, children))
