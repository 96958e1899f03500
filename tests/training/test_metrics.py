"""Figures worked out by hand, and the numbers of SAM3-I's own evaluation."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from training.annotations.rle import encode
from training.evaluation import official
from training.evaluation.metrics import (
    average_precision,
    ciou,
    mean,
    precision,
    summarise,
    union_iou,
)
from training.evaluation.rows import Row, row_of
from training.questions import Question

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("SAM3I_PARITY", PROJECT.parent / "shared/parity"))
SETS = sorted(path.parent for path in FOLDER.glob("*/metrics.json"))


def masks(*columns: tuple[int, int]) -> np.ndarray:
    out = np.zeros((len(columns), 4, 8), bool)
    for row, (left, right) in enumerate(columns):
        out[row, :, left:right] = True
    return out


def row(
    truth: list[tuple[int, int]],
    answer: list[tuple[int, int]],
    presence: float = 0.9,
    scores: tuple[float, ...] = (0.9, 0.8, 0.7),
    outcome: Outcome | None = None,
    crowds: list[tuple[int, int]] | None = None,
) -> Row:
    """A row about a 4 x 8 picture; masks are full columns from .. to."""
    meant, many = (tuple(encode(mask) for mask in masks(*at)) for at in (truth, crowds or []))
    question = Question("1", "box", "concept", meant, crowds=many)
    found = outcome or (Outcome.FOUND if answer else Outcome.NOT_FOUND)
    grounding = Grounding(
        Instruction("box"),
        found,
        Level.CONCEPT,
        presence,
        masks=masks(*answer),
        scores=np.array(scores[: len(answer)], np.float32),
    )
    return row_of(0, (4, 8), question, grounding)


def test_union_iou_counts_empty_as_right():
    truth = masks((0, 4))[0]
    assert union_iou(masks((0, 2), (2, 4)), truth) == 1
    assert union_iou(masks((2, 6)), truth) == pytest.approx(2 / 6)
    nothing = np.zeros((4, 8), bool)
    assert union_iou(np.zeros((0, 4, 8), bool), nothing) == 1
    assert union_iou(masks((0, 1)), nothing) == 0
    assert union_iou(np.zeros((0, 4, 8), bool), truth) == 0


def test_nothing_has_no_figures():
    assert mean([]) is None
    assert precision([]) is None
    assert ciou([0], [0]) is None
    assert ciou([1, 2], [4, 8]) == 0.25
    assert average_precision([[]], [[]], [[]]) == (None, None)
    assert summarise([])["giou"] is None


def test_rows():
    one = row([(0, 2), (2, 4)], [(1, 3), (4, 6)])
    assert (one.intersection, one.union, one.iou) == (8, 24, pytest.approx(1 / 3))
    assert (one.present, one.answered, one.size) == (True, True, "large")
    empty = row([], [])
    assert (empty.iou, empty.present, empty.answered, empty.size) == (1.0, False, False, "")
    hollow = row([(3, 3)], [])  # an annotation without pixels means nothing
    assert (hollow.iou, hollow.present) == (1.0, False)


def test_summary():
    rows = [
        row([(0, 4)], [(0, 4)]),  # IoU 1
        row([(0, 4)], [(0, 2)]),  # IoU 0.5
        row([(0, 2), (4, 6)], [], presence=0.2),  # missed
        row([], [], presence=0.1),  # rightly empty
        row([], [(0, 2)]),  # false alarm
    ]
    assert summarise(rows) == {
        "sentences": 5,
        "absent": 2,
        "giou": 0.5,  # (1 + 0.5 + 0 + 1 + 0) / 5
        "n_acc": 0.5,
        "t_acc": 0.6667,
        "p50_present": 0.6667,
        # 4 instances. By score: true, true only at IoU 0.5, false. AP50: 51 of 101 recalls at 1.
        "ap50": 0.505,
        # Thresholds above 0.5: of three answers of score 0.9 the first is true, recall 0.25.
        "ap": round((51 + 9 * 26) / 1010, 4),
        "miou_present": 0.5,
        "ciou": round((16 + 8) / (16 + 16 + 16 + 8), 4),
        "presence_recall": 0.6667,
    }


def test_answers_on_a_crowd_are_neither_right_nor_wrong():
    one = row([(0, 2)], [(0, 2), (5, 6)], crowds=[(1, 8)], scores=(0.8, 0.9))
    assert (one.intersection, one.union, one.iou) == (8, 8, 1.0)
    assert (summarise([one])["ap"], summarise([one])["ap50"]) == (1.0, 1.0)
    missed = row([(0, 2), (2, 4)], [(0, 2), (5, 6)], crowds=[(4, 6)])
    assert missed.iou == 0.5
    assert summarise([missed])["ap50"] == pytest.approx(51 / 101, abs=1e-4)
    beside = row([(0, 2)], [(0, 2), (2, 4)], crowds=[(4, 8)], scores=(0.8, 0.9))
    assert (beside.iou, summarise([beside])["ap"]) == (0.5, 0.5)
    assert union_iou(masks((0, 2), (5, 6)), masks((0, 2))[0], ~masks((4, 8))[0]) == 1


def test_a_rejected_sentence_is_wrong_whatever_it_means():
    rows = [row([], [], outcome=Outcome.REJECTED), row([(0, 4)], [], outcome=Outcome.REJECTED)]
    assert [one.iou for one in rows] == [0, 0]
    assert summarise(rows)["n_acc"] == 0
    assert summarise(rows)["t_acc"] == 0


def test_average_precision_counts_instances():
    left, right, both = encode(masks((0, 2))[0]), encode(masks((4, 6))[0]), encode(masks((0, 6))[0])
    assert average_precision([[left, right]], [[right, left]], [[0.9, 0.8]]) == (1.0, 1.0)
    assert average_precision([[left, right]], [[both]], [[0.9]]) == (0.0, 0.0)
    assert average_precision([[left, right]], [[]], [[]]) == (0.0, 0.0)
    # One of two found: recalls 0, 0.01, ..., 0.5 of the 101 that COCO looks at.
    half = average_precision([[left, right]], [[left]], [[0.9]])
    assert half == (pytest.approx(51 / 101), pytest.approx(51 / 101))
    # A surer answer where nothing is meant comes first: precision 1/2 throughout.
    alarm = average_precision([[left], []], [[left], [right]], [[0.5], [0.9]])
    assert alarm == (pytest.approx(0.5), pytest.approx(0.5))


def test_official_quirks():
    """Two annotations of one image, both found by one answer; nothing meant and nothing found."""
    rows = [row([(0, 2), (4, 6)], [(0, 2), (4, 6)]), row([], [])]
    figures = official.summarise(rows)
    assert (figures["sentences"], figures["absent"]) == (2, 1)
    assert figures["giou"] == 50.0  # each annotation against the answer for both
    assert figures["miou"] == 50.0
    assert figures["p50"] == 100.0
    assert figures["multi_giou"] == 50.0  # the union fits, but a right "not there" counts 0
    # Both records give the same united detection: it meets each truth by 0.5, one each.
    assert figures["ap50"] == 100.0
    assert figures["ap"] == 10.0
    nothing = official.summarise([row([], []), row([], [(0, 2)])])
    assert [nothing[name] for name in ("giou", "miou", "p50", "ap", "multi_giou")] == [
        *([None] * 4),
        0.0,
    ]


def near(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.array(got), np.array(expected), rtol=0, atol=1e-9)


@pytest.mark.skipif(not SETS, reason=f"no parity sets in {FOLDER}")
@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
@pytest.mark.parametrize(
    ("block", "compute"),
    [
        ("1to1", official.one_to_one),
        ("multi_inst", official.multi_instance),
        ("multi_inst_odd", official.multi_instance),
    ],
)
def test_the_official_numbers(folder, block, compute):
    expected = json.loads((folder / "metrics.json").read_text())[block]
    name = "metrics_pred_multi.json" if block == "multi_inst_odd" else "metrics_pred.json"
    truth = json.loads((folder / "metrics_gt.json").read_text())
    got = compute(truth, json.loads((folder / name).read_text()))
    compared = expected.keys() - {"report", "predictions"}
    assert compared == got.keys()
    for field in compared:
        near(got[field], expected[field])
