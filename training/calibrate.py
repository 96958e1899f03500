"""Choose each level's thresholds on scenes that were not trained on, and store them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import typer
from rich.table import Table

from sam3i_model.checkpoints.loading import CheckpointError, load, refuse_run
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import failed, notes, results
from training.data import chosen_levels, open_source
from training.evaluation.thresholds import FALSE_ALARMS, SENTENCES, Choice, ask_about, choose
from training.files import write_text
from training.questions import QuestionError


def calibrate_command(
    model: Annotated[Path, typer.Argument(help="Checkpoint folder; its thresholds are replaced.")],
    data: Annotated[Path, typer.Argument(help="Pool or SAM3-I JSON that wasn't trained on.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder that the JSON's file names are relative to.")
    ] = None,
    scenes: Annotated[int, typer.Option(help="Pictures to ask about.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Picks a pool's sentences.")] = 11,
    false_alarms: Annotated[
        float, typer.Option(help="Share of absent things that may get an answer.", min=0, max=1)
    ] = FALSE_ALARMS,
    levels: Annotated[str, typer.Option(help="Comma-separated; default: all trained.")] = "",
    image_size: Annotated[
        int | None,
        typer.Option(help="Store another input size, px: larger finds smaller things.", min=64),
    ] = None,
) -> None:
    """Choose the thresholds of a checkpoint, at the input size it will be used with."""
    console = results()
    try:
        configuration(model)
        # by its whole path: the word "bundled" alone would be the package's own checkpoint
        loaded, tokenizer = load(model.absolute(), "cpu", image_size=image_size or 0)
        with TemporaryFile(dir=model):  # asking takes long, so what can't be stored is told before
            pass
        source = open_source(data, images, seed, SENTENCES)
        trained = loaded.config.trained_levels
        chosen = chosen_levels(levels, source, trained)
        if untrained := sorted({*chosen} - {*trained}):
            raise CheckpointError(f"'{model}' was not trained for {' and '.join(untrained)}")
        pictures = range(min(scenes, len(source)))
        asked = ask_about(Segmenter(loaded, tokenizer), source, pictures, chosen)
    except (CheckpointError, QuestionError, OSError) as error:
        raise failed(error) from error
    except KeyboardInterrupt:
        notes().print(f"stopped; the thresholds in {model} are as they were")
        raise typer.Exit(130) from None
    table = Table("level", "score", "presence", "IoU, present", "absent left empty", "sentences")
    thresholds: dict[str, Choice] = {}
    for name, rows in asked.items():
        try:
            without, thresholds[name] = choose(rows, 1.0), choose(rows, false_alarms)
        except ValueError as error:
            console.print(f"{name} keeps its thresholds: {error}", style="yellow", soft_wrap=True)
            continue
        there = sum(row.present for row in rows)
        count = f"{there} present, {len(rows) - there} absent"
        for label, row in ((f"{name}, any false alarms", without), (name, thresholds[name])):
            figures = (row.score, row.presence, row.iou, row.absent_empty)
            table.add_row(label, *(f"{value:.3f}" for value in figures), count)
    console.print(table)
    try:
        store(model, thresholds, image_size)
    except (CheckpointError, OSError) as error:
        raise failed(f"nothing is stored: {error}") from error
    if thresholds:
        console.print(f"stored in {model}: thresholds of {', '.join(thresholds)}", soft_wrap=True)


def configuration(folder: Path) -> Sam3IConfig:
    """That of a folder that thresholds can be stored in.

    Raises:
        CheckpointError: It isn't such a folder.
    """
    try:
        content = json.loads((folder / "config.json").read_text())
        if content["model_type"] == Sam3IConfig.model_type:
            return Sam3IConfig.from_dict(content)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    refuse_run(folder)
    raise CheckpointError(
        f"thresholds can't be stored in '{folder}': make a folder of it, with "
        f"`sam3i convert {folder} FOLDER`"
    )


def store(folder: Path, thresholds: Mapping[str, Choice], image_size: int | None) -> None:
    """Write them into config.json as it is by now: another level's may have been stored meanwhile.

    Raises:
        CheckpointError: There is no such file any more.
        OSError: It can't be written, and is as it was.
    """
    config = configuration(folder)
    for name, choice in thresholds.items():
        config.score_thresholds[name] = choice.score
        config.presence_thresholds[name] = choice.presence
    if image_size:
        config.image_size = image_size
    write_text(folder / "config.json", config.to_json_string())
