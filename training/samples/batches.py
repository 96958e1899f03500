"""Training batches: tensors of drawn samples.

Picture k of step i depends on (seed, i, k) alone. So a resumed run sees the pictures that it would
have seen, and any number of processes and micro-batches see together what one alone sees.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from sam3i_model.configuration import CONTEXT_LENGTH
from sam3i_model.processing import tokenize
from training.samples.sample import MASK_STRIDE, Cells, Sample, Samples


@dataclass
class Batch:
    """N images with T sentences that denote M instances.

    Attributes:
        images: uint8 (N, 3, S, S).
        input_ids: int64 (T, 32).
        levels: int64 (T,).
        image_index: int64 (T,).
        masks: bool (M, S/4, S/4), of all sentences in a row.
        boxes: Per sentence, float32 (n_t, 4) xyxy in 0..1; none when it denotes nothing.
        pairs: int64 (P, 2) rows of simple and complex sentences that mean the same.
        concepts: Their concept's name, P of them.
        concept_ids: int64 (P, 32), its tokens.
        keys: Names of the images' pixels, N of them; "" where they won't recur.
        kinds: Per sentence, int64 (k_t,): kinds of what is meant, where they are known.
        colours: The same of the colours.
        labels: int64 (N, S/4, S/4), what covers each cell.
        objects: float32 (N, 256, 6), see `samples.Cells`; -1 throughout where that isn't known.
    """

    images: torch.Tensor
    input_ids: torch.Tensor
    levels: torch.Tensor
    image_index: torch.Tensor
    masks: torch.Tensor
    boxes: list[torch.Tensor]
    pairs: torch.Tensor
    concepts: list[str]
    concept_ids: torch.Tensor
    keys: list[str] = field(default_factory=list)
    kinds: list[torch.Tensor] = field(default_factory=list)
    colours: list[torch.Tensor] = field(default_factory=list)
    labels: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0, 0, dtype=torch.int64))
    objects: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 256, 6))

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""

        def moved(value: object) -> object:
            if isinstance(value, torch.Tensor):
                return value.to(device, non_blocking=True)
            if isinstance(value, list):
                return [moved(item) for item in value]
            return value

        return Batch(**{name: moved(value) for name, value in vars(self).items()})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Share:
    """What one process has of each step's `images` images: `parts` micro-batches in all, of
    which it takes `own`."""

    images: int
    parts: int = 1
    own: range = range(1)

    def __post_init__(self) -> None:
        if self.images % self.parts:
            raise ValueError(
                f"{self.images} images a step can't be shared equally by {self.parts} micro-batches"
            )


class Batches(torch.utils.data.IterableDataset[Batch]):
    """Endless micro-batches from step `first` on.

    Args:
        samples: The data.
        tokenizer: Of the model that is trained.
        size: Of the pictures, pixels.
        texts: Draws of sentences a picture, in a step of this number.
        seed: Of everything.
        share: Of each step.
        first: Number of the first step.
    """

    def __init__(
        self,
        samples: Samples,
        tokenizer: PreTrainedTokenizerBase,
        size: int,
        texts: Callable[[int], int],
        seed: int,
        share: Share,
        first: int = 0,
    ) -> None:
        self.samples = samples
        self.tokenizer = tokenizer
        self.size = size
        self.texts = texts
        self.seed = seed
        self.share = share
        self.first = first

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        number, every = (0, 1) if worker is None else (worker.id, worker.num_workers)
        own = self.share.own
        while True:
            step, part = divmod(number, len(own))
            yield self.batch(self.first + step, own[part])
            number += every

    def batch(self, step: int, part: int) -> Batch:
        """Micro-batch number `part` of a step, always the same for the same seed."""
        count = self.share.images // self.share.parts
        return self.collate([self._sample(step, part * count + k) for k in range(count)])

    def _sample(self, step: int, image: int) -> Sample:
        rng = random.Random(f"{self.seed}/{step}/{image}")
        noise = np.random.default_rng([self.seed, step, image])
        return self.samples.draw(rng, noise, self.size, self.texts(step))

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples as tensors."""
        asked = [(index, entry) for index, s in enumerate(samples) for entry in s.asked]
        pairs, concepts, offset = [], [], 0
        for sample in samples:
            pairs += [(offset + p.simple, offset + p.complex) for p in sample.pairs]
            concepts += [pair.concept for pair in sample.pairs]
            offset += len(sample.asked)
        side = self.size // MASK_STRIDE
        none = np.zeros((0, side, side), bool)
        unknown = Cells(np.zeros((side, side), np.uint8), np.full((256, 6), -1, np.float32))
        cells = [sample.cells or unknown for sample in samples]
        return Batch(
            images=torch.from_numpy(np.stack([s.image for s in samples])).permute(0, 3, 1, 2),
            input_ids=self.tokens([entry.text for _, entry in asked]),
            levels=torch.tensor([int(entry.level) for _, entry in asked], dtype=torch.int64),
            image_index=torch.tensor([index for index, _ in asked], dtype=torch.int64),
            masks=torch.from_numpy(np.concatenate([none, *(entry.masks for _, entry in asked)])),
            boxes=[torch.from_numpy(entry.boxes) for _, entry in asked],
            pairs=torch.tensor(pairs, dtype=torch.int64).view(-1, 2),
            concepts=concepts,
            concept_ids=self.tokens(concepts),
            keys=[sample.key for sample in samples],
            kinds=[torch.tensor(entry.kinds, dtype=torch.int64) for _, entry in asked],
            colours=[torch.tensor(entry.colours, dtype=torch.int64) for _, entry in asked],
            labels=torch.from_numpy(np.stack([c.labels for c in cells])).long(),
            objects=torch.from_numpy(np.stack([c.objects for c in cells])),
        )

    def tokens(self, texts: Sequence[str]) -> torch.Tensor:
        """int64 (len(texts), 32)."""
        ids = [tokenize(self.tokenizer, text).ids for text in texts]
        return torch.stack(ids) if ids else torch.zeros(0, CONTEXT_LENGTH, dtype=torch.int64)
