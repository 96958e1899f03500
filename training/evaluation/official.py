"""The numbers of SAM3-I's own evaluation script, quirks and all, to compare with published ones.

Written from a description of what it computes, not from its code:

- An answer to a sentence is the union of its masks. IoU is 0 where answer and truth are both
  empty, so a right "not there" counts as wrong.
- `1to1`: every annotation is a case of its own, against the answer recorded for it. gIoU is the
  mean IoU, "mIoU" in truth the sum of intersections over the sum of unions, P50 the share of
  IoU >= 0.5. AP takes the union as one detection with its masks' best score, among all annotations
  of the image; records without masks are no detections; images without records aren't counted;
  a mask that is an empty text of counts still lends its score.
- `multi_inst`: the truth is the union of an image's annotations; every record of the image is
  scored alone, and their mean is the image's. An image without records, and a record whose masks
  have another size, count 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.annotations.rle import Rle, decode, encode, united
from training.evaluation.metrics import Figures, annotation, coco_stats
from training.evaluation.rows import Row

Mask = npt.NDArray[np.bool_]
"""bool (H, W)."""
Json = dict[str, Any]


def one_to_one(truth: Json, records: Sequence[Json]) -> Json:
    """The `1to1` block.

    Args:
        truth: COCO-like, with `images` and `annotations`, their masks as packed run lengths.
        records: `annotation_id`, `image_id` and `predictions`, each with `rle` and `score`. Those
            with an unknown annotation id are left out.

    Returns:
        samples, per_record_iou (0..1), gIoU, mIoU, P50, AP and AP50 (percent; AP -1 where it isn't
        defined) and intersection_sum, union_sum in pixels.
    """
    sizes = _sizes(truth)
    annotations = {entry["id"]: entry for entry in truth["annotations"]}
    known = [record for record in records if record["annotation_id"] in annotations]
    intersections, unions = [], []
    for record in known:
        entry = annotations[record["annotation_id"]]
        size = sizes[entry["image_id"]]
        meant, found = decode(entry["segmentation"]), _answer(record, size)
        intersections.append(int((meant & found).sum()))
        unions.append(int((meant | found).sum()))
    ious = [i / u if u else 0.0 for i, u in zip(intersections, unions, strict=True)]
    stats = _detection_stats(truth, known)
    return {
        "samples": len(ious),
        "per_record_iou": ious,
        "gIoU": 100 * _mean(ious),
        "mIoU": 100 * sum(intersections) / sum(unions) if sum(unions) else 0.0,
        "P50": 100 * _mean([float(iou >= 0.5) for iou in ious]),
        "AP": 100 * stats[0],
        "AP50": 100 * stats[1],
        "coco_stats": stats,
        "intersection_sum": float(sum(intersections)),
        "union_sum": float(sum(unions)),
    }


def multi_instance(truth: Json, records: Sequence[Json]) -> Json:
    """The `multi_inst` block: images, per_image_iou, per_image_p50 (0..1), gIoU and P50 (percent).

    Arguments as in `one_to_one`; a record counts for its image, whatever its annotation id.
    """
    annotations = _by_image(truth["annotations"])
    answers = _by_image(records)
    ious, hits = [], []
    for image, size in _sizes(truth).items():
        meant = united([a["segmentation"] for a in annotations[image]], size)
        scored = [_iou(meant, _answer(record, size)) for record in answers[image]]
        ious.append(_mean(scored))
        hits.append(_mean([float(iou >= 0.5) for iou in scored]))
    return {
        "images": len(ious),
        "per_image_iou": ious,
        "per_image_p50": hits,
        "gIoU": 100 * _mean(ious),
        "P50": 100 * _mean(hits),
    }


NAMES = {
    "giou": "1to1 gIoU",
    "miou": "1to1 mIoU (cIoU)",
    "p50": "1to1 P@0.5",
    "ap": "1to1 AP",
    "ap50": "1to1 AP50",
    "multi_giou": "multi_inst gIoU",
    "multi_p50": "multi_inst P@0.5",
}
"""Figure -> what people call it; the script prints cIoU as mIoU."""


def summarise(rows: Sequence[Row]) -> Figures:
    """Number of sentences, of those that denote nothing, and the figures in `NAMES`, in percent.

    Those of `1to1` are None where nothing is annotated, since the script then asks nothing.
    """
    truth, records = of_rows(rows)
    single, several = one_to_one(truth, records), multi_instance(truth, records)
    annotated = bool(single["samples"])
    figures = {
        "giou": single["gIoU"] if annotated else None,
        "miou": single["mIoU"] if annotated else None,
        "p50": single["P50"] if annotated else None,
        "ap": single["AP"] if annotated else None,
        "ap50": single["AP50"] if annotated else None,
        "multi_giou": several["gIoU"],
        "multi_p50": several["P50"],
    }
    return {
        "sentences": float(len(rows)),
        "absent": float(sum(not row.present for row in rows)),
        **{name: None if value is None else round(value, 2) for name, value in figures.items()},
    }


def of_rows(rows: Sequence[Row]) -> tuple[Json, list[Json]]:
    """Truth and records as the script would see them: `one_to_one`'s arguments.

    Each row is an image of its own, with a record an annotation, all with the same answer; a row
    that means nothing has none of either.
    """
    images: list[Json] = []
    annotations: list[Json] = []
    records: list[Json] = []
    for image, row in enumerate(rows, 1):
        height, width = row.shape
        images.append({"id": image, "height": height, "width": width})
        answer = [
            {"rle": code, "score": score}
            for code, score in zip(row.answer, row.scores, strict=True)
        ]
        for code in row.truth:
            number = len(annotations) + 1
            annotations.append({"id": number, "image_id": image, "segmentation": code})
            records.append({"annotation_id": number, "image_id": image, "predictions": answer})
    return {"images": images, "annotations": annotations}, records


def _detection_stats(truth: Json, records: Sequence[Json]) -> list[float]:
    """COCO's twelve numbers of the united answers."""
    sizes = _sizes(truth)
    asked = {record["image_id"] for record in records} & sizes.keys()
    found = []
    for record in records:
        if record["image_id"] in asked and record["predictions"]:
            mask = _answer(record, sizes[record["image_id"]])
            found.append(
                {
                    "image_id": record["image_id"],
                    "category_id": 1,
                    "segmentation": encode(mask),
                    "score": max(one["score"] for one in record["predictions"]),
                }
            )
    meant: list[Json] = []
    for entry in truth["annotations"]:
        if entry["image_id"] in asked:
            code = entry["segmentation"]
            meant.append(annotation(len(meant) + 1, entry["image_id"], code))
    if not found:
        return [0.0 if meant else -1.0] * 12
    return coco_stats({"images": sorted(asked), "annotations": meant}, found)


def _answer(record: Json, size: tuple[int, int]) -> Mask:
    """All masks of a record together; empty if one has another size."""
    codes: list[Rle] = [one["rle"] for one in record["predictions"]]
    if any(tuple(code["size"]) != size for code in codes):
        return np.zeros(size, bool)
    return united([code for code in codes if code["counts"]], size)


def _iou(first: Mask, second: Mask) -> float:
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0


def _sizes(truth: Json) -> dict[int, tuple[int, int]]:
    """Image id -> (height, width)."""
    return {image["id"]: (image["height"], image["width"]) for image in truth["images"]}


def _by_image(entries: Sequence[Json]) -> dict[int, list[Json]]:
    groups: dict[int, list[Json]] = defaultdict(list)
    for entry in entries:
        groups[entry["image_id"]].append(entry)
    return groups


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
