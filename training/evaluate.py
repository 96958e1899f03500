"""How good a checkpoint is: `sam3i evaluate CHECKPOINT DATA`.

Reads top to bottom: questions are asked picture by picture into rows, rows are counted, shown and
written to a page.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sam3i_model.chat.client import AgentError
from sam3i_model.checkpoints.loading import CheckpointError
from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import failed, notes, results
from training.data import chosen_levels, open_source
from training.evaluation import metrics, official, terminal
from training.evaluation.agent_baseline import AgentBaseline
from training.evaluation.asking import Answerer, Checkpoint, Examination, collect
from training.evaluation.compare import UNWATCHED, compare
from training.evaluation.figures import write_figures
from training.evaluation.report import write_report
from training.evaluation.rivals import Baseline, OptionError, Wanted, rival_of
from training.evaluation.rows import Progress, RowFile, RowsError
from training.evaluation.splits import Protocol, tables
from training.questions import QuestionError

PROTOCOLS = {
    "ours": Protocol(metrics.summarise, metrics.NAMES, perfect=1, decimals=3, official=False),
    "official": Protocol(
        official.summarise, official.NAMES, perfect=100, decimals=2, official=True
    ),
}
WORSE = 3
"""Exit code of --fail-on-regression."""


class ProtocolName(str, Enum):
    """A key of `PROTOCOLS`."""

    ours = "ours"
    official = "official"


def announce(
    console: Console, answerer: Answerer, asked: Examination, progress: Progress | None
) -> None:
    """Say how much there is to ask, and what it may cost."""
    left = asked.left(progress)
    line = f"{answerer.name}: {left:,} sentences about {asked.pictures:,} pictures to ask"
    if answerer.most_calls:
        line += f", {left * answerer.most_calls:,} calls of the language model at the very most"
    console.print(line, highlight=False, soft_wrap=True)


def evaluate_command(
    model: Annotated[str, typer.Argument(help="Checkpoint: as for `segment`.")],
    data: Annotated[
        Path,
        typer.Argument(help="Folder of rendered scenes, or SAM3-I JSON: a file or its folder."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for rows, figures and report; run again to go on.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another checkpoint, that the first is to be better than.")
    ] = None,
    baseline: Annotated[
        Baseline | None,
        typer.Option(
            help="Put beside it: base, itself without adapters; router, itself as the node asks "
            "it, by levels and words read from the sentences; agent, a language model."
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="The agent's, such as http://localhost:8000/v1.")
    ] = None,
    llm: Annotated[
        str | None, typer.Option(help="The agent's language model, one that sees images.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of a JSON file's pictures; none: its own folder.")
    ] = None,
    protocol: Annotated[
        ProtocolName, typer.Option(help="How answers are counted.")
    ] = ProtocolName.ours,
    levels: Annotated[
        str, typer.Option(help="Such as concept,simple, trained or not; none: all trained.")
    ] = "",
    pictures: Annotated[
        int | None, typer.Option(help="Only the first so many pictures.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Picks the sentences about rendered scenes.")] = 5,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how much would be asked.")
    ] = False,
    fail_on_regression: Annotated[
        bool,
        typer.Option(
            "--fail-on-regression", help=f"Exit with {WORSE} if concepts or negatives got worse."
        ),
    ] = False,
) -> None:
    """Measure a checkpoint on questions with known answers, alone or beside another or a baseline.

    A key for the agent's language model is read from SAM3I_API_KEY.
    """
    console = results()
    sides: list[tuple[Answerer, RowFile | None]] = []
    try:
        source = open_source(data, images, seed)
        counted = PROTOCOLS[protocol.value]
        first = Segmenter.from_pretrained(model, backend="torch")
        wanted = Wanted(against, baseline, address, llm, out)
        rival = rival_of(first, wanted)
        if fail_on_regression and rival is None:
            raise OptionError("--fail-on-regression compares: give --against or --baseline as well")
        trained = set(first.model.config.trained_levels)
        if isinstance(rival, Checkpoint):
            trained &= set(rival.segmenter.model.config.trained_levels)
        chosen = chosen_levels(levels, source, trained)
        count = min(pictures or len(source), len(source))
        asked = Examination(source, chosen, count, counted.official)
        arguments = {
            "data": source.fingerprint(count),
            "seed": seed,
            "protocol": protocol.value,
            "levels": chosen,
            "pictures": count,
        }
        for answerer, stem in ((Checkpoint(first), "rows"), (rival, wanted.stem)):
            if answerer:
                kept = (
                    (out / f"{stem}.jsonl", {**arguments, **answerer.identity()}) if out else None
                )
                if dry_run:
                    announce(console, answerer, asked, Progress(*kept) if kept else None)
                    continue
                file = RowFile(*kept) if kept else None
                sides.append((answerer, file))
                if answerer.most_calls:
                    announce(console, answerer, asked, file)
        if dry_run:
            return
        answers = [collect(answerer, asked, file) for answerer, file in sides]
        if not answers[0]:
            raise QuestionError(
                f"there is nothing to ask of {' and '.join(chosen)} about the first {count} "
                "pictures: give more --pictures, or other --levels"
            )
        rows, figures, comparison = answers[0], tables(answers[0], counted), None
        if rival:
            others = answers[1]
            both = (figures, tables(others, counted))
            same_way = not isinstance(rival, AgentBaseline)
            comparison = compare(rows, others, rival.name, both, same_way)
        terminal.show(console, rows, figures, counted, comparison)
        left = [level for level in source.levels if level not in chosen]
        if left:
            console.print(f"not asked: {' and '.join(left)}")
        if out:
            facts = {"model": model, "questions": str(data), "pictures": str(count)}
            facts |= {"sentences": str(len(rows)), "protocol": protocol.value}
            facts |= {"beside": rival.name} if rival else {}
            write_figures(out / "figures.json", {**facts, **arguments}, rows, figures, comparison)
            write_report(out / "report.html", rows, figures, counted, source, facts, comparison)
            console.print(f"report in {out / 'report.html'}", soft_wrap=True)
    except AgentError as error:
        raise failed(f"{error}. What is done is kept: run again to go on") from error
    except (CheckpointError, OptionError, QuestionError, RowsError, OSError) as error:
        raise failed(error) from error
    except KeyboardInterrupt:
        then = f"what is done is kept in {out}: the same command goes on"
        if not out:
            then = "nothing is kept: it would be with --out"
        notes().print(f"stopped; {then}")
        raise typer.Exit(130) from None
    finally:
        for _, file in sides:
            if file:
                file.close()
    if fail_on_regression and comparison:
        if not comparison.watched:
            raise failed(f"{UNWATCHED}. --fail-on-regression needs such questions")
        if comparison.alarms:
            raise typer.Exit(WORSE)
