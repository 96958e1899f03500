"""Train a checkpoint: `python -m training.train SETTINGS POOL OUT [--start CHECKPOINT]`.

Reads top to bottom: build or load, then one loop. Killed, it goes on from its last state with the
same data in the same order.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from sam3i_model.checkpoints import CheckpointError, load, save
from sam3i_model.modeling import Sam3IModel
from sam3i_model.segmenter import Segmenter
from training.alignment import FeatureQueue
from training.dataset import Batch, WorldBatches
from training.evaluate import evaluate
from training.initialise import new_model
from training.instructions.vocabulary import build_tokenizer
from training.metrics import summarise
from training.questions import LEVELS, WorldQuestions
from training.settings import Settings, SettingsError, read_settings
from training.sources import SOURCES
from training.stages import LEVELS as TRAINED_LEVELS
from training.stages import Heads, enter, groups, losses, trainable
from training.world.pool import WorldPool

SAVE_EVERY = 250
VALIDATE_EVERY = 1000
VALIDATION_SCENES = 50


def rate_factor(step: int, settings: Settings) -> float:
    """Learning rate at `step` as a share of its peak: warm-up, constant, cosine to 2 %."""
    since = step - settings.image_steps if step >= settings.image_steps else step
    warm = min(1.0, (since + 1) / settings.warmup)
    done = step / settings.steps
    if done < settings.constant_until:
        return warm
    decayed = (done - settings.constant_until) / (1 - settings.constant_until)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * decayed)))


class Average:
    """Exponential moving average of a model's floating point state."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the model; the first steps count more, so that the start is forgotten."""
        decay = min(self.decay, (1 + step) / (20 + step))
        state = model.state_dict()
        names = [k for k, v in self.values.items() if v.is_floating_point()]
        torch._foreach_lerp_([self.values[k] for k in names], [state[k] for k in names], 1 - decay)


def validate(model: Sam3IModel, average: Average, tokenizer: Any, pool: WorldPool) -> dict:
    """gIoU of the averaged weights on a few scenes of the validation pool, by level."""
    current = {k: v.detach().clone() for k, v in model.state_dict().items()}
    model.load_state_dict(average.values)
    trained = list(model.config.trained_levels)
    model.config.trained_levels = list(LEVELS)
    scenes = range(min(VALIDATION_SCENES, len(pool)))
    rows = evaluate(Segmenter(model, tokenizer), WorldQuestions(pool, seed=5), scenes)
    model.config.trained_levels = trained
    model.load_state_dict(current)
    return {name: summarise([r for r in rows if r.level == name]) for name in LEVELS}


def write_state(path: Path, content: dict[str, Any]) -> None:
    """Replace the state file in one go, so that a kill never leaves half a file."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def batches(pool: WorldPool, tokenizer: Any, settings: Settings, first: int) -> Iterator[Batch]:
    """Batches from number `first` on, made in one worker process."""
    mixture = [(share, SOURCES[name]) for name, share in settings.mixture.items()]
    data = WorldBatches(
        pool,
        tokenizer,
        mixture,
        settings.image_size,
        settings.batch_size,
        settings.texts_per_image,
        settings.seed,
        first,
    )
    return iter(torch.utils.data.DataLoader(data, batch_size=None, num_workers=1))


def finish(model: Sam3IModel, average: Average, settings: Settings) -> None:
    """Put the averaged weights in place and note what the checkpoint now knows."""
    model.load_state_dict(average.values)
    model.config.trained_levels = TRAINED_LEVELS[settings.stage]


def train(
    settings: Settings, pool: WorldPool, validation: WorldPool | None, out: Path, start: str
) -> None:
    """Run to the last step and write OUT/model; resumes from OUT/state.pt."""
    torch.manual_seed(settings.seed)
    if start:
        model, tokenizer = load(start, "cpu")
        enter(model, settings)
    else:
        tokenizer = build_tokenizer()
        model = new_model(len(tokenizer))
    model.set_attn_implementation("eager")  # the fused kernel's bfloat16 gradient is slow on CPUs
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainable(model, settings.stage)
    width = model.config.detr_encoder_config.hidden_size
    heads, queue = Heads(width), FeatureQueue(settings.queue)
    optimiser = torch.optim.AdamW(
        groups(model, heads, settings), lr=1.0, betas=(0.9, 0.98), fused=True
    )
    average = Average(model, settings.ema)
    out.mkdir(parents=True, exist_ok=True)
    state_path, step = out / "state.pt", 0
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        model.load_state_dict(state["model"])
        heads.load_state_dict(state["heads"])
        queue.load_state_dict(state["queue"])
        optimiser.load_state_dict(state["optimiser"])
        average.values = state["average"]
        step = state["step"]
        torch.set_rng_state(state["rng"])

    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    data = batches(pool, tokenizer, settings, step)
    smooth: dict[str, float] = {}
    log = (out / "log.jsonl").open("a")
    columns = (TextColumn("step"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.description}")) as progress:
        task = progress.add_task("", total=settings.steps, completed=step)
        began = time.monotonic()
        while step < settings.steps:
            model.train(settings.stage == "base")
            factor = rate_factor(step, settings)
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * factor
            terms = losses(model, heads, queue, next(data), settings, step)
            optimiser.zero_grad(set_to_none=True)
            terms["loss"].backward()
            nn.utils.clip_grad_norm_(parameters, settings.clip)
            optimiser.step()
            step += 1
            average.update(model, step)
            for name, value in terms.items():
                smooth[name] = 0.95 * smooth.get(name, value.item()) + 0.05 * value.item()
            progress.update(task, completed=step, description=f"loss {smooth['loss']:.3f}")
            if step % 50 == 0:
                entry: dict[str, Any] = {"step": step, "seconds": time.monotonic() - began}
                entry |= {name: round(value, 4) for name, value in smooth.items()}
                if validation and step % VALIDATE_EVERY == 0 and step > settings.image_steps:
                    entry["validation"] = validate(model, average, tokenizer, validation)
                log.write(json.dumps(entry) + "\n")
                log.flush()
            if step % SAVE_EVERY == 0 or step == settings.steps:
                content = {
                    "model": model.state_dict(),
                    "heads": heads.state_dict(),
                    "queue": queue.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "average": average.values,
                    "step": step,
                    "rng": torch.get_rng_state(),
                }
                write_state(state_path, content)
    finish(model, average, settings)
    save(model, tokenizer, out / "model")


def train_command(
    settings: Annotated[Path, typer.Argument(help="YAML, such as training/configs/base.yaml.")],
    pool: Annotated[Path, typer.Argument(help="Scenes: `python -m training.world pool`.")],
    out: Annotated[Path, typer.Argument(help="State, log and model go here.")],
    start: Annotated[str, typer.Option(help="Checkpoint to start from; none: a new one.")] = "",
    validation: Annotated[Path | None, typer.Option(help="Pool with other scenes.")] = None,
    steps: Annotated[int | None, typer.Option(help="Instead of the settings' steps.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Train a checkpoint; run again to go on after an interruption."""
    torch.set_num_threads(threads)
    try:
        checked = read_settings(settings, steps=steps)
        valid = WorldPool(validation) if validation else None
        train(checked, WorldPool(pool), valid, out, start)
    except (SettingsError, CheckpointError, ImportError, FileNotFoundError) as error:
        Console(stderr=True).print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error
    Console().print(f"model in {out / 'model'}")


if __name__ == "__main__":
    typer.run(train_command)
