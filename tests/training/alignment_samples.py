"""Made-up samples for the alignment, and one of several processes that works on its share.

`python alignment_samples.py RANK FIRST END FOLDER`, in each of two processes with its rank and its
samples.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import distributed, nn

from training.losses.alignment import (
    FeatureQueue,
    ProjectionHead,
    Projections,
    alignment_losses,
    concept_keys,
)
from training.losses.processes import process_count
from training.losses.recipes import SAM3
from training.losses.targets import Targets

CONCEPTS = ["mug", "kettle", "Mug", "spoon", "kettle", "mug"]
COUNT, WIDTH, TOKENS = len(CONCEPTS), 8, 4


class Toy(nn.Module):
    """A projection head, and one weight that moves both semantic maps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.head = ProjectionHead(WIDTH)
        self.sharpness = nn.Parameter(torch.tensor(1.5))

    def forward(self, rows: slice, queue: FeatureQueue) -> dict[str, torch.Tensor]:
        """Align some of the samples."""
        torch.manual_seed(4)
        levels = [self.head(torch.randn(COUNT, TOKENS, WIDTH)[rows]) for _ in range(3)]
        maps = [self.sharpness * torch.randn(COUNT, 1, 6, 6)[rows] ** (k + 1) for k in range(2)]
        masks = (torch.randn(COUNT, 12, 12) > 0)[rows]
        boxes = [torch.rand(1, 4) for _ in masks]
        features = Projections(*levels, concept_keys(CONCEPTS[rows]))
        shared = {"texts": torch.tensor(COUNT / process_count())}
        return alignment_losses(*maps, features, Targets(boxes, masks, shared), SAM3, queue)


def run(model: nn.Module, rows: slice) -> dict[str, object]:
    """Losses of two steps (the second knows the first's samples), gradients, and the queue."""
    queue = FeatureQueue(length=4)
    said = [model(rows, queue) for _ in range(2)]
    said[1]["alignment"].backward()
    return {
        "losses": [{k: v.detach() for k, v in terms.items()} for terms in said],
        "gradients": {n.removeprefix("module."): p.grad for n, p in model.named_parameters()},
        "queue": queue.state_dict(),
    }


if __name__ == "__main__":
    rank, first, end = map(int, sys.argv[1:4])
    folder = Path(sys.argv[4])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    found = run(nn.parallel.DistributedDataParallel(Toy()), slice(first, end))
    torch.save(found, folder / f"{rank}.pt")
    distributed.destroy_process_group()
