"""One training run: what it consists of, a step of it, and how it is kept and taken up again."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedTokenizerBase
from transformers.utils import logging

from sam3i_model.checkpoints.loading import HEADS, load, locate, save, write
from sam3i_model.checkpoints.weights import first_line
from sam3i_model.modeling import Sam3IModel
from training.checksum import checksum
from training.instructions.vocabulary import build_tokenizer
from training.loop import attention
from training.loop.average import Average
from training.loop.feature_cache import FeatureCache
from training.loop.initialise import new_model
from training.loop.settings import UNGROUNDED, Settings, SettingsError
from training.loop.stages import enter, groups, levels_after, trainable
from training.loop.step import Step
from training.losses.counts import mean_counts
from training.losses.processes import process_count, summed
from training.losses.recipes import RECIPES, Recipe
from training.samples.batches import Batch, Batches, Share
from training.samples.sample import Samples
from training.samples.workers import made

Begin = Callable[[str, Settings], tuple[Sam3IModel, PreTrainedTokenizerBase]]
"""Makes the model that a run starts with, frozen as it wants it, and its tokenizer:
(checkpoint, settings)."""
FREE = ("steps", "accumulate", "workers", "validate_every", "patience")
"""Settings that may change when a run goes on; the others say what is learned."""


def begin(start: str, settings: Settings) -> tuple[Sam3IModel, PreTrainedTokenizerBase]:
    """The model that a stage starts with, and its tokenizer.

    Raises:
        SettingsError, CheckpointError, ImportError: There is none; one line.
    """
    if settings.stage != "base" and not start:
        raise SettingsError(f"stage {settings.stage} starts from a checkpoint: name it with --from")
    logging.set_verbosity_error()  # it can't know our layers' attention and says so at length
    if start:
        model, tokenizer = load(start, "cpu")
        enter(model, settings)
    else:
        tokenizer = build_tokenizer()
        model = new_model(len(tokenizer))
    model.set_attn_implementation(attention.NAME)
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainable(model, settings.stage)
    return model, tokenizer


def take_over(heads: nn.Module, path: Path) -> None:
    """Go on with the heads of an earlier stage, where its checkpoint has them.

    A head that knows what concepts mean pulls other texts to where the frozen base expects them.
    """
    if path.is_file():
        own, theirs = heads.state_dict(), load_file(path)
        same = {n: v for n, v in theirs.items() if n in own and own[n].shape == v.shape}
        heads.load_state_dict(same, strict=False)


def rate_factor(step: int, settings: Settings) -> float:
    """Learning rate at `step` as a share of its peak: warm-up, constant, cosine to 2 %."""
    ungrounded = sum(len(settings.spans.get(phase, ())) for phase in UNGROUNDED)
    since = step - ungrounded if step >= ungrounded else step
    warm = min(1.0, (since + 1) / max(1, settings.warmup))
    done = min(1.0, step / settings.steps)
    if done <= settings.constant_until:
        return warm
    decayed = (done - settings.constant_until) / (1 - settings.constant_until)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * decayed)))


def share_of(process: int, settings: Settings) -> Share:
    """A process' part of each step's pictures.

    Raises:
        SettingsError: They can't be shared equally.
    """
    first = process * settings.accumulate
    parts = process_count() * settings.accumulate
    if settings.batch_size % parts:
        raise SettingsError(
            f"batch_size {settings.batch_size} can't be shared equally by {process_count()} "
            f"processes with accumulate {settings.accumulate}"
        )
    return Share(settings.batch_size, parts, range(first, first + settings.accumulate))


class Run:
    """A run in this process.

    Args:
        settings: What is to be done. The run's own also say at what size.
        start: Checkpoint to start from; "" for a new base.
        features: Folder to keep image features in, if the settings want any kept.
        recipe: Its losses; None: those that the settings name.
        begin: Makes the model.
        data: Tells its data apart; "" if nobody has to.

    Attributes:
        main: Whether this process is the one that writes.
        step: Optimiser steps that are done.
        model: What is trained.
        average: Its averaged weights.
        identity: What its state is known by: settings, checksums of checkpoint and data.
        waited: Seconds that the last step waited for data.
        best: The best validated weights so far, their score and step; empty before the first.

    Raises:
        SettingsError, CheckpointError, ImportError: It can't be made; one line.
    """

    def __init__(
        self,
        settings: Settings,
        start: str,
        features: Path | None = None,
        recipe: Recipe | None = None,
        begin: Begin = begin,
        data: str = "",
    ) -> None:
        find = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(kwargs_handlers=[find])
        if self.accelerator.num_processes != process_count():
            raise SettingsError(
                f"{process_count()} processes would train apart: set ACCELERATE_USE_CPU=true to "
                "train together without a GPU"
            )
        self.share = share_of(self.accelerator.process_index, settings)
        torch.manual_seed(settings.seed)
        self.model, self.tokenizer = begin(start, settings)
        config = self.model.config
        size, step = settings.image_size or config.image_size, config.size_step
        self.settings = settings = replace(settings, image_size=size)
        if size % step:
            raise SettingsError(f"image_size must be a multiple of {step} for this model")
        wanted = features is not None and settings.variants > 0
        cache = FeatureCache(features, self.model.vision_encoder) if features and wanted else None
        self.module = Step(self.model, settings, recipe or RECIPES[settings.recipe], cache)
        self.identity: dict[str, Any] = {**asdict(settings), "from": "", "data": data}
        if start:
            origin = locate(start)
            take_over(self.module.heads, origin / HEADS)
            self.identity["from"] = checksum(sorted(origin.glob("*.safetensors")) or [origin])
        peaks = groups(self.model, self.module.heads, settings)
        optimiser = torch.optim.AdamW(peaks, lr=1.0, betas=(0.9, 0.98), fused=True)
        self.prepared, self.optimiser = self.accelerator.prepare(self.module, optimiser)
        self.average = Average(self.model, settings.ema)
        self.main = self.accelerator.is_main_process
        self.step = 0
        self.waited = 0.0
        self.best: dict[str, Any] = {}

    def stream(self, samples: Samples) -> Iterator[list[Batch]]:
        """The micro-batches of one step after the other, from the present step on.

        Raises:
            SourceError, OSError: Data can't be read, or a process was killed; one line.
        """
        batches = Batches(
            samples,
            self.tokenizer,
            self.settings.image_size,
            self.settings.texts_at,
            self.settings.seed,
            self.share,
            self.step,
        )
        micro = made(batches, self.settings.workers)
        while True:
            yield [next(micro).to(self.accelerator.device) for _ in self.share.own]

    def take(self, stream: Iterator[list[Batch]]) -> dict[str, torch.Tensor]:
        """One optimiser step: the terms of its loss, over all processes.

        Raises:
            SettingsError: It learns no more; nothing of this step is taken over.
        """
        # dropout depends on the step alone, so that it is the same after a resume
        torch.manual_seed(self.settings.seed * 1_000_003 + self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate_factor(self.step, self.settings)
        began = time.monotonic()
        batches = next(stream)
        self.waited = time.monotonic() - began
        counts = mean_counts(batches)
        parts = []
        for batch in batches:
            more = batch is not batches[-1]
            with self.accelerator.no_sync(self.prepared) if more else nullcontext():
                terms = self.prepared(batch, counts, self.step)
                self.accelerator.backward(terms["loss"] / len(batches))
            parts.append(torch.stack([value.detach() for value in terms.values()]))
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        norm = self.accelerator.clip_grad_norm_(parameters, self.settings.clip)
        mean = summed(torch.stack(parts).mean(0)) / process_count()
        said = dict(zip(terms, mean, strict=True))
        if not torch.stack([said["loss"], norm]).isfinite().all():
            raise SettingsError(
                f"step {self.step + 1} has no finite loss or gradient any more: lower "
                "learning_rate in the settings, and name another folder"
            )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.average.update(self.model, self.step)
        return said

    def keep(self, path: Path) -> None:
        """Write all that a later `resume` needs; a kill or power cut never leaves half a file.

        Raises:
            OSError: It can't be written, and what was kept before is still there; one line.
        """
        if not self.main:
            return
        content = {
            "module": self.module.state_dict(),
            "queue": self.module.queue.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.values,
            "best": self.best,
            "step": self.step,
            "identity": self.identity,
        }
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except (OSError, RuntimeError) as error:
            partial.unlink(missing_ok=True)
            # torch's own error, that its archive has no end, hides the file's and Ctrl-C
            cause = error if isinstance(error, OSError) else error.__context__
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            if not isinstance(cause, OSError):
                raise
            said = f"{path} can't be written ({cause.strerror})"
            raise OSError(f"{said}: make room, and the same command goes on") from error

    def resume(self, path: Path) -> None:
        """Go on from a kept state.

        Raises:
            SettingsError: It is of another run, or can't be read.
        """
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
            begun = state.get("identity", {})  # older ones have none
        except Exception as error:  # half a file can raise anything
            said = f"{path} can't be read ({first_line(error)})"
            raise SettingsError(f"{said}: delete it to start anew") from error
        remedy = "name another folder, or delete it to start anew"
        for name, value in self.identity.items():
            if name not in FREE and begun.get(name, value) != value:
                said = f"({name} was {begun[name]}, is {value})"
                raise SettingsError(f"{path} is of another run {said}: {remedy}")
        try:
            self.module.load_state_dict(state["module"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average.load(state["average"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise SettingsError(f"{path} is of another run: {remedy}") from error
        self.module.queue.load_state_dict(state["queue"])
        self.best = state.get("best", {})
        self.step = state["step"]

    def judge(self, score: float) -> bool:
        """Note a validation; whether the run is now `spent`."""
        if score > self.best.get("score", -1.0):
            values = {name: value.clone() for name, value in self.average.values.items()}
            self.best = {"score": score, "step": self.step, "values": values}
        return self.spent

    @property
    def spent(self) -> bool:
        """Whether the run has had its patience without a better validation."""
        patience = self.settings.patience * self.settings.validate_every
        return bool(patience and self.best) and self.step - self.best["step"] >= patience

    def finish(self, folder: Path) -> None:
        """Put the averaged weights in place, the best ones if it has patience, and save them."""
        if self.main:
            if self.settings.patience and self.best:
                self.average.load(self.best["values"])
            self.average.put_into(self.model)
            self.model.config.trained_levels = levels_after(self.model, self.settings.stage)
            save(self.model, self.tokenizer, folder)
            write(self.module.heads.state_dict(), folder / HEADS)
        self.accelerator.wait_for_everyone()
