"""`sam3i replay`: a recording through a model, as the node would have answered it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rclpy.exceptions import InvalidTopicNameException
from rclpy.validate_full_topic_name import validate_full_topic_name
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from sam3i_model.terminal import complain, notes
from sam3i_ros.bags import BagError, messages, open_bag
from sam3i_ros.health import Health
from sam3i_ros.instructions import InstructionList
from sam3i_ros.interrupts import heed, heed_none
from sam3i_ros.parameters import defaults
from sam3i_ros.pipeline import SegmenterLike
from sam3i_ros.replay.result_bag import ResultBag, is_result_bag
from sam3i_ros.replay.run import Replay
from sam3i_ros.replay.topics import Topics, choose, copied, outdated
from sam3i_ros.replay.workplace import clear

MAX_INSTRUCTIONS, MAX_RATE = 64, 240.0  # as much as the node can be set to
INTERRUPTED = 130  # exit status, as a shell gives it


def replay_command(
    bag: Annotated[Path, typer.Argument(help="rosbag2: a folder, an .mcap or a .db3 file.")],
    out: Annotated[Path, typer.Option(help="Folder of the new bag (MCAP).")],
    model: Annotated[str, typer.Option(help="bundled, a folder, a .pt or a hub id.")] = "bundled",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    instruction: Annotated[
        list[str] | None,
        typer.Option(help="Look for this instead of what was recorded; again for more."),
    ] = None,
    name: Annotated[
        str, typer.Option(help="Node that the results are named after, such as left/sam3i.")
    ] = "sam3i",
    rate: Annotated[
        float, typer.Option(help="Most images answered per recorded second; 0: all.")
    ] = 0.0,
    image: Annotated[str, typer.Option(help="Colour topic, if there are several.")] = "",
    depth: Annotated[str, typer.Option(help="Depth topic, if there are several; or none.")] = "",
    camera_info: Annotated[str, typer.Option(help="camera_info of the colour camera.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace earlier results.")] = False,
) -> None:
    """Run a recording through a model; camera and results go into a new bag."""
    # Here, as torch takes seconds that `--help` need not wait for.
    from sam3i_model.checkpoints.weights import CheckpointError
    from sam3i_model.segmenter import Segmenter

    heed()
    console = notes()
    status = 1
    try:
        check_place(bag, out, force)
        base = below(name)
        if not 0.0 <= rate <= MAX_RATE:
            raise BagError(f"--rate {rate:g}: not between 0 and {MAX_RATE:g} images a second")
        active = asked(instruction or ())
        with open_bag(bag) as reader:
            topics = choose(reader, image, depth, camera_info, recorded=not instruction)
            copies = copied(reader, topics, base)
            if old := ", ".join(sorted(outdated(reader) - {base})):
                console.print(f"Results of {old} are of another version and are left out.")
            segmenter = Segmenter.from_pretrained(model, device)
            status = play(reader, topics, copies, segmenter, active, out, base, rate, console)
    except (BagError, CheckpointError) as error:
        complain(error)
    except OSError as error:
        complain(f"{out} can't be written: {error.strerror or error}")
    except KeyboardInterrupt:
        complain("stopped before anything was written")
        status = INTERRUPTED
    raise typer.Exit(status)


def check_place(bag: Path, out: Path, force: bool) -> None:
    """Refuse to write over anything but earlier results, and that only if told to."""
    if out.resolve() in (bag.resolve(), *bag.resolve().parents):
        raise BagError(f"{out} is where the recording itself is; name another place")
    if out.exists() and not force:
        raise BagError(f"{out} is there already; name another place, or give --force")
    if out.exists() and not is_result_bag(out):
        raise BagError(f"{out} is not a bag of results alone and stays; name another place")


def below(name: str) -> str:
    """The name that those of a node's topics begin with; BagError if ROS allows none such."""
    base = "/" + name.strip("/")
    try:
        validate_full_topic_name(f"{base}/segments")
    except InvalidTopicNameException as error:
        raise BagError(f"--name {name}: a node can't be called that") from error
    return base


def asked(texts: Sequence[str]) -> InstructionList:
    """The instructions of the command line."""
    active = InstructionList(MAX_INSTRUCTIONS)
    for entry in active.replace_defaults(texts):
        if entry.rejected:
            raise BagError(f"--instruction {entry.instruction.text!r}: {entry.rejected}")
    return active


def play(
    reader: AnyReader,
    topics: Topics,
    copies: Sequence[Connection],
    segmenter: SegmenterLike,
    active: InstructionList,
    out: Path,
    base: str,
    rate: float,
    console: Console,
) -> int:
    """Answer the whole recording and say what came of it; the exit status."""
    for folder in clear(out):
        console.print(f"{folder} has the results that were at {out} before: a run broke off there.")
    target = ResultBag(out, reader, copies, base)
    health = Health(lambda severity, text: console.print(text, style="yellow"))
    types = {c.topic: c.msgtype for c in copies}
    replay = Replay(topics, types, segmenter, active, defaults(), health, target.add, rate)
    total = sum(c.msgcount for c in reader.connections if c.topic == topics.image)
    recorded, began = reader.duration * 1e-9, time.monotonic()
    status, ended = 0, ""
    with _progress(console) as progress, target:
        task = progress.add_task("images", total=total)
        try:
            try:
                # The first camera_info holds for the first image too, even if it came after it.
                for message in messages(reader, [c for c in copies if c.topic == topics.info]):
                    replay.feed(message)
                    break
                for message in messages(reader, copies):
                    target.copy(message)
                    replay.feed(message)
                    progress.update(task, completed=replay.done)
                replay.finish()
                progress.update(task, completed=replay.done)
            finally:
                heed_none()  # what was answered is put into place
        except KeyboardInterrupt:
            status, ended = INTERRUPTED, "Stopped. "
        except BagError as error:
            status, ended = 1, f"{error} "
    if replay.answered:
        made = f"{out} has answers to {replay.answered} of {total} images"
    else:
        made = f"Nothing was written to {out}: none of {total} images was answered"
        status = status or 1
    seconds = time.monotonic() - began
    console.print(
        f"{ended}{made}, after {seconds:.1f} s ({recorded / seconds:.2f} x real time)",
        style="red" if status else "green",
    )
    if replay.failed:
        complain(f"{replay.failed} messages failed, the first: {replay.reason}")
    return status


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
    )
