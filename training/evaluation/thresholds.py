"""Thresholds of a level: what is found for sentences, and the pair of limits that suits it best.

Half of the question is what to do about things that aren't there: presence alone tells them apart
badly in a small model, the best score alone too. Both limits are chosen together, as the pair that
loses least of what is there while at most a given share of absent things gets an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import track

from sam3i_model.instruction import Level
from sam3i_model.segmenter import Segmenter
from training.annotations.rle import united
from training.evaluation.metrics import union_iou
from training.questions import Source, judged

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
        instructions = [q.instruction(Level[q.level.upper()], lowest) for q in questions]
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
