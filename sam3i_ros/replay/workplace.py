"""The hidden folder that a bag is made in, and what killed runs have left of theirs."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX, _LOCK = ".sam3i-", "lock"


class Workplace:
    """A new folder beside `path`, where a bag is made that is moved there; OSError if it can't be.

    Attributes:
        new: The bag's path until it is complete. It has its final name, as the file inside is
            called after it.
        old: Where what was at `path` goes meanwhile.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=path.parent))
        self.new, self.old = _places(self._folder, path)
        # The system lets go of the lock however the process ends. It is taken before the name is
        # written: who reads the name without the lock knows that nobody works here any more.
        self._lock = (self._folder / _LOCK).open("xb", buffering=0)
        with suppress(OSError):  # a file system without locks: the name stays unknown
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._lock.write(os.fsencode(path.name))

    def close(self, keep: bool = False) -> None:
        """Removes the folder, unless it is to be kept."""
        self._lock.close()  # first, as NFS removes no file that is open
        if not keep:
            shutil.rmtree(self._folder, ignore_errors=True)


def clear(path: Path) -> list[Path]:
    """Removes the workplaces for `path` that nobody works in any more.

    Returns:
        Those that stay, as nothing has taken the place of the results that were at `path`.
    """
    kept = []
    for folder in sorted(path.parent.glob(f"{_PREFIX}*")):
        if not _left(folder / _LOCK, path.name):
            continue
        new, old = _places(folder, path)
        if old.exists() and (new.exists() or not path.exists()):
            kept.append(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return kept


def _places(folder: Path, path: Path) -> tuple[Path, Path]:
    return folder / "new" / path.name, folder / "old"


def _left(lock: Path, name: str) -> bool:
    """Whether the lock is free, and of a bag of this name."""
    try:
        with lock.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file.read() == os.fsencode(name)
    except OSError:  # there is none, or somebody holds it
        return False
