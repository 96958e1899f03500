"""`Segmenter`, the one public entry: an image once, many instructions, an outcome for each."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from sam3i_model.chat.budget import AgentError
from sam3i_model.checkpoints.loading import CheckpointError, locate
from sam3i_model.engines.choosing import open_checkpoint
from sam3i_model.engines.interface import Engine
from sam3i_model.engines.swapping import exchange_adapters, read_adapters
from sam3i_model.features import ImageFeatures, TextFeatures
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome, Routing, refusal, understand
from sam3i_model.processing import Instances, Limits, Tokens, pixels, select, tokenize

if TYPE_CHECKING:
    from sam3i_model.agent import Agent

TEXT_CACHE_SIZE = 256
AMBIGUITY_RATIO = 0.9
"""A request for a certain one is ambiguous if the second answer scores this share of the first."""


@dataclass(frozen=True)
class _Prepared:
    """An instruction that can be asked: how it is read, its tokens and text features (one row)."""

    routing: Routing
    tokens: Tokens
    text: TextFeatures


class Segmenter:
    """Finds what instructions denote in images.

    One worker thread calls it; only `load_adapters` may be called from another at any time.

    Attributes:
        name: The checkpoint, as it was named.
        model: What runs it.
        engine: The same, for people.
        refused: Why PyTorch answers although another engine should; or empty.
        adapters: The folder that the adapters in service come from; empty for the checkpoint's own.
    """

    def __init__(
        self,
        model: Engine,
        tokenizer: PreTrainedTokenizerBase,
        name: str = "model",
        fallback: Agent | None = None,
    ) -> None:
        """Take a model that is loaded already.

        Args:
            model: A `Sam3IModel`, which is set to inference, or another engine.
            tokenizer: Its own.
            name: For messages.
            fallback: Is asked about what the model doesn't find, over the network, for as long
                as its limits' seconds a call of `ground` at most.
        """
        self.model = model
        if isinstance(model, torch.nn.Module):
            model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.engine = f"PyTorch, {model.device.type}"
        self.refused = ""
        self.adapters = ""
        self.fallback = fallback
        self._model_lock = threading.Lock()  # adapters are exchanged between two groundings
        self.device = str(model.device)
        self._image: ImageFeatures | None = None
        self._rgb = np.zeros((0, 0, 3), np.uint8)
        self._size = (0, 0)
        self._prepared: OrderedDict[tuple[str, Level], _Prepared] = OrderedDict()

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = "bundled",
        device: str = "auto",
        fallback: Agent | None = None,
        backend: str = "auto",
    ) -> Segmenter:
        """Load a checkpoint.

        Args:
            model: `bundled`; a folder that `sam3i convert` or training wrote; a SAM 3 in
                transformers' format, as a folder or hub id; SAM 3's or SAM3-I's own `.pt`.
            device: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1`, ...
            fallback: Is asked about what the model doesn't find; see `__init__`.
            backend: `torch`; `onnx` or `tensorrt` for graphs that `sam3i export` wrote into the
                folder; `auto` takes what is there. Graphs that don't answer as PyTorch does are
                not used: `refused` then says why.

        Raises:
            CheckpointError: One line that says what is wrong and what to do.
        """
        opened = open_checkpoint(model, device, backend)
        segmenter = cls(opened.engine, opened.tokenizer, str(model), fallback)
        segmenter.engine, segmenter.refused = opened.name, opened.refused
        return segmenter

    def load_adapters(self, folder: str) -> None:
        """Answer with other adapters from the next `ground` on; the base stays as it is.

        Checks the whole checkpoint first, while groundings go on.

        Args:
            folder: A checkpoint on the same base; empty for the adapters of the model itself.

        Raises:
            CheckpointError: It can't be used; the adapters in service stay.
        """
        if not folder and not self.adapters:
            return
        if folder and not os.path.isdir(os.path.expanduser(folder)):  # which raise nothing
            raise CheckpointError(
                f"there is no folder '{folder}': give one that `sam3i train` or `sam3i convert` "
                "wrote, as a whole path"
            )
        donor = read_adapters(self.model, locate(Path(folder) if folder else self.name))
        if folder and donor.config.adapters == "none":
            raise CheckpointError(f"'{folder}' has no adapters: it is a base")
        with self._model_lock:
            exchange_adapters(self.model, donor)
            self._prepared.clear()  # texts go through adapters too
            self.adapters = folder

    @torch.inference_mode()
    def set_image(self, image: np.ndarray) -> None:
        """Encode uint8 RGB (H, W, 3); later calls of `ground` ask about this image."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"image must be uint8 RGB (H, W, 3), not {image.dtype} {image.shape}")
        self._size = (image.shape[0], image.shape[1])
        if self.fallback:
            self._rgb = image.copy()  # the caller may fill its own with the next frame
        self._image = self.model.encode_image(pixels(image, self.model.config, self.model.device))

    def ground(self, instructions: Sequence[str | Instruction]) -> list[Grounding]:
        """Ground all instructions in the current image, in one batch.

        With a fallback, it then works on those that were not found, one after the other.

        Returns:
            One grounding an instruction, in their order. Bad text ends in REJECTED, not in an
            exception.

        Raises:
            RuntimeError: `set_image` was never called.
        """
        if self._image is None:
            raise RuntimeError("call set_image(rgb) before ground(...)")
        asked = [Instruction(i) if isinstance(i, str) else i for i in instructions]
        began = time.monotonic()
        groundings = self._ground(asked)
        if self.fallback is None:
            return groundings
        return self._fall_back(self.fallback, groundings, time.monotonic() - began)

    def _fall_back(
        self, agent: Agent, groundings: list[Grounding], took_s: float
    ) -> list[Grounding]:
        """Ask the agent about what was not found, within one deadline for all."""
        end = time.monotonic() + agent.limits.seconds
        answers = []
        for own in groundings:
            answer = own
            if own.outcome == Outcome.NOT_FOUND:
                try:
                    left = max(0.0, end - time.monotonic())
                    answer = agent.ground(self._rgb, own.instruction, self._ground, left, took_s)
                except AgentError as error:
                    answer = replace(own, detail="; ".join(filter(None, [own.detail, str(error)])))
            answers.append(answer)
        return answers

    @torch.inference_mode()
    def _ground(self, asked: Sequence[Instruction]) -> list[Grounding]:
        """What the model itself finds."""
        assert self._image is not None
        found: list[tuple[Instances, float]] = []
        with self._model_lock:
            prepared = [self._prepare(instruction) for instruction in asked]
            rows = [p for p in prepared if isinstance(p, _Prepared)]
            if rows:
                output = self.model.ground(self._image, TextFeatures.stack([p.text for p in rows]))
                limits = [
                    self._limits(i, p.routing.level)
                    for i, p in zip(asked, prepared, strict=True)
                    if isinstance(p, _Prepared)
                ]
                presence = output.presence.flatten().tolist()
                found = list(zip(select(output, limits, self._size), presence, strict=True))
        answers = iter(found)
        return [
            self._conclude(i, p, *next(answers)) if isinstance(p, _Prepared) else p
            for i, p in zip(asked, prepared, strict=True)
        ]

    def _limits(self, instruction: Instruction, level: Level) -> Limits:
        """The instruction's own threshold alone, or both that were calibrated for its level."""
        if instruction.threshold:
            return Limits(score=instruction.threshold)
        config, name = self.model.config, level.name.lower()
        return Limits(config.score_thresholds[name], config.presence_thresholds[name])

    def _prepare(self, instruction: Instruction) -> _Prepared | Grounding:
        """Tokens and text features of one instruction, cached; or why it can't be asked."""
        key = (instruction.text, instruction.level)
        if key in self._prepared:
            self._prepared.move_to_end(key)
            return self._prepared[key]
        if reason := refusal(instruction.text):
            return _rejected(instruction, reason)
        trained = self.model.config.trained_levels
        routing = understand(instruction, trained)
        level = routing.level
        if level.name.lower() not in trained:
            who = self.adapters or self.name  # whoever has these levels
            return _rejected(
                instruction,
                f"{who} was not trained for {level.name.lower()} instructions, only for "
                f"{' and '.join(trained)}: name the thing, or load a checkpoint that was",
                level,
            )
        tokens = tokenize(self.tokenizer, routing.prompt)
        text = self.model.encode_text(
            tokens.ids[None].to(self.model.device),
            torch.tensor([int(level)], device=self.model.device),
        )
        prepared = _Prepared(routing, tokens, text)
        self._prepared[key] = prepared
        if len(self._prepared) > TEXT_CACHE_SIZE:
            self._prepared.popitem(last=False)
        return prepared

    def _conclude(
        self, instruction: Instruction, asked: _Prepared, found: Instances, presence: float
    ) -> Grounding:
        """Decide the outcome and say in one line what a planner should know."""
        count = len(found.scores)
        single = asked.routing.definite or instruction.max_instances == 1
        outcome, keep = Outcome.FOUND, count
        notes = []
        if count == 0:
            outcome = Outcome.NOT_FOUND
        elif single and count > 1:
            rivals = int((found.scores >= AMBIGUITY_RATIO * found.scores[0]).sum())
            if rivals > 1:
                outcome, keep = Outcome.AMBIGUOUS, rivals
                notes.append(f"{rivals} things fit a request for one: add what tells them apart")
            else:
                keep = 1
        if instruction.max_instances > 1:  # 1 asks for one, and all its rivals are told
            keep = min(keep, instruction.max_instances)
        if asked.tokens.unknown:
            notes.append(f"unknown words: {', '.join(asked.tokens.unknown)}")
        if asked.tokens.truncated:
            notes.append(f"cut at 32 of {asked.tokens.count} tokens: say it shorter")
        return Grounding(
            instruction=instruction,
            outcome=outcome,
            level=asked.routing.level,
            prompt=asked.routing.prompt,
            presence=presence,
            token_count=asked.tokens.count,
            truncated=asked.tokens.truncated,
            detail="; ".join(notes),
            masks=found.masks[:keep],
            scores=found.scores[:keep],
            boxes=found.boxes[:keep],
        )


def _rejected(instruction: Instruction, detail: str, level: Level = Level.CONCEPT) -> Grounding:
    return Grounding(instruction, Outcome.REJECTED, level, detail=detail)
