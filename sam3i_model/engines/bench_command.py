"""`sam3i bench shared-work`, and where figures go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sam3i_model.terminal import failed, results


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
    # Here, as torch takes seconds that `--help` need not wait for.
    from sam3i_model.engines.shared_work import measure
    from sam3i_model.weights import CheckpointError

    if out and out.is_dir():
        raise failed(f"--out {out} is a folder: name a file, such as {out / 'shared.json'}")
    console = results()
    try:
        if out:
            out.parent.mkdir(parents=True, exist_ok=True)
        figures = measure(instructions, image_size, repeat, lambda text: console.print(text))
        for key, value in figures.items():
            console.print(f"{key}: {value}", soft_wrap=True)
        write(figures, out)
    except (CheckpointError, OSError) as error:
        raise failed(error) from error


def write(figures: dict[str, Any], out: Path | None) -> None:
    """As JSON, if somewhere is given."""
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
