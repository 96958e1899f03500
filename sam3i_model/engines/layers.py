"""Where in a graph an engine strays from PyTorch: what its layers give, side by side."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sam3i_model.engines.graphs import flat, grounding_inputs
from sam3i_model.engines.manifest import IMAGE, ONE, text_graph
from sam3i_model.engines.parity import Check, encode, picture
from sam3i_model.engines.runtime import Session
from sam3i_model.instruction import Level
from sam3i_model.modeling import Sam3IModel
from sam3i_model.processing import pixels

SCOPES = "pkg.torch.onnx.name_scopes"
"""Where the exporter notes which modules a node comes from."""


def layers(graph: nn.Module, prefix: str = "") -> Iterator[str]:
    """Names of a graph's layers: members of lists, and outside of these what has no parts."""
    for name, child in graph.named_children():
        path = f"{prefix}{name}"
        if isinstance(graph, nn.ModuleList) or not list(child.children()):
            yield path
        else:
            yield from layers(child, f"{path}.")


def name_layers(model: Any, graph: nn.Module) -> None:
    """Give each layer's name to the value that it puts out.

    Args:
        model: onnx_ir's, as traced.
        graph: What it was traced from.
    """
    last = {}
    for node in model.graph:
        for scope in ast.literal_eval(node.metadata_props.get(SCOPES, "[]")):
            last[scope] = node.outputs[0]
    for name in layers(graph):
        if name in last and not last[name].is_graph_output():
            last[name].name = name


@torch.inference_mode()
def graph_inputs(name: str, model: Sam3IModel, check: Check) -> dict[str, Any]:
    """What a graph is given at the first frame, if all before it is PyTorch's."""
    frame = check.frames[0]
    if name == IMAGE:
        return {"pixel_values": pixels(frame, model.config, model.device)}
    for level in map(Level, check.levels.unique().tolist()):
        if name == text_graph(level.name.lower()):
            return {"input_ids": check.ids[check.levels == level][:1].to(model.device)}
    image, text = picture(model, frame), encode(model, check.ids, check.levels)
    return grounding_inputs(image, text.first() if name == ONE else text)


@torch.inference_mode()
def layer_values(graph: nn.Module, inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """What PyTorch's layers give, in the order in which they are through."""
    found: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, given: Any, made: Any) -> None:
            if isinstance(made, torch.Tensor):
                found[name] = made

        return hook

    hooks = [graph.get_submodule(n).register_forward_hook(keep(n)) for n in layers(graph)]
    try:
        graph(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def onnx_layer_values(
    path: Path, provider: str, device: torch.device, graph: nn.Module, inputs: Mapping[str, Any]
) -> dict[str, torch.Tensor]:
    """What the layers of a graph in a file give; needs the package onnx_ir.

    Args:
        path: Of the graph.
        provider: Of ONNX Runtime.
        device: That goes with it.
        graph: What it was traced from.
        inputs: Of `graph`; a list of maps is one argument.
    """
    import onnx_ir as ir

    model = ir.load(path)
    wanted = set(layers(graph))
    values = [v for node in model.graph for v in node.outputs if v.name in wanted]
    model.graph.outputs.extend(values)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".onnx") as file:  # by its weights
        ir.save(model, file.name)
        session = Session(Path(file.name), provider, device, {})
        made = dict(zip(session.outputs, session.run(flat(inputs)), strict=True))
    return {str(v.name): made[str(v.name)] for v in values}


def worst_layer(
    ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]
) -> tuple[str, float]:
    """The layer in which the difference grows most beyond that of all before it, and its own.

    What comes before a layer in order may be on another path, with no difference at all.

    Args:
        ours: PyTorch's values, in order.
        theirs: The engine's.

    Returns:
        Name and difference: root mean square, of the values' own.
    """
    before, found = 0.0, ("", 0.0, 0.0)
    for name, value in ours.items():
        other = theirs.get(name)
        if other is None or other.shape != value.shape:
            continue
        value, other = value.double(), other.to(value.device).double()
        change = float((other - value).norm() / value.norm().clamp(min=1e-12))
        if not change < float("inf"):  # nor NaN
            return name, float("inf")
        if change - before > found[1]:
            found = (name, change - before, change)
        before = max(before, change)
    return found[0], found[2]
