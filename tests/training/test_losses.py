"""Losses: numbers worked out by hand, and what must hold for any."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from sam3i_model.features import LayerOutputs
from training.losses.focal import Focal
from training.losses.grounding import (
    class_loss,
    dice,
    grounding_losses,
    mask_losses,
    presence_loss,
    semantic_losses,
)
from training.losses.matching import Hungarian, Match, TopQueries
from training.losses.recipes import QUERY_TERMS, RECIPES, SAM3, SMALL, TERMS, Alignment, IouAware
from training.losses.targets import Targets, denoted, on_one_grid
from training.samples.batches import Batch

BOXES = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]])


def test_focal_and_dice_at_even_odds():
    half = torch.zeros(1, 4)
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    # (1 - 0.5)^2 * ln 2, weighed 0.6 for positives and 0.4 for negatives
    expected = torch.tensor([[0.6, 0.6, 0.4, 0.4]]) * 0.25 * math.log(2)
    torch.testing.assert_close(Focal(0.6, 0.4, gamma=2)(half, target), expected)
    # 2 * (0.5 + 0.5) + 1 over 2 + 2 + 1
    torch.testing.assert_close(dice(half, target), torch.tensor([1 - 3 / 5]))


def tiny_batch() -> Batch:
    """Two images of 8 x 8 cells; text 0 means object 1 of image 0, text 1 nothing, text 2 both."""
    labels = torch.zeros(2, 8, 8, dtype=torch.int64)
    labels[0, :4, :4] = 1
    labels[1, :4, :4] = 1
    labels[1, 4:, 4:] = 2
    return Batch(
        images=torch.zeros(2, 3, 32, 32, dtype=torch.uint8),
        labels=labels,
        objects=torch.zeros(2, 256, 6),
        input_ids=torch.zeros(3, 32, dtype=torch.int64),
        levels=torch.ones(3, dtype=torch.int64),
        image_index=torch.tensor([0, 0, 1]),
        masks=torch.stack([labels[0] == 1, labels[1] == 1, labels[1] == 2]),
        boxes=[BOXES[:1], torch.zeros(0, 4), BOXES],
        pairs=torch.zeros(0, 2, dtype=torch.int64),
        concepts=[],
        concept_ids=torch.zeros(0, 32, dtype=torch.int64),
    )


def perfect_outputs(batch: Batch, strength: float = 30.0) -> LayerOutputs:
    """Query q of every text answers for object q + 1 with that object's box and mask."""
    texts = len(batch.boxes)
    pixels = torch.stack(
        [
            torch.stack([torch.where(batch.labels[i] == k, 1.0, -1.0) for k in (1, 2)])
            for i in batch.image_index
        ]
    )
    logits = torch.full((1, texts, 2), -strength)
    for text, boxes in enumerate(batch.boxes):
        logits[0, text, : len(boxes)] = strength
    return LayerOutputs(
        logits=logits,
        boxes=BOXES.repeat(1, texts, 1, 1),
        presence=torch.tensor([[strength if len(b) else -strength for b in batch.boxes]]),
        mask_embeds=(strength * torch.eye(2)).repeat(1, texts, 1, 1),
        pixels=pixels,
        semantic=torch.where(denoted(batch).union, strength, -strength)[:, None],
        tokens=torch.zeros(texts, 4, 8),
    )


def nothing(texts: int, size: int = 8) -> Targets:
    """Texts that denote nothing."""
    return Targets([torch.zeros(0, 4)] * texts, torch.zeros(0, size, size, dtype=torch.bool))


def test_targets_of_a_batch_of_scenes():
    targets = denoted(tiny_batch())
    assert targets.presence.tolist() == [1, 0, 1]
    assert targets.masks.flatten(1).sum(1).tolist() == [16, 16, 16]
    assert targets.union.flatten(1).sum(1).tolist() == [16, 0, 32]
    assert torch.equal(targets.union[2], targets.masks[1] | targets.masks[2])


def test_grids():
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[0, :2, :2] = True
    logits = torch.tensor([[[1.0, -1.0], [-1.0, -1.0]]])
    said, truth = on_one_grid(logits, mask, "map")
    assert (said.tolist(), truth.tolist()) == ([[1, -1, -1, -1]], [[1, 0, 0, 0]])
    said, truth = on_one_grid(logits, mask, "target")
    assert truth.shape == said.shape == (1, 16)
    assert said[0, 0] == 1
    assert said[0, 1] == pytest.approx(0.5)  # a quarter of the way to the next cell


def test_class_and_presence_losses_of_each_layer():
    batch = tiny_batch()
    outputs = replace(perfect_outputs(batch), logits=torch.zeros(2, 1, 2))
    pairs = Match(*(torch.tensor([v]) for v in (1, 0, 0, 0)))
    loss = class_loss(outputs, denoted(batch), pairs, torch.tensor(2.0), SMALL)
    unit = 0.25 * math.log(2) / 2
    torch.testing.assert_close(loss, torch.tensor([2 * 0.4 * unit, (0.6 + 0.4) * unit]))
    presence = presence_loss(torch.zeros(2, 3), denoted(batch), SMALL)
    torch.testing.assert_close(presence, torch.full((2,), math.log(2)))
    presence = presence_loss(torch.zeros(2, 3), denoted(batch), SAM3)
    torch.testing.assert_close(presence, torch.full((2,), math.log(2) / 2))


def test_the_iou_aware_loss_wants_a_score_as_good_as_the_box():
    # matched: p = 0.5, IoU = 0.5, so t = 0.5; unmatched: p^2 * ln 2; the absent text counts nothing
    inner = torch.tensor([0.0, 0.0, 0.25, 0.5])
    outputs = perfect_outputs(tiny_batch())
    outputs = replace(
        outputs,
        logits=torch.zeros(1, 2, 2, requires_grad=True),
        boxes=torch.stack([inner, BOXES[1]]).repeat(1, 2, 1, 1),
    )
    targets = Targets([BOXES[:1], torch.zeros(0, 4)], torch.ones(1, 8, 8, dtype=torch.bool))
    pairs = Match(*(torch.tensor([v]) for v in (0, 0, 0, 0)))
    loss = class_loss(outputs, targets, pairs, torch.tensor(1.0), SAM3)
    expected = (10 * math.log(2) + 0.25 * math.log(2)) / (200 * 2)
    assert loss.item() == pytest.approx(expected)
    loss.sum().backward()
    assert outputs.logits.grad[0, 0, 0] == pytest.approx(0)  # the score is right for this box
    assert not outputs.logits.grad[0, 1].any()


@pytest.mark.parametrize("name", RECIPES)
def test_a_perfect_answer_costs_nothing(name):
    batch = tiny_batch()
    outputs = perfect_outputs(batch)
    recipe = RECIPES[name]
    many = None if recipe.one_to_many is None else outputs
    terms = grounding_losses(outputs, denoted(batch), recipe, many)
    halves = {f"{n}_many" for n in QUERY_TERMS} if many else set()
    assert set(terms) == {*TERMS, *halves, "grounding"}
    assert abs(terms["grounding"].item()) < 1e-3
    for term in ("class", "l1", "giou", "presence"):
        assert abs(terms[term].item()) < 1e-4, term


def test_the_last_layer_s_masks_may_be_the_only_ones_judged():
    batch = tiny_batch()
    right = perfect_outputs(batch)
    names = ("logits", "boxes", "presence", "mask_embeds")
    layers = {name: torch.cat([getattr(right, name)] * 2) for name in names}
    layers["mask_embeds"][0] *= -1  # the first layer's masks are all wrong
    outputs = replace(right, **layers)
    for judged, wrong in (("last", False), ("all", True)):
        terms = grounding_losses(outputs, denoted(batch), replace(SMALL, masks_in=judged))
        assert (terms["mask"] > 1, terms["dice"] > 0.5) == (wrong, wrong)


@pytest.mark.parametrize("shared", [None, {"texts": 1.5, "objects": 1.5, "present": 1, "parts": 2}])
def test_the_sum_may_grow_with_the_root_of_the_whole_step_s_texts(shared):
    batch = tiny_batch()
    counts = shared and {name: torch.tensor(float(count)) for name, count in shared.items()}
    plain, grown = (
        grounding_losses(
            perfect_outputs(batch, 1.0),
            denoted(batch, counts),
            replace(SMALL, root_of_texts=grows),
        )["grounding"]
        for grows in (False, True)
    )
    assert grown / plain == pytest.approx(3**0.5)  # of the three texts, or of 1.5 in two parts


def test_masks_are_compared_with_the_right_object_of_the_right_image():
    batch = tiny_batch()
    outputs = perfect_outputs(batch)
    right = Match(*(torch.tensor(v) for v in ([0, 0, 0], [2, 0, 2], [0, 0, 1], [1, 0, 2])))
    wrong = Match(right.layer, right.text, right.query, torch.tensor([2, 0, 1]))
    assert mask_losses(outputs, denoted(batch), right, SMALL)[1].max() < 1e-4
    swapped = mask_losses(outputs, denoted(batch), wrong, SMALL)[1]
    assert swapped[1] < 1e-4
    assert swapped[[0, 2]].min() > 0.9


def test_semantic_loss_ignores_absent_texts_in_dice_only_or_altogether():
    batch = tiny_batch()
    outputs = perfect_outputs(batch)
    outputs.semantic[1] = 30.0  # says "everything" where nothing is meant
    terms = semantic_losses(outputs.semantic, denoted(batch), SMALL)
    assert terms["semantic_dice"] < 1e-4
    assert terms["semantic"] == pytest.approx(10, rel=1e-3)
    assert semantic_losses(outputs.semantic, denoted(batch), SAM3)["semantic"] < 1e-4


def trained(outputs: LayerOutputs) -> list[torch.Tensor]:
    """What the losses read, ready for gradients."""
    names = ("logits", "boxes", "presence", "mask_embeds", "pixels", "semantic")
    return [getattr(outputs, name).requires_grad_() for name in names]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("texts", [1, 3])
def test_texts_that_denote_nothing_teach_presence_only_and_break_nothing(name, texts):
    outputs = perfect_outputs(tiny_batch())
    outputs = LayerOutputs(
        *(v[:, :texts].clone() for v in list(vars(outputs).values())[:4]),
        *(v[:texts].clone() for v in list(vars(outputs).values())[4:7]),
    )
    leaves = trained(outputs)
    terms = grounding_losses(outputs, nothing(texts), RECIPES[name])
    assert all(terms[n] == 0 for n in ("l1", "giou", "mask", "dice", "semantic_dice"))
    terms["grounding"].backward()
    assert all(leaf.grad.isfinite().all() for leaf in leaves if leaf.grad is not None)
    assert outputs.presence.grad.any()


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("strength", [1e4, -1e4])
def test_extreme_logits_stay_finite(name, strength):
    batch = tiny_batch()
    outputs = perfect_outputs(batch, strength)
    leaves = trained(outputs)
    many = outputs if RECIPES[name].one_to_many else None
    loss = grounding_losses(outputs, denoted(batch), RECIPES[name], many)["grounding"]
    loss.backward()
    assert loss.isfinite()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)


@pytest.mark.parametrize("name", RECIPES)
def test_bfloat16_outputs_are_judged_in_float32(name):
    batch = tiny_batch()
    said = vars(perfect_outputs(batch, 2.0))
    halves = {k: v.bfloat16() for k, v in said.items() if v is not None}
    targets = denoted(batch)
    said = grounding_losses(LayerOutputs(**halves), targets, RECIPES[name])
    exact = {k: v.float() for k, v in halves.items()}
    wanted = grounding_losses(LayerOutputs(**exact), targets, RECIPES[name])
    for term, value in said.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, wanted[term])


def test_one_to_many_queries_need_a_recipe_for_them():
    batch = tiny_batch()
    outputs = perfect_outputs(batch)
    with pytest.raises(ValueError, match="one-to-many"):
        grounding_losses(outputs, denoted(batch), SMALL, outputs)


@pytest.mark.parametrize(
    "right",
    [
        lambda: Focal(0.0, 0.5, gamma=0),
        lambda: Focal(0.5, 0.0, gamma=1),
        lambda: Hungarian(l1_on="centre", classes=0.0),
        lambda: TopQueries(share=0.0),
        lambda: TopQueries(share=1.0),
    ],
)
def test_settings_at_their_limits_are_accepted(right):
    right()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: replace(SMALL, weights={"class": 1.0}), "weights must be those of"),
        (lambda: replace(SMALL, early_layers=-1.0), "not be negative"),
        (lambda: replace(SMALL, grid="pixel"), "grid is 'pixel'"),
        (lambda: replace(SMALL, area_floor=0.0), "area_floor"),
        (lambda: Focal(0.5, 0.5, gamma=0.5), "gamma is 0.5"),
        (lambda: Focal(-1.0, 0.5, gamma=0), "focal weights"),
        (lambda: Hungarian(l1_on="centre", copies=0), "copies is 0"),
        (lambda: Hungarian(l1_on="centre", giou=-1.0), "cost must not be negative"),
        (lambda: TopQueries(share=1.5), "share is 1.5"),
        (lambda: TopQueries(count=0), "count is 0"),
        (lambda: IouAware(share=2.0), "share and floor"),
        (lambda: Alignment(temperature=0.0), "temperature"),
        (lambda: Alignment(kl=-1.0), "kl must not"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        wrong()
