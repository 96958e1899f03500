"""The process that started this one."""

from __future__ import annotations

import multiprocessing
import os
import threading


def end_with_parent(_worker: int = 0) -> None:
    """End this process as soon as the one that started it by `multiprocessing` is gone, however.

    Workers hold each other's pipes, and a forkserver's their server's: none sees the end of any.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "nobody waits for this one"

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
