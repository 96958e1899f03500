"""The model's graphs as ONNX files: traced, with their weights beside them."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sam3i_model.adapter_swap import of_base
from sam3i_model.checkpoints.anatomy import ADAPTER, MASK_COPY
from sam3i_model.configuration import CONTEXT_LENGTH, Sam3IConfig
from sam3i_model.engines.graphs import (
    MAX_ROWS,
    GroundingGraph,
    ImageGraph,
    TextGraph,
    flat,
    grounding_inputs,
)
from sam3i_model.engines.interface import EngineError, Precision
from sam3i_model.engines.layers import name_layers
from sam3i_model.engines.manifest import IMAGE, ONE, SEVERAL, Graph, sha256, text_graph
from sam3i_model.engines.precision import TRUNK
from sam3i_model.instruction import Level
from sam3i_model.modeling import Sam3IModel

OPSET = 20
"""ONNX operators; the last set before attention became one operator, which few run exactly."""
ROWS = f"2..{MAX_ROWS}"
SMALL = 1024
"""Bytes up to which a tensor stays inside the graph."""
ALIGNMENT = 64
COPIES = {"concept": (), "simple": ("simple",), "complex": ("simple_copy", "complex")}
"""Copies of an adapter that a level goes through."""
OUTPUTS = ["pred_logits", "pred_boxes", "presence_logits", "pred_masks", "semantic_seg"]


@dataclass(frozen=True)
class Plan:
    """A graph to be written.

    Attributes:
        module: What is traced.
        inputs: Examples, by name in the graph; a list of maps is one argument.
        outputs: Names.
        ranged: Arguments whose first dimension is 2 to `MAX_ROWS`.
        source: See `manifest.Graph`.
    """

    module: nn.Module
    inputs: dict[str, Any]
    outputs: list[str]
    ranged: tuple[str, ...]
    source: str


def exporter() -> Any:
    """The package onnx_ir, and with it all that exporting needs.

    Raises:
        EngineError: It is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnx_ir
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise EngineError(
            f"exporting needs the package {error.name}: `pip install onnx onnxscript`"
        ) from error
    return onnx_ir


@torch.no_grad()
def plans(model: Sam3IModel, precision: Precision) -> dict[str, Plan]:
    """All graphs of a model, by name; the text graphs without adapters first."""
    config, levels = model.config, list(model.config.trained_levels)
    size = config.image_size
    pixel_values = torch.zeros(1, 3, size, size)
    image = model.encode_image(pixel_values)
    ids = torch.ones(2, CONTEXT_LENGTH, dtype=torch.int64)
    text = model.encode_text(ids, torch.full((2,), int(Level.CONCEPT)))
    maps = [f"map_{i}" for i in range(len(image.maps))]
    graph: nn.Module = ImageGraph(model)
    outputs = [*maps, "position", "geometry"]
    source = fingerprint(graph, config, (), precision)
    found = {IMAGE: Plan(graph, {"pixel_values": pixel_values}, outputs, (), source)}
    for level in sorted(levels, key=list(COPIES).index):
        graph = TextGraph(model, Level[level.upper()])
        source = fingerprint(graph, config, (level,), precision)
        found[text_graph(level)] = Plan(graph, {"input_ids": ids[:1]}, ["features"], (), source)
    asked = ("text", "text_mask", "levels")
    for name, rows, ranged in ((SEVERAL, text, asked), (ONE, text.first(), ())):
        graph = GroundingGraph(model, several=name == SEVERAL)
        source = fingerprint(graph, config, levels, precision)
        found[name] = Plan(graph, grounding_inputs(image, rows), OUTPUTS, ranged, source)
    return found


def fingerprint(graph: nn.Module, config: Sam3IConfig, levels: Any, precision: Precision) -> str:
    """SHA-256 of what a graph is made from: its tensors without other levels' adapters, settings.

    The same for every fine-tune of a base, as long as it goes through no adapter, and whatever
    versions trace it.
    """
    copies = {copy for level in levels for copy in COPIES[level]}
    settings: dict[str, Any] = {"base": of_base(config), "levels": sorted(copies)}
    if copies:
        settings["adapters"] = [config.adapters, config.adapter_dim, config.adapter_heads]
    if precision is Precision.MIXED:
        settings["half"] = TRUNK
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, tensor in sorted(graph.state_dict().items()):
        if (copy := copy_of(name)) and copy not in copies:
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def copy_of(name: str) -> str:
    """The copy of an adapter, or of the mask embedder, that a tensor belongs to; or nothing."""
    if found := ADAPTER.match(name):
        return found["copy"]
    rest = name.removeprefix(MASK_COPY)
    return rest.split(".")[0] if rest != name and not rest.startswith("layers.") else ""


def versions() -> dict[str, str]:
    """Of what decides how a graph looks."""
    from importlib.metadata import version

    packages = ("torch", "transformers", "onnx", "onnxscript")
    return {**{name: version(name) for name in packages}, "opset": str(OPSET)}


def write(plan: Plan, folder: Path, name: str, shared: Mapping[str, Any]) -> Graph:
    """Trace a graph and write `name`.onnx and `name`.weights.

    Args:
        plan: Of the graph.
        folder: Where.
        name: Of the graph.
        shared: Tensors that lie in other files already, by their SHA-256; see `stored`.

    Raises:
        EngineError: It can't be traced.
    """
    ir = exporter()
    with quiet():
        try:
            program = torch.onnx.export(
                plan.module.eval(),
                (),
                kwargs=plan.inputs,
                input_names=list(flat(plan.inputs)),
                output_names=plan.outputs,
                dynamic_shapes=dynamic_shapes(plan),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise EngineError(f"graph {name} can't be traced: {reason}") from error
    assert program is not None
    used = {f"{name}.onnx"}
    with (folder / f"{name}.weights").open("wb") as file:
        for value in program.model.graph.initializers.values():
            tensor = value.const_value
            if tensor is None or tensor.nbytes <= SMALL:
                continue
            raw = tensor.tobytes()
            key = hashlib.sha256(raw).hexdigest()
            if (place := shared.get(key)) is None:
                file.write(b"\0" * (-file.tell() % ALIGNMENT))
                place = (f"{name}.weights", file.tell(), len(raw))
                file.write(raw)
            used.add(place[0])
            value.const_value = ir.ExternalTensor(
                *place, tensor.dtype, shape=tensor.shape, name=value.name, base_dir=folder
            )
    name_layers(program.model, plan.module)
    strip(program.model)
    ir.save(program.model, folder / f"{name}.onnx")
    if f"{name}.weights" not in used:
        (folder / f"{name}.weights").unlink()
    graph = program.model.graph
    return Graph(
        files={file: sha256(folder / file) for file in sorted(used)},
        source=plan.source,
        inputs=described(graph.inputs),
        outputs=described(graph.outputs),
    )


def strip(model: Any) -> None:
    """Take out the exporter's notes: paths and code lines of the machine that it ran on."""
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()


def stored(path: Path) -> dict[str, tuple[str, int, int]]:
    """File, offset and length of the tensors beside a graph, by their SHA-256."""
    ir = exporter()
    found = {}
    for value in ir.load(path).graph.initializers.values():
        tensor = value.const_value
        if isinstance(tensor, ir.ExternalTensor):
            key = hashlib.sha256(tensor.tobytes()).hexdigest()
            found[key] = (str(tensor.location), tensor.offset, tensor.length)
    return found


def described(values: Any) -> dict[str, list[Any]]:
    """Type and shape of a graph's inputs or outputs, by name."""
    return {
        v.name: [v.dtype.name.lower(), [d if isinstance(d, int) else ROWS for d in v.shape]]
        for v in values
    }


def dynamic_shapes(plan: Plan) -> dict[str, Any] | None:
    """Which dimensions aren't fixed."""
    if not plan.ranged:
        return None
    rows = torch.export.Dim("rows", min=2, max=MAX_ROWS)
    return {
        name: {0: rows} if name in plan.ranged else [None] * len(v) if isinstance(v, list) else None
        for name, v in plan.inputs.items()
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Without the exporter's own progress and hints, which no user can act on."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
