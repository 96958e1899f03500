"""Figures worked out by hand; thresholds found on scripted answers."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibrate import AS_GOOD, THRESHOLDS, choose, curve
from training.evaluate import Row, summarise, union_iou


def masks(*columns: tuple[int, int]) -> np.ndarray:
    out = np.zeros((len(columns), 4, 8), bool)
    for row, (left, right) in enumerate(columns):
        out[row, :, left:right] = True
    return out


def test_union_iou_counts_empty_as_right():
    truth = masks((0, 4))[0]
    assert union_iou(masks((0, 2), (2, 4)), truth) == 1
    assert union_iou(masks((2, 6)), truth) == pytest.approx(2 / 6)
    nothing = np.zeros((4, 8), bool)
    assert union_iou(np.zeros((0, 4, 8), bool), nothing) == 1
    assert union_iou(masks((0, 1)), nothing) == 0
    assert union_iou(np.zeros((0, 4, 8), bool), truth) == 0


def row(present: bool, presence: float, iou: float) -> Row:
    return Row(0, "mug", "concept", "noun", "FOUND", present, presence, iou, 0.5)


def test_summary():
    rows = [row(True, 0.9, 0.8), row(True, 0.4, 0.4), row(False, 0.2, 1.0), row(False, 0.7, 0.0)]
    assert summarise(rows) == {
        "sentences": 4,
        "giou": 0.55,
        "miou_present": 0.6,
        "p50_present": 0.5,
        "absent_empty": 0.5,
        "presence_accuracy": 0.5,
    }


def test_curve_drops_the_lowest_scores_first():
    found = masks((0, 2), (2, 4), (4, 8))
    truth = masks((0, 4))[0]
    values = curve(np.array([0.9, 0.6, 0.3]), found, truth, np.array([0.2, 0.3, 0.5, 0.8, 0.95]))
    np.testing.assert_allclose(values, [4 / 8, 1, 1, 0.5, 0])


def test_the_highest_good_threshold_is_chosen():
    values = np.zeros(len(THRESHOLDS))
    values[[3, 5, 8]] = [0.7, 0.7 - AS_GOOD / 2, 0.7 - 2 * AS_GOOD]
    assert choose(values) == THRESHOLDS[5]
