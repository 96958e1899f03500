"""The small recipe stays what the bundled model was trained with.

The numbers were computed by the code that trained it, before recipes existed.
"""

from __future__ import annotations

import pytest
import torch

from sam3i_model.features import LayerOutputs
from training.losses.grounding import grounding_losses
from training.losses.matching import match
from training.losses.recipes import SMALL
from training.losses.targets import denoted
from training.samples.batches import Batch

TERMS = {
    "class": 3.2571888,
    "presence": 1.4244962,
    "semantic": 1.1847736,
    "semantic_dice": 0.7007924,
    "l1": 1.5590967,
    "giou": 2.811166,
    "mask": 7.3340149,
    "dice": 2.1865566,
}
TOTAL = 58.81214141845703
GRADIENTS = {  # sum of absolute values, and of the values by a wave
    "logits": (8.06801700592041, -0.6862897872924805),
    "boxes": (91.65303802490234, -4.413378715515137),
    "presence": (3.3743393421173096, -0.6686722040176392),
    "mask_embeds": (20.645776748657227, -1.4248279333114624),
    "pixels": (16.215038299560547, 0.032949525862932205),
    "semantic": (2.1478400230407715, -0.14082026481628418),
}
MATCH = {
    "layer": "001120000111122000011112200112",
    "text": "000001111111111333333333344444",
    "query": "262500256134614235604561224360",
    "object": "000002112212112434334344355555",
}


def waves(*shape: int, pace: float, scale: float = 1.0) -> torch.Tensor:
    """Numbers without a pattern that are the same everywhere."""
    steps = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (scale * torch.sin(pace * steps**1.1)).float().view(shape)


def fixed_batch() -> Batch:
    labels = torch.zeros(2, 16, 16, dtype=torch.int64)
    labels[0, 2:9, 1:8] = 1
    labels[0, 9:15, 9:12] = 2
    labels[1, 0:6, 0:16] = 3
    labels[1, 8:16, 4:7] = 4
    boxes = {1: [1, 2, 8, 9], 2: [9, 9, 12, 15], 3: [0, 0, 16, 6], 4: [4, 8, 7, 16]}
    targets: list[list[int]] = [[1], [1, 2], [], [4, 3], [4]]
    return Batch(
        images=torch.zeros(2, 3, 64, 64, dtype=torch.uint8),
        input_ids=torch.zeros(5, 32, dtype=torch.int64),
        levels=torch.ones(5, dtype=torch.int64),
        image_index=torch.tensor([0, 0, 0, 1, 1]),
        masks=torch.stack([labels[(k - 1) // 2] == k for t in targets for k in t]),
        boxes=[torch.tensor([boxes[k] for k in t]).view(-1, 4) / 16 for t in targets],
        pairs=torch.zeros(0, 2, dtype=torch.int64),
        concepts=[],
        concept_ids=torch.zeros(0, 32, dtype=torch.int64),
    )


def fixed_outputs() -> LayerOutputs:
    centre = 0.5 + waves(3, 5, 7, 2, pace=0.7, scale=0.3)
    half = 0.14 + waves(3, 5, 7, 2, pace=1.3, scale=0.1)
    return LayerOutputs(
        logits=waves(3, 5, 7, pace=0.9, scale=3),
        boxes=torch.cat([centre - half, centre + half], -1),
        presence=waves(3, 5, pace=1.1, scale=2),
        mask_embeds=waves(3, 5, 7, 4, pace=0.3),
        pixels=waves(5, 4, 8, 8, pace=0.4, scale=2),
        semantic=waves(5, 1, 16, 16, pace=0.6, scale=3),
        tokens=waves(5, 4, 8, pace=0.5),
    )


def test_matches_are_the_same():
    outputs, batch = fixed_outputs(), fixed_batch()
    found = match(outputs.logits, outputs.boxes, batch.boxes, SMALL.matching)
    assert {k: "".join(map(str, v.tolist())) for k, v in vars(found).items()} == MATCH


def test_terms_and_gradients_are_the_same():
    outputs, batch = fixed_outputs(), fixed_batch()
    for name in GRADIENTS:
        getattr(outputs, name).requires_grad_()
    terms = grounding_losses(outputs, denoted(batch), SMALL)
    loss = terms.pop("grounding")
    assert {k: v.item() for k, v in terms.items()} == pytest.approx(TERMS, rel=2e-6)
    assert loss.item() == pytest.approx(TOTAL, rel=2e-6)
    loss.backward()
    for name, expected in GRADIENTS.items():
        gradient = getattr(outputs, name).grad
        by_wave = (gradient * waves(*gradient.shape, pace=0.21)).sum().item()
        assert (gradient.abs().sum().item(), by_wave) == pytest.approx(expected, rel=1e-5), name
