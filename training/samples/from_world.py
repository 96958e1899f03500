"""Training samples from rendered scenes: sentences are made anew for every draw."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.instructions import grammar
from training.instructions.grammar import Families, Query
from training.instructions.lexicon import COLORS, NAMES
from training.instructions.triplets import triplets
from training.samples.sample import ABSENT, Asked, Cells, Pair, Sample, middles
from training.samples.scenes import Scene, augment, boxes_by_label, scene_at
from training.world.pool import WorldPool

KINDS = tuple(NAMES)
Objects = list[dict[str, Any]]
Size = tuple[int, int]
Source = Callable[[Objects, random.Random, Size, float], Sequence[Query]]
"""Makes one sentence, or a concept, a simple and a complex one that mean the same:
(objects, rng, (width, height), share about what isn't there) to queries."""


def single(ask: Callable[[Objects, random.Random, Size, float], Query]) -> Source:
    """A source of one sentence at a time."""
    return lambda *given: (ask(*given),)


def ordered(sorts: Families) -> Source:
    """A source of sentences about an order; what isn't there has none."""
    return lambda objects, rng, size, absent: (
        grammar.simple(objects, rng, size, absent / 2, sorts),
    )


def triplet(objects: Objects, rng: random.Random, size: Size, absent: float) -> tuple[Query, ...]:
    """A concept, a simple and a complex sentence that mean the same; or, where the scene allows
    none, a simple one alone."""
    found = triplets(objects, rng, size)
    if not found:
        return (grammar.simple(objects, rng, size, absent),)
    return found[0].concept, found[0].simple, found[0].complex


SOURCES: dict[str, Source] = {
    "concept": single(grammar.concept),
    "simple": single(grammar.simple),
    "complex": single(grammar.complex_),
    "plain": single(partial(grammar.simple, sorts=grammar.PLAIN)),
    "row": ordered(grammar.ROW),
    "order": ordered(grammar.ORDER),
    "triplet": triplet,
}


class WorldSamples:
    """Draws from a pool of rendered scenes; `mixture` has the share of each of `SOURCES`, of whose
    sentences `absent` are about what isn't there."""

    kinds_known = True

    def __init__(
        self, pool: WorldPool, mixture: Mapping[str, float], absent: float = ABSENT
    ) -> None:
        self.pool = pool
        self.absent = absent
        self.sources = list(mixture)
        self.shares = list(mixture.values())

    def draw(self, rng: random.Random, noise: np.random.Generator, size: int, texts: int) -> Sample:
        """See `Samples`."""
        while True:
            drawn = scene_at(self.pool, rng.randrange(len(self.pool)))
            scene = augment(drawn, size, rng, noise)
            if scene.objects:
                return self._ask(scene, rng, size, texts)

    def _ask(self, scene: Scene, rng: random.Random, size: int, texts: int) -> Sample:
        asked: list[Asked] = []
        pairs: list[Pair] = []
        for _ in range(texts):
            source = rng.choices(self.sources, self.shares)[0]
            queries = SOURCES[source](scene.objects, rng, (size, size), self.absent)
            if len(queries) == 3:
                pairs.append(Pair(len(asked), len(asked) + 1, queries[0].text))
            asked += [answered(query, scene, size) for query in queries[-2:]]
        return Sample(scene.image, asked, pairs, cells_of(scene))


def answered(query: Query, scene: Scene, size: int) -> Asked:
    """A query with the masks and boxes of its targets."""
    labels = middles(scene.parts if query.part else scene.labels)
    by_label = boxes_by_label(scene.objects, query.part)
    boxes = np.array([by_label[label] for label in query.labels], np.float32).reshape(-1, 4)
    masks = labels == np.array(query.labels, np.uint8)[:, None, None]
    meant = [record for record in scene.objects if _means(query, record)]
    kinds = tuple(KINDS.index(r["kind"]) for r in meant if r["kind"] in KINDS)
    colours = tuple(COLORS.index(r["color"]) for r in meant if r["color"] in COLORS)
    return Asked(query.text, query.level, masks, boxes / np.float32(size), kinds, colours)


def _means(query: Query, record: dict[str, Any]) -> bool:
    """Whether a query means a thing, or a part of it."""
    own = [part["label"] for part in record["parts"]] if query.part else [record["label"]]
    return not set(own).isdisjoint(query.labels)


def cells_of(scene: Scene) -> Cells:
    """What covers every cell of a scene."""
    return Cells(middles(scene.labels), object_table(scene.objects, scene.image.shape[0]))


def object_table(objects: Objects, size: int) -> NDArray[np.float32]:
    """What covers a pixel of each label: float32 (256, 6), see `Cells`."""
    table = np.full((256, 6), -1, np.float32)
    table[0, 0] = 0
    for record in objects:
        kind, color = record["kind"], record["color"]
        row = table[record["label"]]
        row[0] = KINDS.index(kind) + 1 if kind in KINDS else -1
        row[1] = COLORS.index(color) if color in COLORS else -1
        row[2:] = np.array(record["box"], np.float32) / size
    return table
