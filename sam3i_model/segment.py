"""`sam3i segment`: the model on one picture, without ROS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sam3i_model.checkpoints.loading import CheckpointError
from sam3i_model.decoding import MAX_PIXELS
from sam3i_model.pictures import read_rgb, write_rgb
from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import failed, results
from sam3i_model.visualize import draw_overlay


def segment_command(
    image: Annotated[Path, typer.Argument(help="Picture file (JPEG, PNG, ...).")],
    instructions: Annotated[list[str], typer.Argument(help="Sentences, each in quotes.")],
    out: Annotated[Path, typer.Option(help="Where the overlay goes.")] = Path("overlay.png"),
    model: Annotated[str, typer.Option(help="'bundled' or another checkpoint.")] = "bundled",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    backend: Annotated[str, typer.Option(help="auto, torch, onnx or tensorrt.")] = "auto",
) -> None:
    """Find what sentences describe in a picture."""
    console = results()
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise failed(f"'{out}' must end in .png or .jpg")
    if not image.is_file():
        raise failed(f"there is no file '{image}'")
    rgb = read_rgb(image)
    if rgb is None:
        raise failed(
            f"'{image}' is not a picture that can be read, of at most {MAX_PIXELS // 10**6} "
            "million pixels"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir():
            raise failed(f"'{out}' is a folder: name a file in it")
        if out.is_symlink() and not out.exists():
            raise failed(f"'{out}' is a link to what isn't there: give another --out")
        if out.exists() and out.samefile(image):
            raise failed(f"'{out}' is the picture itself: give another --out")
    except OSError as error:
        raise failed(f"'{out}' can't be written: {error}") from error
    try:
        segmenter = Segmenter.from_pretrained(model, device, backend=backend)
    except CheckpointError as error:
        raise failed(error) from error
    if segmenter.refused:
        console.print(f"PyTorch is used: {segmenter.refused}", style="yellow", soft_wrap=True)
    segmenter.set_image(rgb)
    groundings = segmenter.ground(instructions)
    table = Table("instruction", "level", "outcome", "scores", "presence", "note")
    for grounding in groundings:
        table.add_row(
            grounding.instruction.text,
            grounding.level.name.lower(),
            grounding.outcome.name,
            " ".join(f"{score:.2f}" for score in grounding.scores),
            f"{grounding.presence:.2f}",
            grounding.detail,
        )
    console.print(table)
    try:
        write_rgb(out, draw_overlay(rgb, groundings))
    except OSError as error:
        raise failed(f"'{out}' can't be written: {error}") from error
    console.print(f"overlay in {os.fsencode(out).decode(errors='replace')}", soft_wrap=True)
