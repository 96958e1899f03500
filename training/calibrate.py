"""Choose each level's score threshold on scenes that were not trained on, and store it.

A threshold trades masks that are missed against answers to things that aren't there. gIoU counts
both. Of the thresholds that are about as good as the best, the highest is kept: a robot that grasps
a wrong thing is worse off than one that is told to look again.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sam3i_model.checkpoints import CheckpointError, load, save
from sam3i_model.instruction import Instruction, Level
from sam3i_model.segmenter import Segmenter
from training.evaluate import LEVELS, union_iou
from training.world.pool import WorldPool

THRESHOLDS = np.round(np.arange(0.15, 0.66, 0.025), 3)
SENTENCES = 2
AS_GOOD = 0.02
"""Loss of gIoU below the best that still counts as good."""


def curve(
    scores: np.ndarray, masks: np.ndarray, truth: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """IoU of what is left above each threshold: float (len(thresholds),).

    Args:
        scores: float (N,), descending.
        masks: bool (N, H, W).
        truth: bool (H, W); empty truth answered by nothing is 1.
        thresholds: float (K,).
    """
    kept = (scores[None] > thresholds[:, None]).sum(1)
    by_count = {n: union_iou(masks[:n], truth) for n in np.unique(kept)}
    return np.array([by_count[n] for n in kept])


def calibrate(segmenter: Segmenter, pool: WorldPool, scenes: int, seed: int) -> dict:
    """Mean gIoU at each threshold, by level: float (K,) arrays."""
    curves: dict[str, list[np.ndarray]] = {name: [] for name in LEVELS}
    lowest = float(THRESHOLDS[0])
    for scene in track(range(min(scenes, len(pool))), description="scenes"):
        image, labels, objects = pool[scene]
        rng = random.Random(f"{seed}/{scene}")
        size = (image.shape[1], image.shape[0])
        segmenter.set_image(np.ascontiguousarray(image))
        for name, ask in LEVELS.items():
            queries = [ask(objects, rng, size) for _ in range(SENTENCES)]
            level = Level[name.upper()]
            asked = [Instruction(q.text, level=level, threshold=lowest) for q in queries]
            for query, found in zip(queries, segmenter.ground(asked), strict=True):
                truth = np.isin(pool.parts(scene) if query.part else labels, query.labels)
                curves[name].append(curve(found.scores, found.masks, truth, THRESHOLDS))
    return {name: np.mean(rows, axis=0) for name, rows in curves.items()}


def choose(values: np.ndarray) -> float:
    """The highest of THRESHOLDS whose gIoU (K,) is within `AS_GOOD` of the best."""
    return float(THRESHOLDS[np.flatnonzero(values >= values.max() - AS_GOOD)[-1]])


def calibrate_command(
    model: Annotated[str, typer.Argument(help="Checkpoint folder; its thresholds are replaced.")],
    pool: Annotated[Path, typer.Argument(help="Scenes that were not trained on.")],
    scenes: Annotated[int, typer.Option(help="Scenes to ask about.")] = 150,
    seed: Annotated[int, typer.Option(help="Picks the sentences.")] = 11,
    image_size: Annotated[
        int | None,
        typer.Option(help="Store another input size, px: larger finds smaller things.", min=64),
    ] = None,
) -> None:
    """Choose the score thresholds of a checkpoint, at the input size it will be used with."""
    console = Console()
    try:
        loaded, tokenizer = load(model, "cpu")
        world = WorldPool(pool)
    except (CheckpointError, FileNotFoundError) as error:
        Console(stderr=True).print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error
    if image_size:
        loaded.config.image_size = image_size
    stored = loaded.config.trained_levels
    loaded.config.trained_levels = list(LEVELS)
    means = calibrate(Segmenter(loaded, tokenizer), world, scenes, seed)
    loaded.config.trained_levels = stored
    table = Table("threshold", *means)
    for row, threshold in enumerate(THRESHOLDS):
        table.add_row(f"{threshold:g}", *(f"{values[row]:.3f}" for values in means.values()))
    console.print(table)
    for name, values in means.items():
        loaded.config.score_thresholds[name] = choose(values)
    save(loaded, tokenizer, Path(model))
    console.print(f"thresholds now {loaded.config.score_thresholds}")


if __name__ == "__main__":
    typer.run(calibrate_command)
