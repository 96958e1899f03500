"""Aligning two levels: numbers worked out by hand, small batches, queues and processes."""

from __future__ import annotations

import math
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training.losses.alignment import (
    FeatureQueue,
    ProjectionHead,
    Projections,
    alignment_losses,
    anchor_loss,
    concept_keys,
    contrast_loss,
    hard_region_loss,
    map_divergence,
)
from training.losses.recipes import SAM3, SMALL
from training.losses.targets import Targets

WORKER = Path(__file__).with_name("alignment_samples.py")
ALL = slice(None)


def samples(concepts: list[str], seed: int = 0, width: int = 5) -> Projections:
    """Random features, ready for gradients."""
    torch.manual_seed(seed)
    features = [torch.randn(len(concepts), width).requires_grad_() for _ in range(3)]
    return Projections(*features, concept_keys(concepts))


def maps(count: int, strength: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    first, second = ((strength * torch.randn(count, 1, 6, 6)).requires_grad_() for _ in range(2))
    return first, second


def whole_images(count: int) -> Targets:
    return Targets([torch.tensor([[0.0, 0, 1, 1]])] * count, torch.ones(count, 12, 12).bool())


def test_concepts_are_the_same_whatever_their_case():
    mug, upper, kettle = concept_keys(["mug", "MUG", "kettle"]).tolist()
    assert mug == upper != kettle


def test_divergence_of_two_known_maps():
    even = torch.zeros(1, 1, 1, 2)
    tilted = torch.tensor([[[[math.log(3), 0.0]]]])  # 3/4 and 1/4
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert map_divergence(even, tilted).mean() == pytest.approx(expected)
    assert map_divergence(tilted, tilted) == 0


def test_divergence_moves_the_one_map_only():
    moved, fixed = maps(2)
    map_divergence(moved, fixed).sum().backward()
    assert moved.grad.any()
    assert fixed.grad is None


def test_hard_regions_are_where_the_maps_disagree():
    logit = math.log(9)  # probability 0.9 against 0.1 in the first cell, 0.9 both in the second
    first = torch.tensor([[[[logit, logit]]]])
    second = torch.tensor([[[[-logit, logit]]]])
    targets = Targets([torch.rand(1, 4)], torch.ones(1, 1, 2, dtype=torch.bool))
    weight = 0.5 * math.log(0.5 / math.sqrt(0.09))
    value = hard_region_loss(first, second, targets, SAM3).mean()
    assert value == pytest.approx(weight * -math.log(0.9) / 2)
    assert hard_region_loss(first, first, targets, SAM3).mean() == pytest.approx(0, abs=1e-6)


def test_contrast_of_two_known_samples():
    # both levels of a sample agree, the samples are at right angles
    features = torch.eye(2)
    apart = Projections(features, features, features, concept_keys(["mug", "kettle"]))
    assert contrast_loss(apart, ALL, 1.0, 0.5).mean() == pytest.approx(math.log(1 + 2 / math.e))
    alike = Projections(features, features, features, concept_keys(["mug", "mug"]))
    assert contrast_loss(alike, ALL, 1.0, 0.5).mean() == pytest.approx(math.log(1 + 1 / math.e))


def test_anchors_look_at_the_nearest_other_concept():
    simple, complex_ = (
        torch.tensor([[2.0, 0.0], [1.0, 0.0]]),
        torch.tensor([[0.0, 0.0], [1.0, 0.0]]),
    )
    c = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    known = Projections(simple, complex_, c, concept_keys(["mug", "kettle"]))
    # 0.6 - 1 + 0.5 for the first, 1 - 0.6 + 0.5 for the second
    assert anchor_loss(known, ALL, 0.5) == pytest.approx((0.1 + 0.9) / 2)


@pytest.mark.parametrize("concepts", [["mug"], ["mug"] * 4])
def test_without_another_concept_anchors_say_nothing(concepts):
    features = samples(concepts)
    value = anchor_loss(features, ALL, 0.2)
    value.backward()
    assert value == 0
    assert not features.concept.grad.any()
    assert contrast_loss(features, ALL, 0.1, 0.5).isfinite().all()


def test_a_queue_of_the_other_half_equals_the_whole_batch():
    concepts = ["mug", "kettle", "mug", "spoon", "bowl", "kettle"]
    whole = samples(concepts)
    halves = [
        Projections(*(v[rows] for v in vars(whole).values())) for rows in (slice(3), slice(3, 6))
    ]
    contrasts, anchors = [], []
    for mine, others in (halves, halves[::-1]):
        queue = FeatureQueue(length=3)
        queue.push(others)
        known = queue.join(mine)
        contrasts.append(contrast_loss(known, slice(0, 3), 0.1, 0.5).mean())
        anchors.append(anchor_loss(known, slice(0, 3), 0.2))
    # every row has another concept, so the mean of both halves' means is the whole mean
    torch.testing.assert_close(sum(contrasts) / 2, contrast_loss(whole, ALL, 0.1, 0.5).mean())
    torch.testing.assert_close(sum(anchors) / 2, anchor_loss(whole, ALL, 0.2))


def test_one_sample_learns_from_the_queue():
    features = samples(["mug"])
    near = features.simple + features.complex  # another concept just where the mug is
    queue = FeatureQueue(length=8)
    queue.push(Projections(near, near, near, concept_keys(["kettle"])))
    terms = alignment_losses(*maps(1), features, whole_images(1), SAM3, queue)
    assert terms["anchor"] > 0
    terms["alignment"].backward()
    assert all(v.grad.any() for v in (features.simple, features.complex, features.concept))


@pytest.mark.parametrize("length", [0, 3])
def test_no_sample_at_all_says_nothing(length):
    nobody = samples([])
    moved, fixed = maps(0)
    none = Targets([], torch.zeros(0, 12, 12).bool(), {"texts": torch.tensor(0.5)})
    queue = FeatureQueue(length)
    for _ in range(2):
        terms = alignment_losses(moved, fixed, nobody, none, SAM3, queue)
        assert {value.item() for value in terms.values()} == {0.0}
    terms["alignment"].backward()


def test_a_queue_keeps_the_newest_and_survives_a_restart(tmp_path):
    queue = FeatureQueue(length=3)
    assert queue.state_dict() == {}
    first, second = samples(["a", "b"], seed=1), samples(["c", "d"], seed=2)
    queue.push(first)
    queue.push(second)
    torch.save(queue.state_dict(), tmp_path / "state.pt")
    again = FeatureQueue(length=3)
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for kept in (queue.samples, again.samples):
        assert torch.equal(kept.keys, concept_keys(["c", "d", "a"]))
        assert torch.equal(kept.simple, torch.cat([second.simple, first.simple[:1]]))
        assert not kept.simple.requires_grad
    again.load_state_dict({})
    assert again.samples is None


def test_all_terms_are_weighed_and_small_maps_need_no_resizing():
    features = samples(["mug", "kettle"])
    (first, second), targets, constants = maps(2), whole_images(2), SMALL.alignment
    terms = alignment_losses(first, second, features, targets, SMALL)
    both = ((first, second), (second, first))
    means = {
        "kl": sum(map_divergence(*pair).sum() for pair in both) / 4,
        "hard": sum(hard_region_loss(*pair, targets, SMALL).sum() for pair in both) / 4,
        "contrast": contrast_loss(
            features, ALL, constants.temperature, constants.same_concept
        ).mean(),
        "anchor": anchor_loss(features, ALL, constants.margin),
    }
    torch.testing.assert_close({name: terms[name] for name in means}, means)
    assert set(terms) == {*means, "alignment"}
    expected = 0.001 * terms["kl"] + terms["hard"] + terms["contrast"] + terms["anchor"]
    torch.testing.assert_close(terms["alignment"], expected)


def test_samples_that_denote_nothing_are_fine():
    features, (first, second) = samples(["mug", "kettle"]), maps(2)
    nothing = Targets([torch.zeros(0, 4)] * 2, torch.zeros(0, 12, 12).bool())
    loss = alignment_losses(first, second, features, nothing, SAM3)["alignment"]
    loss.backward()
    assert loss.isfinite()
    assert first.grad.any()


@pytest.mark.parametrize("strength", [0.0, 1e4])
def test_extreme_inputs_stay_finite(strength):
    features, (first, second) = samples(["mug", "kettle", "mug"]), maps(3, strength)
    scaled = [strength * v for v in (features.simple, features.complex, features.concept)]
    features = Projections(*scaled, features.keys)
    for tensor in (*scaled, first, second):
        tensor.retain_grad()
    terms = alignment_losses(first, second, features, whole_images(3), SAM3)
    terms["alignment"].backward()
    assert all(value.isfinite() for value in terms.values())
    assert all(tensor.grad.isfinite().all() for tensor in (*scaled, first, second))


def test_bfloat16_inputs_are_judged_in_float32():
    features, pictures = samples(["mug", "kettle", "spoon"]), maps(3)
    values = [v.detach().bfloat16() for v in list(vars(features).values())[:3]]
    halves = [m.detach().bfloat16() for m in pictures]
    said = alignment_losses(*halves, Projections(*values, features.keys), whole_images(3), SAM3)
    exact = Projections(*(v.float() for v in values), features.keys)
    wanted = alignment_losses(*(m.float() for m in halves), exact, whole_images(3), SAM3)
    for name, value in said.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, wanted[name])


def test_the_head_averages_over_all_positions():
    head = ProjectionHead(6)
    tokens = torch.randn(2, 32, 6)
    torch.testing.assert_close(head(tokens), head(tokens.flip(1)))
    assert head(tokens).shape == (2, 6)


@pytest.mark.parametrize("cut", [4, pytest.param(6, marks=pytest.mark.slow)])
def test_two_processes_learn_what_one_would_with_the_whole_batch(tmp_path, cut):
    path = {**os.environ, "PYTHONPATH": os.pathsep.join([str(WORKER.parents[2]), *sys.path])}
    workers = [
        subprocess.Popen([sys.executable, str(WORKER), *map(str, told), str(tmp_path)], env=path)
        for told in ((0, 0, cut), (1, cut, 6))
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    shares = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    alone = runpy.run_path(str(WORKER))
    wanted = alone["run"](alone["Toy"](), ALL)
    for step in range(2):
        for name, value in wanted["losses"][step].items():
            mean = (shares[0]["losses"][step][name] + shares[1]["losses"][step][name]) / 2
            torch.testing.assert_close(mean, value, msg=f"{name} of step {step}")
    for share in shares:  # DistributedDataParallel has averaged them
        assert set(share["gradients"]) == set(wanted["gradients"])
        for name, value in wanted["gradients"].items():
            torch.testing.assert_close(share["gradients"][name], value, msg=name)
        for name, value in wanted["queue"].items():
            torch.testing.assert_close(share["queue"][name], value, msg=name)
