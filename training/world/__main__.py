"""Command line: python -m training.world."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers are processes; see pool.py

import shlex
import sys
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

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Photos = Annotated[Path | None, typer.Option(help="Folder of your own photos to use as well.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same scenes.")]


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


@app.callback()
def world() -> None:
    """Rendered RGB-D tabletop scenes with exact masks, names and geometry."""


@app.command()
def pool(
    out: Annotated[Path, typer.Argument(help="Folder to write; a half-finished one goes on.")],
    count: Annotated[int, typer.Option(min=1, help="Number of scenes.")] = 16000,
    seed: Seed = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one core each.")] = 2,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side of a picture, px.")] = 256,
    photos: Photos = None,
) -> None:
    """Render training scenes: pictures, labels and what the objects are."""
    from training.world.pool import PoolSpec, write_pool

    spec = PoolSpec(count, seed, size, photos=str(photos) if photos else None)
    command = shlex.join(["python", "-m", "training.world", *sys.argv[1:]])
    with _progress(Console(stderr=True)) as progress:
        task = progress.add_task("scenes", total=count)
        write_pool(out, spec, workers, command, lambda n: progress.advance(task, n))


def main() -> None:
    """Run; what a user did wrong is one line, not a trace."""
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
