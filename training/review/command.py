"""`sam3i review`: correct a data set in the browser, or take it to another tool and back."""

from __future__ import annotations

import json
import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sam3i_model.terminal import failed, notes
from training.annotations.entries import SourceError
from training.annotations.exported import exported, write_export
from training.files import write_text
from training.formats import coco as coco_format
from training.formats.reading import load
from training.review import coco
from training.review.file import ReviewError
from training.review.server import Server
from training.review.store import Store

PORT = 8350
SHOWN = 10
EXPORT = "sam3i review --export"


def review_command(
    data: Annotated[Path, typer.Argument(help="Folder with annotations.json and its pictures.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder that file names begin in, if it is another.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = PORT,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write COCO for CVAT or Label Studio, and stop.")
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Take in COCO from there, and stop.")
    ] = None,
) -> None:
    """Look over masks and sentences in the browser: accept, reject, correct."""
    console = notes()
    try:
        store = Store(data, images)
        try:
            report_overtaken(console, store)
            if export:
                write_coco(console, store, export)
            if import_:
                read_coco(console, store, import_)
            if not (export or import_):
                serve(console, store, port, no_browser)
        finally:
            store.close()
    except (ReviewError, SourceError) as error:
        raise failed(error) from error


def serve(console: Console, store: Store, port: int, no_browser: bool) -> None:
    """Serve the page until Ctrl-C or the end of the terminal.

    Raises:
        ReviewError: The port is taken.
    """
    try:
        server = Server(store, port)
    except OSError as error:
        raise ReviewError(
            f"port {port} can't be had ({error.strerror}): name another with --port, or 0 for any"
        ) from error
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    # The address alone on standard output, for scripts.
    console.print(f"{len(store.samples):,} samples in {store.folder}. Ctrl-C ends; all is kept.")
    print(server.url, flush=True)
    # Without a screen, a browser of the terminal would take the terminal.
    screen = (
        sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if screen and not no_browser:
        webbrowser.open(server.url)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print(f"saved in {store.folder}; the same command goes on")


def write_coco(console: Console, store: Store, path: Path) -> None:
    """Write the samples, and beside them CVAT's labels.

    Raises:
        SourceError: A file that no export wrote, or that was changed since, would be lost.
        ReviewError: They can't be written.
    """
    content = coco.export(store.samples.values())
    labels = path.with_suffix(".labels.json")
    try:
        before = exported(path, EXPORT)
        if labels.exists() and not (before and load(labels) == coco.labels(before)):
            raise SourceError(
                f"{labels} is there, and not as `{EXPORT}` left it: choose another name"
            )
        labels.unlink(missing_ok=True)  # they go with the file that is replaced next
        write_export(path, content, EXPORT)
        write_text(labels, json.dumps(coco.labels(content), ensure_ascii=False, indent=1))
    except OSError as error:
        raise ReviewError(f"{path} can't be written: {error.strerror}") from error
    console.print(
        f"{len(content['annotations']):,} masks of {len(content['images']):,} pictures in {path}, "
        f"labels for CVAT in {labels}"
    )


def read_coco(console: Console, store: Store, path: Path) -> None:
    """Take in corrected masks and say what became of the samples.

    Raises:
        ReviewError: It is no COCO file, or what it says can't be written.
        SourceError: It can't be read.
    """
    content = load(path)
    if not coco_format.fits(content):
        raise ReviewError(f"{path} is no COCO file: it needs images, annotations and categories")
    result = coco.take(store, content)
    console.print(f"{len(result.changed):,} samples corrected, {len(result.same):,} as they were")
    if result.absent:
        console.print(
            f"{len(result.absent):,} samples have no mask, or a damaged one, in {path} and stay as "
            f"they were, such as {numbers(result.absent)}; where nothing is meant, say so in the "
            "browser",
            style="yellow",
        )
    if result.boxes:
        console.print(f"{result.boxes:,} boxes without an outline are left out")
    for line in result.problems.lines[:SHOWN]:
        console.print(f"  skipped {line}", style="yellow")
    more = result.problems.count - SHOWN
    if more > 0:
        console.print(f"  and {more:,} more", style="yellow")


def report_overtaken(console: Console, store: Store) -> None:
    """Say which samples the journal doesn't know any more."""
    if store.overtaken:
        console.print(
            f"{len(store.overtaken):,} samples that were reviewed are gone or were changed by "
            f"something else since, such as {numbers(store.overtaken)}: they stay as the file has "
            "them, and their review stays in review.jsonl",
            style="yellow",
        )


def numbers(samples: list[int]) -> str:
    """The first of some ids."""
    return ", ".join(map(str, samples[:5]))
