"""`sam3i prepare`: recordings in, a data set to review and to train on out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cv2
import typer
from rich.console import Console
from rich.markup import escape

from sam3i_model.instruction import Level, refusal
from sam3i_model.terminal import failed, notes
from training.annotations.entries import EntryError
from training.annotations.images import Problems
from training.bags.asked import Asked, asked_of
from training.bags.bag import Bag
from training.bags.describe import announce, conclusion, describe
from training.bags.folder import JOURNAL, begin, check_folder, try_to_write
from training.bags.heads import SECOND
from training.bags.looks import Judge
from training.bags.picking import Plan
from training.bags.preview import contact_sheet
from training.bags.result import conclude, samples
from training.bags.scan import Contents, scan
from training.bags.storage import BagError
from training.bags.taking import Taker, file_prefixes
from training.bags.topics import Camera, Wishes, choose
from training.engine.command import progress
from training.engine.journal import Journal, JournalError

if TYPE_CHECKING:
    from training.bags.labels import Model

PREVIEW = "preview.jpg"
DONE = {"key": "done"}
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Found:
    """A recording that was looked through: what is in it, and what is to be taken."""

    bag: Bag
    contents: Contents
    camera: Camera
    plan: Plan


def prepare_command(
    bags: Annotated[list[Path], typer.Argument(help="Recordings: rosbag2 folders or files.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; a half-finished one goes on.")],
    image: Annotated[str, typer.Option(help="Colour topic.")] = "",
    depth: Annotated[str, typer.Option(help="Depth topic, or 'none'.")] = "",
    info: Annotated[str, typer.Option("--camera-info", help="camera_info topic.")] = "",
    answers: Annotated[str, typer.Option(help="SegmentArray topic of the node.")] = "",
    instruction: Annotated[
        list[str] | None, typer.Option(help="A sentence to ask of every frame; may be repeated.")
    ] = None,
    teacher: Annotated[
        str, typer.Option(help="Checkpoint that labels, instead of the recorded answers.")
    ] = "",
    device: Annotated[
        str, typer.Option(help="Of the teacher: auto, cpu, cuda or cuda:N.")
    ] = "auto",
    score: Annotated[
        float, typer.Option(min=0, max=1, help="Labels below it wait for a person.")
    ] = 0.5,
    rate: Annotated[float, typer.Option(min=0, help="Frames a second at most; 0: all.")] = 2.0,
    motion: Annotated[
        int, typer.Option(min=0, max=255, help="Least change of a frame, in grey levels; 0: any.")
    ] = 8,
    blur: Annotated[
        float, typer.Option(min=0, max=1, help="Least sharpness, as a share of the usual; 0: any.")
    ] = 0.3,
    slop: Annotated[
        float, typer.Option(min=0, max=10, help="Seconds between an image and its depth.")
    ] = 0.05,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is there and what would be taken.")
    ] = False,
) -> None:
    """Make a data set of recordings: frames, what was asked, what the node answered."""
    console = notes()
    problems = Problems()
    wishes = Wishes(image, depth, info, answers)
    try:
        check_folder(out)
        extra = extra_instructions(instruction or [], console)
        with ExitStack() as stack:
            opened = [stack.enter_context(Bag(path, problems.add)) for path in bags]
            prefixes = file_prefixes(opened)
            heading = {
                "bags": [[prefix, bag.size] for prefix, bag in zip(prefixes, opened, strict=True)],
                "topics": [image, depth, info, answers],
                "instructions": [asked.text for asked in extra],
                "teacher": teacher,
                "score": score,
                "rate": rate,
                "motion": motion,
                "blur": blur,
                "slop": slop,
            }
            # A folder that can't be written or gone on with is told before the bags are read, but a
            # new one is begun only when there is something to take.
            begun = (out / JOURNAL).exists()
            journal = begin(out, heading, stack) if begun and not dry_run else None
            if not (begun or dry_run):
                try_to_write(out)
            if journal and DONE["key"] in journal.records:
                console.print(f"{out} is complete already; for another data set, name a new folder")
                return
            model = None if dry_run or not teacher else (teacher, load_teacher(teacher, device))
            found = [
                look_through(bag, wishes, rate, slop, extra, bool(teacher), problems, console)
                for bag in opened
            ]
            for each in found:
                describe(console, each.bag, each.contents, each.camera)
            announce(console, [(each.camera, each.plan) for each in found])
            if not any(each.plan.slots for each in found):
                raise BagError(nothing_said([each.camera for each in found]))
            if dry_run:
                report(console, problems)
                return
            journal = journal or begin(out, heading, stack)
            takers = [
                Taker(f.bag, f.camera, out, p, Judge(blur, motion), score, model, problems)
                for f, p in zip(found, prefixes, strict=True)
            ]
            take(list(zip(found, takers, prefixes, strict=True)), journal, console)
            records = list(journal.records.values())
            if not any(record["image"] for record in records):
                raise BagError(
                    f"none of {len(records):,} pictures can be read: delete {out}, and name "
                    "another topic with --image"
                )
            figures = conclude(out, records, problems)
            save_preview(out, records)
            journal.add(DONE)
    except KeyboardInterrupt:
        console.print("stopped; what is done is kept: run again to go on")
        raise typer.Exit(130) from None
    except (BagError, JournalError, EntryError) as error:
        report(console, problems)
        raise failed(error) from error
    except OSError as error:
        what = f"{error.filename or out}: {error.strerror or error}"
        raise failed(f"{what}. What is done is kept: mend that and run again") from error
    report(console, problems)
    conclusion(console, out, figures)


def extra_instructions(texts: Sequence[str], console: Console) -> list[Asked]:
    """The sentences of --instruction; of those that a model reads alike the first, which is said.

    Raises:
        EntryError: One can't be asked.
    """
    kept: dict[tuple[Level, str, bool], Asked] = {}
    for number, text in enumerate(dict.fromkeys(texts), 1):
        if reason := refusal(text):
            raise EntryError(f'--instruction "{text}": {reason}')
        asked = asked_of(f"extra-{number}", text, 0)
        read = asked.routing
        first = kept.setdefault((read.level, read.prompt, read.definite), asked)
        if first is not asked:
            line = f'"{asked.text}" is left out: it is read as "{first.text}" is'
            console.print(line, style="yellow")
    return list(kept.values())


def nothing_said(cameras: Sequence[Camera]) -> str:
    """Why nothing is to be asked of the images, and what to do."""
    unheard = ", ".join(dict.fromkeys(topic for camera in cameras for topic in camera.unheard))
    other = f"what was said on {unheard} is for another camera: name that with --image, or"
    return (
        f"{other if unheard else 'no instruction was recorded with the images:'} give sentences "
        'to label with --instruction "the red mug"'
    )


def load_teacher(name: str, device: str) -> Model:
    """A checkpoint as a model that labels.

    Raises:
        BagError: It can't be loaded.
    """
    from sam3i_model.checkpoints.loading import CheckpointError
    from sam3i_model.segmenter import Segmenter

    try:
        return Segmenter.from_pretrained(name, device)
    except CheckpointError as error:
        raise BagError(str(error)) from error


def look_through(
    bag: Bag,
    wishes: Wishes,
    rate: float,
    slop: float,
    extra: Sequence[Asked],
    teacher: bool,
    problems: Problems,
    console: Console,
) -> Found:
    """Scan a recording and decide what to take.

    Raises:
        BagError: It has no camera.
    """
    nanoseconds = round(slop * SECOND)
    with progress(console) as bar:
        line = bar.add_task(f"reading {escape(bag.name)}, MB", total=bag.size // MEGABYTE)
        contents = scan(bag, problems, lambda done: bar.update(line, completed=done // MEGABYTE))
    try:
        camera = choose(bag, contents, wishes, nanoseconds)
    except BagError as error:
        raise BagError(f"{bag.path}: {error}") from error
    plan = Plan(contents, camera, rate, nanoseconds, extra, teacher)
    return Found(bag, contents, camera, plan)


def take(takers: Sequence[tuple[Found, Taker, str]], journal: Journal, console: Console) -> None:
    """Take every slot that the journal doesn't have."""
    with progress(console) as bar:
        total = sum(len(found.plan.slots) for found, _, _ in takers)
        line = bar.add_task("taking frames", total=total)
        for found, taker, prefix in takers:
            for slot in found.plan.slots:
                key = f"{prefix}/{slot.key}"
                if key in journal.records:
                    taker.remember(journal.records[key])
                else:
                    journal.add(taker.take(slot, key))
                bar.advance(line)


def save_preview(out: Path, records: Sequence[dict[str, Any]]) -> None:
    """Write the contact sheet."""
    sheet = cv2.cvtColor(contact_sheet(out, samples(records)), cv2.COLOR_RGB2BGR)
    (out / PREVIEW).write_bytes(cv2.imencode(".jpg", sheet)[1].tobytes())


def report(console: Console, problems: Problems) -> None:
    """Say what could not be read."""
    for line in lines(problems):
        console.print(line, style="yellow")


def lines(problems: Problems, shown: int = 20) -> Iterator[str]:
    """The first problems, and how many there are more."""
    yield from problems.lines[:shown]
    if problems.count > shown:
        yield f"and {problems.count - shown:,} more"
