"""Choose each level's thresholds on scenes that were not trained on, and store them.

Half of the question is what to do about things that aren't there: presence alone tells them apart
badly in a small model, the best score alone too. Both limits are chosen together, as the pair that
loses least of what is there while at most a given share of absent things gets an answer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import numpy as np
import typer
from rich.progress import track
from rich.table import Table

from sam3i_model.checkpoints import CheckpointError, load
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.instruction import Instruction, Level
from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import failed, results
from training.evaluate import chosen_levels, open_source
from training.files import write_text
from training.metrics import union_iou
from training.questions import QuestionError, Source, judged
from training.rle import united

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
    segmenter: Segmenter, source: Source, pictures: Collection[int], levels: Collection[str]
) -> dict[str, list[Asked]]:
    """Ask all that a source has to ask about those pictures at those levels; what came of it, by
    level."""
    asked: dict[str, list[Asked]] = {name: [] for name in levels}
    lowest = float(SCORES[0])
    for index in track(pictures, description="thresholds"):
        picture = source[index]
        questions = [q for q in picture.questions if q.level in asked]
        if not questions:
            continue
        segmenter.set_image(picture.rgb)
        instructions = [
            Instruction(q.text, level=Level[q.level.upper()], threshold=lowest) for q in questions
        ]
        found = segmenter.ground(instructions)
        for question, answer in zip(questions, found, strict=True):
            shape = (picture.rgb.shape[0], picture.rgb.shape[1])
            meant = united(question.masks, shape)
            where = judged(question.crowds, meant)
            counts = range(len(answer.masks) + 1)
            ious = np.array([union_iou(answer.masks[:n], meant, where) for n in counts])
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


if __name__ == "__main__":
    typer.run(calibrate_command)
