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
from sam3i_model.instruction import Level
from sam3i_model.modeling import ImageFeatures, Sam3IModel
from sam3i_model.processing import normalise
from sam3i_model.segmenter import Segmenter
from training.dataset import Batch, WorldBatches
from training.dense_heads import CellHead, TokenHead
from training.evaluation.asking import evaluate
from training.initialise import new_model
from training.instructions.vocabulary import build_tokenizer
from training.losses import grounding_losses
from training.metrics import summarise
from training.questions import LEVELS, WorldQuestions
from training.recipes import SMALL
from training.settings import Settings, SettingsError, read_settings
from training.targets import denoted
from training.world.pool import WorldPool

FROZEN_BLOCKS = 5
"""Blocks of the pretrained trunk that never train: edges and colours need no adaptation."""
SAVE_EVERY = 250
VALIDATE_EVERY = 1000
VALIDATION_SCENES = 50


def trainable(model: Sam3IModel, stage: str) -> None:
    """Freeze what the stage doesn't train."""
    for name, parameter in model.named_parameters():
        if stage == "1-1":
            parameter.requires_grad_(".simple." in name)
        else:
            early = [f"vision_encoder.blocks.{i}." for i in range(FROZEN_BLOCKS)]
            frozen = name.startswith(("vision_encoder.stem.", *early)) or ".boxes_" in name
            parameter.requires_grad_(not (frozen or "label_embed" in name))


def groups(model: Sam3IModel, heads: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """Parameters by learning rate and weight decay."""
    backbone, matrices, others = [], list(heads.parameters()), []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("vision_encoder.blocks."):
            backbone.append(parameter)
        elif parameter.dim() < 2 or "embed" in name or "token" in name or "reference" in name:
            others.append(parameter)
        else:
            matrices.append(parameter)
    rate, decay = settings.learning_rate, settings.weight_decay
    listed = [
        {"params": backbone, "peak": settings.backbone_learning_rate, "weight_decay": decay},
        {"params": matrices, "peak": rate, "weight_decay": decay},
        {"params": others, "peak": rate, "weight_decay": 0.0},
    ]
    return [group for group in listed if group["params"]]


def rate_factor(step: int, settings: Settings) -> float:
    """Learning rate at `step` as a share of its peak: warm-up, constant, cosine to 2 %."""
    since = step - settings.image_steps if step >= settings.image_steps else step
    warm = min(1.0, (since + 1) / settings.warmup)
    done = step / settings.steps
    if done < settings.constant_until:
        return warm
    decayed = (done - settings.constant_until) / (1 - settings.constant_until)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * decayed)))


def encode_image(model: Sam3IModel, images: torch.Tensor, train: bool) -> ImageFeatures:
    """Encode uint8 images: the frozen blocks in bfloat16, the others in float32.

    bfloat16 maps would meet a slow convolution gradient on CPUs, hence the way back to float32.
    """
    pixels = normalise(images, model.config).contiguous(memory_format=torch.channels_last)
    vision = model.vision_encoder
    device = pixels.device.type
    with torch.no_grad(), torch.autocast(device, torch.bfloat16):
        maps, taps = vision.early(pixels, FROZEN_BLOCKS)
    with torch.set_grad_enabled(train):
        encoded = vision.late(maps.float(), [tap.float() for tap in taps], FROZEN_BLOCKS)
    return model.image_features(encoded)


def losses(
    model: Sam3IModel, heads: nn.ModuleDict, batch: Batch, settings: Settings, step: int
) -> dict[str, torch.Tensor]:
    """The terms of one step; `loss` is what is minimised."""
    base = settings.stage == "base"
    image = encode_image(model, batch.images, train=base)
    terms: dict[str, torch.Tensor] = {}
    if base:
        terms["cells"] = heads["cells"](image, batch)
    if step < settings.image_steps:
        return {**terms, "loss": terms["cells"]}
    levels = torch.full_like(batch.image_index, Level.CONCEPT if base else Level.SIMPLE)
    coarse = step < settings.coarse_until * settings.steps
    with torch.autocast(batch.images.device.type, torch.bfloat16):
        text = model.encode_text(batch.input_ids, levels)
        outputs = model.ground_layers(image, text, batch.image_index, int(coarse))
    terms |= grounding_losses(outputs, denoted(batch), SMALL)
    loss = terms["grounding"]
    if base:
        terms["tokens"] = heads["tokens"](outputs, batch)
        loss = loss + terms["cells"] + 2 * terms["tokens"]
    return {**terms, "loss": loss}


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
    mixture = [(share, LEVELS[name]) for name, share in settings.mixture.items()]
    data = WorldBatches(
        pool,
        tokenizer,
        mixture,
        settings.batch_size,
        settings.texts_per_image,
        settings.seed,
        first,
    )
    return iter(torch.utils.data.DataLoader(data, batch_size=None, num_workers=1))


def finish(model: Sam3IModel, average: Average, settings: Settings) -> None:
    """Put the averaged weights in place and note what the checkpoint now knows."""
    model.load_state_dict(average.values)
    if settings.stage == "1-1":
        model.config.trained_levels = ["concept", "simple"]


def train(
    settings: Settings, pool: WorldPool, validation: WorldPool | None, out: Path, start: str
) -> None:
    """Run to the last step and write OUT/model; resumes from OUT/state.pt."""
    torch.manual_seed(settings.seed)
    if start:
        model, tokenizer = load(start, "cpu")
        if settings.stage == "1-1" and model.config.adapters == "none":
            model.add_adapters(settings.adapters)
    else:
        tokenizer = build_tokenizer()
        model = new_model(len(tokenizer))
    model.set_attn_implementation("eager")  # the fused kernel's bfloat16 gradient is slow on CPUs
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainable(model, settings.stage)
    width = model.config.detr_encoder_config.hidden_size
    heads = nn.ModuleDict({"cells": CellHead(width), "tokens": TokenHead(width)})
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
            terms = losses(model, heads, next(data), settings, step)
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
