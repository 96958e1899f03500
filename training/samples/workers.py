"""Processes that make batches ahead of the training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from training.annotations.entries import SourceError
from training.parent import end_with_parent
from training.samples.batches import Batch


def fresh_processes() -> Any:
    """Where workers come from: a fork of this process would share its threads' locks (OpenCV's,
    DDS's) without the threads, and hang or crash."""
    context = torch.multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.samples.from_world", "training.samples.batches"])
    return context


def made(batches: torch.utils.data.IterableDataset[Batch], workers: int) -> Iterator[Batch]:
    """Batches that so many processes make; these end with this one, however it ends.

    Raises:
        SourceError, OSError: Data can't be read, or a process was killed; one line.
    """
    loader = torch.utils.data.DataLoader(
        batches,
        batch_size=None,
        num_workers=workers,
        multiprocessing_context=fresh_processes(),
        worker_init_fn=end_with_parent,
    )
    try:
        yield from loader
    except (SourceError, OSError, EOFError, RuntimeError) as error:
        if _killed(error):
            said = "a process that makes batches was killed (out of memory?)"
            raise ChildProcessError(f"{said}: fewer `workers` need less") from error
        if isinstance(error, EOFError | RuntimeError):
            raise
        # what a worker says comes after its traceback
        said = str(error).strip().rpartition("\n")[2].rpartition("Error: ")[2]
        raise type(error)(f"{said}: put it right, and the same command goes on") from error


def _killed(error: Exception) -> bool:
    """Whether an error tells of a worker's end, and isn't one that the worker has caught."""
    said = str(error)
    if said.startswith("Caught "):
        return False
    lost = isinstance(error, ConnectionError | EOFError | FileNotFoundError)  # a tensor's owner
    return lost or "DataLoader worker (pid" in said
