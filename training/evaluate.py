"""How good a model is on rendered scenes it never saw: the numbers of the model card.

gIoU is the mean over sentences of the IoU between what was answered and what was meant, as unions
of masks; an empty answer to a sentence that denotes nothing counts 1, any other answer to it 0.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sam3i_model.instruction import Instruction, Level
from sam3i_model.segmenter import Segmenter
from training.dataset import Ask
from training.instructions import grammar
from training.world.pool import WorldPool

LEVELS: dict[str, Ask] = {"concept": grammar.concept, "simple": grammar.simple}


@dataclass
class Row:
    """One sentence and how it went."""

    scene: int
    text: str
    level: str
    family: str
    outcome: str
    present: bool
    presence: float
    iou: float
    score: float


def union_iou(masks: np.ndarray, truth: np.ndarray) -> float:
    """IoU of the union of bool (N, H, W) masks with bool (H, W) truth; empty and empty is 1."""
    union = masks.any(0) if len(masks) else np.zeros_like(truth)
    either = int((union | truth).sum())
    return int((union & truth).sum()) / either if either else 1.0


def evaluate(
    segmenter: Segmenter, pool: WorldPool, asks: dict[str, Ask], scenes: Iterable[int], seed: int
) -> list[Row]:
    """Ask two sentences a level about each scene; sentence choice depends on seed and scene."""
    rows = []
    for scene in scenes:
        image, labels, objects = pool[scene]
        rng = random.Random(f"{seed}/{scene}")
        size = (image.shape[1], image.shape[0])
        queries = [(name, ask(objects, rng, size)) for name, ask in asks.items() for _ in "ab"]
        segmenter.set_image(np.ascontiguousarray(image))
        groundings = segmenter.ground(
            [Instruction(q.text, level=Level[name.upper()]) for name, q in queries]
        )
        for (name, query), grounding in zip(queries, groundings, strict=True):
            truth = np.isin(pool.parts(scene) if query.part else labels, query.labels)
            rows.append(
                Row(
                    scene=scene,
                    text=query.text,
                    level=name,
                    family=query.family,
                    outcome=grounding.outcome.name,
                    present=bool(query.labels),
                    presence=round(grounding.presence, 4),
                    iou=union_iou(grounding.masks, truth),
                    score=float(grounding.scores[0]) if len(grounding.scores) else 0.0,
                )
            )
    return rows


def summarise(rows: list[Row]) -> dict[str, float]:
    """gIoU, P@0.5 and mIoU of present targets, presence accuracy, share of absent left empty."""
    present = [row.iou for row in rows if row.present]
    absent = [row.iou for row in rows if not row.present]
    figures = {
        "sentences": float(len(rows)),
        "giou": _mean([row.iou for row in rows]),
        "miou_present": _mean(present),
        "p50_present": _mean([float(iou > 0.5) for iou in present]),
        "absent_empty": _mean(absent),
        "presence_accuracy": _mean([float((r.presence > 0.5) == r.present) for r in rows]),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def evaluate_command(
    model: Annotated[str, typer.Argument(help="Checkpoint folder, or 'bundled'.")],
    pool: Annotated[Path, typer.Argument(help="Folder that `training.world pool` wrote.")],
    scenes: Annotated[int, typer.Option(help="Scenes to ask about.")] = 200,
    seed: Annotated[int, typer.Option(help="Picks the sentences.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Write rows and figures here, JSON.")] = None,
) -> None:
    """Evaluate a checkpoint on rendered scenes."""
    segmenter = Segmenter.from_pretrained(model)
    world = WorldPool(pool)
    count = min(scenes, len(world))
    rows = evaluate(segmenter, world, LEVELS, track(range(count), description="scenes"), seed)
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.level].append(row)
        if row.level != "concept":
            groups[f"{row.level}: {row.family}"].append(row)
    figures = {name: summarise(groups[name]) for name in sorted(groups)}
    table = Table("level", *next(iter(figures.values())))
    for name, values in figures.items():
        table.add_row(name, *(f"{value:g}" for value in values.values()))
    Console().print(table)
    if out:
        content = {"model": model, "figures": figures, "rows": [asdict(row) for row in rows]}
        out.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    typer.run(evaluate_command)
