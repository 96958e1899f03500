"""Outlines of masks; what a person draws, as masks; what actions make of samples."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.training.review_data import BLUE, HEIGHT, RED, WIDTH, corners, make, rectangle
from training.annotations.entries import EntryError
from training.annotations.rle import fill
from training.annotations.sam3i_json import Sample, Target
from training.review.actions import act, corrected, mask_of
from training.review.drawing import draw
from training.review.outlines import TOLERANCE, loops, polygons, svg_path
from training.review.store import Store

small = arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7)))


@settings(max_examples=150, deadline=None)
@given(small)
def test_outlines_are_exact_and_one_a_part_and_a_hole(mask):
    drawn = np.zeros(mask.shape, bool)
    found = loops(mask)
    for loop, _ in found:
        drawn ^= fill([loop.reshape(-1).tolist()], *mask.shape)
    assert (drawn == mask).all()
    parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)[0] - 1
    outside = np.pad(~mask, 1, constant_values=True).view(np.uint8)
    holes = cv2.connectedComponents(outside, connectivity=8)[0] - 2
    assert [filled for _, filled in found].count(True) == parts
    assert [filled for _, filled in found].count(False) == holes
    assert svg_path(mask).count("M") == parts + holes


@settings(max_examples=150, deadline=None)
@given(small)
def test_polygons_are_one_a_part_and_near_the_outline(mask):
    found = polygons(mask)
    parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)[0] - 1
    assert len(found) == parts
    near = cv2.dilate(np.pad(mask, 2).view(np.uint8), np.ones((3, 3), np.uint8))
    drawn = np.pad(fill(found, *mask.shape), 2)
    assert not (drawn & ~near.view(bool)).any()


def test_a_disc_with_a_hole_becomes_one_light_polygon():
    mask = np.zeros((200, 200), np.uint8)
    cv2.circle(mask, (100, 100), 80, 1, -1)
    cv2.circle(mask, (90, 110), 30, 0, -1)
    disc = mask.view(bool)
    (polygon,) = polygons(disc)
    assert len(polygon) / 2 < 90 < len(loops(disc)[0][0])
    drawn = fill([polygon], 200, 200)
    assert (drawn & disc).sum() / (drawn | disc).sum() > 0.98
    assert not drawn[110, 90]
    # Where polygons are filled by the winding of their outline, as on a canvas, too.
    canvas = np.zeros((200, 200), np.uint8)
    cv2.fillPoly(canvas, [np.reshape(polygon, (-1, 2))], 1)
    assert not canvas[110, 90]
    winding = sum(
        x0 * y1 - x1 * y0
        for (x0, y0), (x1, y1) in zip(
            *(np.roll(np.reshape(polygon, (-1, 2)), -shift, 0).tolist() for shift in (0, 1)),
            strict=True,
        )
    )
    assert winding / 2 == pytest.approx(disc.sum(), rel=0.02)  # the hole counts against the rest
    assert TOLERANCE == 1


def no_picture() -> np.ndarray:
    raise AssertionError("nobody asked for pixels")


def shape(kind: str, points: list[float], **more: float) -> dict:
    return {"kind": kind, "points": points, **more}


def test_polygons_are_drawn_as_coco_does_and_cut_off_at_the_border():
    drawn = draw(shape("polygon", corners(*RED)), HEIGHT, WIDTH, no_picture)
    assert (drawn == rectangle(*RED)).all()
    drawn = draw(shape("polygon", corners(-100, 40, 1000, 900)), HEIGHT, WIDTH, no_picture)
    assert (drawn == rectangle(0, 40, WIDTH, 8)).all()


@pytest.mark.parametrize("radius", [0, 0.5, 3, 7.25])
def test_a_stroke_is_all_within_its_radius(radius):
    points = [20.5, 20.5, 40.5, 20.5]
    drawn = draw(shape("stroke", points, radius=radius), HEIGHT, WIDTH, no_picture)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    away = np.hypot(x - x.clip(20.5, 40.5), y - 20.5)
    assert drawn[away <= radius - 1].all()
    assert not drawn[away > radius + 1].any()
    assert drawn[20, 20]
    dot = draw(shape("stroke", points[:2], radius=radius), HEIGHT, WIDTH, no_picture)
    assert dot[20, 20]
    assert not dot[20, 35:].any()


def picture() -> np.ndarray:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[rectangle(*RED)] = (200, 30, 30)
    image[rectangle(*BLUE)] = (20, 80, 200)
    noise = np.random.default_rng(0).integers(0, 8, image.shape)
    return (image + noise).astype(np.uint8)


def test_flood_takes_one_colour_and_box_cuts_a_thing_out():
    flood = shape("flood", [BLUE[0] + 3, BLUE[1] + 3], tolerance=12)
    assert (draw(flood, HEIGHT, WIDTH, picture) == rectangle(*BLUE)).all()
    box = shape("box", [RED[0] - 3, RED[1] - 2, RED[0] + 23, RED[1] + 19])
    assert (draw(box, HEIGHT, WIDTH, picture) == rectangle(*RED)).all()
    assert (draw(box, HEIGHT, WIDTH, picture) == draw(box, HEIGHT, WIDTH, picture)).all()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (shape("star", [1, 2, 3, 4, 5, 6]), "no such way"),
        (shape("polygon", [1, 2, 3, 4]), "three corners"),
        (shape("polygon", [1, 2, 3, 4, 5, float("nan")]), "no number"),
        (shape("polygon", corners(2e6, 0, 5, 5)), "leaves the picture"),
        (shape("polygon", [0, 0, 9e5, 9e5, -9e5, 9e5] * 50), "too long"),
        (shape("polygon", [1.0] * 60_000), "more than 50,000"),
        (shape("polygon", corners(-30, 0, 20, 20)), "nothing of the picture"),
        ({"kind": "polygon", "points": "1 2 3"}, "no list"),
        (shape("stroke", [1, 2, 3], radius=2), "no pairs"),
        (shape("stroke", [], radius=2), "no pairs"),
        (shape("stroke", [1, 2], radius=1e9), "'radius'"),
        (shape("stroke", [1, 2], radius=True), "'radius'"),
        (shape("stroke", [1.0, 2.0] * 2001, radius=2), "more than 2,000"),
        (shape("stroke", [9e8, 9e8], radius=2), "nothing of the picture"),
        (shape("flood", [99, 2], tolerance=2), "not in the picture"),
        (shape("flood", [5, 5]), "'tolerance'"),
        (shape("box", [5, 5, 6, 40]), "too small"),
        (shape("box", [5, 5]), "too small"),
        (shape("box", [-5, -5, 900, 900]), "leaves nothing"),
    ],
)
def test_shapes_that_cannot_be_drawn_say_why(given, told):
    with pytest.raises(EntryError, match=told):
        draw(given, HEIGHT, WIDTH, picture)


@pytest.fixture
def sample(tmp_path) -> Sample:
    store = Store(make(tmp_path / "data"))
    store.close()
    return store.samples[2]


def do(sample: Sample, original: Sample | None = None, **action) -> Sample:
    return act(sample, original or sample, action, no_picture)


def test_drawing_adds_cuts_and_redraws_one_instance(sample):
    new = do(sample, do="draw", how="new", shape=shape("polygon", corners(0, 40, 4, 4)))
    assert new.targets == (*sample.targets, Target.of(rectangle(0, 40, 4, 4)))
    more = shape("polygon", corners(*BLUE))
    both = do(sample, do="draw", how="add", instance=0, shape=more)
    assert (mask_of(both, both.targets[0]) == rectangle(*RED) | rectangle(*BLUE)).all()
    assert both.targets[1] == sample.targets[1]
    back = do(both, do="draw", how="cut", instance=0, shape=more)
    assert back.targets == sample.targets
    again = do(sample, do="draw", how="redraw", instance=1, shape=more)
    assert again == sample
    with pytest.raises(EntryError, match="delete it instead"):
        do(sample, do="draw", how="cut", instance=1, shape=more)


def test_reviews_say_what_became_of_a_sample(sample):
    assert do(sample, do="accept").review == "accepted"
    assert do(sample, do="reject").review == "rejected"
    assert do(do(sample, do="reject"), sample, do="accept").review == "accepted"
    fewer = do(sample, do="delete", instance=0)
    assert (fewer.review, fewer.targets) == ("", sample.targets[1:])
    assert do(fewer, sample, do="accept").review == "corrected"
    assert do(do(sample, do="accept"), sample, do="delete", instance=0).review == "corrected"
    nothing = do(sample, do="nothing")
    assert (nothing.review, nothing.targets) == ("corrected", ())
    texts = {"concept": [], "simple_query": [], "complex_query": [" what  is square "]}
    said = do(sample, do="texts", texts=texts)
    assert said.texts["complex_query"] == ("what is square",)
    assert do(said, sample, do="accept").review == "corrected"
    assert corrected(sample, sample, ()).review == "corrected"


def test_other_sentences_say_themselves_how_many_they_mean(sample):
    single = replace(sample, single=True)
    same = {key: list(texts) for key, texts in single.texts.items()}
    assert do(single, do="texts", texts=same) == single
    assert not do(single, do="texts", texts={**same, "concept": ["boxes"]}).single


def test_only_what_means_nothing_here_is_of_the_family_negative(sample):
    related = replace(sample, family="relation")
    assert do(related, do="accept").family == "relation"
    nothing = do(related, do="nothing")
    assert nothing.family == "negative"
    far = shape("polygon", corners(0, 40, 4, 4))
    for original, family in ((related, "relation"), (nothing, ""), (sample, "")):
        assert do(nothing, original, do="draw", how="new", shape=far).family == family
        assert corrected(nothing, original, sample.targets).family == family
    assert corrected(related, related, ()).family == "negative"
    waiting = replace(sample, targets=(), review="open")
    assert do(waiting, do="nothing").family == "negative"
    assert do(waiting, do="reject").family == ""


def test_granularity_follows_the_number_of_instances(sample):
    all_of_it = replace(sample, granularity="1toAll")
    assert do(all_of_it, do="delete", instance=0).granularity == "1to1"
    assert do(all_of_it, do="nothing").granularity is None
    one = replace(do(sample, do="delete", instance=0), granularity="1to1")
    far = shape("polygon", corners(0, 40, 4, 4))
    assert do(one, do="draw", how="new", shape=far).granularity == "1toN"
    assert do(all_of_it, do="draw", how="redraw", instance=0, shape=far).granularity == "1toAll"


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ({"do": "shred"}, "no such action"),
        ({"do": ["accept"]}, "no such action"),
        ({"do": "delete", "instance": 2}, "no such instance"),
        ({"do": "delete", "instance": -1}, "no such instance"),
        ({"do": "delete"}, "'instance'"),
        ({"do": "draw", "how": "melt"}, "no such way"),
        ({"do": "draw", "how": "new", "shape": 3}, "not an object"),
        (
            {"do": "texts", "texts": {"concept": [], "simple_query": [], "complex_query": []}},
            "sent",
        ),
        ({"do": "texts", "texts": {"concept": [" "], "simple_query": []}}, "is empty"),
        ({"do": "texts", "texts": {"concept": ["x"] * 21}}, "21 entries"),
        ({"do": "texts"}, "not an object"),
    ],
)
def test_actions_that_cannot_be_done_say_why(sample, action, told):
    with pytest.raises(EntryError, match=told):
        act(sample, sample, action, no_picture)
