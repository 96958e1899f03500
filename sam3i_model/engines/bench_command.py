"""`sam3i bench shared-work`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sam3i_model.engines.figure_file import prepared, write
from sam3i_model.terminal import failed, results


def shared_work_command(
    instructions: Annotated[int, typer.Option(min=2, max=16, help="On one frame.")] = 8,
    image_size: Annotated[
        int, typer.Option(help="Side of the square input, px: 1008, 672, 504.")
    ] = 1008,
    repeat: Annotated[int, typer.Option(min=1, help="Times that everything is measured.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Write the figures here: a folder, or NAME.json.")
    ] = None,
) -> None:
    """Several instructions in one call, beside one, and beside transformers' SAM 3 called for each.

    Random weights of the full size; 10 GB of memory, and minutes on a CPU.
    """
    # Here, as torch takes seconds that `--help` need not wait for.
    from sam3i_model.checkpoints.weights import CheckpointError
    from sam3i_model.engines.shared_work import measure

    console = results()
    try:
        target = prepared(out, "shared-work.json")  # before minutes are spent on measuring
        figures = measure(instructions, image_size, repeat, lambda text: console.print(text))
        for key, value in figures.items():
            console.print(f"{key}: {value}", soft_wrap=True)
        write(figures, target)
    except (CheckpointError, OSError) as error:
        raise failed(error) from error
