"""The benchmarks of engines, for `sam3i bench`: `python -m sam3i_model.engines engines ...`."""

from __future__ import annotations

import typer

from sam3i_model.engines.bench import engines_command
from sam3i_model.engines.shared_work import shared_work_command

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("engines")(engines_command)
app.command("shared-work")(shared_work_command)

if __name__ == "__main__":
    app()
