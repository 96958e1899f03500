"""That a frame's arrays do not cost page faults in every frame; in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

ROUNDS, PAGES = 20, 4 * 720 * 1280 * 4 // 4096
FRAMES = f"""
import resource, threading
import numpy as np
from sam3i_ros.memory import keep_freed_memory

def frames(count):
    for _ in range(count):
        arrays = [np.ones((720, 1280), np.float32) for _ in range(4)]
        del arrays

def work():
    frames(3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    frames({ROUNDS})
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

keep_freed_memory()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="no glibc")
def test_frames_reuse_memory() -> None:
    done = subprocess.run([sys.executable, "-c", FRAMES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < PAGES  # of one frame, in twenty
