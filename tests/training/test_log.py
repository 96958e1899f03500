"""What a run tells: nothing is lost in silence where the disk is full."""

from __future__ import annotations

import errno
import json
import threading

import pytest
import torch
from tensorboard.compat.tensorflow_stub.io import gfile

from training.loop.log import NAME, Log

LOSS = {"loss": torch.tensor(2.0)}


def test_curves_that_cannot_be_written_are_one_line(tmp_path, monkeypatch, capsys):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = threading.excepthook
    with Log(tmp_path, 9, 0, shown=True) as log:
        monkeypatch.setattr(gfile.LocalFileSystem, "_write", full)
        log.write(1, 1.0, {})
        for thread in threading.enumerate():
            if type(thread).__module__.startswith("tensorboard"):
                thread.join(60)  # it ends of the full disk
        said = r"the log in .* can't be written \(No space left on device\): make room, and"
        with pytest.raises(OSError, match=said):
            log.write(2, 1.0, {})
    assert "Traceback" not in capsys.readouterr().err
    assert threading.excepthook is before


def test_a_run_that_goes_on_says_later_steps_again(tmp_path):
    for first, last in ((0, 3), (2, 4)):
        with Log(tmp_path, 4, first, shown=True) as log:
            for step in range(first + 1, last + 1):
                log.step(step, LOSS, 0.0)
                log.write(step, 1.0, {})
    said = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert [entry["step"] for entry in said] == [1, 2, 3, 4]
    assert {entry["loss"] for entry in said} == {2.0}
