"""python -m training.cache_bench: what keeping image features brings, both loops in one run."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track
from transformers import PreTrainedTokenizerBase

from sam3i_model.checkpoints.tokenizers import clip_tokenizer
from sam3i_model.checkpoints.weights import CheckpointError
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel
from sam3i_model.terminal import failed, notes, results
from training.annotations.entries import SourceError
from training.data import open_samples
from training.loop.run import Begin, Run, begin
from training.loop.settings import Settings, SettingsError, Span, read_settings
from training.loop.stages import trainable
from training.loop.timing import facts, medians, shown, timed

FULL_SIZE = {
    "image_size": 1008,
    "batch_size": 1,
    "phases": {"coarse": Span(1, 1), "fine": Span(1, 1)},
    "variants": 1,
}


def full_size(_: str, settings: Settings) -> tuple[Sam3IModel, PreTrainedTokenizerBase]:
    """SAM3-I in SAM 3's own size, with weights at random."""
    model = Sam3IModel(Sam3IConfig())
    model.add_adapters("lite")
    model.config.trained_levels = ["concept", "simple", "complex"]
    trainable(model, settings.stage)
    return model, clip_tokenizer()


def compare(
    data: Path, start: str, settings: Settings, steps: int, begin: Begin = begin
) -> dict[str, Any]:
    """Time the same steps with and without kept features, in turns.

    Args:
        data: A SAM3-I JSON file, or the folder it is in.
        start: Checkpoint.
        settings: Of a fine-tune; `variants` at least 1.
        steps: Of each loop.
        begin: Makes the model.

    Returns:
        Medians of a step in s (`cached`, `uncached`), and their `ratio`.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = Run(settings, start, Path(folder), begin=begin)
        cache = run.module.cache
        stream = run.stream(open_samples(data, settings, settings.variants))
        taken = list(islice(stream, steps))
        for part in (part for batches in taken for part in batches):
            run.module.see(part)  # keeps them
        seconds: dict[str, list[float]] = {"cached": [], "uncached": []}
        run.take(iter(taken[:1]))  # the first one allocates
        for batches in track(taken, "steps", console=notes()):
            for name, used in (("cached", cache), ("uncached", None)):
                run.module.cache = used
                seconds[name].append(timed(run, batches))
    each = medians(seconds)
    return {**each, "ratio": each["uncached"] / each["cached"], **facts(run, steps)}


def main(
    data: Annotated[Path, typer.Argument(help="A SAM3-I JSON file, or the folder it is in.")],
    start: Annotated[str, typer.Option("--from", help="Checkpoint to start from.")] = "bundled",
    steps: Annotated[int, typer.Option(min=1, help="Steps with, and as many without.")] = 10,
    full: Annotated[
        bool, typer.Option("--full-size", help="SAM 3's size, random weights, 1008 px, one text.")
    ] = False,
) -> None:
    """Fine-tuning with kept image features beside the plain loop."""
    settings = read_settings("fine-tune")
    console = results()
    try:
        if full:
            settings = replace(settings, **FULL_SIZE)  # type: ignore[arg-type]
            figures = compare(data, "", settings, steps, full_size)
        else:
            figures = compare(data, start, settings, steps)
    except (SettingsError, CheckpointError, SourceError, ImportError, OSError) as error:
        raise failed(error) from error
    console.print(shown(figures, "fine-tuning with kept image features"))


if __name__ == "__main__":
    typer.run(main)
