"""From logits to instances: limits, order and sizes, on answers that are given by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam3i_model.configuration import Sam3IConfig
from sam3i_model.features import GroundingOutput
from sam3i_model.processing import MAX_INSTANCES, Limits, normalise, select

SIZE = (24, 32)


def output(scores: list[float], presence: float = 0.5) -> GroundingOutput:
    """Query q has pixel q alone, and this score before it is multiplied by the presence."""
    count = len(scores)
    masks = torch.full((1, count, SIZE[0] * SIZE[1]), -5.0)
    masks[0, range(count), range(count)] = 5.0
    return GroundingOutput(
        pred_logits=torch.logit(torch.tensor([scores])),
        pred_boxes=torch.tensor([-0.25, 0.25, 1.5, 0.5]).expand(1, count, 4),
        presence_logits=torch.logit(torch.tensor([[presence]])),
        pred_masks=masks.view(1, count, *SIZE),
        semantic_seg=torch.zeros(1, 1, *SIZE),
    )


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        (Limits(0.2), 2),
        (Limits(0.25), 1),  # a score must exceed it
        (Limits(0.2, presence=0.5), 2),  # and presence reach it
        (Limits(0.2, presence=0.51), 0),
    ],
)
def test_limits(limits: Limits, found: int) -> None:
    (instances,) = select(output([0.5, 0.25, 0.75]), [limits], SIZE)
    np.testing.assert_allclose(instances.scores, [0.375, 0.25][:found])
    assert [np.flatnonzero(mask).tolist() for mask in instances.masks] == [[2], [0]][:found]
    np.testing.assert_array_equal(instances.boxes, np.tile([0, 6, 32, 12], (found, 1)))
    assert instances.masks.shape == (found, *SIZE)


def test_a_query_without_a_pixel_is_nothing() -> None:
    said = output([0.5, 0.75])
    said.pred_masks[0, 1] = -5.0
    (instances,) = select(said, [Limits(0.0)], SIZE)
    assert instances.scores.tolist() == [0.25]
    assert [len(part) for part in (instances.masks, instances.boxes)] == [1, 1]


def test_of_too_many_instances_the_best_are_kept() -> None:
    scores = np.linspace(0.1, 0.9, MAX_INSTANCES + 20)
    (instances,) = select(output(scores.tolist()), [Limits(0.0)], SIZE)
    np.testing.assert_allclose(instances.scores, scores[:-101:-1] / 2, rtol=1e-5)


def test_pixels_are_normalised_by_mean_and_deviation() -> None:
    config = Sam3IConfig(image_mean=[0.5, 0.25, 0.0], image_std=[0.5, 0.25, 2.0])
    raw = torch.tensor([0, 255], dtype=torch.uint8).expand(1, 3, 1, 2)
    values = normalise(raw, config)[0, :, 0]
    torch.testing.assert_close(values, torch.tensor([[-1.0, 1.0], [-1.0, 3.0], [0.0, 0.5]]))
