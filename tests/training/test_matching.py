"""Overlaps of boxes, and which query answers for which object."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from training.losses.boxes import coordinates, giou, iou
from training.losses.focal import Focal
from training.losses.matching import Hungarian, Matching, TopQueries, match

BOXES = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]])
ONE = Hungarian(l1_on="corners")
PLAIN = Matching(early=ONE, last=ONE)


def test_overlaps_of_known_boxes():
    pairs = giou(BOXES[:, None], BOXES)
    assert pairs[0, 0] == pytest.approx(1)
    # disjoint quarters of the unit square: IoU 0, hull 1, union 0.5
    assert pairs[0, 1] == pytest.approx(-0.5)
    inner = torch.tensor([0.0, 0.0, 0.25, 0.5])
    assert giou(inner, BOXES[0]) == iou(inner, BOXES[0]) == pytest.approx(0.5)
    box = torch.tensor([0.125, 0.25, 0.375, 0.75])
    assert coordinates(box, "centre").tolist() == [0.25, 0.5, 0.25, 0.5]
    assert coordinates(box, "corners").tolist() == box.tolist()


def test_boxes_without_extent_overlap_nothing():
    point = torch.full((4,), 0.3, requires_grad=True)
    value = iou(point, point) + giou(point, point)
    value.backward()
    assert value == 0
    assert point.grad.isfinite().all()


def test_each_object_gets_its_own_query_in_every_layer():
    boxes = torch.stack([BOXES[[1, 0, 1]], BOXES[[0, 1, 1]]])[:, None]  # (L=2, T=1, Q=3, 4)
    found = match(torch.zeros(2, 1, 3), boxes, [BOXES], PLAIN)
    pairs = set(zip(found.layer.tolist(), found.query.tolist(), found.object.tolist(), strict=True))
    assert {(0, 1, 0), (1, 0, 0)} <= pairs
    assert len(pairs) == 4


def test_copies_add_queries_where_there_are_enough():
    boxes = torch.rand(3, 1, 6, 2).repeat(1, 1, 1, 2).sort(-1).values
    twice = Matching(early=replace(ONE, copies=2), last=ONE)
    found = match(torch.zeros(3, 1, 6), boxes, [BOXES[:1]], twice)
    assert torch.bincount(found.layer).tolist() == [2, 2, 1]
    assert set(found.object.tolist()) == {0}
    found = match(torch.zeros(2, 1, 3), boxes[:2, :, :3], [BOXES], twice)
    assert torch.bincount(found.layer).tolist() == [2, 2]


def test_texts_without_objects_match_nothing_and_offsets_skip_them():
    boxes = BOXES[None, None].expand(1, 3, 2, 4)
    found = match(torch.zeros(1, 3, 2), boxes, [BOXES[:1], torch.zeros(0, 4), BOXES], PLAIN)
    assert found.text.tolist() == [0, 2, 2]
    assert sorted(found.object.tolist()) == [0, 1, 2]


def test_the_focal_cost_tells_apart_what_probability_does_not():
    # equal boxes: the class alone decides, and more so where the model is sure
    boxes = BOXES[:1].expand(1, 1, 3, 4)
    matcher = Hungarian(l1_on="centre", focal=Focal(0.25, 0.75, gamma=2))
    logits = torch.tensor([[[0.0, 2.0, -1.0]]])
    assert match(logits, boxes, [BOXES[:1]], Matching(ONE, matcher)).query.tolist() == [1]
    cost = matcher.cost(logits[0], boxes[0], BOXES[:1])[0, 0, 0]
    assert cost == pytest.approx(2 * (0.25 - 0.75) * 0.25 * math.log(2) - 2)


def test_top_queries_share_objects_and_leave_hopeless_ones():
    # queries 0 and 1 lie on object 0 with IoU 1 and 0.5, query 2 near nothing
    boxes = torch.stack([BOXES[0], torch.tensor([0.0, 0.0, 0.25, 0.5]), BOXES[1] - 0.3])
    logits = torch.tensor([0.0, 0.0, 5.0])
    best = TopQueries(count=2)
    found = match(logits.view(1, 1, 3), boxes.view(1, 1, 3, 4), [BOXES], Matching(ONE, best))
    assert found.query.tolist() == [0, 1]
    assert found.object.tolist() == [0, 0]  # 0.3 * 0.5 + 0.7 * 0.5 = 0.5 is above 0.4
    layers = [v.expand(3, 1, *v.shape) for v in (logits, boxes)]
    found = match(*layers, [BOXES], Matching(best, best))
    assert (found.layer.tolist(), found.query.tolist()) == ([0, 0, 1, 1, 2, 2], [0, 1] * 3)
    edge = Matching(ONE, TopQueries(share=0.0, threshold=0.5, count=2))  # as good as query 1
    found = match(logits.view(1, 1, 3), boxes.view(1, 1, 3, 4), [BOXES], edge)
    assert found.query.tolist() == [0]
    single = Matching(ONE, TopQueries(count=1))
    found = match(logits.view(1, 1, 3), boxes.view(1, 1, 3, 4), [BOXES], single)
    assert found.query.tolist() == [0]
    twins = torch.stack([BOXES[0], BOXES[0] + 0.001])
    found = match(logits.view(1, 1, 3), boxes.view(1, 1, 3, 4), [twins], Matching(ONE, best))
    assert found.query.tolist() == [0, 0, 1, 1]
    assert found.object.tolist() == [0, 1, 0, 1]
