"""All figures of an evaluation as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.evaluation.compare import Comparison
from training.evaluation.costs import costs
from training.evaluation.rows import Row
from training.evaluation.splits import Tables
from training.files import write_text


def write_figures(
    path: Path,
    facts: dict[str, Any],
    rows: Sequence[Row],
    figures: Tables,
    comparison: Comparison | None,
) -> None:
    """Write them; null where there is none.

    Raises:
        OSError: They can't be written.
    """
    content: dict[str, Any] = {**facts, "figures": figures, "answers": _answers(rows)}
    if comparison:
        content["against"] = {
            "model": comparison.against,
            "figures": comparison.tables,
            "answers": _answers(comparison.rows),
            "differences": comparison.differences,
            "giou_margins": comparison.margins,
            "watched": [{**asdict(one), "worse": one.worse} for one in comparison.watched],
            "concepts": comparison.concepts
            and {**asdict(comparison.concepts), "identical": comparison.concepts.identical},
        }
    write_text(path, json.dumps(content, indent=1))


def _answers(rows: Sequence[Row]) -> dict[str, Any]:
    return {level: asdict(cost) for level, cost in costs(rows).items()}
