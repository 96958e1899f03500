"""An export, from a checkpoint to graphs that were checked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from sam3i_model.checkpoints.folders import new_folder
from sam3i_model.checkpoints.loading import load, save
from sam3i_model.engines import writing
from sam3i_model.engines.graphs import plain_attention
from sam3i_model.engines.interface import EngineError, Precision
from sam3i_model.engines.layers import graph_inputs, layer_values, worst_layer
from sam3i_model.engines.manifest import (
    CHECK,
    FORMAT,
    SUBFOLDER,
    Graph,
    Manifest,
    sha256,
    verify,
    weight_digests,
)
from sam3i_model.engines.onnx_engine import OnnxEngine, required_manifest
from sam3i_model.engines.parity import Check, Parity, verdict
from sam3i_model.engines.precision import RoundedModel, half_products
from sam3i_model.engines.runtime import CPU, runtime
from sam3i_model.instruction import Instruction, Level, Routing, understand
from sam3i_model.modeling import Sam3IModel
from sam3i_model.processing import tokenize
from sam3i_model.terminal import amount

Progress = Callable[[str], None]
BRIEF = 2
"""Frames that are kept, to check an engine with whenever it is loaded."""


def export(
    checkpoint: str,
    out: Path,
    frames: Sequence[np.ndarray],
    instructions: Sequence[Instruction],
    image_size: int = 0,
    earlier: Path | None = None,
    precision: Precision = Precision.FLOAT32,
    command: str = "",
    progress: Progress = print,
) -> Manifest:
    """Write `checkpoint` and its graphs to `out`, which appears when it is complete and checked.

    Args:
        checkpoint: As `checkpoints.load` takes it.
        out: New folder.
        frames: uint8 RGB (H, W, 3), to check with.
        instructions: To check with; those of levels that weren't trained are left out.
        image_size: Another side of the square input, px; 0 keeps the checkpoint's.
        earlier: An export whose graphs are taken where they would be the same.
        precision: Of the graphs.
        command: For the manifest.
        progress: Is told what is being done.

    Raises:
        CheckpointError: Something can't be read or written, or the graphs don't answer as PyTorch.
    """
    runtime(), writing.exporter()  # before anything takes long
    with new_folder(out) as folder:
        progress("checkpoint")
        model, tokenizer = prepare(checkpoint, folder, image_size)
        asked = checkable(instructions, model.config.trained_levels)  # before minutes of tracing
        with plain_attention(model):
            manifest = write_graphs(model, folder / SUBFOLDER, precision, earlier, progress)
        progress("check against PyTorch")
        check = make_check(model, tokenizer, frames, asked)
        brief = replace(check, frames=check.frames[:BRIEF], answers=check.answers[:BRIEF])
        brief.save(folder / SUBFOLDER / CHECK)
        shutil.copymode(folder / "config.json", folder / SUBFOLDER / CHECK)  # it makes it 0600
        digest = sha256(folder / SUBFOLDER / CHECK)
        weights = weight_digests(folder)
        manifest = replace(manifest, command=command, check=digest, weights=weights)
        manifest.write(folder / SUBFOLDER)
        parity = gate(OnnxEngine(folder, CPU, torch.device("cpu")), model, check)
        if precision is Precision.MIXED:
            parity |= gate(RoundedModel(model), model, check)
        manifest = replace(manifest, parity=parity)
        manifest.write(folder / SUBFOLDER)
    return manifest


def prepare(
    checkpoint: str, folder: Path, image_size: int
) -> tuple[Sam3IModel, PreTrainedTokenizerBase]:
    """Load a checkpoint, at another input size if wanted, and write it as a folder."""
    model, tokenizer = load(checkpoint, "cpu", image_size=image_size)
    needed = 2.2 * sum(t.nbytes for t in model.state_dict().values())  # weights, and graphs
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EngineError(
            f"an export of this checkpoint takes {amount(needed)}, and the disk has "
            f"{amount(free)} left"
        )
    save(model, tokenizer, folder)
    return model, tokenizer


def write_graphs(
    model: Sam3IModel,
    folder: Path,
    precision: Precision,
    earlier: Path | None,
    progress: Progress,
) -> Manifest:
    """Write all graphs, or take those that would be the same from `earlier`."""
    old = comparable(earlier) if earlier else {}
    folder.mkdir()
    graphs: dict[str, Graph] = {}
    files: dict[str, str] = {}
    shared: dict[str, dict[str, tuple[str, int, int]]] = {}
    for name, plan in writing.plans(model, precision).items():
        same = old.get(name)
        alike = shared.setdefault(name.split("_")[0], {})  # graphs that hold the same weights
        if earlier and same and same.source == plan.source and agree(same.files, files):
            progress(f"{name}: as in {earlier}")
            take(earlier / SUBFOLDER, folder, same)
            graphs[name] = same
        else:
            progress(f"{name}: tracing")
            mixed = precision is Precision.MIXED
            with half_products(plan.module) if mixed else nullcontext():
                graphs[name] = writing.write(plan, folder, name, alike)
        files |= graphs[name].files
        alike |= writing.stored(folder / f"{name}.onnx")
    return Manifest(
        format=FORMAT,
        command="",
        versions={**writing.versions(), "onnxruntime": runtime().__version__},
        precision=precision,
        image_size=model.config.image_size,
        rows=writing.MAX_ROWS,
        levels=list(model.config.trained_levels),
        graphs=graphs,
        parity={},
        check="",
        weights={},
    )


def comparable(earlier: Path) -> dict[str, Graph]:
    """The graphs of an export, unless other versions made them than are here."""
    manifest = required_manifest(earlier)
    ours = {**writing.versions(), "rows": writing.MAX_ROWS}
    theirs = {**manifest.versions, "rows": manifest.rows}
    return manifest.graphs if ours.items() <= theirs.items() else {}


def agree(needed: Mapping[str, str], written: Mapping[str, str]) -> bool:
    """Whether files that a graph reads, and another wrote, are what it read: SHA-256 by name."""
    return all(written.get(name, digest) == digest for name, digest in needed.items())


def take(source: Path, folder: Path, graph: Graph) -> None:
    """Copy an earlier export's files of a graph; the runtime refuses linked weights."""
    verify(source, graph.files)
    for name in graph.files:
        if not (folder / name).exists():
            shutil.copyfile(source / name, folder / name)


def checkable(instructions: Sequence[Instruction], levels: Sequence[str]) -> list[Routing]:
    """How the instructions of trained levels are read.

    Raises:
        EngineError: A level has none.
    """
    trained = [Level[name.upper()] for name in levels]
    read = [understand(i, levels) for i in instructions]
    asked = [routing for routing in read if routing.level in trained]
    missing = [level.name.lower() for level in trained if level not in [r.level for r in asked]]
    if missing:
        raise EngineError(
            f"nothing to check {' and '.join(missing)} with: give --say with one instruction of "
            "each level that the checkpoint was trained for"
        )
    return asked * (1 if len(asked) > 1 else 2)  # several go through another graph than one


def make_check(
    model: Sam3IModel,
    tokenizer: PreTrainedTokenizerBase,
    frames: Sequence[np.ndarray],
    asked: Sequence[Routing],
) -> Check:
    """What PyTorch says of frames and of instructions as they are read."""
    ids = torch.stack([tokenize(tokenizer, routing.prompt).ids for routing in asked])
    levels = torch.tensor([int(routing.level) for routing in asked])
    with torch.inference_mode():
        return Check.make(model, frames, ids, levels)


@torch.inference_mode()
def gate(
    engine: OnnxEngine | RoundedModel, model: Sam3IModel, check: Check
) -> dict[str, dict[str, dict[str, float]]]:
    """How well each graph of an engine agrees with PyTorch, and all together, as in a manifest.

    Raises:
        EngineError: Not well enough; it names the worst graph.
    """
    by_graph = check.by_graph(engine, model)
    together = check.run(engine)
    if not together.passed:
        raise EngineError(disagreement(engine, model, check, together, by_graph))
    return {engine.name: {name: asdict(p) for name, p in [("all", together), *by_graph.items()]}}


def disagreement(
    engine: OnnxEngine | RoundedModel,
    model: Sam3IModel,
    check: Check,
    together: Parity,
    by_graph: Mapping[str, Parity],
) -> str:
    """`verdict` with the layer of the worst graph in which the engine strays most."""
    name = next(iter(by_graph))
    try:
        with plain_attention(model):
            graph = writing.plans(model, engine.precision)[name].module
            inputs = graph_inputs(name, model, check)
            found = engine.layer_values(name, graph, inputs)
            layer, difference = worst_layer(layer_values(graph, inputs), found)
    except (ImportError, OSError, RuntimeError, EngineError):
        layer = ""  # a robot may have no package to read graphs with; the verdict stands
    where = f"{layer}, whose values differ by {difference:.2%}" if layer else ""
    return verdict(engine.name, engine.precision, together, by_graph, where)
