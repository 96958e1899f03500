"""`sam3i bench engines`: an export beside PyTorch, in turns on the same frames."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from sam3i_model.checkpoints import CheckpointError
from sam3i_model.engines.frames import DEFAULT_SENTENCES, default_frames, read_frames
from sam3i_model.engines.interface import EngineError
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction
from sam3i_model.segmenter import Segmenter

STAGES = ("image", "grounding", "both")


def engines_command(
    model: Annotated[str, typer.Argument(help="Folder that `sam3i export` wrote.")],
    backend: Annotated[str, typer.Option(help="Beside torch: onnx or tensorrt.")] = "onnx",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Of the CPU; 0 is PyTorch's choice.")] = 0,
    repeat: Annotated[int, typer.Option(min=1, help="Times that each frame is answered.")] = 10,
    frames: Annotated[
        list[Path] | None, typer.Option(help="Picture or folder of them; photographs if left out.")
    ] = None,
    say: Annotated[list[str] | None, typer.Option(help="Instruction; repeat for several.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
) -> None:
    """Time and answers of an engine beside PyTorch's."""
    console = Console()
    if threads:
        torch.set_num_threads(threads)
    try:
        pictures = read_frames(frames) if frames else default_frames()
        both = [Segmenter.from_pretrained(model, device, backend=b) for b in ("torch", backend)]
        if both[1].refused:
            raise EngineError(both[1].refused)
    except CheckpointError as error:
        Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
    trained = both[0].model.config.trained_levels
    asked = [Instruction(text) for text in say or ()] or [
        i for i in DEFAULT_SENTENCES if i.level.name.lower() in trained
    ]
    figures = compare_engines(both, pictures, asked, repeat)
    table = Table("ms, median (p95)", *(s.engine for s in both), "times faster")
    for stage in STAGES:
        ours, theirs = (figures["ms"][s.engine][stage] for s in both)
        cells = (f"{t['median']:.1f} ({t['p95']:.1f})" for t in (ours, theirs))
        table.add_row(stage, *cells, f"{ours['median'] / theirs['median']:.2f}")
    console.print(table)
    for key, value in figures.items():
        if key != "ms":
            console.print(f"{key}: {value}", soft_wrap=True)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def compare_engines(
    both: Sequence[Segmenter],
    pictures: Sequence[np.ndarray],
    asked: Sequence[Instruction],
    repeat: int,
) -> dict[str, Any]:
    """Times and differences of two engines, each frame answered by one and then by the other."""
    taken: dict[str, dict[str, list[float]]] = {s.engine: {n: [] for n in STAGES} for s in both}
    ious, scores, same, count = [1.0], [0.0], True, 0
    for turn in track(range(repeat + 1), "frames", console=Console(stderr=True)):
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


def processor() -> str:
    """Its name, as Linux has it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
