"""manifest.json: what an export holds, what it was made from, and how well it agrees."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from sam3i_model.checkpoints.weights import first_line, weight_files
from sam3i_model.engines.interface import EngineError, Precision

SUBFOLDER = "onnx"
"""Within the folder of the checkpoint that the graphs were made from."""
FILE = "manifest.json"
CHECK = "check.safetensors"
FORMAT = 4
MAX_BYTES = 1_000_000
IMAGE, ONE, SEVERAL = "image", "grounding_one", "grounding"
"""Names of graphs; ONE grounds an instruction by itself."""
PLAIN_NAME = re.compile(r"[a-z][a-z_]{0,40}\.(onnx|weights)")
RANGE = re.compile(r"\d{1,4}\.\.\d{1,4}")


@dataclass(frozen=True)
class Graph:
    """One graph.

    Attributes:
        files: SHA-256 by name: the graph, then the weights that it reads.
        source: SHA-256 of the tensors and settings that it was made from, by whatever versions.
        inputs: Type and shape by name; "2..8" is the number of instructions.
        outputs: As `inputs`.
    """

    files: dict[str, str]
    source: str
    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]


@dataclass(frozen=True)
class Manifest:
    """An export.

    Attributes:
        format: Of this file.
        command: That made it.
        versions: Of the packages that made it, and of ONNX's operators.
        precision: Of weights and computation.
        image_size: Side of the square image that goes in, px.
        rows: Instructions that a grounding graph takes at once, at most.
        levels: Names of the trained levels; each has a text graph.
        graphs: By name; those of text as `text_graph` has it.
        parity: By engine, then by graph or "all": least mask IoU, largest differences of scores
            and of boxes to PyTorch.
        check: SHA-256 of the frames and answers that an engine is checked with.
        weights: Of the checkpoint's files beside the graphs, which were made from them.
    """

    format: int
    command: str
    versions: dict[str, str]
    precision: Precision
    image_size: int
    rows: int
    levels: list[str]
    graphs: dict[str, Graph]
    parity: dict[str, dict[str, dict[str, float]]]
    check: str
    weights: dict[str, str]

    def write(self, folder: Path) -> None:
        """Write it into `folder`, as a whole."""
        partial = folder / f"{FILE}.partial"
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        partial.replace(folder / FILE)


def read_manifest(checkpoint: Path) -> Manifest | None:
    """The manifest of the graphs beside a checkpoint; None if there are none.

    Raises:
        EngineError: Graphs are there without it, it can't be read, or it names files outside its
            folder.
    """
    path = checkpoint / SUBFOLDER / FILE
    if not path.parent.is_dir():
        return None
    try:
        if not path.is_file():
            raise EngineError(
                f"'{path.parent}' has no {FILE}, as if it was copied in part: copy the whole "
                "export again, or take the folder away"
            )
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']}, not {FORMAT}")
        content["precision"] = Precision(content["precision"])
        content["graphs"] = {n: Graph(**g) for n, g in content["graphs"].items()}
        manifest = Manifest(**{f.name: content[f.name] for f in fields(Manifest)})
        for record in (manifest, *manifest.graphs.values()):
            require_types(record)
        expected = {IMAGE, ONE, SEVERAL, *map(text_graph, manifest.levels)}
        if set(manifest.graphs) != expected:
            raise ValueError(f"its graphs are {', '.join(sorted(manifest.graphs))}")
        for graph in manifest.graphs.values():
            if not graph.files or not all(PLAIN_NAME.fullmatch(name) for name in graph.files):
                raise ValueError("it names files that can't be its own")
            for _, shape in (*graph.inputs.values(), *graph.outputs.values()):
                if not all(type(size) is int or RANGE.fullmatch(size) for size in shape):
                    raise ValueError(f"a shape in it is {shape}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EngineError(
            f"'{path}' can't be used: {first_line(error)}; run `sam3i export` anew"
        ) from error
    return manifest


def require_types(record: object) -> None:
    """Compare what was read with what the fields are declared to be.

    Raises:
        ValueError: One is of another type; it names the field.
    """
    for name, kind in get_type_hints(type(record)).items():
        if not is_of(getattr(record, name), kind):
            raise ValueError(f"its {name} are of another type")


def is_of(value: Any, kind: Any) -> bool:
    """Whether a value is of a declared type, and so is what it holds."""
    inner = get_args(kind)
    if get_origin(kind) is dict:
        return type(value) is dict and all(
            is_of(k, inner[0]) and is_of(v, inner[1]) for k, v in value.items()
        )
    if get_origin(kind) is list:
        return type(value) is list and all(is_of(v, inner[0]) for v in value)
    return kind is Any or type(value) is kind


def verify(folder: Path, files: dict[str, str]) -> None:
    """Compare files in `folder` with their SHA-256.

    Raises:
        EngineError: One is missing or another than it was.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or sha256(path) != expected:
            raise EngineError(f"'{path}' is missing or not what `sam3i export` wrote: run it anew")


def weight_digests(checkpoint: Path) -> dict[str, str]:
    """SHA-256 of the files that PyTorch reads a checkpoint's weights from, by name."""
    return {path.name: sha256(path) for path in weight_files(checkpoint)}


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal digits.

    Raises:
        EngineError: It can't be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise EngineError(f"'{path}' can't be read: {error.strerror}") from error
    return digest.hexdigest()


def text_graph(level: str) -> str:
    """Name of the graph that encodes a level's instructions."""
    return f"text_{level}"
