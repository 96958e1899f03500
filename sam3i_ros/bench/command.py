"""`sam3i bench`: a command a measurement; each prints a table and writes JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sam3i_model.engines.bench_command import shared_work_command, write
from sam3i_ros.bench.model import model_command

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Model = Annotated[
    str, typer.Option(help="A checkpoint; by default none, so that the node alone is measured.")
]
Rate = Annotated[float, typer.Option(min=1, max=240, help="Camera frames per second.")]
Out = Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")]


@app.callback()
def bench() -> None:
    """Measure the model, what the node costs beside it, and how well it tracks."""


app.command("model")(model_command)
app.command("shared-work")(shared_work_command)


@app.command()
def node(
    model: Model = "fixed:0",
    rate: Rate = 15.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 20.0,
    out: Out = None,
) -> None:
    """Time per stage, with 640x480 RGB-D, 5 segments and every output listened to."""
    _finish({"mode": "node", **_node(model, rate, seconds)}, out)


@app.command()
def soak(
    # Takes longer than a frame, so that frames must be dropped.
    model: Model = "fixed:100",
    rate: Rate = 15.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 60.0,
    out: Out = None,
) -> None:
    """Memory and drops of the same node under overload."""
    _finish({"mode": "soak", **_node(model, rate, seconds)}, out)


@app.command()
def tracking(
    film: Annotated[
        Path, typer.Option(help="A film by `sam3i render sequence`; made here if it is not there.")
    ] = Path("out/bench/film"),
    delay: Annotated[
        float, typer.Option(min=0.1, max=5, help="Seconds that the model takes.")
    ] = 1.0,
    width: Annotated[
        int, typer.Option(min=64, max=1280, help="The node's parameter tracking_width.")
    ] = 320,
    seconds: Annotated[float, typer.Option(min=5, help="How long to measure.")] = 30.0,
    out: Out = None,
) -> None:
    """Masks and identities at 30 Hz with a slow model: against the film's truth, then the node."""
    from sam3i_ros.bench.film import read_film, render_film
    from sam3i_ros.bench.tracking import PACES, follow

    console = Console(emoji=False)
    try:
        if not (film / "metadata.yaml").exists():
            console.print(f"rendering {film}, once")
            render_film(film)
        shown = read_film(film)
    except RuntimeError as error:
        raise _fail(error) from error
    rows = [follow(shown, pace, seconds, delay, width) for pace in PACES]
    table = Table(*rows[0], title=f"true masks as the model's answers, {delay:g} s late")
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)
    given = ("tracking:=true", f"tracking_width:={width}")
    figures = _node(f"fixed:{1000 * delay:g}", 30.0, seconds, given, pictures=False)
    _finish({"mode": "tracking", "width": width, "films": rows, **figures}, out)


def _node(model: str, rate: float, seconds: float, *how: Any, **more: Any) -> dict[str, Any]:
    from sam3i_ros.bench.rig import measure  # after the options are known to be right

    try:
        figures = measure(model, rate, seconds, *how, **more)
    except RuntimeError as error:
        raise _fail(error) from error
    return {"model": model, "rate_hz": rate, **figures}


def _fail(error: Exception) -> typer.Exit:
    Console(stderr=True, emoji=False).print(str(error), style="red", markup=False)
    return typer.Exit(1)


def _finish(figures: dict[str, Any], out: Path | None) -> None:
    """Prints the stages as a table, everything else line by line, and writes it all."""
    console = Console(emoji=False)
    figures["load_average"] = [round(load, 1) for load in os.getloadavg()]
    title = f"node with model {figures['model']} at {figures['rate_hz']:g} Hz"
    table = Table("stage", "p50 ms", "p95 ms", title=title)
    for stage, times in figures["stages_ms"].items():
        table.add_row(stage, f"{times['p50']:.2f}", f"{times['p95']:.2f}")
    console.print(table)
    for key, value in figures.items():
        if key not in ("stages_ms", "films"):
            console.print(f"{key}: {value}")
    write(figures, out)
