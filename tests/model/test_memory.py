"""That arrays of a frame, or of a training step, do not cost page faults each time; each case in a
process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

ROUNDS = 20
SCRIPT = """
import resource, threading
import numpy as np
from sam3i_model.memory import keep_freed_memory

def rounds(count):
    for _ in range(count):
        arrays = [np.ones({shape}, np.float32) for _ in range(4)]
        del arrays

def work():
    rounds(3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    rounds({rounds})
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

keep_freed_memory({arguments})
{begin}
"""
IN_A_THREAD = "thread = threading.Thread(target=work); thread.start(); thread.join()"


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="no glibc")
@pytest.mark.parametrize(
    ("arguments", "shape", "begin"),
    [("", (720, 1280), IN_A_THREAD), ("large=True", (4096, 4096), "work()")],
    ids=["a frame's, in a thread", "a step's of 64 MB"],
)
def test_memory_is_used_again(arguments: str, shape: tuple[int, int], begin: str) -> None:
    script = SCRIPT.format(arguments=arguments, shape=shape, begin=begin, rounds=ROUNDS)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = 4 * shape[0] * shape[1] * 4 // 4096  # of one round; asked for in twenty
    assert int(done.stdout) < pages
