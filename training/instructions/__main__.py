"""What is asked about a pool of scenes, to be read by a person, and figures over many texts."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from rich.table import Table

from sam3i_model.pictures import write_rgb
from sam3i_model.terminal import failed, results
from training.instructions.grammar import Query
from training.instructions.inspection import Inspection
from training.instructions.triplets import triplets
from training.questions import LEVELS
from training.world.pool import WorldPool

ENLARGED = 4
"""How much larger a picture is shown."""
app = typer.Typer(add_completion=False, no_args_is_help=True)
PoolFolder = Annotated[Path, typer.Argument(help="Folder that `sam3i render pool` wrote.")]
Seed = Annotated[int, typer.Option(help="Picks the sentences.")]


@app.command()
def preview(
    pool: PoolFolder,
    scene: Annotated[int, typer.Option(min=0, help="Which scene.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="Texts of each level.")] = 12,
    seed: Seed = 0,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write the scene with the labels of its things here, as a .png."),
    ] = None,
) -> None:
    """Print texts of every level about a scene with what they denote."""
    if picture is not None and picture.suffix.lower() != ".png":
        raise failed(f"'{picture}' can't be written: name it .png")
    with _told():
        world = WorldPool(pool)
        if scene >= len(world):
            raise failed(f"'{pool}' has scenes 0 to {len(world) - 1}, not {scene}")
        rgb, labels, objects = world[scene]
    size = (rgb.shape[1], rgb.shape[0])
    names = {record["label"]: str(record["kind"]) for record in objects}
    parts = {
        part["label"]: f"{part['name']} of {record['kind']} {record['label']}"
        for record in objects
        for part in record.get("parts", ())
    }
    rng = random.Random(seed)
    table = Table("level", "family", "", "text", "denotes")
    for query in _shown(objects, rng, size, count):
        meant = (
            parts[label] if query.part else f"{names[label]} {label}" for label in query.labels
        )
        table.add_row(
            query.level.name.lower(),
            query.family,
            query.granularity,
            query.text,
            ", ".join(meant) or "-",
        )
    console = results()
    console.print(", ".join(_described(record) for record in objects))
    console.print(table)
    if picture is not None:
        try:
            write_rgb(picture, _numbered(rgb, labels))
        except OSError as error:
            raise failed(f"'{picture}' can't be written: {error.strerror}") from None


@contextmanager
def _told() -> Iterator[None]:
    """What keeps scenes from being read is one line."""
    try:
        yield
    except OSError as error:
        raise failed(error) from None


def _shown(
    objects: list[dict[str, Any]], rng: random.Random, size: tuple[int, int], count: int
) -> Iterator[Query]:
    for ask in LEVELS.values():
        for _ in range(count):
            yield ask(objects, rng, size)
    for triplet in triplets(objects, rng, size, count=max(1, count // 6)):
        yield from triplet


def _described(record: dict[str, Any]) -> str:
    said = (record["color"], record["material"], record["pattern"], record["pose"])
    looks = " ".join(filter(None, (*said, *record["states"])))
    return f"{record['label']} {record['kind']} ({looks}, {record['visible']:.0%})"


def _numbered(rgb: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The picture enlarged, with its labels written on the things."""
    picture = np.asarray(cv2.resize(rgb, None, fx=ENLARGED, fy=ENLARGED))
    for label in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == label)
        middle = int(np.argsort(columns)[len(columns) // 2])
        at = (int(columns[middle]) * ENLARGED - 8, int(rows[middle]) * ENLARGED + 6)
        for ink, width in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            cv2.putText(picture, str(label), at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, ink, width)
    return picture


@app.command()
def figures(
    pool: PoolFolder,
    count: Annotated[int, typer.Option(min=1, help="Texts in all.")] = 20000,
    seed: Seed = 0,
) -> None:
    """Print speed, shares of templates and families, and how often the reader agrees."""
    with _told():
        world = WorldPool(pool)
        scenes = [world[index] for index in range(len(world))]
    rng = random.Random(seed)
    asks, asked = tuple(LEVELS.values()), []
    start = time.perf_counter()
    for index in range(count):
        rgb, _, objects = scenes[index // len(asks) % len(scenes)]
        size = (rgb.shape[1], rgb.shape[0])
        asked.append((asks[index % len(asks)](objects, rng, size), objects, size))
    speed = count / (time.perf_counter() - start)
    inspection = Inspection()
    for query, objects, size in asked:
        inspection.passes(query, objects, size)
    queries = [query for query, _, _ in asked]
    console = results()
    console.print(f"{speed:.0f} texts a second; the reader agrees with {inspection.agreement:.2%}")
    for (level, reason), number in sorted(inspection.dropped.items()):
        console.print(f"dropped: {level.lower()}, {reason}: {number}")
    texts = len({query.text for query in queries})
    console.print(f"{texts} different texts of {count}")
    for level in LEVELS:
        own = [query for query in queries if query.level.name.lower() == level]
        table = Table("share", f"most frequent templates: {level}")
        for template, number in Counter(query.template for query in own).most_common(5):
            table.add_row(f"{number / count:.2%}", template)
        console.print(table)
        shares = Counter(query.family for query in own)
        console.print(", ".join(f"{name} {n / len(own):.1%}" for name, n in shares.most_common()))
        sizes = Counter(query.granularity or "nothing" for query in own)
        console.print(", ".join(f"{name} {n / len(own):.1%}" for name, n in sizes.most_common()))


if __name__ == "__main__":
    app()
