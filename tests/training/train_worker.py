"""One of several training processes: `python train_worker.py STAGE CHECKPOINT OUT STATE`, with
torch's environment variables; writes the losses of 20 steps.

Half-way they are kept and taken up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from tests.training.small_training import TwoBoxes, random_start, small_settings
from training.loop import run as running
from training.samples.from_world import WorldSamples

STEPS = 20


def losses(stage: str, start: str, state: Path) -> list[dict[str, float]]:
    """Of every step, over all processes."""
    running.new_model = random_start
    torch.set_num_threads(1)
    # slow enough that rounding stays rounding
    changes = {"batch_size": 4, "precision": "fp32", "learning_rate": 3e-5}
    taken = []
    for half in range(2):
        run = running.Run(small_settings(stage, STEPS, **changes), start)
        if half:
            run.resume(state)
        stream = run.stream(WorldSamples(TwoBoxes(), run.settings.mixture))
        taken += [run.take(stream) for _ in range(STEPS // 2)]
        run.keep(state)
        run.accelerator.wait_for_everyone()
    return [{name: value.item() for name, value in terms.items()} for terms in taken]


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(losses(*sys.argv[1:3], Path(sys.argv[4]))))
