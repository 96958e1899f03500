"""Other adapters for an engine in service: tensors for PyTorch, graphs for the others."""

from __future__ import annotations

from pathlib import Path

from sam3i_model import adapter_swap
from sam3i_model.engines.interface import Engine
from sam3i_model.engines.onnx_engine import OnnxEngine
from sam3i_model.modeling import Sam3IModel


def read_adapters(engine: Engine, source: Path) -> Engine:
    """The adapters of a checkpoint on the same base, for `exchange_adapters`; `engine` may work.

    Raises:
        CheckpointError: They can't be used.
    """
    if isinstance(engine, OnnxEngine):
        return engine.read_adapters(source)
    assert isinstance(engine, Sam3IModel)
    return adapter_swap.read_adapters(engine, source)


def exchange_adapters(engine: Engine, donor: Engine) -> None:
    """Give an engine another's adapters. It must not be at work."""
    if isinstance(engine, OnnxEngine) and isinstance(donor, OnnxEngine):
        engine.exchange_adapters(donor)
    elif isinstance(engine, Sam3IModel) and isinstance(donor, Sam3IModel):
        adapter_swap.exchange_adapters(engine, donor)
