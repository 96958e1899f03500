"""The folder that a data set of recordings is written to."""

from __future__ import annotations

from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from training.engine.journal import Journal, JournalError

JOURNAL = "journal.jsonl"


def check_folder(out: Path) -> None:
    """Whether a data set may be begun in a folder, or gone on with: it is empty or has a journal.

    Anything else is a recording or somebody's data: the name of `out` was forgotten.

    Raises:
        JournalError: It holds something else, or is none.
    """
    if not out.is_dir():
        if out.exists():
            raise JournalError(f"{out} is a file: name a new folder after the recordings")
    elif not (out / JOURNAL).exists() and any(out.iterdir()):
        raise JournalError(
            f"{out} holds something that wasn't prepared here: name a new folder after the "
            "recordings"
        )


def try_to_write(out: Path) -> None:
    """Make a folder and a file in it, and take both away again.

    Raises:
        JournalError: They can't be made.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise JournalError(
            f"{out} can't be written ({error.strerror}): name another folder"
        ) from error
    finally:
        with suppress(OSError):  # never made, or somebody else's by now
            for folder in made:
                folder.rmdir()


def begin(out: Path, heading: dict[str, Any], stack: ExitStack) -> Journal:
    """Open or begin the journal of a data set; `stack` closes it.

    Raises:
        JournalError: The folder has another one.
    """
    return stack.enter_context(closing(Journal(out / JOURNAL, heading)))
