"""Tensors of a checkpoint as they lie on disk, read when they are touched.

Nothing in a file is ever run. Safetensors can't hold code; a `.pt` file is unpickled by PyTorch's
`weights_only`, or, where a training script saved more than tensors, by an unpickler that knows
tensors and plain containers and nothing else.
"""

from __future__ import annotations

import json
import math
import pickle
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open

from sam3i_model.checkpoints.official import left_out, translate

MAX_PICKLE = 64 * 1024**2
"""Bytes of a `.pt` file's structure, without its tensors; real ones have less than 2 MiB."""
MAX_TENSORS = 100_000
MAX_REPEATED = 400_000_000
"""Bytes of a `.pt` file's tensors beyond its own; SAM 3's largest table has half as many."""
VIDEO_MODEL = "detector_model."
"""What transformers puts before the image model's names in a SAM 3 video model."""
PARALLEL = "module."
"""What `DistributedDataParallel` puts before all names, where a script saves it as it is."""
VIDEO_ONLY = ("tracker_model.", "tracker_neck.")
TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
}

UNREADABLE = OSError, ValueError, AttributeError, RecursionError
"""What JSON may raise that can't be read, or is nested without end, or is no object."""

Origin = Literal["folder", "sam3", "stage"]


class CheckpointError(Exception):
    """A checkpoint can't be used; the message is one line with the remedy."""


@dataclass(frozen=True)
class Weights:
    """A checkpoint's tensors.

    Attributes:
        path: The file or folder.
        origin: `folder` (safetensors), `sam3` (Meta's file), `stage` (a SAM3-I training stage).
        tensors: Tensors under our names, each read from disk when it is asked for.
        outlines: Their shapes and types: tensors on the `meta` device.
        left_out: Parameters that the file holds and grounding doesn't need, by what they are.
        fields: What a stage file says of itself: inst_stage, epoch, steps.
    """

    path: Path
    origin: Origin
    tensors: Mapping[str, torch.Tensor]
    outlines: dict[str, torch.Tensor]
    left_out: dict[str, int] = field(default_factory=dict)
    fields: dict[str, str | int | float] = field(default_factory=dict)


def open_weights(path: Path) -> Weights:
    """Open a folder with safetensors, or an official `.pt` file.

    Raises:
        CheckpointError: It is damaged, refused, or holds no weights.
    """
    return open_folder(path) if path.is_dir() else open_file(path)


def open_folder(folder: Path) -> Weights:
    """Open `model.safetensors`, or the parts that its index names."""
    places: dict[str, tuple[Any, str]] = {}
    outlines: dict[str, torch.Tensor] = {}
    dropped: Counter[str] = Counter()
    try:
        for path in weight_files(folder):
            path.open("rb").close()  # the library calls a file missing that is closed to the user
            # read, not mapped: pages of a mapped file count as memory on top of the model's
            file = safe_open(path, framework="pt", backend="pread")
            for key in file.keys():  # noqa: SIM118  not a dict
                part = file.get_slice(key)
                if key.startswith(VIDEO_ONLY):
                    dropped["video tracker"] += math.prod(part.get_shape())
                    continue
                kind = part.get_dtype()
                if kind not in TYPES:
                    raise CheckpointError(
                        f"'{folder}' has tensors of type {kind}, as quantised weights do: take "
                        "them in float32, float16 or bfloat16"
                    )
                places[key.removeprefix(VIDEO_MODEL)] = file, key
                outline = torch.empty(part.get_shape(), dtype=TYPES[kind], device="meta")
                outlines[key.removeprefix(VIDEO_MODEL)] = outline
    except SafetensorError as error:
        raise CheckpointError(
            f"'{path}' is damaged, or an unfinished download: {first_line(error)}"
        ) from error
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise CheckpointError(f"'{folder}' can't be loaded: {first_line(error)}") from error
    return Weights(folder, "folder", Stored(places), outlines, dict(dropped))


def weight_files(folder: Path) -> list[Path]:
    """`model.safetensors`, or the parts that its index names; whether they are there or not."""
    index = folder / "model.safetensors.index.json"
    names = {"model.safetensors"}
    if index.is_file():
        names = set(json.loads(index.read_text())["weight_map"].values())
    return [folder / Path(name).name for name in sorted(names)]


class Stored(Mapping[str, torch.Tensor]):
    """Tensors in safetensors files, by name: (open file, name there)."""

    def __init__(self, places: dict[str, tuple[Any, str]]) -> None:
        self.places = places

    def __getitem__(self, name: str) -> torch.Tensor:
        file, key = self.places[name]
        return file.get_tensor(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def open_file(path: Path) -> Weights:
    """Open SAM 3's `sam3.pt` or a SAM3-I stage file."""
    if path.suffix == ".safetensors":
        raise CheckpointError(
            f"'{path}' is one file of a checkpoint: give its folder, '{path.parent}'"
        )
    content = read_pickle(path)
    state = content.get("model", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not any(torch.is_tensor(v) for v in state.values()):
        raise CheckpointError(f"'{path}' holds no weights: it is neither SAM 3 nor SAM3-I")
    if len(state) > MAX_TENSORS:
        raise CheckpointError(f"'{path}' holds {len(state)} entries; a model has a few thousand")
    tensors: dict[str, torch.Tensor] = {}
    dropped: Counter[str] = Counter()
    taken, stored = 0, path.stat().st_size
    for official, tensor in state.items():
        if not isinstance(official, str) or not torch.is_tensor(tensor):
            raise CheckpointError(f"'{path}' is no checkpoint: its entry {official!r} is no tensor")
        name = official.removeprefix(PARALLEL).removeprefix("detector.")
        why = left_out(name)
        if why:
            dropped[why] += tensor.numel()
            continue
        if not plain(tensor):
            raise CheckpointError(
                f"'{path}': {name} is {tensor.dtype}, {tensor.layout}, on {tensor.device}: take "
                "plain tensors of float32, float16 or bfloat16"
            )
        taken += tensor.nbytes  # one stored number may stand for any number of them
        if taken > stored + MAX_REPEATED:
            raise CheckpointError(f"'{path}' is refused: {name} is larger than what the file holds")
        try:
            tensors |= translate(name, tensor)
        except (RuntimeError, IndexError, ValueError) as error:
            raise CheckpointError(f"'{path}': {name} has shape {tuple(tensor.shape)}") from error
    stage = "inst_stage" in content or any(".adapters." in name for name in tensors)
    values = {
        name: content[name]
        for name in ("inst_stage", "epoch", "steps")
        if isinstance(content.get(name), str | int | float)
    }
    outlines = {name: tensor.to("meta") for name, tensor in tensors.items()}
    return Weights(path, "stage" if stage else "sam3", tensors, outlines, dict(dropped), values)


def plain(tensor: torch.Tensor) -> bool:
    """Whether a tensor is in memory or a mapped file, dense, of a type that models have."""
    stored = tensor.layout is torch.strided and tensor.device.type == "cpu"
    return stored and tensor.dtype in TYPES.values()


def read_pickle(path: Path) -> Any:
    """Read a `.pt` file without running anything that it holds.

    Raises:
        CheckpointError: It is damaged, or holds more than tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {Path(entry.filename).name: entry.file_size for entry in archive.infolist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"'{path}' is no PyTorch file, or an unfinished download: {first_line(error)}"
        ) from error
    if "data.pkl" not in sizes or "constants.pkl" in sizes:
        raise CheckpointError(f"'{path}' is a zip file, but no checkpoint that torch.save wrote")
    if sizes["data.pkl"] > MAX_PICKLE:
        raise CheckpointError(f"'{path}' is refused: its structure takes {sizes['data.pkl']} bytes")
    options: dict[str, Any] = {"map_location": "cpu", "mmap": True}
    try:
        try:
            return torch.load(path, weights_only=True, **options)
        except pickle.UnpicklingError:
            return torch.load(path, weights_only=False, pickle_module=RESTRICTED, **options)
    except Refused as error:
        raise CheckpointError(
            f"'{path}' is refused, nothing in it was run: it names {error}, and a checkpoint may "
            "hold tensors and plain values only"
        ) from error
    except Exception as error:  # a hostile pickle can raise anything
        raise CheckpointError(f"'{path}' can't be read: {first_line(error)}") from error


class Refused(pickle.UnpicklingError):
    """A pickle names something that is neither a tensor nor a plain container."""


class Placeholder:
    """Stands for NumPy and OmegaConf values of a training script: takes anything, keeps nothing."""

    def __init__(self, *_: object) -> None: ...

    def __new__(cls, *_: object) -> Placeholder:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...


PLAIN = {
    "builtins": {"set", "frozenset", "dict", "list", "tuple", "int", "float", "str", "bool"},
    "collections": {"OrderedDict", "defaultdict", "Counter"},
    "torch": {"Size", "device"},
    "torch._utils": {"_rebuild_tensor_v2", "_rebuild_parameter"},
}
IGNORED = ("_codecs", "numpy", "omegaconf", "typing")


class RestrictedUnpickler(pickle.Unpickler):
    """Knows tensors and plain containers; PyTorch adds its storages before it asks here."""

    def find_class(self, module: str, name: str) -> Any:
        module = {"__builtin__": "builtins"}.get(module, module)  # as protocol 2 writes it
        known = name in PLAIN.get(module, ())
        if known or (module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)):
            return super().find_class(module, name)
        if module.split(".")[0] in IGNORED:
            return Placeholder
        raise Refused(f"{module}.{name}")


RESTRICTED = SimpleNamespace(Unpickler=RestrictedUnpickler, load=None, __name__="restricted")


def first_line(error: BaseException) -> str:
    """What an error says, or its name, in one line: with the second, if the first announces it."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return " ".join(line.strip() for line in lines[: 2 if lines[0].endswith(":") else 1])
