"""python -m training.naming CHECKPOINT POOL: what the image encoder takes things for.

No sentence is asked: a base that takes a pitcher for a mug can't find pitchers, however it is
asked. Scenes trained on beside others tell whether it lacks steps or scenes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.progress import track
from rich.table import Table

from sam3i_model.checkpoints.loading import HEADS, load, locate
from sam3i_model.checkpoints.weights import CheckpointError
from sam3i_model.modeling import Sam3IModel
from sam3i_model.processing import normalise
from sam3i_model.terminal import failed, notes, results
from training.evaluation.rows import size_of
from training.loop.run import take_over
from training.loop.step import Heads
from training.samples.batches import Batches, Share
from training.samples.from_world import KINDS, WorldSamples, cells_of
from training.samples.sample import Sample
from training.samples.scenes import recorded, resized, scene_at
from training.world.pool import WorldPool

SIZES = ("small", "medium", "large")
"""As in `sam3i evaluate`."""
CONFUSED = 15
"""Pairs of kinds that are shown, those confused most often."""


@dataclass(frozen=True)
class Named:
    """A thing: its kind, what it is taken for first and second, its share of the picture."""

    kind: str
    first: str
    second: str
    share: float


def whole(pool: WorldPool, index: int, size: int) -> Sample:
    """A scene as it is seen in use: all of it, neither mirrored nor exposed anew."""
    scene = recorded(resized(scene_at(pool, index), size), mirrored=False)
    return Sample(scene.image, [], cells=cells_of(scene))


@torch.inference_mode()
def name_things(
    model: Sam3IModel, heads: Heads, batches: Batches, samples: Iterable[Sample]
) -> Iterator[Named]:
    """Every thing of known kind in the samples, and what its image features say it is."""
    for sample in samples:
        batch = batches.collate([sample])
        image = model.encode_image(normalise(batch.images, model.config))
        said, kinds, shares = heads.things.named(image, batch)
        for row, kind, share in zip(said.topk(2).indices.tolist(), kinds, shares, strict=True):
            yield Named(KINDS[int(kind)], KINDS[row[0]], KINDS[row[1]], float(share))


def by_size(things: list[Named]) -> dict[str, tuple[int, float, float]]:
    """How many things there are of a size, the share named rightly, and that with the right name
    among the first two; sizes that there are."""
    figures = {}
    for size in (*SIZES, "all"):
        own = [thing for thing in things if size in ("all", size_of(thing.share))]
        if own:
            right = sum(thing.first == thing.kind for thing in own) / len(own)
            nearly = sum(thing.kind in (thing.first, thing.second) for thing in own) / len(own)
            figures[size] = (len(own), right, nearly)
    return figures


def main(
    checkpoint: Annotated[str, typer.Argument(help="Folder with heads, or 'bundled'.")],
    pool: Annotated[Path, typer.Argument(help="Scenes (`sam3i render pool`).")],
    scenes: Annotated[int, typer.Option(help="So many of them, from the first.", min=1)] = 240,
    image_size: Annotated[
        int, typer.Option(help="Of the pictures, px; 0: the checkpoint's.", min=0)
    ] = 0,
) -> None:
    """What the image encoder takes things for, by their size, and what it confuses most."""
    console = results()
    try:
        model, tokenizer = load(checkpoint, "cpu", image_size=image_size)
        path = locate(checkpoint) / HEADS
        if not path.is_file():
            raise CheckpointError(f"{checkpoint} has no {HEADS}: name one that was trained here")
        world = WorldPool(pool)
    except (CheckpointError, OSError) as error:
        raise failed(error) from error
    heads = Heads(model.config.detr_encoder_config.hidden_size)
    take_over(heads, path)
    size = model.config.image_size
    batches = Batches(WorldSamples(world, {}), tokenizer, size, lambda step: 0, 0, Share(1))
    samples = (whole(world, index, size) for index in range(min(scenes, len(world))))
    counted = track(samples, "scenes", total=min(scenes, len(world)), console=notes())
    things = list(name_things(model, heads, batches, counted))
    table = Table("size", "things", "named rightly", "right one of two", title=f"{size} px")
    for name, (count, right, nearly) in by_size(things).items():
        table.add_row(name, str(count), f"{right:.3f}", f"{nearly:.3f}")
    console.print(table)
    wrong = Counter((thing.kind, thing.first) for thing in things if thing.kind != thing.first)
    for (kind, taken), count in wrong.most_common(CONFUSED):
        console.print(f"{count:4d}  {kind} taken for {taken}")


if __name__ == "__main__":
    typer.run(main)
