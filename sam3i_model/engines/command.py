"""`sam3i export`: a checkpoint as ONNX graphs, or TensorRT engines from them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sam3i_model.checkpoints.loading import CheckpointError, load, resolve_device
from sam3i_model.engines.frames import DEFAULT_SENTENCES, default_frames, read_frames
from sam3i_model.engines.interface import Backend, EngineError, Precision
from sam3i_model.engines.making import disagreement, export
from sam3i_model.engines.manifest import SUBFOLDER
from sam3i_model.engines.onnx_engine import OnnxEngine, required_manifest
from sam3i_model.engines.runtime import BUILT, ENGINES, provider_for
from sam3i_model.instruction import Instruction
from sam3i_model.terminal import failed, results


def export_command(
    context: typer.Context,
    checkpoint: Annotated[str, typer.Argument(help="Folder, .pt file, hub id, or 'bundled'.")],
    out: Annotated[
        Path | None, typer.Argument(help="New folder; it holds the checkpoint as well.")
    ] = None,
    image_size: Annotated[
        int, typer.Option(help="Side of the square input, px; 0 keeps the checkpoint's.")
    ] = 0,
    reuse: Annotated[
        Path | None,
        typer.Option(help="An earlier export; graphs that would be the same are taken from it."),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="mixed: products with weights in float16, for a GPU.")
    ] = Precision.FLOAT32,
    frames: Annotated[
        list[Path] | None,
        typer.Option(help="Picture or folder of them to check with; photographs if left out."),
    ] = None,
    say: Annotated[
        list[str] | None, typer.Option(help="Instruction to check with; repeat for several.")
    ] = None,
    tensorrt: Annotated[
        bool,
        typer.Option(
            "--tensorrt",
            help="On the robot: build TensorRT engines in an export that is there, and check them.",
        ),
    ] = False,
) -> None:
    """Write a checkpoint as ONNX graphs: image encoder, text encoder of each level, grounding.

    The graphs have answered the frames as PyTorch did, or nothing is written.
    """
    console = results()
    try:
        if tensorrt:
            refuse_options(context)
            build_tensorrt(Path(checkpoint), out, console)
            return
        if out is None:
            raise EngineError("give a new folder for the export as well")
        asked = [Instruction(text) for text in say] if say else DEFAULT_SENTENCES
        pictures = read_frames(frames) if frames else default_frames()
        manifest = export(
            checkpoint,
            out,
            pictures,
            asked,
            image_size,
            reuse,
            precision,
            command=shlex.join(["sam3i", *sys.argv[1:]]),
            progress=lambda text: console.print(text, soft_wrap=True),
        )
    except (CheckpointError, OSError) as error:
        raise failed(error) from error
    for engine, figures in manifest.parity.items():
        table = Table(engine, "least mask IoU", "largest score difference", "box difference")
        for name, parity in figures.items():
            differences = (f"{parity[kind]:.6f}" for kind in ("score", "box"))
            table.add_row(name, f"{parity['iou']:.4f}", *differences)
        console.print(table)
    console.print(
        f"in {out}: take it as the model, as in `sam3i segment --model {out} ...`", soft_wrap=True
    )


def refuse_options(context: typer.Context) -> None:
    """Refuse what `--tensorrt` would leave aside.

    Raises:
        EngineError: Other options were given as well.
    """
    given = [
        f"--{name.replace('_', '-')}"
        for name in context.params
        if name not in ("checkpoint", "out", "tensorrt")
        and (source := context.get_parameter_source(name))
        and source.name == "COMMANDLINE"
    ]
    if given:
        raise EngineError(
            f"--tensorrt builds within an export, as that was made: leave out {', '.join(given)}"
        )


def build_tensorrt(checkpoint: Path, out: Path | None, console: Console) -> None:
    """Start an export on TensorRT, which builds and keeps its engines, and check it.

    Raises:
        CheckpointError: There is no GPU or no export, or the engines differ from PyTorch.
    """
    if out is not None:
        raise EngineError("--tensorrt builds within an export: give that one folder only")
    required_manifest(checkpoint)
    device = resolve_device("auto")
    provider = provider_for(Backend.TENSORRT, device)
    console.print("building: minutes, once for a GPU and a version of TensorRT")
    built = checkpoint / SUBFOLDER / ENGINES / BUILT
    built.unlink(missing_ok=True)
    engine = OnnxEngine(checkpoint, provider, device)
    parity = engine.check()
    if not parity.passed:
        model, check = load(checkpoint)[0], engine.stored_check()
        by_graph = check.by_graph(engine, model)
        raise EngineError(disagreement(engine, model, check, parity, by_graph))
    built.touch()
    console.print(f"{engine.name} agrees with PyTorch: {parity}")
