"""New folders, which hold all that they should or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sam3i_model.checkpoints.weights import CheckpointError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into that becomes `out` if all goes well, and is gone otherwise.

    It lies beside `out`. If that is there, empty, it lies within, and what it holds moves up: a
    shell may stand in `out`, or a disk be mounted there.

    Raises:
        CheckpointError: `out` is there already, and not an empty folder; or it can't be made there.
        OSError: Another run made it meanwhile, which keeps it.
    """
    out = out.absolute()  # "." has no name
    if (name := os.fsencode(out).decode(errors="replace")) != str(out):
        raise CheckpointError(f"the path '{name}' is not UTF-8: give another folder")
    try:
        there = out.is_dir()
        if os.path.lexists(out) and (not there or any(out.iterdir())):  # a link to nothing is there
            raise CheckpointError(f"'{out}' is there already: give a new folder")
        home = out if there else out.parent
        home.mkdir(parents=True, exist_ok=True)
        beside = TemporaryDirectory(prefix=f".{out.name}-", dir=home)  # its owner's alone
    except OSError as error:  # no such place, no right to it, no room on it, too long a name
        raise CheckpointError(
            f"'{out}' can't be made ({error.strerror}): give another folder"
        ) from error
    with beside as hidden:
        folder = Path(hidden) / out.name
        folder.mkdir()
        yield folder
        if there:
            for part in list(folder.iterdir()):
                part.rename(out / part.name)
        else:
            folder.rename(out)
