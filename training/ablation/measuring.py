"""Asks a variant's checkpoint; thresholds are chosen for it on scenes that it isn't measured on."""

from __future__ import annotations

from dataclasses import dataclass

from rich.progress import track

from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import notes
from training.ablation.variants import OWN_PATHS, Variant
from training.evaluation.asking import evaluate
from training.evaluation.metrics import Figures, summarise
from training.evaluation.thresholds import FALSE_ALARMS, SENTENCES, ask_about, choose
from training.questions import LEVELS, WorldQuestions
from training.world.pool import WorldPool

SEED = 5
"""Picks the sentences."""


class AblationError(ValueError):
    """An ablation can't be made as asked; the message is one line with the remedy."""


@dataclass(frozen=True)
class Measured:
    """How a variant answers the sentences of one level.

    Attributes:
        score, presence: Thresholds that were chosen for it.
        figures: As in `training.evaluation.metrics.summarise`.
        pictures: The picture that each sentence is about.
        ious: IoU of each sentence.
    """

    score: float
    presence: float
    figures: Figures
    pictures: list[int]
    ious: list[float]


def questions(pool: WorldPool, level: str, path: str) -> WorldQuestions:
    """Sentences of a level that are asked as if they were of the level `path`."""
    return WorldQuestions(pool, SEED, {path: LEVELS[level]}, SENTENCES)


def fingerprint(pool: WorldPool) -> str:
    """Tells pools apart, and what is asked about them."""
    return "-".join(questions(pool, level, level).fingerprint(len(pool)) for level in OWN_PATHS)


def parted(pool: WorldPool) -> tuple[range, range]:
    """Scenes to measure on, two thirds, and the others, to choose thresholds on.

    Two scenes in a row show the same things and stay together.
    """
    middle = 2 * (len(pool) // 3)
    return range(middle), range(middle, len(pool))


def check(pool: WorldPool) -> None:
    """Refuse scenes that are too few, before anything is trained.

    Raises:
        AblationError: There are none to measure on, or those to choose thresholds on have no
            sentence about something that is there, or none about something that isn't.
    """
    measuring, choosing = parted(pool)
    for level in OWN_PATHS:
        source = questions(pool, level, level)
        kinds = {question.present for number in choosing for question in source[number].questions}
        if len(kinds) < 2 or not measuring:
            raise AblationError(
                f"{pool.folder} has too few scenes to choose thresholds on: render 200 or more"
            )


def measure(variant: Variant, checkpoint: str, pool: WorldPool) -> dict[str, Measured]:
    """Ask a variant's checkpoint about a pool; what came of it, by level of the sentences."""
    return {
        level: _measure(variant.name, checkpoint, level, path, pool)
        for level, path in variant.paths.items()
    }


def _measure(name: str, checkpoint: str, level: str, path: str, pool: WorldPool) -> Measured:
    """Thresholds are chosen as `sam3i calibrate` does, for these very sentences on their path."""
    segmenter = Segmenter.from_pretrained(checkpoint)
    measuring, choosing = parted(pool)
    source = questions(pool, level, path)
    chosen = choose(ask_about(segmenter, source, choosing, [path])[path], FALSE_ALARMS)
    config = segmenter.model.config
    config.score_thresholds[path] = chosen.score
    config.presence_thresholds[path] = chosen.presence
    shown = track(measuring, description=f"{name}, {level}", console=notes())
    rows = evaluate(segmenter, source, shown)
    return Measured(
        chosen.score,
        chosen.presence,
        summarise(rows),
        [row.picture for row in rows],
        [row.iou for row in rows],
    )
