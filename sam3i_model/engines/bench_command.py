"""`sam3i bench engines` and `sam3i bench shared-work`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def engines_command(
    model: Annotated[str, typer.Argument(help="Folder that `sam3i export` wrote.")],
    backend: Annotated[str, typer.Option(help="Beside torch: onnx or tensorrt.")] = "onnx",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Of the CPU; 0 is PyTorch's choice.")] = 0,
    repeat: Annotated[int, typer.Option(min=1, help="Times that each frame is answered.")] = 10,
    frames: Annotated[
        list[Path] | None, typer.Option(help="Picture or folder of them; photographs if left out.")
    ] = None,
    say: Annotated[list[str] | None, typer.Option(help="Instruction; repeat for several.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
) -> None:
    """Time and answers of an engine beside PyTorch's."""
    # Here, as other measurements need no PyTorch
    import torch

    from sam3i_model.checkpoints import CheckpointError
    from sam3i_model.engines.bench import STAGES, compare_engines
    from sam3i_model.engines.frames import DEFAULT_SENTENCES, default_frames, read_frames
    from sam3i_model.engines.interface import EngineError
    from sam3i_model.instruction import Instruction
    from sam3i_model.segmenter import Segmenter

    console = Console(emoji=False)
    if threads:
        torch.set_num_threads(threads)
    try:
        pictures = read_frames(frames) if frames else default_frames()
        both = [Segmenter.from_pretrained(model, device, backend=b) for b in ("torch", backend)]
        if both[1].refused:
            raise EngineError(both[1].refused)
    except CheckpointError as error:
        Console(stderr=True, emoji=False).print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
    trained = both[0].model.config.trained_levels
    asked = [Instruction(text) for text in say or ()] or [
        i for i in DEFAULT_SENTENCES if i.level.name.lower() in trained
    ]
    figures = compare_engines(both, pictures, asked, repeat)
    table = Table("ms, median (p95)", *(s.engine for s in both), "times faster")
    for stage in STAGES:
        ours, theirs = (figures["ms"][s.engine][stage] for s in both)
        cells = (f"{t['median']:.1f} ({t['p95']:.1f})" for t in (ours, theirs))
        table.add_row(stage, *cells, f"{ours['median'] / theirs['median']:.2f}")
    console.print(table)
    for key, value in figures.items():
        if key != "ms":
            console.print(f"{key}: {value}", soft_wrap=True)
    write(figures, out)


def shared_work_command(
    instructions: Annotated[int, typer.Option(min=2, max=16, help="On one frame.")] = 8,
    image_size: Annotated[
        int, typer.Option(help="Side of the square input, px: 1008, 672, 504.")
    ] = 1008,
    repeat: Annotated[int, typer.Option(min=1, help="Times that everything is measured.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
) -> None:
    """Several instructions in one call, beside one, and beside transformers' SAM 3 called for each.

    Random weights of the full size; 10 GB of memory, and minutes on a CPU.
    """
    from sam3i_model.engines.shared_work import measure

    console = Console(emoji=False)
    figures = measure(instructions, image_size, repeat, lambda text: console.print(text))
    for key, value in figures.items():
        console.print(f"{key}: {value}", soft_wrap=True)
    write(figures, out)


def write(figures: dict[str, Any], out: Path | None) -> None:
    """As JSON, if somewhere is given."""
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
