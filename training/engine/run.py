"""All tasks of a source, several at once, each into the journal as it is finished."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam3i_model.chat.client import CORRECTIONS
from training.annotations.sam3i_json import TEXT_LISTS, Sample
from training.engine.checking import Checker
from training.engine.journal import Journal
from training.engine.settling import ROUNDS, Settled, settle
from training.engine.tasks import MissingPictureError, Task, UnusableError, load_case
from training.engine.writing import WANTED, Writer

CALLS_A_ROUND = 1 + sum(WANTED.values())
"""One to write, one to inspect each text."""
LEAST_CALLS = CALLS_A_ROUND + len(TEXT_LISTS)
"""Of a task without texts of its own that passes at once, its negative texts included."""
ASSUMED_SECONDS = 3.0
"""A call, where nothing was measured yet."""
MAX_REASONS = 50
"""For dropping a task: some name a picture, and there may be as many as pictures."""


@dataclass(frozen=True)
class Estimate:
    """What is left of a run: tasks, calls at least and at most, seconds at least and at most."""

    tasks: int
    calls: tuple[int, int]
    seconds: tuple[float, float]
    measured: bool


def estimate(
    tasks: Sequence[Task], records: Mapping[str, Mapping[str, Any]], workers: int
) -> Estimate:
    """What a run would still take; by the figures of its own journal where it has any."""
    left = [task for task in tasks if task.key not in records]
    given = sum(len(task.given) + len(task.given_negative) for task in left)
    least = len(left) * LEAST_CALLS + given
    asks = len(left) * (CALLS_A_ROUND * ROUNDS + len(TEXT_LISTS)) + given
    most = asks * (1 + CORRECTIONS)
    calls = sum(r["calls"] for r in records.values())
    seconds = sum(r["seconds"] for r in records.values())
    each = (seconds / calls if calls else ASSUMED_SECONDS) / workers
    return Estimate(len(left), (least, most), (least * each, most * each), bool(calls))


def annotate(
    tasks: Sequence[Task],
    images: Path,
    writer: Writer,
    checker: Checker,
    journal: Journal,
    workers: int,
    advance: Callable[[], None],
) -> int:
    """Work on every task that the journal doesn't have.

    Returns:
        How many of them wait for a picture that isn't there; they stay out of the journal.

    Raises:
        AgentError: Writer or checker can't be had; what is finished is in the journal.
        OSError: The journal or the cache of answers can't be written; likewise.
    """
    stop = threading.Event()
    pending: set[Future[dict[str, Any] | None]] = set()
    waiting = 0

    def collect(done: Iterable[Future[dict[str, Any] | None]]) -> None:
        nonlocal waiting
        for future in done:
            record = future.result()
            pending.discard(future)
            if record is None:
                waiting += 1
            else:
                journal.add(record)
            advance()

    with ThreadPoolExecutor(workers) as pool:
        try:
            for task in tasks:
                if task.key in journal.records:
                    advance()
                    continue
                pending.add(pool.submit(_work, task, images, writer, checker, stop.is_set))
                if len(pending) >= 2 * workers:  # not more, each may hold a picture
                    collect(wait(pending, return_when=FIRST_COMPLETED).done)
            while pending:
                collect(wait(pending, return_when=FIRST_COMPLETED).done)
        except BaseException:
            stop.set()  # a task under way ends with its next call
            pool.shutdown(cancel_futures=True)
            collect([f for f in pending if not f.cancelled() and f.exception() is None])
            raise
    return waiting


def _work(
    task: Task, images: Path, writer: Writer, checker: Checker, stopped: Callable[[], bool]
) -> dict[str, Any] | None:
    began = time.monotonic()
    calls = 0
    try:
        case = load_case(task, images)
        settled = settle(case, writer, checker, stopped=stopped)
        calls = case.asked
    except MissingPictureError:
        return None
    except UnusableError as error:
        settled = Settled(why=str(error))
    return {
        "key": task.key,
        "kept": not settled.missing,
        "granularity": task.granularity,
        "texts": settled.texts,
        "negative": settled.negative,
        "rounds": settled.rounds,
        "dropped": dict(settled.dropped),
        "why": settled.why,
        "calls": calls,
        "seconds": round(time.monotonic() - began, 3),
    }


def statistics(
    tasks: Sequence[Task], done: Mapping[str, Mapping[str, Any]], made: Sequence[Sample]
) -> dict[str, Any]:
    """Counts for people: tasks kept and dropped with the reason, texts dropped with the reason.

    `done` may have more than `tasks`: of pictures that the source says something else of by now.
    """
    records = [done[task.key] for task in tasks if task.key in done]
    dropped: Counter[str] = Counter()
    for record in records:
        dropped.update(record["dropped"])
    kept = [r for r in records if r["kept"]]
    reasons = Counter(r["why"] for r in records if not r["kept"])
    why = dict(reasons.most_common(MAX_REASONS))
    if rare := reasons.total() - sum(why.values()):
        why["others"] = rare
    return {
        "tasks": len(records),
        "kept": len(kept),
        "kept_by_granularity": dict(Counter(r["granularity"] for r in kept)),
        "kept_by_rounds": {
            str(k): v for k, v in sorted(Counter(r["rounds"] for r in kept).items())
        },
        "texts": {key: sum(len(s.texts[key]) for s in made) for key in TEXT_LISTS},
        "negative_texts": sum(len(said) for s in made for said in s.negative.values()),
        "texts_dropped": dict(dropped.most_common()),
        "tasks_dropped": why,
        "calls": sum(r["calls"] for r in records),
        "seconds": round(sum(r["seconds"] for r in records), 1),
    }
