"""Made-up samples for the alignment, and one of several processes that works on its share.

`python alignment_samples.py RANK PROCESSES FOLDER`, in every process with its rank.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import distributed, nn

from training.alignment import (
    FeatureQueue,
    ProjectionHead,
    Projections,
    alignment_losses,
    concept_keys,
)
from training.recipes import SAM3
from training.targets import Targets

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
        return alignment_losses(*maps, features, Targets(boxes, masks), SAM3, queue)


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
    rank, processes, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", f"file://{folder / 'meeting'}", rank=rank, world_size=processes
    )
    share = COUNT // processes
    own = slice(rank * share, (rank + 1) * share)
    torch.save(run(nn.parallel.DistributedDataParallel(Toy()), own), folder / f"{rank}.pt")
    try:
        Toy()(slice(0, 1 + rank), FeatureQueue(length=0))
    except ValueError as error:
        (folder / f"{rank}.txt").write_text(str(error))
    distributed.destroy_process_group()
