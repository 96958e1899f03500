"""What commands say: results on standard output, progress and complaints on standard error.

Names of emoji and brackets are left alone everywhere: paths and sentences may hold ":end:", "[a]".
"""

from __future__ import annotations

from collections.abc import Mapping

import typer
from rich.console import Console


def results() -> Console:
    """Standard output, for what was asked for."""
    return Console(emoji=False, markup=False)


def notes() -> Console:
    """Standard error, for progress and remarks: as they are, however long or bracketed."""
    return Console(stderr=True, emoji=False, soft_wrap=True, markup=False, highlight=False)


def complain(error: object) -> None:
    """One red line on standard error."""
    notes().print(str(error), style="red")


def failed(error: object) -> typer.Exit:
    """To be raised: says what is wrong, and ends the command with exit code 1."""
    complain(error)
    return typer.Exit(1)


def amount(count: float) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def told(value: object) -> str:
    """A figure, or several with their names, on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)
