"""python -m training.step_bench POOL: what lean attention and kept memory bring a training step."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from sam3i_model.checkpoints.weights import CheckpointError
from sam3i_model.memory import keep_freed_memory
from sam3i_model.terminal import failed, notes, results
from training.annotations.entries import SourceError
from training.data import open_samples
from training.loop import attention
from training.loop.run import Run
from training.loop.settings import Settings, SettingsError, read_settings
from training.loop.timing import facts, medians, shown, timed
from training.samples.sample import Samples

LIBRARY = "eager"
"""transformers' own attention that was fastest to train with on a CPU."""


def compare(samples: Samples, start: str, settings: Settings, steps: int) -> dict[str, Any]:
    """Time the first steps with the library's attention and with ours, in turns; then with ours and
    memory kept, which can't be undone.

    Args:
        samples: To train on.
        start: Checkpoint.
        settings: Of the run.
        steps: Of each way.

    Returns:
        Medians of a step in s (`library`, `lean`, `kept`), and their ratios to `library`.
    """
    run = Run(settings, start)
    taken = list(islice(run.stream(samples), steps))
    seconds: dict[str, list[float]] = {"library": [], "lean": [], "kept": []}

    def step(batches: Any, name: str) -> None:
        run.model.set_attn_implementation(LIBRARY if name == "library" else attention.NAME)
        seconds[name].append(timed(run, batches))

    run.take(iter(taken[:1]))  # the first one allocates
    for batches in track(taken, "as the library", console=notes()):
        step(batches, "library")
        step(batches, "lean")
    keep_freed_memory(large=True)
    run.take(iter(taken[:1]))
    for batches in track(taken, "memory kept", console=notes()):
        step(batches, "kept")
    each = medians(seconds)
    return {
        **each,
        "lean_ratio": each["library"] / each["lean"],
        "kept_ratio": each["library"] / each["kept"],
        **facts(run, steps),
    }


def main(
    pool: Annotated[Path, typer.Argument(help="Scenes to train on (`sam3i render pool`).")],
    settings: Annotated[str, typer.Option(help="As for `sam3i train`.")] = "base-full-size",
    start: Annotated[str, typer.Option("--from", help="Checkpoint to start from.")] = "bundled",
    steps: Annotated[int, typer.Option(min=1, help="Of each way.")] = 10,
) -> None:
    """A training step as the library would take it, and as it is taken here, in one run."""
    console = results()
    try:
        read = read_settings(settings)
        figures = compare(open_samples(pool, read), start, read, steps)
    except (SettingsError, CheckpointError, SourceError, ImportError, OSError) as error:
        raise failed(error) from error
    console.print(shown(figures, f"a training step, {settings}"))


if __name__ == "__main__":
    typer.run(main)
