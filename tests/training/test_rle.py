"""Run-length codes there and back, and codes from outside that must not be believed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.rle import areas, decode, encode, read, united


@st.composite
def masks(draw) -> np.ndarray:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.random((height, width)) < draw(st.sampled_from([0, 0.02, 0.5, 0.98, 1]))


@settings(deadline=None)
@given(masks())
def test_every_mask_comes_back_from_every_form_of_code(mask):
    code = encode(mask)
    assert (decode(read(code, mask.shape)) == mask).all()
    flat = mask.T.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *ends, len(flat)]).tolist()
    uncompressed = {"size": list(mask.shape), "counts": [0, *runs] if flat[0] else runs}
    assert (decode(read(uncompressed, mask.shape)) == mask).all()


def test_polygons():
    code = read([[1, 1, 4, 1, 4, 3, 1, 3]], (5, 6))
    expected = np.zeros((5, 6), bool)
    expected[1:3, 1:4] = True
    assert (decode(code) == expected).all()
    assert areas([read([], (5, 6))]) == [0]


def test_union_and_areas():
    first, second = np.zeros((2, 4, 4), bool)
    first[0], second[:, 0] = True, True
    codes = [encode(first), encode(second)]
    assert (united(codes, (4, 4)) == (first | second)).all()
    assert areas(codes) == [4, 4]
    assert not united([], (4, 4)).any()
    assert areas([]) == []


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        (None, "polygons or a run-length"),
        ({"size": [2, 3], "counts": "4"}, "of size"),
        ({"size": [2, 2], "counts": 4}, "a text or a list"),
        # Shorter than the mask: pycocotools would fill the rest with memory's content.
        ({"size": [2, 2], "counts": "1"}, "don't add up"),
        ({"size": [2, 2], "counts": "9"}, "don't add up"),
        ({"size": [2, 2], "counts": "O5"}, "don't add up"),
        ({"size": [2, 2], "counts": "`"}, "no run-length code"),
        ({"size": [2, 2], "counts": "\u0664"}, "no run-length code"),
        ({"size": [2, 2], "counts": "o" * 20 + "0"}, "no run-length code"),
        ({"size": [2, 2], "counts": [2, -2, 4]}, "counts of pixels"),
        ({"size": [2, 2], "counts": [2, 1.5]}, "counts of pixels"),
        ({"size": [2, 2], "counts": [2, 3]}, "don't add up"),
        ([[1, 1, 2]], "three x, y pairs"),
        ([[1, 1, 2, 2, 3, float("nan")]], "coordinates"),
        ([[1, 1, 2, 2, 3, 1e9]], "coordinates"),
        ([[1, 1, 2, 2, 3, "x"]], "coordinates"),
        ([[0] * 6] * 10_001, "at most 10000"),
    ],
)
def test_bad_codes_are_refused(segmentation, said):
    with pytest.raises(ValueError, match=said):
        read(segmentation, (2, 2))


def test_an_empty_text_of_counts_is_an_empty_mask():
    assert areas([read({"size": [2, 2], "counts": ""}, (2, 2))]) == [0]
