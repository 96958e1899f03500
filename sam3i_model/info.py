"""`sam3i info`: what a checkpoint is, without running it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from sam3i_model.checkpoints.anatomy import Life, adapter_lives, mask_copy_differs, parameters
from sam3i_model.checkpoints.config_file import configure
from sam3i_model.checkpoints.loading import CheckpointError, locate, outline
from sam3i_model.checkpoints.weights import Weights, open_weights
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.terminal import failed, results

COPIES = {"simple": "S", "simple_copy": "S before C", "complex": "C"}
PLACES = {
    "text_encoder": "text encoder",
    "detr_encoder": "fusion encoder",
    "detr_decoder": "decoder",
}


def info_command(
    checkpoint: Annotated[str, typer.Argument(help="Folder, .pt file, hub id, or 'bundled'.")],
    config: Annotated[
        Path | None,
        typer.Option(
            help="config.json of an official file of unusual sizes; a folder has its own."
        ),
    ] = None,
) -> None:
    """Say what a checkpoint is: kind, stage, parameters, adapters alive or dead, licence."""
    console = results()
    try:
        weights = open_weights(locate(checkpoint))
        sizes = configure(weights, config)
    except CheckpointError as error:
        raise failed(error) from error
    console.print(overview(weights, sizes))
    if any(".adapters." in name for name in weights.tensors):
        console.print(adapters(weights))


def overview(weights: Weights, config: Sam3IConfig) -> Table:
    """What is in it, a line a fact."""
    table = Table(title=Text(str(weights.path)), show_header=False, title_justify="left")
    table.add_row("kind", kind(weights, config))
    if why := misfit(weights, config):
        table.add_row("can't be loaded", why)
    if weights.fields:
        table.add_row("says of itself", ", ".join(f"{k} {v}" for k, v in weights.fields.items()))
    table.add_row("levels", ", ".join(config.trained_levels))
    counts = parameters(weights.outlines)
    types = sorted({str(t.dtype).removeprefix("torch.") for t in weights.outlines.values()})
    table.add_row("parameters", f"{millions(sum(counts.values()))} as {' and '.join(types)}")
    for name, count in counts.items():
        table.add_row(f"  {name.replace('_', ' ')}", millions(count))
    for name, count in weights.left_out.items():
        table.add_row("  not used", f"{name}, {millions(count)}")
    table.add_row("input", f"{config.image_size} px square")
    for name in config.trained_levels:
        score, presence = config.score_thresholds[name], config.presence_thresholds[name]
        table.add_row(f"threshold, {name}", f"score {score:g}, presence {presence:g}")
    table.add_row("licence", config.licence or "see the README.md beside it")
    return table


def misfit(weights: Weights, config: Sam3IConfig) -> str:
    """Why it can't be loaded, as far as names and shapes tell; empty if they don't."""
    try:
        outline(weights, config)
    except CheckpointError as error:
        return str(error)
    return ""


def kind(weights: Weights, config: Sam3IConfig) -> str:
    """In words."""
    if weights.origin == "stage":
        return "SAM3-I training stage (.pt)"
    if weights.origin == "sam3":
        return "SAM 3 by Meta (.pt)"
    if config.adapters == "none":
        return "SAM 3 without adapters"
    return f"SAM3-I, {config.adapters} adapters"


def adapters(weights: Weights) -> Table:
    """Which adapters do something; the release's initialisation leaves some dead for good."""
    lives = adapter_lives(weights.tensors)
    table = Table("adapters", *COPIES.values())
    for place, name in PLACES.items():
        cells = []
        for copy in COPIES:
            states = lives.get((place, copy), Counter())
            parts = [f"{states[life]} {life.value}" for life in Life if states.get(life)]
            cells.append(", ".join(parts) or "none")
        table.add_row(name, *cells)
    differs = {None: "none", True: "differs from the base", False: "same as the base"}
    simple, complex_ = (
        differs[mask_copy_differs(weights.tensors, level)] for level in ("simple", "complex")
    )
    table.add_row("mask embedder", simple, "", complex_)
    return table


def millions(count: int) -> str:
    """1234567 as "1.23 M"."""
    return f"{count / 1e6:.2f} M" if count < 1e7 else f"{count / 1e6:.1f} M"
