"""Choose each level's thresholds on scenes that were not trained on, and store them.

Half of the question is what to do about things that aren't there: presence alone tells them apart
badly in a small model, the best score alone too. Both limits are chosen together, as the pair that
loses least of what is there while at most a given share of absent things gets an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import track
from rich.table import Table

from sam3i_model.checkpoints import CheckpointError, load, save
from sam3i_model.instruction import Instruction, Level
from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import failed, results
from training.metrics import union_iou
from training.questions import LEVELS, Source, WorldQuestions
from training.rle import united
from training.world.pool import WorldPool

SCORES = np.round(np.arange(0.1, 0.91, 0.025), 3)
PRESENCES = np.round(np.arange(0.0, 0.96, 0.025), 3)
SENTENCES = 4
"""Sentences a level about each scene."""
FALSE_ALARMS = 0.1
"""Share of absent things that may get an answer."""


@dataclass(frozen=True)
class Asked:
    """One sentence and all that was found for it.

    Attributes:
        presence: Probability that what was asked for is there.
        scores: float (N,), descending.
        ious: float (N + 1,), IoU with the truth of the best 0, 1, ... N masks together. Where the
            truth is empty that is 1 for no masks and 0 for any.
        present: Whether the truth isn't empty.
    """

    presence: float
    scores: np.ndarray
    ious: np.ndarray
    present: bool

    def answers(self) -> np.ndarray:
        """IoU with each pair of thresholds: float (len(SCORES), len(PRESENCES))."""
        kept = (self.scores[None] > SCORES[:, None]).sum(1)
        return np.where(self.presence >= PRESENCES[None], self.ious[kept][:, None], self.ious[0])


@dataclass(frozen=True)
class Choice:
    """Thresholds of a level, and the IoU on things that are there and share of absent things left
    empty that go with them."""

    score: float
    presence: float
    iou: float
    absent_empty: float


def ask_about(
    segmenter: Segmenter, source: Source, pictures: Collection[int]
) -> dict[str, list[Asked]]:
    """Ask all that a source has to ask about those pictures; what came of it, by level."""
    asked: dict[str, list[Asked]] = {name: [] for name in source.levels}
    lowest = float(SCORES[0])
    for index in track(pictures, description="thresholds"):
        picture = source[index]
        segmenter.set_image(picture.rgb)
        instructions = [
            Instruction(q.text, level=Level[q.level.upper()], threshold=lowest)
            for q in picture.questions
        ]
        found = segmenter.ground(instructions)
        for question, answer in zip(picture.questions, found, strict=True):
            meant = united(question.masks, picture.rgb.shape[:2])
            counts = range(len(answer.masks) + 1)
            ious = np.array([union_iou(answer.masks[:count], meant) for count in counts])
            row = Asked(answer.presence, answer.scores, ious, question.present)
            asked[question.level].append(row)
    return asked


def choose(asked: Sequence[Asked], false_alarms: float) -> Choice:
    """The pair of thresholds with the best IoU on present things, of those within the budget.

    Equal pairs: the highest, since a robot that grasps a wrong thing is worse off than one that is
    told to look again.

    Raises:
        ValueError: Nothing absent, or nothing present, was asked for.
    """
    present = [one.answers() for one in asked if one.present]
    absent = [one.answers() for one in asked if not one.present]
    if not present or not absent:
        raise ValueError("thresholds need sentences about things that are there and that aren't")
    iou, empty = np.mean(present, axis=0), np.mean(absent, axis=0)
    allowed = np.where(empty >= 1 - false_alarms - 1e-9, iou, -1.0)
    score, presence = np.argwhere(allowed >= allowed.max() - 1e-9)[-1]
    return Choice(
        float(SCORES[score]),
        float(PRESENCES[presence]),
        float(iou[score, presence]),
        float(empty[score, presence]),
    )


def calibrate_command(
    model: Annotated[str, typer.Argument(help="Checkpoint folder; its thresholds are replaced.")],
    pool: Annotated[Path, typer.Argument(help="Scenes that were not trained on.")],
    scenes: Annotated[int, typer.Option(help="Scenes to ask about.")] = 200,
    seed: Annotated[int, typer.Option(help="Picks the sentences.")] = 11,
    false_alarms: Annotated[
        float, typer.Option(help="Share of absent things that may get an answer.", min=0, max=1)
    ] = FALSE_ALARMS,
    level: Annotated[
        str | None, typer.Option(help="The only level to calibrate; none: all of them.")
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(help="Store another input size, px: larger finds smaller things.", min=64),
    ] = None,
) -> None:
    """Choose the thresholds of a checkpoint, at the input size it will be used with."""
    console = results()
    try:
        loaded, tokenizer = load(model, "cpu", image_size=image_size or 0)
        source = WorldQuestions(WorldPool(pool), seed, sentences=SENTENCES)
    except (CheckpointError, FileNotFoundError) as error:
        raise failed(error) from error
    if level not in (None, *LEVELS):
        raise failed(f"there is no level {level}: {', '.join(LEVELS)}")
    stored = loaded.config.trained_levels
    loaded.config.trained_levels = list(source.levels)
    asked = ask_about(Segmenter(loaded, tokenizer), source, range(min(scenes, len(source))))
    loaded.config.trained_levels = stored
    table = Table("level", "score", "presence", "IoU, present", "absent left empty")
    for name, rows in asked.items():
        if level not in (None, name):
            continue
        without = choose(rows, 1.0)
        chosen = choose(rows, false_alarms)
        for label, row in ((f"{name}, any false alarms", without), (name, chosen)):
            figures = (row.score, row.presence, row.iou, row.absent_empty)
            table.add_row(label, *(f"{value:.3f}" for value in figures))
        loaded.config.score_thresholds[name] = chosen.score
        loaded.config.presence_thresholds[name] = chosen.presence
    save(loaded, tokenizer, Path(model))
    console.print(table)


if __name__ == "__main__":
    typer.run(calibrate_command)
