"""Training samples from the rendered world: a picture, sentences about it, and what they mean.

Sample i depends on (seed, i) alone, so a resumed run sees the samples that it would have seen.
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

from sam3i_model.processing import tokenize
from training.instructions.grammar import Query
from training.instructions.lexicon import COLORS, NAMES
from training.world.pool import WorldPool

LABEL_STRIDE = 4
"""Pixels per cell of the label maps that the masks are trained on."""
MIN_AREA = 70
"""Visible pixels below which an object can't be asked for (256 px images)."""
MAX_LABEL = 31
KINDS = tuple(NAMES)

Ask = Callable[[list[dict[str, Any]], random.Random, tuple[int, int]], Query]
"""A source of sentences: (objects, rng, (width, height)) to a query."""


@dataclass
class Batch:
    """N images with T = N * K sentences.

    Attributes:
        images: uint8 (N, 3, S, S).
        labels: int64 (N, S/4, S/4) object labels, 0 is background.
        parts: int64 (N, S/4, S/4) labels of parts, 0 where there is none.
        objects: float32 (N, MAX_LABEL + 1, 6): kind + 1 (0 background, -1 unnamed), colour index
            (-1 unknown), box xyxy in 0..1, by label.
        input_ids: int64 (T, 32).
        attention_mask: bool (T, 32).
        image_index: int64 (T,).
        part: bool (T,) whether a sentence is about parts: its targets are labels in `parts`.
        targets: Labels that each sentence denotes; empty when it denotes nothing.
        boxes: float32 (n_t, 4) xyxy in 0..1, of the targets.
        presence: float32 (T,) 1 where something is denoted.
    """

    images: torch.Tensor
    labels: torch.Tensor
    parts: torch.Tensor
    objects: torch.Tensor
    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    image_index: torch.Tensor
    part: torch.Tensor
    targets: list[torch.Tensor]
    boxes: list[torch.Tensor]
    presence: torch.Tensor

    def maps(self, size: int) -> torch.Tensor:
        """The map that each sentence's targets are labels of, at `size` cells a side:
        (T, size, size)."""
        stride = self.labels.shape[-1] // size
        cells = slice(stride // 2, None, stride)
        both = torch.stack([self.labels[:, cells, cells], self.parts[:, cells, cells]])
        return both[self.part.long(), self.image_index]


class WorldBatches(torch.utils.data.IterableDataset[Batch]):
    """Endless batches from `first` on; the mixture is a list of (share, source of sentences)."""

    def __init__(
        self,
        pool: WorldPool,
        tokenizer: PreTrainedTokenizerBase,
        mixture: Sequence[tuple[float, Ask]],
        batch_size: int,
        texts_per_image: int,
        seed: int,
        first: int = 0,
    ) -> None:
        self.pool = pool
        self.tokenizer = tokenizer
        self.shares = [share for share, _ in mixture]
        self.asks = [ask for _, ask in mixture]
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
        images: list[np.ndarray] = []
        labels: list[np.ndarray] = []
        part_maps: list[np.ndarray] = []
        tables: list[np.ndarray] = []
        queries: list[Query] = []
        boxes: list[list[Any]] = []
        while len(images) < self.batch_size:
            scene = rng.randrange(len(self.pool))
            image, label_map, objects = self.pool[scene]
            image, label_map, part_map, objects = augment(
                image, label_map, self.pool.parts(scene), objects, rng, noise
            )
            if not objects:
                continue
            size = (image.shape[1], image.shape[0])
            boxes_of = {o["label"]: o["box"] for o in objects}
            part_boxes = {p["label"]: p["box"] for o in objects for p in o["parts"]}
            for _ in range(self.texts_per_image):
                ask = rng.choices(self.asks, self.shares)[0]
                query = ask(objects, rng, size)
                queries.append(query)
                found = part_boxes if query.part else boxes_of
                boxes.append([found[label] for label in query.labels])
            images.append(image)
            cells = slice(LABEL_STRIDE // 2, None, LABEL_STRIDE)
            labels.append(label_map[cells, cells])
            part_maps.append(part_map[cells, cells])
            tables.append(object_table(objects, size))
        tokens = [tokenize(self.tokenizer, query.text) for query in queries]
        scale = np.array([*size, *size], np.float32)
        return Batch(
            images=torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(),
            labels=torch.from_numpy(np.stack(labels).astype(np.int64)),
            parts=torch.from_numpy(np.stack(part_maps).astype(np.int64)),
            objects=torch.from_numpy(np.stack(tables)),
            input_ids=torch.stack([t.ids for t in tokens]),
            attention_mask=torch.stack([t.mask for t in tokens]),
            image_index=torch.arange(len(images)).repeat_interleave(self.texts_per_image),
            part=torch.tensor([query.part for query in queries]),
            targets=[torch.tensor(query.labels, dtype=torch.int64) for query in queries],
            boxes=[torch.from_numpy(np.array(b, np.float32).reshape(-1, 4) / scale) for b in boxes],
            presence=torch.tensor([float(bool(query.labels)) for query in queries]),
        )


def object_table(objects: list[dict[str, Any]], size: tuple[int, int]) -> np.ndarray:
    """What covers a pixel of each label: float32 (MAX_LABEL + 1, 6), see `Batch.objects`."""
    table = np.full((MAX_LABEL + 1, 6), -1, np.float32)
    table[0, 0] = 0
    width, height = size
    for entry in objects:
        kind, color = entry["kind"], entry["color"]
        row = table[entry["label"]]
        row[0] = KINDS.index(kind) + 1 if kind in KINDS else -1
        row[1] = COLORS.index(color) if color in COLORS else -1
        row[2:] = np.array(entry["box"], np.float32) / [width, height, width, height]
    return table


def augment(
    image: np.ndarray,
    labels: np.ndarray,
    parts: np.ndarray,
    objects: list[dict[str, Any]],
    rng: random.Random,
    noise: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
    """Crop, mirror and re-expose a scene: image, map of labels, map of parts, records.

    The records follow (box, area, viewer's right; parts get a box). Objects that are hardly
    visible afterwards leave the records and the maps.
    """
    size = image.shape[0]
    if rng.random() < 0.6:
        height = int(size * rng.uniform(0.5, 1))
        width = min(size, max(100, int(height * rng.uniform(0.72, 1.38))))
        top, left = rng.randint(0, size - height), rng.randint(0, size - width)
        window = np.s_[top : top + height, left : left + width]
        image = cv2.resize(image[window], (size, size), interpolation=cv2.INTER_LINEAR)
        labels, parts = (
            cv2.resize(each[window], (size, size), interpolation=cv2.INTER_NEAREST)
            for each in (labels, parts)
        )
    mirror = rng.random() < 0.5
    if mirror:
        image, labels, parts = image[:, ::-1], labels[:, ::-1], parts[:, ::-1]
    counts = np.bincount(labels.ravel(), minlength=MAX_LABEL + 1)
    part_counts = np.bincount(parts.ravel(), minlength=256)
    kept = []
    labels, parts = labels.copy(), parts.copy()
    for entry in objects:
        label = entry["label"]
        if counts[label] < MIN_AREA:
            parts[labels == label] = 0
            labels[labels == label] = 0
            continue
        right, forward, up = entry["viewer"]
        kept.append(
            {
                **entry,
                "box": _box(labels, label),
                "area": int(counts[label]),
                "parts": [
                    {
                        **part,
                        "box": _box(parts, part["label"]),
                        "area": int(part_counts[part["label"]]),
                    }
                    for part in entry["parts"]
                    if part_counts[part["label"]]
                ],
                "viewer": [-right if mirror else right, forward, up],
            }
        )
    return expose(image, rng, noise), labels, parts, kept


def _box(labels: np.ndarray, label: int) -> list[int]:
    """The box (xyxy) of a label in a map."""
    x, y, width, height = cv2.boundingRect((labels == label).astype(np.uint8))
    return [x, y, x + width, y + height]


def expose(image: np.ndarray, rng: random.Random, noise: np.random.Generator) -> np.ndarray:
    """Random gain, white balance, contrast, sensor noise and blur: uint8 (H, W, 3)."""
    out = image.astype(np.float32)
    if rng.random() < 0.7:
        balance = 1 + noise.normal(size=3).astype(np.float32) * 0.04
        out = out * np.float32(rng.uniform(0.7, 1.3)) * balance
        mean = out.mean()
        out = (out - mean) * np.float32(rng.uniform(0.8, 1.25)) + mean
    if rng.random() < 0.3:
        grain = noise.standard_normal(out.shape, dtype=np.float32)
        out += grain * np.float32(rng.uniform(2, 12))
    if rng.random() < 0.15:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.2)).astype(np.float32)
    return np.clip(out, 0, 255).astype(np.uint8)
