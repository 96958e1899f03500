"""`sam3i bench model`: stages of a checkpoint's engines over the number of instructions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sam3i_model.engines.figure_file import prepared, write
from sam3i_model.terminal import failed, results, told
from sam3i_ros.bench.model_page import number, write_page

MAX_PICTURES = 16


def model_command(
    model: Annotated[
        str, typer.Argument(help="bundled, a folder (an export too), a .pt or a hub id.")
    ] = "bundled",
    backend: Annotated[
        list[str] | None,
        typer.Option(
            help="torch, or beside it onnx or tensorrt; again for more. onnx if left out and the "
            "model is an export."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Of the CPU; 0 is PyTorch's choice.")] = 0,
    image_size: Annotated[
        int, typer.Option(help="Side of the square input, px, of PyTorch; 0: the checkpoint's.")
    ] = 0,
    instructions: Annotated[
        str, typer.Option(help="Numbers of instructions on one frame, 1 to 16.")
    ] = "1,2,4,8,16",
    say: Annotated[
        list[str] | None,
        typer.Option(help="Instruction to ask before those that come with it; again for more."),
    ] = None,
    frames: Annotated[
        list[Path] | None,
        typer.Option(help="rosbag2, or picture or folder of them; photographs if left out."),
    ] = None,
    image: Annotated[str, typer.Option(help="Colour topic of the bag, if there are several.")] = "",
    count: Annotated[
        int, typer.Option(min=1, max=MAX_PICTURES, help="Most frames, evenly spread.")
    ] = 4,
    repeat: Annotated[int, typer.Option(min=1, help="Times that each frame is answered.")] = 5,
    out: Annotated[
        Path | None, typer.Option(help="Write JSON and a page here: a folder, or NAME.json.")
    ] = None,
) -> None:
    """Time per stage and end to end, in PyTorch and what was exported, over 1 to 16 instructions.

    Beside them transformers' Sam3Model, called once for each instruction with the same pixels.
    """
    # Here, as torch takes seconds that `--help` need not wait for.
    import torch

    from sam3i_model.checkpoints.weights import CheckpointError
    from sam3i_model.decoding import MessageError
    from sam3i_model.engines.bench import STAGES, sweep
    from sam3i_ros.bags import BagError
    from sam3i_ros.bench.model_options import numbers, open_engines, sentences
    from sam3i_ros.bench.pictures import read_pictures

    if threads:
        torch.set_num_threads(threads)
    console = results()
    try:
        counts = numbers(instructions)
        pictures = read_pictures(frames or (), image, count)
        target = prepared(out, "model.json")
        engines, tokenizer = open_engines(model, device, backend, image_size)
        config = next(iter(engines.values())).config
        asked = sentences(say or (), config.trained_levels, max(counts))
        figures = {
            "model": model,
            "input_px": config.image_size,
            "frames": [f"{p.shape[1]}x{p.shape[0]}" for p in pictures],
            "frames_from": [str(path) for path in frames or ()],
            "repeat": repeat,
            "instructions": [i.text for i in asked],
            "timed": STAGES,
            **sweep(engines, tokenizer, pictures, asked, counts, repeat),
        }
        show(figures, console)
        if target:
            write(figures, target)
            write_page(figures, target.with_suffix(".html"))
            console.print(Text(f"in {target} and {target.with_suffix('.html')}"), soft_wrap=True)
    except (CheckpointError, BagError, MessageError, OSError) as error:
        raise failed(error) from error


def show(figures: dict[str, Any], console: Console) -> None:
    """The times as a table an engine, then what they mean, line by line."""
    for name, by_count in figures["ms"].items():
        table = Table("ms, median (p95)", title=name, box=SIMPLE_HEAD, padding=0)
        for count in by_count:
            table.add_column(f"{count} at once")
        first = next(iter(by_count.values()))
        for stage in (s for s in figures["timed"] if s in first):
            times = (by_count[n][stage] for n in by_count)
            table.add_row(stage, *(f"{number(t['median'])} ({number(t['p95'])})" for t in times))
        if ratios := figures["times_faster_than_plain_calls"].get(name):
            table.add_row("times faster", *(f"{r:.2f}" for r in ratios.values()), style="green")
        console.print(table)
    for stage, words in figures["timed"].items():
        console.print(f"{stage}: {words}", soft_wrap=True)
    console.print("times faster: end_to_end beside that of plain calls", soft_wrap=True)
    for name, answers in figures["answers"].items():
        beside = f"answers of {name} beside {figures['reference']}"
        console.print(f"{beside}: {told(answers)}", soft_wrap=True)
    for key, value in figures["machine"].items():
        if value:
            console.print(f"{key}: {told(value)}", soft_wrap=True)
