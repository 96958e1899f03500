"""The engine for a checkpoint: what was asked for, or PyTorch with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from sam3i_model.checkpoints.loading import load, locate, resolve_device
from sam3i_model.checkpoints.tokenizers import tokenizer_for
from sam3i_model.engines.interface import Backend, Engine, EngineError
from sam3i_model.engines.manifest import SUBFOLDER, read_manifest
from sam3i_model.engines.onnx_engine import OnnxEngine
from sam3i_model.engines.parity import verdict
from sam3i_model.engines.runtime import BUILT, CPU, CUDA, ENGINES, TENSORRT, provider_for, runtime


@dataclass(frozen=True)
class Opened:
    """A checkpoint that is ready to answer.

    Attributes:
        engine: It.
        tokenizer: The checkpoint's.
        name: Of the engine, for people.
        refused: Why PyTorch answers although another engine should; or empty.
    """

    engine: Engine
    tokenizer: PreTrainedTokenizerBase
    name: str
    refused: str = ""


def open_checkpoint(model: str | Path, device: str, backend: str) -> Opened:
    """Load a checkpoint into the engine to use, which has answered its check.

    `auto` is what `sam3i export` wrote if it is there, and PyTorch otherwise. An engine that
    doesn't answer as PyTorch did is never used.

    Raises:
        CheckpointError: The checkpoint can't be loaded, or the backend that was asked for isn't
            there.
    """
    if backend not in [b.value for b in Backend]:
        choices = ", ".join(b.value for b in Backend)
        raise EngineError(f"backend '{backend}' is unknown: use one of {choices}")
    asked = Backend(backend)
    source, target = locate(model), resolve_device(device)
    engine, refused = None, ""
    try:
        engine = open_engine(source, target, asked)
    except EngineError as error:
        if asked is not Backend.AUTO:
            raise
        refused = str(error)
    parity = None
    if engine:
        try:
            parity = engine.check()
        except EngineError as error:
            refused = str(error)
    if engine and parity and parity.passed:
        return Opened(engine, tokenizer_for(source), engine.name)
    loaded, tokenizer = load(model, device)
    if engine and parity:
        by_graph = engine.stored_check().by_graph(engine, loaded)
        refused = verdict(engine.name, engine.precision, parity, by_graph)
    return Opened(loaded, tokenizer, f"PyTorch, {loaded.device.type}", refused)


def open_engine(source: Path, device: torch.device, asked: Backend) -> OnnxEngine | None:
    """The engine that a backend stands for; None is PyTorch.

    Raises:
        EngineError: It isn't there or can't be used.
    """
    if asked is Backend.TORCH:
        return None
    if asked is not Backend.AUTO:
        return OnnxEngine(source, provider_for(asked, device), device)
    if not source.is_dir() or read_manifest(source) is None:
        return None
    there = runtime().get_available_providers()
    if device.type == "cpu":
        provider = CPU
    elif TENSORRT in there and (source / SUBFOLDER / ENGINES / BUILT).is_file():
        provider = TENSORRT
    else:
        provider = CUDA
    # without its GPU provider ONNX Runtime is slower than PyTorch on the GPU
    return OnnxEngine(source, provider, device) if provider in there else None
