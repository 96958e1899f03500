"""Partners by stamp: the nearest, within the slop, of the same run of the clock."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.bags.heads import SECOND
from training.bags.pairing import Partners, epochs


def column(values) -> np.ndarray:
    return np.array(list(values), np.int64)


def test_the_nearest_within_the_slop():
    partners = Partners(column([100, 200, 300]), column([0, 0, 0]), column([1, 3, 5]))
    assert partners.nearest(190, 0, 2, 20) == 1
    assert partners.nearest(149, 0, 2, 50) == 0
    assert partners.nearest(151, 0, 2, 50) == 1
    assert partners.nearest(150, 0, 2, 49) is None
    assert partners.nearest(400, 0, 2, 100) == 2
    assert partners.nearest(200, 1, 2, 10**9) is None
    assert Partners(column([]), column([]), column([])).nearest(1, 0, 0, 10) is None


def test_of_one_stamp_the_nearest_in_the_recording():
    partners = Partners(column([5] * 4), column([0] * 4), column([10, 20, 30, 40]))
    assert [partners.nearest(5, 0, order, 0) for order in (0, 16, 24, 36, 99)] == [0, 1, 1, 3, 3]


@settings(derandomize=True)
@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 50), st.integers(0, 10))
def test_it_is_what_a_search_through_all_finds(stamps, stamp, slop):
    order = column(range(len(stamps)))
    found = Partners(column(stamps), order * 0, order).nearest(stamp, 0, 7, slop)
    all_near = [(abs(s - stamp), s, abs(i - 7)) for i, s in enumerate(stamps)]
    near = [key for key in all_near if key[0] <= slop]
    if found is None:
        assert not near
    else:
        assert (abs(stamps[found] - stamp), stamps[found], abs(found - 7)) == min(near)


def test_a_clock_that_is_set_back_begins_an_epoch_for_all():
    # Colour is at even places, depth at odd ones; the clock jumps after three of each, and again.
    colour = column([10, 11, 12, 5, 6, 7, 1, 2]) * SECOND
    depth = column([10, 11, 12, 5, 6, 7, 1, 2]) * SECOND + 3
    places = column(range(8)) * 2
    first, second = epochs([(colour, places), (depth, places + 1)])
    assert first.tolist() == second.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    # A stream that begins after the jump is in the epoch that there is.
    late = depth[4:], places[4:] + 1
    _, third = epochs([(colour, places), late])
    assert third.tolist() == [1, 1, 2, 2]
    empty = column([])
    assert [e.tolist() for e in epochs([(empty, empty), (colour[:1], places[:1])])] == [[], [0]]


def test_a_single_wrong_stamp_begins_none():
    for slip in (1, 99):
        stamps = column([10, 11, 12, slip, 14, 15]) * SECOND
        (found,) = epochs([(stamps, column(range(6)))])
        assert found.tolist() == [0] * 6


def test_jitter_begins_none():
    stamps = column([10, 12, 11, 13, 12]) * (SECOND // 10)
    assert epochs([(stamps, column(range(5)))])[0].tolist() == [0] * 5
