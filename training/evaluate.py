"""How good a checkpoint is: `sam3i evaluate CHECKPOINT DATA`.

Reads top to bottom: questions are asked picture by picture into rows, rows are counted, shown and
written to a page.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from sam3i_model.checkpoints import CheckpointError
from sam3i_model.instruction import Instruction, Level
from sam3i_model.segmenter import Segmenter
from training import metrics, official
from training.evaluation import terminal
from training.evaluation.compare import Comparison, compare
from training.evaluation.report import write_report
from training.evaluation.rows import Row, RowFile, RowsError, row_of
from training.evaluation.splits import Protocol, Tables, tables
from training.instruction_file import InstructionFile
from training.questions import Picture, QuestionError, Source, WorldQuestions
from training.world.pool import WorldPool

BATCH = 16
"""Sentences that are grounded at once."""
PROTOCOLS = {
    "ours": Protocol(metrics.summarise, metrics.NAMES, perfect=1, decimals=3, first_wording=False),
    "official": Protocol(
        official.summarise, official.NAMES, perfect=100, decimals=2, first_wording=True
    ),
}


class ProtocolName(str, Enum):
    """A key of `PROTOCOLS`."""

    ours = "ours"
    official = "official"


def answer(
    segmenter: Segmenter, picture: Picture, number: int, levels: Iterable[str], first: bool = False
) -> list[Row]:
    """Ask all questions of those levels about one picture; only `first` wordings if told so."""
    asked = [q for q in picture.questions if q.level in levels and not (first and q.wording)]
    if not asked:
        return []
    segmenter.set_image(picture.rgb)
    shape = (picture.rgb.shape[0], picture.rgb.shape[1])
    rows = []
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        groundings = segmenter.ground(
            [Instruction(q.text, level=Level[q.level.upper()]) for q in batch]
        )
        rows += [row_of(number, shape, *pair) for pair in zip(batch, groundings, strict=True)]
    return rows


def evaluate(segmenter: Segmenter, source: Source, pictures: Iterable[int]) -> list[Row]:
    """Ask everything about those pictures, in memory: what training's validation does."""
    return [
        row
        for number in pictures
        for row in answer(segmenter, source[number], number, source.levels)
    ]


def checksum(segmenter: Segmenter) -> str:
    """Of all that answers depend on: weights and settings."""
    settings = segmenter.model.config.to_dict()
    settings.pop("_name_or_path", None)
    value = zlib.crc32(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, tensor in sorted(segmenter.model.state_dict().items()):
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        value = zlib.crc32(raw, zlib.crc32(name.encode(), value))
    return f"{value:08x}"


def open_source(data: Path, images: Path | None, seed: int) -> Source:
    """A world pool's folder or a SAM3-I JSON file.

    Raises:
        QuestionError, FileNotFoundError: It is neither, in one line.
    """
    if data.is_dir():
        return WorldQuestions(WorldPool(data), seed)
    return InstructionFile(data, images)


def chosen_levels(wanted: str, source: Source, trained: Iterable[str]) -> list[str]:
    """The levels to ask: those wanted, or all that there are questions of and that were trained.

    Raises:
        QuestionError: None, or one that there are no questions of.
    """
    named = [level.strip() for level in wanted.split(",") if level.strip()]
    unknown = [level for level in named if level not in source.levels]
    if unknown:
        raise QuestionError(
            f"there are no questions of the level {unknown[0]}, only of "
            f"{' and '.join(source.levels)}"
        )
    known = set(trained)
    levels = [level for level in source.levels if level in (named or known)]
    if not levels:
        raise QuestionError(
            f"nothing to ask: the questions are {' and '.join(source.levels) or 'none'}, the "
            f"checkpoint was trained for {' and '.join(sorted(known))}; --levels asks all the same"
        )
    return levels


def collect(
    segmenter: Segmenter, source: Source, asked: dict[str, Any], path: Path | None
) -> list[Row]:
    """Ask what `asked` says, with a progress bar; rows that `path` has already are not asked again.

    Args:
        segmenter: The checkpoint.
        source: Has the questions.
        asked: `pictures`, how many from the first on; `levels`; `protocol`; and whatever else the
            rows depend on.
        path: File of rows to go on with; None: kept in memory only.
    """
    file = RowFile(path, {**asked, "weights": checksum(segmenter)}) if path else None
    todo = [n for n in range(asked["pictures"]) if not file or n not in file.done]
    first = PROTOCOLS[asked["protocol"]].first_wording
    kept: list[Row] = []
    # The title is a path, and a bar would take its brackets for markup.
    for number in track(todo, description=escape(segmenter.name), total=len(todo)):
        rows = answer(segmenter, source[number], number, asked["levels"], first)
        if file:
            file.append(number, rows)
        else:
            kept += rows
    return file.read() if file else kept


def write_figures(
    path: Path, facts: dict[str, Any], figures: Tables, comparison: Comparison | None
) -> None:
    """All figures as JSON; null where there is none."""
    content: dict[str, Any] = {**facts, "figures": figures}
    if comparison:
        content["against"] = {
            "model": comparison.against,
            "figures": comparison.tables,
            "differences": comparison.differences,
            "giou_margins": comparison.margins,
            "worse": comparison.alarms,
        }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def evaluate_command(
    model: Annotated[str, typer.Argument(help="Checkpoint: as for `segment`.")],
    data: Annotated[Path, typer.Argument(help="Folder of rendered scenes, or a SAM3-I JSON file.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for rows, figures and report; run again to go on.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another checkpoint, that the first is to be better than.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of a JSON file's pictures; none: its own folder.")
    ] = None,
    protocol: Annotated[
        ProtocolName, typer.Option(help="How answers are counted.")
    ] = ProtocolName.ours,
    levels: Annotated[
        str, typer.Option(help="Such as concept,simple; none: all that were trained.")
    ] = "",
    pictures: Annotated[
        int | None, typer.Option(help="Only the first so many pictures.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Picks the sentences about rendered scenes.")] = 5,
) -> None:
    """Measure a checkpoint, or two side by side, on questions with known answers."""
    console = Console()
    try:
        source = open_source(data, images, seed)
        counted = PROTOCOLS[protocol.value]
        first = Segmenter.from_pretrained(model)
        trained = set(first.model.config.trained_levels)
        second = Segmenter.from_pretrained(against) if against else None
        if second:
            trained &= set(second.model.config.trained_levels)
        chosen = chosen_levels(levels, source, trained)
        asked = {
            "data": source.fingerprint(),
            "seed": seed,
            "protocol": protocol.value,
            "levels": chosen,
            "pictures": min(pictures or len(source), len(source)),
        }
        rows = collect(first, source, asked, out and out / "rows.jsonl")
        figures = tables(rows, counted)
        comparison = None
        if second:
            others = collect(second, source, asked, out and out / "against.jsonl")
            comparison = compare(rows, others, second.name, (figures, tables(others, counted)))
    except (CheckpointError, QuestionError, RowsError, FileNotFoundError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    terminal.show(console, figures, counted, comparison)
    left = [level for level in source.levels if level not in chosen]
    if left:
        console.print(f"not asked: {' and '.join(left)}")
    if out:
        facts = {"model": model, "questions": str(data), "pictures": str(asked["pictures"])}
        facts |= {"sentences": str(len(rows)), "protocol": protocol.value}
        write_figures(out / "figures.json", {**facts, **asked}, figures, comparison)
        write_report(out / "report.html", rows, figures, counted, source, facts, comparison)
        console.print(f"report in {out / 'report.html'}", markup=False)


if __name__ == "__main__":
    typer.run(evaluate_command)
