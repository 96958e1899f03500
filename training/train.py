"""Train a checkpoint: `sam3i train DATA OUT --settings NAME`.

One loop for every stage. Killed, it goes on from its last state with the same data in the same
order. Several processes (`accelerate launch -m training.train ...`) share each step's pictures and
have the same losses as one.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Annotated

import torch
import typer

from sam3i_model.checkpoints.loading import CheckpointError
from sam3i_model.memory import keep_freed_memory
from sam3i_model.segmenter import Segmenter
from sam3i_model.terminal import failed, notes, results
from training.annotations.entries import SourceError
from training.checksum import checksum
from training.data import description, open_data, recurring, suited
from training.evaluation.asking import evaluate
from training.evaluation.metrics import summarise
from training.loop.dry_run import describe, try_out
from training.loop.forecast import ForecastError, forecast
from training.loop.log import Log
from training.loop.run import Run, rate_factor
from training.loop.settings import UNGROUNDED, SettingsError, read_settings, shipped
from training.losses.processes import summed
from training.questions import QuestionError, Source
from training.samples.sample import Samples

STATE, MODEL = "state.pt", "model"
"""In a run's folder: what it goes on from, and the checkpoint that it ends with."""
SAVE_EVERY = 250
LOG_EVERY = 50
VALIDATION_PICTURES = 50


def train(run: Run, samples: Samples, out: Path, validation: Source | None = None) -> None:
    """Run to the last step, or out of patience, and write OUT/model; resumes from OUT/state.pt.

    Raises:
        SettingsError: OUT can't be a folder, or its state is of another run; one line.
        SourceError, OSError: Data can't be read or OUT written any more; one line.
    """
    settings, state = run.settings, out / STATE
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{out} can't be a folder ({error.strerror}): name another") from error
    if state.exists():
        run.resume(state)
    stream = run.stream(samples)
    with Log(out, settings.steps, run.step, shown=run.main) as log:
        over = run.spent
        while run.step < settings.steps and not over:
            terms = run.take(stream)
            log.step(run.step, terms, run.waited)
            figures = {}
            if validation and run.step % settings.validate_every == 0:
                if run.main and settings.phase_at(run.step - 1) not in UNGROUNDED:
                    figures = validate(run, validation)
                    over = run.judge(score(figures))
                over = bool(summed(torch.tensor(float(over), device=run.accelerator.device)))
            if figures or run.step % LOG_EVERY == 0:
                log.write(run.step, rate_factor(run.step, settings), figures)
            if over or run.step % SAVE_EVERY == 0 or run.step == settings.steps:
                run.keep(state)
    run.finish(out / MODEL)


def score(figures: dict[str, dict[str, float | None]]) -> float:
    """One number for a validation: the mean gIoU of the levels."""
    values = [level["giou"] for level in figures.values() if level["giou"] is not None]
    return statistics.mean(values) if values else 0.0


def validate(run: Run, source: Source) -> dict[str, dict[str, float | None]]:
    """Figures of the averaged weights on a few pictures of other data, by level."""
    model = run.model
    trained = list(model.config.trained_levels)
    pictures = range(min(VALIDATION_PICTURES, len(source)))
    with run.average.lent_to(model):
        model.config.trained_levels = list(source.levels)
        rows = evaluate(Segmenter(model, run.tokenizer), source, pictures)
    model.config.trained_levels = trained
    run.module.learn()
    return {name: summarise([r for r in rows if r.level == name]) for name in source.levels}


def train_command(
    data: Annotated[
        Path, typer.Argument(help="Scenes (`sam3i render pool`), or a SAM3-I JSON file or folder.")
    ],
    out: Annotated[Path, typer.Argument(help="State, log and model go here.")],
    settings: Annotated[
        str, typer.Option(help=f"A YAML file, or one of {', '.join(shipped())}.")
    ] = "fine-tune",
    start: Annotated[str, typer.Option("--from", help="Checkpoint to start from.")] = "",
    rehearse: Annotated[
        Path | None, typer.Option(help="Data of either kind to mix in, so that old skills stay.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Other data of either kind, to measure on meanwhile.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Instead of the settings' steps.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0: as many as there are.", min=0)] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it needs: memory, disk, time.")
    ] = False,
) -> None:
    """Train a checkpoint; run again to go on after an interruption."""
    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory(large=True)
    console = results()
    try:
        held_out = 0.0 if validation else None  # all of the data is learned from then
        read = read_settings(settings, steps=steps, hold_out=held_out)
        samples, source = open_data(data, read, rehearse, validation)
        read = suited(read, samples)
        described = [path for given in (data, rehearse) if given for path in description(given)]
        run = Run(read, start, out / "features", data=checksum(described))
        again = recurring(samples)
        kept = run.module.room(min(again, read.steps * read.batch_size))
        needs = forecast(run.module, out, run.accelerator.device, kept)
        if dry_run:
            console.print(describe(needs, try_out(run, samples), read, again))
        needs.check()
        if not dry_run:
            train(run, samples, out, source)
            console.print(f"model in {out / MODEL}")
    except (
        SettingsError,
        CheckpointError,
        ForecastError,
        SourceError,
        QuestionError,
        ImportError,
        OSError,
    ) as error:
        raise failed(error) from error
    except KeyboardInterrupt:
        begun = (out / STATE).exists()
        where = "goes on from the last state" if begun else "begins anew: no state was kept yet"
        notes().print(f"stopped; the same command {where}")
        raise typer.Exit(130) from None


if __name__ == "__main__":
    typer.run(train_command)
