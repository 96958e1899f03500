"""`sam3i annotate`: texts of every level for annotated images, by a multimodal language model."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sam3i_model.chat.client import AgentError, ChatClient
from sam3i_model.terminal import failed, notes
from training.annotations.images import AnnotatedImage, Annotations
from training.annotations.sam3i_json import ANNOTATIONS, write
from training.engine.checking import LanguageModelChecker
from training.engine.export import samples
from training.engine.journal import Journal, JournalError
from training.engine.run import ASSUMED_SECONDS, Estimate, annotate, estimate, statistics
from training.engine.tasks import Task, tasks_of
from training.engine.writing import PROMPT_VERSION, LanguageModelWriter
from training.formats import SourceError, read_annotations
from training.review.store import JOURNAL as REVIEW

SHOWN_PROBLEMS = 10


def annotate_command(
    source: Annotated[Path, typer.Argument(help="Annotations: a file or a folder.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; a half-finished one goes on.")],
    address: Annotated[str, typer.Option(help="Such as http://localhost:8000/v1.")],
    model: Annotated[str, typer.Option(help="Language model that sees images.")],
    checker: Annotated[
        str | None, typer.Option(help="Model that inspects, if it is another.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the pictures, if not the annotations' own.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Split of RefCOCO/+/g, gRefCOCO, Ref-ZOM: train to train on, others to test on."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Pictures at most.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Requests at once.")] = 4,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it takes.")] = False,
) -> None:
    """Write concept, simple, complex and negative texts for annotated images."""
    console = notes()
    folder = images or (source if source.is_dir() else source.parent)
    path = out / "journal.jsonl"
    try:
        spare(source, out, path)
        client = ChatClient(address, model, out / "cache")
        inspector = ChatClient(address, checker or model, out / "cache")
        found = read_annotations(source, folder, split)
        chosen = list(islice(found.images, limit))
        tasks = [task for image in chosen for task in tasks_of(image)]
        report(console, found, chosen, tasks)
        if not tasks:
            raise SourceError(
                f"{source} has no annotation that can be asked about: every one that was read is a "
                "crowd, or there is none. Name a source with instances, or a higher --limit"
            )
        heading = {
            "prompts": PROMPT_VERSION,
            "source": str(source.resolve()),
            "split": split,
            "model": model,
            "checker": inspector.model,
        }
        # A dry run leaves nothing behind, but goes by the figures of a run that was begun.
        journal = Journal(path, heading) if path.exists() or not dry_run else None
    except (AgentError, SourceError, JournalError, OSError) as error:
        raise failed(error) from error
    announce(console, estimate(tasks, journal.records if journal else {}, workers), workers)
    if dry_run or journal is None:
        return
    try:
        with closing(journal), progress(console) as bar:
            line = bar.add_task("tasks", total=len(tasks))
            waiting = annotate(
                tasks,
                folder,
                LanguageModelWriter(client),
                LanguageModelChecker(inspector),
                journal,
                workers,
                lambda: bar.advance(line),
            )
        if waiting:
            console.print(
                f"{waiting:,} tasks wait for pictures that aren't in {folder}: give --images the "
                "folder that file names begin in",
                style="yellow",
            )
        made = samples(tasks, journal.records, found.layout, model)
        write(out / ANNOTATIONS, made)
        conclude(console, out, statistics(tasks, journal.records, made), [client, inspector])
    except (AgentError, OSError) as error:
        raise failed(f"{error}. What is done is kept: run again to go on") from error
    except KeyboardInterrupt:
        console.print("stopped; what is done is kept: run again to go on")
        raise typer.Exit(130) from None


def spare(source: Path, out: Path, journal: Path) -> None:
    """Refuse to write over what somebody else made: the source, or a person's corrections.

    Raises:
        SourceError: It would be lost.
    """
    target = out / ANNOTATIONS
    if source.resolve() in (out.resolve(), target.resolve()):
        raise SourceError(f"{target} would be written into its own source: choose another folder")
    if target.exists() and not journal.exists():
        raise SourceError(f"{target} is there, and not from a run of this: choose another folder")
    if (out / REVIEW).exists():
        raise SourceError(
            f"{target} is reviewed, and would lose its corrections: choose another folder, or move "
            f"{out / REVIEW} away to give them up"
        )


def report(
    console: Console, found: Annotations, chosen: list[AnnotatedImage], tasks: list[Task]
) -> None:
    """What was read, the first entries that could not be, and how many texts are in no task."""
    annotations = sum(len(image.annotations) for image in found.images)
    texts = sum(len(image.references) for image in found.images)
    console.print(
        f"{found.layout}: {len(found.images):,} pictures, {annotations:,} annotations, "
        f"{texts:,} texts; {len(tasks):,} tasks"
    )
    for line in found.problems.lines[:SHOWN_PROBLEMS]:
        console.print(f"  skipped {line}", style="yellow")
    more = found.problems.count - SHOWN_PROBLEMS
    if more > 0:
        console.print(f"  and {more:,} more", style="yellow")
    left = sum(len(image.references) for image in chosen)
    left -= sum(len(task.given) + len(task.given_negative) for task in tasks)
    if left:
        console.print(
            f"  {left:,} texts are left out: they mean crowds, or nothing in a picture that has "
            "nothing else to ask about",
            style="yellow",
        )


def announce(console: Console, left: Estimate, workers: int) -> None:
    """How much there is to do."""
    least, most = (timedelta(seconds=round(s)) for s in left.seconds)
    basis = "as measured so far" if left.measured else f"if a call takes {ASSUMED_SECONDS:g} s"
    console.print(
        f"{left.tasks:,} tasks to do: {left.calls[0]:,} calls if every text holds at once, "
        f"{left.calls[1]:,} at the very most; {least} to {most} with {workers} at once, {basis}"
    )


def conclude(
    console: Console, out: Path, figures: dict[str, Any], clients: list[ChatClient]
) -> None:
    """Say what became of the tasks, and write the figures."""
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    (out / "statistics.json").write_text(text, encoding="utf-8")
    calls, cached = sum(c.calls for c in clients), sum(c.cached for c in clients)
    each = sum(c.seconds for c in clients) / max(calls, 1)
    console.print(
        f"{figures['kept']:,} of {figures['tasks']:,} tasks kept, in {out / ANNOTATIONS}; what was "
        f"dropped and why: {out / 'statistics.json'}. {calls:,} requests of {each:.1f} s, "
        f"{cached:,} answers from the cache"
    )


def progress(console: Console) -> Progress:
    """A bar with what is done and how long it takes."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
