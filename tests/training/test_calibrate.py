"""Thresholds found on scripted answers."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibrate import PRESENCES, SCORES, Asked, choose


def asked(presence: float, scores: list[float], ious: list[float], present: bool = True) -> Asked:
    return Asked(presence, np.array(scores), np.array(ious), present)


def at(values: np.ndarray, score: float, presence: float) -> float:
    return values[np.searchsorted(SCORES, score), np.searchsorted(PRESENCES, presence)]


def test_answers_drop_the_lowest_scores_first_and_all_below_the_presence():
    values = asked(0.6, [0.9, 0.6, 0.3], [0, 0.5, 1, 0.5]).answers()
    assert [at(values, score, 0.0) for score in (0.2, 0.3, 0.5, 0.8)] == [0.5, 1, 1, 0.5]
    assert at(values, 0.9, 0.0) == 0
    assert at(values, 0.5, 0.6) == 1
    assert at(values, 0.5, 0.625) == 0


def test_thresholds_lose_least_of_what_is_there_within_the_budget_of_false_alarms():
    """Presence tells the first absent thing from the present ones, the score the second."""
    rows = [
        asked(0.9, [0.8, 0.2], [0, 0.9, 0.6]),
        asked(0.5, [0.4], [0, 0.8]),
        asked(0.45, [0.7], [1, 0], present=False),
        asked(0.8, [0.35], [1, 0], present=False),
    ]
    chosen = choose(rows, 0.0)
    assert 0.35 <= chosen.score < 0.4
    assert 0.45 < chosen.presence <= 0.5
    assert (chosen.iou, chosen.absent_empty) == (pytest.approx(0.85), 1.0)
    lax = choose(rows, 1.0)
    assert lax.iou == pytest.approx(0.85)


def test_a_budget_that_costs_what_is_there_is_kept_all_the_same():
    rows = [asked(0.5, [0.5], [0, 0.9]), asked(0.7, [0.6], [1, 0], present=False)]
    assert choose(rows, 0.0).absent_empty == 1
    assert choose(rows, 0.0).iou == 0
    assert choose(rows, 1.0).iou == pytest.approx(0.9)
    with pytest.raises(ValueError, match="that aren't"):
        choose(rows[:1], 0.1)
