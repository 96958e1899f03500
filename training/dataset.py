"""Training batches from the rendered world: pictures, sentences about them, and what they mean.

Batch i depends on (seed, i) alone, so a resumed run sees the batches that it would have seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from sam3i_model.configuration import CONTEXT_LENGTH
from sam3i_model.processing import tokenize
from training.instructions.grammar import Query
from training.instructions.lexicon import COLORS, NAMES
from training.scenes import Scene, augment, boxes_by_label, scene_at
from training.world.pool import WorldPool

LABEL_STRIDE = 4
"""Pixels per cell of the label maps that the masks are trained on."""
MAX_LABEL = 63
KINDS = tuple(NAMES)

Ask = Callable[[list[dict[str, Any]], random.Random, tuple[int, int]], Query]
"""Makes a sentence about a scene: (objects, rng, (width, height)) to a query."""
Source = Callable[[list[dict[str, Any]], random.Random, tuple[int, int]], Sequence[Query]]
"""The same for one sentence, or for a concept, a simple and a complex one that mean the same."""


@dataclass
class Batch:
    """N images with T sentences.

    Attributes:
        images: uint8 (N, 3, S, S).
        labels: int64 (N, S/4, S/4) object labels, 0 is background.
        parts: int64 (N, S/4, S/4) labels of objects' parts, 0 is none.
        objects: float32 (N, MAX_LABEL + 1, 6): kind + 1 (0 background, -1 unnamed), colour index
            (-1 unknown), box xyxy in 0..1, by label.
        input_ids: int64 (T, 32).
        levels: int64 (T,).
        image_index: int64 (T,).
        of_parts: bool (T,), whether labels of parts are meant.
        targets: Labels that each sentence denotes; empty when it denotes nothing.
        boxes: float32 (n_t, 4) xyxy in 0..1, of the targets.
        pairs: int64 (P, 2) rows of simple and complex sentences that mean the same.
        concepts: Their concept's name, P of them.
        concept_ids: int64 (P, 32), its tokens.
    """

    images: torch.Tensor
    labels: torch.Tensor
    parts: torch.Tensor
    objects: torch.Tensor
    input_ids: torch.Tensor
    levels: torch.Tensor
    image_index: torch.Tensor
    of_parts: torch.Tensor
    targets: list[torch.Tensor]
    boxes: list[torch.Tensor]
    pairs: torch.Tensor
    concepts: list[str]
    concept_ids: torch.Tensor


class WorldBatches(torch.utils.data.IterableDataset[Batch]):
    """Endless batches from `first` on; the mixture is a list of (share, source of sentences).

    Args:
        pool: Scenes.
        tokenizer: Of the model that is trained.
        mixture: Sources of sentences and their shares.
        size: Of the pictures, pixels.
        batch_size: Pictures.
        texts_per_image: Draws of the mixture a picture.
        seed: Of everything.
        first: Number of the first batch.
    """

    def __init__(
        self,
        pool: WorldPool,
        tokenizer: PreTrainedTokenizerBase,
        mixture: Sequence[tuple[float, Source]],
        size: int,
        batch_size: int,
        texts_per_image: int,
        seed: int,
        first: int = 0,
    ) -> None:
        self.pool = pool
        self.tokenizer = tokenizer
        self.shares = [share for share, _ in mixture]
        self.sources = [source for _, source in mixture]
        self.size = size
        self.batch_size = batch_size
        self.texts_per_image = texts_per_image
        self.seed = seed
        self.first = first

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        index, step = (
            (self.first, 1) if worker is None else (self.first + worker.id, worker.num_workers)
        )
        while True:
            yield self.batch(index)
            index += step

    def batch(self, index: int) -> Batch:
        """Batch number `index`, always the same for the same seed."""
        rng = random.Random(f"{self.seed}/{index}")
        noise = np.random.default_rng([self.seed, index])
        scenes: list[Scene] = []
        rows: list[tuple[int, Query]] = []
        pairs: list[tuple[int, int]] = []
        concepts: list[str] = []
        while len(scenes) < self.batch_size:
            drawn = scene_at(self.pool, rng.randrange(len(self.pool)))
            scene = augment(drawn, self.size, rng, noise)
            if not scene.objects:
                continue
            for _ in range(self.texts_per_image):
                source = rng.choices(self.sources, self.shares)[0]
                queries = source(scene.objects, rng, (self.size, self.size))
                if len(queries) == 3:
                    concepts.append(queries[0].text)
                    pairs.append((len(rows), len(rows) + 1))
                rows += [(len(scenes), query) for query in queries[-2:]]
            scenes.append(scene)
        return self.collate(scenes, rows, pairs, concepts)

    def collate(
        self,
        scenes: list[Scene],
        rows: list[tuple[int, Query]],
        pairs: list[tuple[int, int]],
        concepts: list[str],
    ) -> Batch:
        """Scenes and (scene, query) rows as tensors."""
        queries = [query for _, query in rows]
        boxes = []
        for scene, query in rows:
            by_label = boxes_by_label(scenes[scene].objects, query.part)
            listed = [by_label[label] for label in query.labels]
            boxes.append(torch.tensor(listed, dtype=torch.float32).view(-1, 4) / self.size)
        return Batch(
            images=torch.from_numpy(np.stack([s.image for s in scenes])).permute(0, 3, 1, 2),
            labels=cells([s.labels for s in scenes]),
            parts=cells([s.parts for s in scenes]),
            objects=torch.from_numpy(
                np.stack([object_table(s.objects, self.size) for s in scenes])
            ),
            input_ids=self.tokens([q.text for q in queries]),
            levels=torch.tensor([int(q.level) for q in queries]),
            image_index=torch.tensor([scene for scene, _ in rows]),
            of_parts=torch.tensor([q.part for q in queries]),
            targets=[torch.tensor(q.labels, dtype=torch.int64) for q in queries],
            boxes=boxes,
            pairs=torch.tensor(pairs, dtype=torch.int64).view(-1, 2),
            concepts=concepts,
            concept_ids=self.tokens(concepts),
        )

    def tokens(self, texts: Sequence[str]) -> torch.Tensor:
        """int64 (len(texts), 32)."""
        ids = [tokenize(self.tokenizer, text).ids for text in texts]
        return torch.stack(ids) if ids else torch.zeros(0, CONTEXT_LENGTH, dtype=torch.int64)


def cells(maps: list[np.ndarray]) -> torch.Tensor:
    """Label maps (S, S) at the middle of each cell: int64 (N, S/4, S/4)."""
    middle = LABEL_STRIDE // 2
    sampled = [m[middle::LABEL_STRIDE, middle::LABEL_STRIDE] for m in maps]
    return torch.from_numpy(np.stack(sampled)).long()


def object_table(objects: list[dict[str, Any]], size: int) -> torch.Tensor:
    """What covers a pixel of each label: float32 (MAX_LABEL + 1, 6), see `Batch.objects`."""
    table = np.full((MAX_LABEL + 1, 6), -1, np.float32)
    table[0, 0] = 0
    for record in objects:
        kind, color = record["kind"], record["color"]
        row = table[record["label"]]
        row[0] = KINDS.index(kind) + 1 if kind in KINDS else -1
        row[1] = COLORS.index(color) if color in COLORS else -1
        row[2:] = np.array(record["box"], np.float32) / size
    return torch.from_numpy(table)
