"""Masks against what pycocotools gives, and against what would lead it out of its memory."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools.coco import COCO

from training.annotations import rle

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))
COCOS = "".join(map(chr, range(48, 112)))


@given(MASKS)
def test_masks_survive(mask):
    code = rle.encode(mask)
    assert rle.packed(code) == code
    assert (rle.decode(code) == mask).all()
    assert rle.areas([code]) == [mask.sum()]
    assert (rle.united([code, code], mask.shape) == mask).all()
    assert rle.encode(mask[::-1, ::-1][::-1, ::-1]) == code  # however it lies in memory


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30).filter(any))
def test_plain_runs_are_packed_and_empty_ones_left_out(runs):
    plain = {"size": [1, sum(runs)], "counts": runs}
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs)[None]
    assert rle.packed(plain) == rle.encode(mask)
    assert (rle.decode(plain) == mask).all()


@pytest.mark.parametrize(
    ("columns", "counts"),
    [
        # As pycocotools 2.0.11 packs them.
        (slice(0, 0), "Pb1"),
        (slice(0, 40), "0Pb1"),
        (slice(3, 9), "h3`7hV1"),
    ],
)
def test_strings_are_cocos(columns, counts):
    mask = np.zeros((40, 40), bool)
    mask[:, columns] = True
    assert rle.encode(mask)["counts"] == counts
    assert (rle.decode({"size": [40, 40], "counts": counts}) == mask).all()


def test_a_string_with_differences_is_cocos():
    mask = np.zeros((40, 40), bool)
    mask[5:9, 3:9] = True
    mask[20:33, 3:30] = True
    counts = "m34;91GO91GO91GO91GO91GO9`000000000000000000000000000000000000000000l;"
    assert rle.encode(mask)["counts"] == counts
    assert (rle.decode({"size": [40, 40], "counts": counts}) == mask).all()


def test_large_masks_survive():
    mask = np.zeros((5000, 4000), bool)
    assert (rle.decode(rle.encode(mask)) == mask).all()
    mask[0, 0] = mask[-1, -1] = True
    assert (rle.decode(rle.encode(mask)) == mask).all()


def hostile(counts: Any, size: tuple[int, int]) -> None:
    """What is taken is of the size, and the same to all functions; the rest is refused."""
    with suppress(rle.MaskError):
        code = {"size": list(size), "counts": counts}
        mask = rle.decode(code)
        assert mask.shape == size
        assert rle.areas([code]) == [mask.sum()]
        assert (rle.united([code, code], size) == mask).all()
        assert rle.encode(mask) == rle.packed(code)


@given(st.text(max_size=30) | st.text(COCOS, max_size=30), st.integers(1, 9), st.integers(1, 9))
def test_no_text_leads_astray(text, height, width):
    hostile(text, (height, width))


@given(MASKS, st.data())
def test_no_damaged_text_leads_astray(mask, data):
    counts = rle.encode(mask)["counts"]
    at = data.draw(st.integers(0, len(counts)))
    left_out = data.draw(st.integers(0, 3))
    put_in = data.draw(st.text(COCOS, max_size=3))
    hostile(counts[:at] + put_in + counts[at + left_out :], mask.shape)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ("", "end early"),
        ("`", "end early"),
        ("00000000000o", "end early"),
        ("~", "malformed"),
        ("@\0", "malformed"),
        ("@é", "malformed"),
        ("@\ud800", "malformed"),
        ("PPPPPPP0", "malformed"),
        ("P" * 10**6 + "0", "malformed"),
        ("O", "no whole number"),
        ("4", "don't fill"),
        ("T1", "don't fill"),
        ("0" * 10**6, "don't fill"),
        ([], "don't fill"),
        ([8, 9], "don't fill"),
        ([2**32, 16], "don't fill"),
        ([10**1000], "don't fill"),
        ([17, -1], "no whole number"),
        ([True, 15], "no whole number"),
        ([16.0], "no whole number"),
        (["16"], "no whole number"),
        (None, "neither"),
        (b"@0", "neither"),
    ],
)
def test_bad_runs_are_refused(counts, said):
    code = {"size": [4, 4], "counts": counts}
    for use in (rle.decode, lambda c: rle.areas([c]), lambda c: rle.united([c], (4, 4))):
        with pytest.raises(rle.MaskError, match=said):
            use(code)


@pytest.mark.parametrize("size", [(0, 4), (-1, 4), (4, 20_001), (10**6, 10**6)])
def test_bad_sizes_are_refused(size):
    with pytest.raises(rle.MaskError, match="size"):
        rle.decode({"size": list(size), "counts": [16]})
    with pytest.raises(rle.MaskError, match="size"):
        rle.fill([[0, 0, 4, 0, 0, 4]], *size)


def test_an_empty_picture_is_not_packed():
    with pytest.raises(rle.MaskError, match="size"):
        rle.encode(np.zeros((0, 4), bool))


def test_empty_runs_end_no_union():
    twice = [{"size": [4, 4], "counts": counts} for counts in ([0, 0, 6, 10], "006:")]
    assert (rle.united(twice, (4, 4)) == rle.decode({"size": [4, 4], "counts": [6, 10]})).all()


def drawn(polygons: list[list[float]], height: int, width: int) -> np.ndarray:
    """By pycocotools alone."""
    reference = COCO()
    reference.imgs = {1: {"height": height, "width": width}}
    return reference.annToMask({"image_id": 1, "segmentation": polygons}).astype(bool)


def polygons_within(low: float, high: float) -> st.SearchStrategy[list[list[float]]]:
    corner = st.tuples(*[st.floats(low, high) | st.integers(int(low), int(high))] * 2)
    corners = st.lists(corner, min_size=3, max_size=8)
    return st.lists(corners.map(lambda c: [v for pair in c for v in pair]), min_size=1, max_size=4)


@given(
    polygons_within(-20, 60) | polygons_within(-9e3, 9e3), st.integers(1, 40), st.integers(1, 40)
)
def test_polygons_are_drawn_as_coco_does(polygons, height, width):
    assert (rle.fill(polygons, height, width) == drawn(polygons, height, width)).all()


def test_polygons_cover_what_they_enclose():
    square = rle.fill([[2, 1, 5, 1, 5, 4, 2, 4]], 6, 8)
    assert square.sum() == 9
    assert square[1:4, 2:5].all()
    both = rle.fill([[0, 0, 2, 0, 2, 2, 0, 2], [1, 1, 3, 1, 3, 3, 1, 3]], 4, 4)
    assert both.sum() == 7  # a union; what they share stays
    assert rle.fill([[-1e5, -1e5, 1e5, -1e5, 1e5, 1e5, -1e5, 1e5]], 5, 7).all()
    assert not rle.fill([], 5, 7).any()


ANYTHING = st.floats() | st.integers(-(2**70), 2**70)


@given(st.lists(st.lists(ANYTHING, max_size=12), max_size=4), st.integers(1, 9), st.integers(1, 9))
def test_no_polygon_leads_astray(polygons, height, width):
    with suppress(rle.MaskError):
        assert rle.fill(polygons, height, width).shape == (height, width)


TRIANGLE = [0, 0, 4, 0, 0, 4]


@pytest.mark.parametrize(
    ("polygons", "said"),
    [
        ([[]], "three corners"),
        ([TRIANGLE, [0, 0, 4, 4]], "three corners"),  # a box, to pycocotools
        ([[*TRIANGLE, 1]], "three corners"),
        ([[[0, 0]] * 6], "three corners"),
        ([[*TRIANGLE[:-1], float("nan")]], "leaves the picture"),
        ([[*TRIANGLE[:-1], float("-inf")]], "leaves the picture"),
        ([[*TRIANGLE[:-1], 1e9]], "leaves the picture"),
        ([[c for i in range(1000) for c in (i % 7, i % 2 * 5000)]], "too long"),
        ([[0, 0, 4e4, 0, 4e4, 4e4]] * 20, "too long"),
        ([[0.0] * 10_000_002], "too long"),
        ([TRIANGLE] * 2001, "at most 2,000"),
    ],
)
def test_bad_polygons_are_refused(polygons, said):
    with pytest.raises(rle.MaskError, match=said):
        rle.fill(polygons, 10, 10)


def test_union_and_areas():
    first, second = np.zeros((2, 4, 5), bool)
    first[0], second[:, 0] = True, True
    codes = [rle.encode(first), rle.encode(second), rle.encode(np.zeros((4, 5), bool))]
    assert (rle.united(codes, (4, 5)) == (first | second)).all()
    assert rle.areas(codes) == [5, 4, 0]
    assert not rle.united([], (4, 5)).any()
    assert rle.areas([]) == []
    with pytest.raises(rle.MaskError, match="size"):
        rle.united(codes, (5, 4))


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (slice(1, 3), slice(2, 5), (2, 1, 3, 2)),
        (slice(0, 4), slice(0, 6), (0, 0, 6, 4)),
        (slice(0, 4), slice(3, 5), (3, 0, 2, 4)),  # one run over two columns
        (slice(0, 0), slice(0, 0), (0, 0, 0, 0)),
    ],
)
def test_boxes_are_of_whole_pixels(rows, columns, expected):
    mask = np.zeros((4, 6), bool)
    mask[rows, columns] = True
    assert rle.extent(rle.encode(mask)) == (expected, mask.sum())
