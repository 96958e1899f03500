"""What a run tells while it goes: a bar, OUT/log.jsonl, and curves for TensorBoard."""

from __future__ import annotations

import json
import math
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from sam3i_model.terminal import notes
from training.files import write_text

SMOOTHING = 0.95
NAME = "log.jsonl"


class Log:
    """Of one run; a context.

    Args:
        out: Folder of the run.
        steps: Of the whole run.
        first: Step it goes on from.
        shown: Whether this process is the one that tells.
    """

    def __init__(self, out: Path, steps: int, first: int, shown: bool) -> None:
        if shown:
            forget(out / NAME, first)
        self._out = out
        self._file = (out / NAME).open("a", encoding="utf-8") if shown else None
        self._curves = SummaryWriter(str(out / "tensorboard"), purge_step=first) if shown else None
        columns = (TextColumn("step"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
        said = TextColumn("{task.description}")
        self._progress = Progress(*columns, said, console=notes(), disable=not shown)
        self._task = self._progress.add_task("", total=steps, completed=first)
        self._smooth: dict[str, float] = {}
        self._began = time.monotonic()
        self._waited = 0.0
        self._since = self._began
        self._before = threading.excepthook

    def __enter__(self) -> Log:
        self._progress.start()
        threading.excepthook = _unless_told
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
        for open_one in (self._curves, self._file):
            if open_one is not None:
                with suppress(OSError):  # what could not be written was told, or was the last
                    open_one.close()
        threading.excepthook = self._before

    def step(self, step: int, terms: dict[str, torch.Tensor], waited: float) -> None:
        """Note a step: its losses, and the seconds that it waited for data."""
        self._waited += waited
        for name, value in terms.items():
            old = self._smooth.get(name, value.item())
            self._smooth[name] = SMOOTHING * old + (1 - SMOOTHING) * value.item()
        said = f"loss {self._smooth['loss']:.3f}"
        self._progress.update(self._task, completed=step, description=said)

    def write(self, step: int, rate: float, validation: dict[str, Any]) -> None:
        """Write the smoothed losses, the learning rate, and the share of time spent waiting.

        Raises:
            OSError: They can't be written; one line.
        """
        if self._curves is None or self._file is None:
            return
        try:
            self._write(self._file, self._curves, step, rate, validation)
        except OSError as error:
            said = f"the log in {self._out} can't be written ({error.strerror})"
            raise OSError(f"{said}: make room, and the same command goes on") from error

    def _write(
        self,
        file: TextIO,
        curves: SummaryWriter,
        step: int,
        rate: float,
        validation: dict[str, Any],
    ) -> None:
        now = time.monotonic()
        elapsed = max(now - self._since, 1e-9)
        entry: dict[str, Any] = {"step": step, "seconds": round(now - self._began, 1)}
        entry["waiting"] = round(self._waited / elapsed, 4)
        entry |= {name: round(value, 4) for name, value in self._smooth.items()}
        for name, value in entry.items():
            if name not in ("step", "seconds"):
                curves.add_scalar(f"train/{name}", value, step)
        curves.add_scalar("train/rate", rate, step)
        if validation:
            entry["validation"] = validation
            for level, figures in validation.items():
                for name, value in figures.items():
                    if value is not None:
                        curves.add_scalar(f"validation/{level}/{name}", value, step)
        file.write(json.dumps(entry) + "\n")
        file.flush()
        self._waited, self._since = 0.0, now


def _unless_told(told: threading.ExceptHookArgs) -> None:
    """What ends a thread, but for the curves' on a full disk: `write` says that in a line."""
    if not issubclass(told.exc_type, OSError):
        threading.__excepthook__(told)


def forget(path: Path, after: int) -> None:
    """Leave out of a log what came after a step: a run that goes on from there says it again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(path, "".join(line for line in lines if _step(line) <= after))


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # half a line, from when it was killed
        return math.inf
