"""Says what is in a recording and what is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from training.bags.bag import Bag
from training.bags.heads import SECOND
from training.bags.picking import Plan
from training.bags.pictures import COMPRESSED
from training.bags.scan import Contents, Stream
from training.bags.topics import Camera
from training.bags.views import View

JPEG_BYTES, PNG_BYTES = 0.4, 0.8
"""Bytes a pixel: of a raw image written as JPEG, and of raw depth written as PNG; roughly."""
_SHOWN = 15


def describe(console: Console, bag: Bag, contents: Contents, camera: Camera) -> None:
    """The topics of a recording, and what each was taken for."""
    roles = {id(camera.colour.stream): "colour", id(camera.info): "intrinsics"}
    if camera.depth:
        roles[id(camera.depth.stream)] = "depth"
    if camera.answers:
        roles[id(camera.answers.stream)] = "answers"
    table = Table(title=str(bag.path))
    table.add_column("topic", overflow="fold")
    for column in ("type", "messages", "Hz", "MB", "taken as"):
        table.add_column(column)
    for stream in sorted(contents.streams.values(), key=lambda s: s.topic.name):
        table.add_row(
            stream.topic.name,
            stream.topic.type.rsplit("/", 1)[-1],
            f"{len(stream):,}",
            _rate(stream),
            f"{stream.bytes / 1e6:,.1f}",
            roles.get(id(stream), ""),
        )
    console.print(table)
    for note in camera.notes:
        console.print(note, style="yellow")


def announce(console: Console, plans: Sequence[tuple[Camera, Plan]]) -> None:
    """What would be taken at most, and how large it would get."""
    answered: Counter[str] = Counter()
    unanswered: Counter[str] = Counter()
    frames, size = 0, 0.0
    for camera, plan in plans:
        frames += len(plan.slots)
        for slot in plan.slots:
            first = slot.frames[0]
            answered.update(asked.text for asked in first.answered)
            unanswered.update(asked.text for asked in first.open)
            size += _bytes(camera.colour, JPEG_BYTES)
            if first.depth is not None and camera.depth:
                size += _bytes(camera.depth, PNG_BYTES)
    if not frames:
        return
    table = Table("instruction", "frames with an answer", "without")
    texts = list((answered + unanswered).keys())
    for text in texts[:_SHOWN]:
        table.add_row(text, f"{answered[text]:,}", f"{unanswered[text]:,}")
    if len(texts) > _SHOWN:
        table.add_row(f"and {len(texts) - _SHOWN:,} more", "", "")
    console.print(table)
    console.print(
        f"at most {frames:,} frames with {answered.total() + unanswered.total():,} samples, "
        f"about {size / 1e6:,.0f} MB"
    )


def conclusion(console: Console, out: Path, figures: dict[str, Any]) -> None:
    """What was made, and what to do with it."""
    left = ", ".join(f"{count:,} {why}" for why, count in figures["frames_left_out"].items())
    console.print(
        f"{figures['frames']:,} frames in {out}, {figures['with_depth']:,} with depth"
        + (f"; left out: {left}" if left else "")
    )
    console.print(
        f"{figures['samples']:,} samples: {figures['labelled']:,} with masks, "
        f"{figures['negative']:,} of what is not there, {figures['open']:,} to be labelled "
        f"(sam3i review {out}). To look at: {out / 'preview.jpg'}"
    )


def _rate(stream: Stream) -> str:
    """Messages a second, by the usual step between stamps."""
    steps = np.diff(stream.stamps)
    usual = float(np.median(steps)) if len(steps) else 0.0
    return f"{SECOND / usual:.1f}" if usual > 0 else ""


def _bytes(view: View, raw: float) -> float:
    """Of one image as a file."""
    if view.stream.topic.type == COMPRESSED:
        return view.stream.bytes / len(view.stream)
    return view.height * view.width * raw
