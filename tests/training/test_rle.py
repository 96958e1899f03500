"""COCO's run lengths against strings that its own tools gave; outlines worked out by hand."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from training import rle


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_masks_survive(mask):
    packed = rle.encode(mask)
    assert (rle.decode(packed) == mask).all()
    plain = {"size": packed["size"], "counts": rle.unpack(packed["counts"], mask.size)}
    assert (rle.decode(plain) == mask).all()


@given(st.lists(st.integers(0, 2**24), max_size=30))
def test_runs_survive(runs):
    assert rle.unpack(rle.pack(runs), 2**24) == runs


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


@given(st.text(max_size=30))
def test_no_text_breaks_unpacking(text):
    with suppress(rle.MaskError):
        assert all(0 <= run <= 100 for run in rle.unpack(text, 100))


def test_a_string_with_differences_is_cocos():
    mask = np.zeros((40, 40), bool)
    mask[5:9, 3:9] = True
    mask[20:33, 3:30] = True
    assert (
        rle.encode(mask)["counts"]
        == "m34;91GO91GO91GO91GO91GO9`000000000000000000000000000000000000000000l;"
    )


def test_bad_masks_are_refused():
    for bad in ("~", "`", "00000000000o", "PPPPPPPPPPPPPPP0"):
        with pytest.raises(rle.MaskError):
            rle.decode({"size": [4, 4], "counts": bad})
    for size in ([0, 4], [-1, 4], [10**6, 10**6]):
        with pytest.raises(rle.MaskError, match="size"):
            rle.decode({"size": size, "counts": [16]})
    with pytest.raises(rle.MaskError, match="fill"):
        rle.decode({"size": [4, 4], "counts": [8, 9]})


def test_polygons_cover_the_pixels_whose_centres_they_hold():
    square = rle.fill([[2, 1, 5, 1, 5, 4, 2, 4]], 6, 8)
    assert square.sum() == 9
    assert square[1:4, 2:5].all()
    triangle = rle.fill([[0, 0, 4, 0, 0, 4]], 4, 4)
    assert triangle.sum(1).tolist() == [3, 2, 1, 0]
    both = rle.fill([[0, 0, 2, 0, 2, 2, 0, 2], [1, 1, 3, 1, 3, 3, 1, 3]], 4, 4)
    assert both.sum() == 7  # a union; what they share stays


def test_outlines_may_leave_the_picture_but_not_for_ever():
    assert rle.fill([[-1e8, -1e8, 1e8, -1e8, 1e8, 1e8, -1e8, 1e8]], 5, 7).all()
    zigzag = [c for i in range(6000) for c in (i % 7, 0 if i % 2 else 5000)]
    with pytest.raises(rle.MaskError, match="too long"):
        rle.fill([zigzag], 5000, 10)


def test_union_and_areas():
    first, second = np.zeros((2, 4, 5), bool)
    first[0], second[:, 0] = True, True
    codes = [rle.encode(first), rle.encode(second), rle.encode(np.zeros((4, 5), bool))]
    assert (rle.united(codes, (4, 5)) == (first | second)).all()
    assert rle.areas(codes) == [5, 4, 0]
    assert not rle.united([], (4, 5)).any()
    assert rle.areas([]) == []
