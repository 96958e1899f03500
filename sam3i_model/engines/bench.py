"""An export beside PyTorch, in turns on the same frames."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction
from sam3i_model.machine import processor
from sam3i_model.segmenter import Segmenter

STAGES = ("image", "grounding", "both")


def compare_engines(
    both: Sequence[Segmenter],
    pictures: Sequence[np.ndarray],
    asked: Sequence[Instruction],
    repeat: int,
) -> dict[str, Any]:
    """Times and differences of two engines, each frame answered by one and then by the other."""
    taken: dict[str, dict[str, list[float]]] = {s.engine: {n: [] for n in STAGES} for s in both}
    ious, scores, same, count = [1.0], [0.0], True, 0
    for turn in track(range(repeat + 1), "frames", console=Console(stderr=True, emoji=False)):
        for picture in pictures:
            answers = []
            for segmenter in both:
                began = time.perf_counter()
                segmenter.set_image(picture)
                encoded = time.perf_counter()
                answers.append(segmenter.ground(asked))
                ended = time.perf_counter()
                spans = (encoded - began, ended - encoded, ended - began)
                for stage, seconds in zip(STAGES, spans, strict=True):
                    if turn:  # the first warms up
                        taken[segmenter.engine][stage].append(1000 * seconds)
            if not turn:
                for ours, theirs in zip(*answers, strict=True):
                    count += len(ours.masks)
                    same &= ours.outcome == theirs.outcome and len(ours.masks) == len(theirs.masks)
                    if same:
                        ious += mask_ious(ours, theirs)
                        scores += np.abs(ours.scores - theirs.scores).tolist()
    return {
        "ms": {name: {s: spread(v) for s, v in stages.items()} for name, stages in taken.items()},
        "same_outcomes": same,
        "instances": count,
        "least_mask_iou": round(min(ious), 5),
        "largest_score_difference": round(max(scores), 6),
        "instructions": len(asked),
        "frames": len(pictures),
        **surroundings(),
    }


def mask_ious(ours: Grounding, theirs: Grounding) -> list[float]:
    """IoU of each mask with that of the same rank."""
    both = (ours.masks & theirs.masks).sum((1, 2))
    either = (ours.masks | theirs.masks).sum((1, 2))
    return (both / np.maximum(either, 1)).tolist()


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        "median": round(float(np.median(values)), 2),
        "p95": round(float(np.quantile(values, 0.95)), 2),
    }


def surroundings() -> dict[str, Any]:
    """What a reader of figures must know of the machine."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "processor": processor(),
        "gpu": gpu,
        "threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 1),
        "precision": "float32",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
