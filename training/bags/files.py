"""Which files a recording consists of, in their order, and how each is opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import yaml
from backports import zstd

from training.bags.mcap import McapFile
from training.bags.sqlite import SqliteFile
from training.bags.storage import BagError, File

Note = Callable[[str, str], None]
"""Takes which file, and what is wrong with it."""
MAX_METADATA = 16 * 1024**2
_PACKED = (".zstd", ".zst")
_BLOCK = 1 << 16
_ROWS = 16
"""Recordings in a folder that are read side by side, each with a file open."""
_SPLIT = re.compile(r"(_\d+)?\.\w+$")
"""How the names of a recording's files differ."""


def storage_files(bag: Path, note: Note) -> list[list[Path]]:
    """The files of a recording: a folder with or without metadata.yaml, or one file.

    Returns:
        Those that follow one another; several such rows, if recordings were put into one folder.
        Very many recordings follow one another, too.

    Raises:
        BagError: There are none.
    """
    if bag.is_file():
        if _opener(bag) is None:
            raise BagError(f"{bag} is no recording: name a folder, a .mcap or a .db3 file")
        return [[bag]]
    if not bag.is_dir():
        raise BagError(f"there is no recording at {bag}")
    paths = sorted(path for path in bag.iterdir() if _opener(path))
    # A packed file first, so that its plain twin takes its place.
    found = {_plain(p.name): p for p in sorted(paths, key=lambda p: p.name == _plain(p.name))}
    listed = _listed(bag, note)
    for name in listed:
        if name not in found:
            note(str(bag / name), "it is missing, though metadata.yaml lists it")
    known = [name for name in listed if name in found]
    if known:
        for name in found.keys() - known:
            note(
                str(found[name]),
                "it is left out, metadata.yaml doesn't list it: delete metadata.yaml or run "
                "`ros2 bag reindex`",
            )
    names = known or sorted(found, key=_order)
    if not names:
        raise BagError(f"{bag} has no .mcap or .db3 file: name the folder that has")
    rows: dict[str, list[Path]] = {}
    for name in names:
        rows.setdefault(_SPLIT.sub("", name), []).append(found[name])
    return list(rows.values()) if len(rows) <= _ROWS else [[found[name] for name in names]]


def open_file(path: Path, stack: ExitStack) -> File:
    """Open a file of a recording.

    One that rosbag2 has packed as a whole is unpacked in a temporary folder, which `stack` removes.

    Raises:
        BagError: It can't be read at all.
    """
    opener = _opener(path)
    assert opener is not None
    try:
        if path.suffix not in _PACKED:
            return opener(path)
        folder = stack.enter_context(TemporaryDirectory(prefix="sam3i-"))
        return opener(_unpacked(path, Path(folder)))
    except OSError as error:
        raise BagError(f"{path} can't be read: {error.strerror or error}") from error


def is_storage(path: Path) -> bool:
    """Whether a file is named as one of a recording is."""
    return _opener(path) is not None


def _opener(path: Path) -> Callable[[Path], File] | None:
    kinds: dict[str, Callable[[Path], File]] = {".mcap": McapFile, ".db3": SqliteFile}
    return kinds.get(PurePosixPath(_plain(path.name)).suffix) if path.is_file() else None


def _plain(name: str) -> str:
    """A file's name before it was packed."""
    path = PurePosixPath(name)
    return path.stem if path.suffix in _PACKED else path.name


def _order(name: str) -> list[tuple[int, str]]:
    """Sorts x_2 before x_10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


def _listed(bag: Path, note: Note) -> list[str]:
    """Names of the plain files that metadata.yaml lists; a folder before them is rosbag2's past."""
    path = bag / "metadata.yaml"
    try:
        if path.stat().st_size > MAX_METADATA:
            raise ValueError("it is too large")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        listed = content["rosbag2_bagfile_information"]["relative_file_paths"]
        return [_plain(PurePosixPath(name).name) for name in listed]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        note(str(path), f"it can't be used ({why}): files are read in the order of their names")
        return []


def _unpacked(path: Path, folder: Path) -> Path:
    """The file unpacked in `folder`; if it ends early or is damaged, as far as that goes."""
    target = folder / _plain(path.name)
    try:
        with zstd.open(path, "rb") as packed, target.open("wb") as plain:
            try:
                while block := packed.read(_BLOCK):
                    plain.write(block)
            except (zstd.ZstdError, EOFError):
                pass  # what is missing is told when the rest is read
    except OSError as error:
        raise BagError(
            f"{path} can't be unpacked in {folder}: {error.strerror or error}; set TMPDIR to a "
            "folder with room for it"
        ) from error
    return target
