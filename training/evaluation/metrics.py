"""The figures of an evaluation, as pure functions.

For a sentence, I and U are the pixels that are both answered and meant, and either of them; masks
of several instances count as their union. IoU = I / U, and 1 where both are empty.

- gIoU: mean IoU over all sentences; an empty answer to a sentence that denotes nothing counts 1,
  any other answer to it 0 (Liu et al., GRES, arXiv 2306.00968, section 3.3).
- cIoU: sum of I over sum of U.
- N-acc: share of sentences that denote nothing with an empty answer; T-acc: share of the others
  with an answer that isn't empty (GRES).
- AP: COCO's average precision of instances, IoU 0.50 to 0.95; each sentence is an image of its own.

A crowd among what is meant needn't be found and may be: pixels of an answer that lie on it and on
no instance are left out of I and U, and AP takes it as COCO does (iscrowd).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from training.annotations.rle import Rle, areas, packed
from training.evaluation.rows import Row

Figures = dict[str, float | None]

NAMES: dict[str, str] = {
    "giou": "gIoU",
    "n_acc": "N-acc",
    "t_acc": "T-acc",
    "p50_present": "P@0.5 present",
    "ap": "AP",
    "ap50": "AP50",
    "miou_present": "mIoU present",
    "ciou": "cIoU",
    "presence_recall": "presence recall",
}
"""Figure -> what people call it, what matters most first."""


def union_iou(
    masks: npt.NDArray[np.bool_],
    truth: npt.NDArray[np.bool_],
    judged: npt.NDArray[np.bool_] | bool = True,
) -> float:
    """IoU of the union of bool (N, H, W) masks, where it is `judged`, with bool (H, W) truth; empty
    and empty is 1."""
    union = masks.any(0) & judged if len(masks) else np.zeros_like(truth)
    either = int((union | truth).sum())
    return int((union & truth).sum()) / either if either else 1.0


def mean(values: Iterable[float]) -> float | None:
    """The mean; None of nothing."""
    known = list(values)
    return float(np.mean(known)) if known else None


def ciou(intersections: Sequence[int], unions: Sequence[int]) -> float | None:
    """Sum of intersections over sum of unions, both in pixels; None if all is empty."""
    return sum(intersections) / sum(unions) if sum(unions) else None


def precision(ious: Sequence[float]) -> float | None:
    """Share of IoUs of at least 0.5; None of nothing."""
    return mean(iou >= 0.5 for iou in ious)


def average_precision(
    truths: Sequence[Sequence[Rle]],
    answers: Sequence[Sequence[Rle]],
    scores: Sequence[Sequence[float]],
    crowds: Sequence[Sequence[Rle]] = (),
) -> tuple[float | None, float | None]:
    """COCO's AP (mean over IoU 0.50, 0.55, ..., 0.95) and AP50 of instance masks, in 0..1.

    Item i of each argument is about sentence i; `crowds` may be left out. An answer where nothing
    is meant is a false positive. Since answers have passed a score threshold already, AP is that of
    what is answered.

    Returns:
        None, None where no sentence means anything.
    """
    meant = [
        annotation(number, index + 1, code)
        for number, (index, code) in enumerate(_flat(truths), 1)
        if areas([code])[0]
    ]
    if not meant:
        return None, None
    meant += [
        {**annotation(number, index + 1, code), "iscrowd": 1}
        for number, (index, code) in enumerate(_flat(crowds), 1 + meant[-1]["id"])
    ]
    given = [score for row in scores for score in row]
    found = [
        {"image_id": index + 1, "category_id": 1, "segmentation": packed(code), "score": score}
        for (index, code), score in zip(_flat(answers), given, strict=True)
    ]
    if not found:
        return 0.0, 0.0
    stats = coco_stats({"images": list(range(1, len(truths) + 1)), "annotations": meant}, found)
    return stats[0], stats[1]


def annotation(number: int, image: int, code: Rle) -> dict[str, Any]:
    """A mask as COCO's evaluation takes a truth."""
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "area": areas([code])[0],
        "segmentation": packed(code),
    }


def coco_stats(truth: dict[str, list[Any]], found: list[dict[str, Any]]) -> list[float]:
    """COCO's twelve numbers for masks of one category; -1 where one isn't defined.

    Args:
        truth: `images`, their ids, and `annotations`.
        found: At least one detection.
    """
    dataset = {
        # pycocotools looks sizes up, but uses them for polygons only.
        "images": [{"id": image, "height": 0, "width": 0} for image in truth["images"]],
        "annotations": truth["annotations"],
        "categories": [{"id": 1}],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = dataset
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(found), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def _flat(rows: Sequence[Sequence[Rle]]) -> list[tuple[int, Rle]]:
    return [(index, code) for index, row in enumerate(rows) for code in row]


def summarise(rows: Sequence[Row]) -> Figures:
    """Number of sentences, of those that denote nothing, and the figures in `NAMES`, in 0..1.

    A figure of no sentences is None. A rejected sentence was answered wrongly, whatever it means.
    """
    present = [row for row in rows if row.present]
    absent = [row for row in rows if not row.present]
    ap, ap50 = average_precision(
        [row.truth for row in rows],
        [row.answer for row in rows],
        [row.scores for row in rows],
        [row.crowds for row in rows],
    )
    figures: Figures = {
        "giou": mean(row.iou for row in rows),
        "ciou": ciou([row.intersection for row in rows], [row.union for row in rows]),
        "miou_present": mean(row.iou for row in present),
        "p50_present": precision([row.iou for row in present]),
        "ap": ap,
        "ap50": ap50,
        "n_acc": mean(row.left_empty for row in absent),
        "t_acc": mean(row.answered for row in present),
        "presence_recall": mean(row.presence > 0.5 for row in present),
    }
    rounded = {n: None if v is None else round(v, 4) for n, v in figures.items()}
    return {"sentences": float(len(rows)), "absent": float(len(absent)), **rounded}
