"""Scores of hand-made frames, with the numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam3i_ros.demo.scoring import (
    Answer,
    Row,
    Truth,
    Wanted,
    by_instruction,
    mask_iou,
    score,
    summarise,
)
from sam3i_ros.demo.terminal import brief, instruction_table, slow_note

WANTED = Wanted("m", "the mug", "simple")


def box(top: int, left: int, height: int = 20, width: int = 20) -> np.ndarray:
    mask = np.zeros((100, 100), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def truth(targets: tuple[int, ...], **masks: np.ndarray) -> Truth:
    labels = np.zeros((100, 100), np.uint16)
    for label, mask in enumerate(masks.values(), start=1):
        labels[mask] = label
    centroids = {label: np.array([0.1 * label, 0.0, 1.0]) for label in range(1, len(masks) + 1)}
    return Truth(labels, centroids, {"m": targets})


def answer(
    mask: np.ndarray, outcome: str = "FOUND", centroid: tuple[float, ...] | None = None
) -> Answer:
    shown = bool(mask.any())
    return Answer(
        outcome=outcome,
        level="simple",
        score=0.8 if shown else None,
        mask=mask,
        segments=int(shown),
        centroid=None if centroid is None else np.array(centroid),
    )


NOTHING = np.zeros((100, 100), bool)


def test_mask_iou() -> None:
    assert mask_iou(box(0, 0), box(0, 0)) == 1.0
    assert mask_iou(box(0, 0), box(0, 10)) == pytest.approx(200 / 600)
    assert mask_iou(box(0, 0), box(50, 50)) == 0.0
    assert mask_iou(NOTHING, box(0, 0)) == 0.0
    assert mask_iou(NOTHING, NOTHING) == 1.0


def test_one_target_met_by_half() -> None:
    row = score(
        "s",
        3,
        WANTED,
        answer(box(0, 0), centroid=(0.1, 0.03, 1.04)),
        truth((1,), a=box(0, 0, 20, 10), b=box(50, 50)),
        0.25,
    )
    assert (row.source, row.frame, row.instruction, row.asked) == ("s", 3, "the mug", "simple")
    assert (row.level, row.outcome, row.targets, row.segments) == ("simple", "FOUND", 1, 1)
    assert (row.score, row.iou, row.right, row.latency_ms) == (0.8, 0.5, True, 250.0)
    assert row.centroid_error_m == pytest.approx(0.05)


def test_two_targets_are_one_mask_and_have_no_centroid_error() -> None:
    there = truth((1, 2), a=box(0, 0), b=box(50, 50))
    row = score("s", 0, WANTED, answer(box(0, 0), centroid=(0, 0, 1)), there, 0.1)
    assert (row.iou, row.targets, row.centroid_error_m) == (0.5, 2, None)


def test_ambiguous_counts_with_its_masks_but_not_its_place() -> None:
    there = truth((1,), a=box(0, 0), b=box(50, 50))
    both = answer(box(0, 0) | box(50, 50), "AMBIGUOUS", (0.1, 0, 1))
    row = score("s", 0, WANTED, both, there, 0.1)
    assert (row.iou, row.centroid_error_m) == (0.5, None)


def test_absent_is_right_if_nothing_is_shown() -> None:
    there = truth((), a=box(0, 0))
    silent = score("s", 0, WANTED, answer(NOTHING, "NOT_FOUND"), there, 0.1)
    assert (silent.iou, silent.right, silent.targets) == (1.0, True, 0)
    loud = score("s", 0, WANTED, answer(box(0, 0)), there, 0.1)
    assert (loud.iou, loud.right, loud.centroid_error_m) == (0.0, False, None)


def test_a_sliver_counts_neither_way() -> None:
    there = truth((1,), a=box(0, 0, 9, 11))  # 99 pixels
    row = score("s", 0, WANTED, answer(NOTHING, "NOT_FOUND"), there, 0.1)
    assert (row.iou, row.right, row.targets) == (None, None, 0)
    there = truth((1,), a=box(0, 0, 10, 10))
    assert score("s", 0, WANTED, answer(NOTHING, "NOT_FOUND"), there, 0.1).iou == 0.0


def row(frame: int, asked: str, iou: float | None, **changes: object) -> Row:
    values: dict[str, object] = {
        "source": "s",
        "frame": frame,
        "instruction": asked,
        "asked": asked,
        "level": asked,
        "targets": 1,
        "outcome": "FOUND",
        "segments": 1,
        "score": 0.5,
        "iou": iou,
        "centroid_error_m": None,
        "latency_ms": 100.0 + frame,
    }
    return Row(**{**values, **changes})  # type: ignore[arg-type]


ROWS = [
    row(0, "concept", 0.9, centroid_error_m=0.01),
    row(0, "simple", 0.2, centroid_error_m=0.05),
    row(1, "concept", 0.5, centroid_error_m=0.02, score=1.0),
    row(1, "simple", None, targets=0, outcome="NOT_FOUND", score=None),
    row(2, "concept", 1.0, targets=0, outcome="NOT_FOUND", score=None),
    row(2, "simple", 0.0, targets=0, outcome="AMBIGUOUS"),
]


def test_summary() -> None:
    assert summarise(ROWS, 5) == {
        "frames_played": 5,
        "frames_grounded": 3,
        "levels": {
            "concept": {
                "rows": 3,
                "giou": pytest.approx(0.8),
                "rows_in_view": 2,
                "giou_in_view": pytest.approx(0.7),
                "precision_at_50": 1.0,
            },
            "simple": {
                "rows": 2,
                "giou": pytest.approx(0.1),
                "rows_in_view": 1,
                "giou_in_view": pytest.approx(0.2),
                "precision_at_50": 0.0,
            },
        },
        "absent": {"rows": 2, "not_found_rate": 0.5},
        "ambiguous_rows": 1,
        "centroid_error": {"rows": 3, "median_m": 0.02},
        "latency_ms": {"median": 101.0, "p95": pytest.approx(101.9)},
    }


def test_summary_of_nothing() -> None:
    summary = summarise([], 5)
    assert summary["frames_grounded"] == 0
    assert summary["levels"] == {}
    assert summary["latency_ms"] == {"median": None, "p95": None}


def test_few_answers_are_explained_where_they_took_twice_as_long_as_usual() -> None:
    note = slow_note(summarise([replace(ROWS[0], latency_ms=9289.0)], 80))
    assert note.startswith(
        "Only 1 of 80 frames were answered, as an answer took 9.3 s and the camera doesn't wait. "
    )
    assert note.endswith(
        "0.7 to 1 s on two cores that have nothing else to do: is this machine busy?"
    )
    assert slow_note(summarise([replace(ROWS[0], latency_ms=1999.0)], 80)) == ""


def test_milliseconds_are_brief() -> None:
    assert [brief(v) for v in (0.0, 9.87, 10.0, 8064.11)] == ["0.00", "9.87", "10", "8064"]


def test_tallies() -> None:
    concept, simple = by_instruction(ROWS)
    assert concept.instruction == "concept"
    assert dict(concept.outcomes) == {"FOUND": 2, "NOT_FOUND": 1}
    assert (concept.right, concept.counted, concept.mostly_right) == (3, 3, True)
    assert concept.score == pytest.approx(0.75)
    assert concept.iou == pytest.approx(0.8)
    assert concept.centroid_error_m == pytest.approx(0.015)
    assert (simple.right, simple.counted, simple.mostly_right) == (0, 2, False)
    assert simple.latency_ms == 101.0
    assert (concept.absent, simple.absent) == (False, False)


def test_what_is_hardly_in_view_in_all_frames_is_neither_wrong_nor_absent() -> None:
    hardly, absent = by_instruction(
        [row(n, "hardly", None, targets=0) for n in range(3)]
        + [row(n, "absent", 0.0, targets=0) for n in range(3)]
    )
    assert (hardly.right, hardly.counted, hardly.mostly_right, hardly.absent) == (0, 0, None, False)
    assert (absent.right, absent.counted, absent.mostly_right, absent.absent) == (0, 3, False, True)
    table = instruction_table("", [hardly, absent])
    cells = list(table.columns[3].cells)
    assert [(cell.plain, cell.style) for cell in cells] == [("0/0", "dim"), ("0/3", "red")]


def test_an_instruction_without_a_clear_answer_in_a_frame_is_not_scored() -> None:
    truth = Truth(np.zeros((2, 2), np.uint16), {}, {"other": ()})
    answer = Answer("FOUND", "simple", 0.9, np.ones((2, 2), bool), 1, None)
    row = score("world", 0, Wanted("left", "the left mug", "simple"), answer, truth, 0.1)
    assert row.iou is None
    assert row.right is None
