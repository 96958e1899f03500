"""From the journal to the data set's own files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.annotations.images import Problems
from training.annotations.sam3i_json import ANNOTATIONS, OPEN, Sample, parse, write

CAMERAS, STATISTICS = "cameras.json", "statistics.json"


def samples(records: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """All samples of a journal, numbered from 1 in its order."""
    found = [s for r in records if r["document"] for s in parse(r["document"], Problems())]
    return [replace(sample, id=number) for number, sample in enumerate(found, 1)]


def conclude(out: Path, records: Iterable[Mapping[str, Any]], problems: Problems) -> dict[str, Any]:
    """Write annotations, intrinsics and figures; give the figures."""
    records = list(records)
    made = samples(records)
    cameras = {r["image"]: r["camera"] for r in records if r["camera"]}
    figures = statistics(records, made, problems)
    (out / CAMERAS).write_text(json.dumps(cameras, indent=1), encoding="utf-8")
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    (out / STATISTICS).write_text(text, encoding="utf-8")
    write(out / ANNOTATIONS, made)
    return figures


def statistics(
    records: list[Mapping[str, Any]], made: list[Sample], problems: Problems
) -> dict[str, Any]:
    """Counts for people."""
    taken = [r for r in records if not r["why"]]
    return {
        "frames": len(taken),
        "frames_left_out": dict(Counter(r["why"] for r in records if r["why"])),
        "with_depth": len({s.file_name for s in made if s.recording and s.recording.depth}),
        "samples": len(made),
        "labelled": sum(s.labelled and bool(s.targets) for s in made),
        "negative": sum(s.labelled and not s.targets for s in made),
        "open": sum(s.review == OPEN for s in made),
        "masks": sum(len(s.targets) for s in made if s.labelled),
        "problems": problems.count,
        "problem_lines": problems.lines,
    }
