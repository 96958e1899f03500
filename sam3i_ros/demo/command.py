"""`sam3i demo`: the two recordings, the node, the scores, the page."""

from __future__ import annotations

import json
import platform
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sam3i_model.terminal import failed, notes, results
from sam3i_ros.demo.errors import DemoError


def demo_command(
    out: Annotated[Path, typer.Option(help="Where report, results and recordings go.")] = Path(
        "out/demo"
    ),
    model: Annotated[str, typer.Option(help="bundled, a folder, a .pt or a hub id.")] = "bundled",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    seed: Annotated[int, typer.Option(help="Another number renders another table.", min=0)] = 1,
) -> None:
    """Plays two recordings into the node and reports what it finds, right or wrong."""
    # Whoever ends us, the processes we started end with us.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        run_demo(out.resolve(), model, device, seed, results())
    except DemoError as error:
        if error.log:
            notes().print(error.log, style="dim")
        raise failed(f"The demo failed: {error}") from None
    except OSError as error:
        raise failed(f"--out {out}: {error.strerror}; name another place") from None


def run_demo(out: Path, model: str, device: str, seed: int, console: Console) -> None:
    """Writes results_<source> (bags), results.json and report.html below `out`.

    Raises DemoError.
    """
    # Here, as they take seconds that `sam3i --help` need not wait for.
    from sam3i_ros.demo.orchestrate import play, running_node
    from sam3i_ros.demo.report import write_report
    from sam3i_ros.demo.results import Results, at_end, read_results
    from sam3i_ros.demo.scoring import by_instruction, summarise
    from sam3i_ros.demo.sources import make_sources
    from sam3i_ros.demo.terminal import instruction_table, slow_note, summary_line

    begin = time.monotonic()
    logs = out / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with console.status("making the recordings (once)"):
        sources = make_sources(out / "bags", seed)
    bags = {source.name: out / f"results_{source.name}" for source in sources}
    wanted = {source.name: source.wanted for source in sources}

    with _progress(console) as progress:
        tasks = {s.name: progress.add_task(s.title, total=len(s.stamps)) for s in sources}
        start = progress.add_task("starting the node", total=None)
        with running_node(logs, model, device) as (node, ears):
            progress.remove_task(start)
            for source in sources:
                play(
                    source,
                    wanted[source.name],
                    node,
                    ears,
                    bags[source.name],
                    logs,
                    lambda played, frames: progress.update(tasks[played.name], completed=frames),
                )

    results: list[tuple[Results, Path]] = []
    summary: dict[str, Any] = {}
    with console.status("scoring and writing the report"):
        for source in sources:
            found = read_results(source, bags[source.name], wanted[source.name])
            if not found.rows:
                raise DemoError(f"the node answered nothing on {source.name}", _tail(logs))
            results.append((found, bags[source.name]))
            summary[source.name] = summarise(found.rows, len(source.stamps))
        stages, ran_on = at_end(bags[sources[-1].name])
        rows = [asdict(row) for found, _ in results for row in found.rows]
        _write_json(out / "results.json", {"summary": summary, "stages": stages, "rows": rows})
        facts = {"Model": model, "Device": ran_on, "Machine": platform.platform()}
        write_report(out / "report.html", results, facts, stages)

    for found, _ in results:
        source = found.source
        console.print()
        console.print(instruction_table(source.title, by_instruction(found.rows)))
        console.print(summary_line(summary[source.name]), highlight=False)
        if note := slow_note(summary[source.name]):
            console.print(note, highlight=False)
    console.print(f"\nReport: {out / 'report.html'}", soft_wrap=True, highlight=False)
    console.print(f"Done in {time.monotonic() - begin:.0f} s.", highlight=False)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _tail(logs: Path) -> str:
    return (logs / "perception_node.log").read_text(errors="replace")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    rounded = json.loads(json.dumps(content), parse_float=lambda text: round(float(text), 4))
    path.write_text(json.dumps(rounded, indent=1), encoding="utf-8")
