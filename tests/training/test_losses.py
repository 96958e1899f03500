"""Matching and losses: numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from sam3i_model.modeling import LayerOutputs
from training.dataset import Batch
from training.losses import (
    class_loss,
    dice,
    focal,
    grounding_losses,
    mask_losses,
    presence_loss,
    semantic_losses,
)
from training.matching import Match, giou, match, pairwise_giou

BOXES = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]])


def test_giou_of_known_boxes():
    pairs = pairwise_giou(BOXES, BOXES)
    assert pairs[0, 0] == pytest.approx(1, abs=1e-5)
    # disjoint quarters of the unit square: IoU 0, hull 1, union 0.5
    assert pairs[0, 1] == pytest.approx(-0.5, abs=1e-5)
    inner = torch.tensor([0.0, 0.0, 0.25, 0.5])
    assert giou(inner, BOXES[0]) == pytest.approx(0.5, abs=1e-5)


def test_each_object_gets_its_own_query_in_every_layer():
    boxes = torch.stack([BOXES[[1, 0, 1]], BOXES[[0, 1, 1]]])[:, None]  # (L=2, T=1, Q=3, 4)
    found = match(torch.zeros(2, 1, 3), boxes, [BOXES])
    pairs = set(zip(found.layer.tolist(), found.query.tolist(), found.object.tolist(), strict=True))
    assert {(0, 1, 0), (1, 0, 0)} <= pairs
    assert len(pairs) == 4


def test_copies_add_queries_in_all_layers_but_the_last():
    boxes = torch.rand(3, 1, 6, 2).repeat(1, 1, 1, 2).sort(-1).values
    found = match(torch.zeros(3, 1, 6), boxes, [BOXES[:1]], copies=2)
    assert torch.bincount(found.layer).tolist() == [2, 2, 1]
    assert set(found.object.tolist()) == {0}


def test_texts_without_objects_match_nothing_and_offsets_skip_them():
    boxes = BOXES[None, None].expand(1, 3, 2, 4)
    found = match(torch.zeros(1, 3, 2), boxes, [BOXES[:1], torch.zeros(0, 4), BOXES])
    assert found.text.tolist() == [0, 2, 2]
    assert sorted(found.object.tolist()) == [0, 1, 2]


def test_focal_and_dice_at_even_odds():
    half = torch.zeros(1, 4)
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    # (1 - 0.5)^2 * ln 2, weighed 0.6 for positives and 0.4 for negatives
    expected = torch.tensor([[0.6, 0.6, 0.4, 0.4]]) * 0.25 * math.log(2)
    torch.testing.assert_close(focal(half, target, 0.6, 2), expected)
    # 2 * (0.5 + 0.5) + 1 over 2 + 2 + 1
    torch.testing.assert_close(dice(half, target), torch.tensor([1 - 3 / 5]))


def test_class_and_presence_losses_weigh_layers():
    pairs = Match(*(torch.tensor([v]) for v in (1, 0, 0, 0)))
    loss = class_loss(torch.zeros(2, 1, 2), pairs, torch.tensor([0.5, 1.0]))
    unit = 0.25 * math.log(2)
    assert loss == pytest.approx(0.5 * 2 * 0.4 * unit + (0.6 + 0.4) * unit, rel=1e-5)
    presence = presence_loss(torch.zeros(2, 3), torch.tensor([1.0, 0, 1]), torch.tensor([0.5, 1]))
    assert presence == pytest.approx(1.5 * math.log(2), rel=1e-5)


def tiny_batch() -> Batch:
    """Two images of 8 x 8 cells; text 0 means object 1 of image 0, text 1 nothing, text 2 both."""
    labels = torch.zeros(2, 8, 8, dtype=torch.int64)
    labels[0, :4, :4] = 1
    labels[1, :4, :4] = 1
    labels[1, 4:, 4:] = 2
    return Batch(
        images=torch.zeros(2, 3, 32, 32, dtype=torch.uint8),
        labels=labels,
        parts=torch.zeros_like(labels),
        objects=torch.zeros(2, 32, 6),
        input_ids=torch.zeros(3, 32, dtype=torch.int64),
        attention_mask=torch.ones(3, 32, dtype=torch.bool),
        image_index=torch.tensor([0, 0, 1]),
        part=torch.zeros(3, dtype=torch.bool),
        targets=[torch.tensor([1]), torch.zeros(0, dtype=torch.int64), torch.tensor([1, 2])],
        boxes=[BOXES[:1], torch.zeros(0, 4), BOXES],
        presence=torch.tensor([1.0, 0.0, 1.0]),
    )


def perfect_outputs(batch: Batch, strength: float = 30.0) -> LayerOutputs:
    """Query q of every text answers for object q + 1 with that object's box and mask."""
    texts = len(batch.targets)
    pixels = torch.stack(
        [
            torch.stack([torch.where(batch.labels[i] == k, 1.0, -1.0) for k in (1, 2)])
            for i in batch.image_index
        ]
    )
    logits = torch.full((1, texts, 2), -strength)
    for text, target in enumerate(batch.targets):
        logits[0, text, target - 1] = strength
    union = torch.stack(
        [
            torch.isin(batch.labels[i], t)
            for i, t in zip(batch.image_index, batch.targets, strict=True)
        ]
    )
    return LayerOutputs(
        logits=logits,
        boxes=BOXES.expand(1, texts, 2, 4),
        presence=torch.where(batch.presence > 0, strength, -strength)[None],
        mask_embeds=(strength * torch.eye(2)).expand(1, texts, 2, 2),
        pixels=pixels,
        semantic=torch.where(union, strength, -strength)[:, None],
        tokens=torch.zeros(texts, 4, 8),
    )


def test_a_perfect_answer_costs_nothing():
    batch = tiny_batch()
    terms = grounding_losses(perfect_outputs(batch), batch)
    assert set(terms) == {
        "class",
        "presence",
        "semantic",
        "semantic_dice",
        "l1",
        "giou",
        "mask",
        "dice",
    }
    for name, value in terms.items():
        assert abs(float(value)) < 1e-4, name


def test_masks_are_compared_with_the_right_object_of_the_right_image():
    batch = tiny_batch()
    outputs = perfect_outputs(batch)
    right = Match(*(torch.tensor(v) for v in ([0, 0, 0], [0, 2, 2], [0, 0, 1], [0, 1, 2])))
    wrong = Match(right.layer, right.text, right.query, torch.tensor([0, 2, 1]))
    assert mask_losses(outputs, batch, right)[1].max() < 1e-4
    swapped = mask_losses(outputs, batch, wrong)[1]
    assert swapped[0] < 1e-4
    assert swapped[1:].min() > 0.9


def test_semantic_loss_ignores_absent_texts_in_dice_only():
    batch = tiny_batch()
    outputs = perfect_outputs(batch)
    outputs.semantic[1] = 30.0  # says "everything" where nothing is meant
    terms = semantic_losses(outputs.semantic, batch)
    assert terms["semantic_dice"] < 1e-4
    assert terms["semantic"] == pytest.approx(10, rel=1e-3)
