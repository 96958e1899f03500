"""`sam3i bench`: a command a measurement; each prints a table and writes JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from sam3i_model.engines.bench_command import shared_work_command
from sam3i_model.engines.figure_file import prepared, write
from sam3i_model.machine import computer
from sam3i_model.terminal import failed, results, told
from sam3i_ros.bench.camera import Load
from sam3i_ros.bench.model import model_command

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Rate = Annotated[float, typer.Option(min=1, max=240, help="Camera frames per second.")]
Seconds = Annotated[float, typer.Option(min=1, max=86400, help="How long to measure.")]
Width = Annotated[int, typer.Option(min=320, max=1920, help="Of the images, px.")]
Height = Annotated[int, typer.Option(min=240, max=1080, help="Of the images, px.")]
Instructions = Annotated[int, typer.Option(min=1, max=16, help="Active at once.")]
Segments = Annotated[
    int, typer.Option(min=1, max=100, help="In every frame, shared among the instructions.")
]
Out = Annotated[Path | None, typer.Option(help="Write the figures here: a folder, or NAME.json.")]


@app.callback()
def bench() -> None:
    """Measure the model, what the node costs beside it, and how well it tracks."""


app.command("model")(model_command)
app.command("shared-work")(shared_work_command)


@app.command()
def node(
    rate: Rate = 4.0,
    seconds: Seconds = 20.0,
    width: Width = 1280,
    height: Height = 720,
    instructions: Instructions = 8,
    segments: Segments = 8,
    out: Out = None,
) -> None:
    """What the node costs beside the model, and what one written the usual way would.

    Both get RGB-D and a model that takes no time, run on one core, and every output is listened to.
    """
    from sam3i_ros.bench.comparison import THIS, compare, comparison_table, left_behind

    console = results()
    target = _target(out, "node")
    load = Load(rate, seconds, width, height, instructions, segments)
    try:
        figures = compare(load)
    except RuntimeError as error:
        raise failed(error) from error
    console.print(_stages("this node", figures["nodes"][THIS]["stages_ms"]))
    console.print(comparison_table(figures))
    for name in left_behind(figures):
        console.print(
            f"{name}: {rate:g} Hz is too fast for it, give a lower --rate", style="yellow"
        )
    _finish({"mode": "node", **figures}, target)


@app.command()
def soak(
    rate: Rate = 15.0,
    seconds: Seconds = 60.0,
    # Takes longer than a frame, so that frames must be dropped.
    delay: Annotated[float, typer.Option(min=0, max=5, help="Seconds that the model takes.")] = 0.1,
    width: Width = 1280,
    height: Height = 720,
    instructions: Instructions = 8,
    segments: Segments = 8,
    out: Out = None,
) -> None:
    """Memory and drops of the node under overload."""
    target = _target(out, "soak")
    load = Load(rate, seconds, width, height, instructions, segments, delay)
    _finish({"mode": "soak", **_node(load)}, target)


@app.command()
def tracking(
    film: Annotated[
        Path, typer.Option(help="A film by `sam3i render sequence`; made here if it is not there.")
    ] = Path("out/bench/film"),
    delay: Annotated[
        float, typer.Option(min=0.1, max=5, help="Seconds that the model takes.")
    ] = 1.0,
    width: Annotated[
        int, typer.Option(min=64, max=1280, help="The node's parameter tracking_width, px.")
    ] = 288,
    seconds: Annotated[float, typer.Option(min=5, help="How long to measure.")] = 30.0,
    out: Out = None,
) -> None:
    """Masks and identities at 30 Hz with a slow model: against the film's truth, then the node."""
    from sam3i_ros.bench.film import read_film, render_film
    from sam3i_ros.bench.tracking import PACES, follow

    if seconds < delay + 1:
        raise failed(
            f"--seconds {seconds:g} is too short for --delay {delay:g}, after which the first "
            "answer comes: give a second more at least"
        )
    target = _target(out, "tracking")
    console = results()
    try:
        if not (film / "metadata.yaml").exists():
            console.print(f"rendering {film}, once")
            render_film(film)
        shown = read_film(film)
    except RuntimeError as error:
        raise failed(error) from error
    rows = [follow(shown, pace, seconds, delay, width) for pace in PACES]
    table = Table(*rows[0], title=f"true masks as the model's answers, {delay:g} s late")
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)
    load = Load(30.0, seconds, 640, 480, instructions=5, segments=5, delay=delay)
    given = ("tracking:=true", f"tracking_width:={width}")
    figures = _node(load, given, pictures=False)
    _finish({"mode": "tracking", "tracking_width": width, "films": rows, **figures}, target)


def _target(out: Path | None, mode: str) -> Path | None:
    """Looked at before hours are spent on measuring."""
    try:
        return prepared(out, f"{mode}.json")
    except OSError as error:
        raise failed(error) from error


def _node(load: Load, *how: Any, **more: Any) -> dict[str, Any]:
    """Our node's figures; its stages are printed."""
    from sam3i_ros.bench.rig import measure  # after the options are known to be right

    try:
        figures = measure(load, *how, **more)
    except RuntimeError as error:
        raise failed(error) from error
    title = f"node with a model of {load.delay:g} s at {load.rate:g} Hz"
    results().print(_stages(title, figures["stages_ms"]))
    return {**asdict(load), **figures}


def _stages(title: str, stages: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table("stage", "p50 ms", "p95 ms", title=title)
    for stage, times in stages.items():
        table.add_row(stage, f"{times['p50']:.2f}", f"{times['p95']:.2f}")
    return table


def _finish(figures: dict[str, Any], target: Path | None) -> None:
    """Prints line by line what is in no table, and writes everything."""
    import rclpy

    figures |= {**computer(), "middleware": rclpy.get_rmw_implementation_identifier()}
    console = results()
    for key, value in figures.items():
        if key not in ("stages_ms", "films", "nodes", "times_less"):
            console.print(f"{key}: {told(value)}", soft_wrap=True)
    write(figures, target)
