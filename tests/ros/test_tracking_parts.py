"""Parts of the tracker alone: how the picture moved, what is one thing, when a thing is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam3i_ros.tracking.identity import BINS, Sight, pair, placed, sight_of
from sam3i_ros.tracking.motion import Anchor, Picture, Way, affine, ego_motion, pixel_grid, shrink
from sam3i_ros.tracking.outline import Outline
from sam3i_ros.tracking.track import Track

SHAPE = (48, 64)
RED, BLUE = np.array([200, 40, 70]), np.array([70, 40, 200])
GRID = pixel_grid(SHAPE)


def flat(colour: np.ndarray) -> np.ndarray:
    return np.broadcast_to(colour.astype(np.uint8), (*SHAPE, 3)).copy()


def square(x: int, y: int, width: int, height: int) -> np.ndarray:
    shape = np.zeros(SHAPE, np.uint8)
    shape[y : y + height, x : x + width] = 1
    return shape


def bin_of(colour: np.ndarray) -> int:
    r, g, b = colour // (256 // BINS)
    return int((r * BINS + g) * BINS + b)


def sight(shape: np.ndarray, red: float = 1.0) -> Sight:
    """Of a thing of which a share is red and the rest blue."""
    look = np.zeros(BINS**3, np.float32)
    look[bin_of(RED)], look[bin_of(BLUE)] = red, 1 - red
    return replace(sight_of(shape, flat(RED)), look=look)


@pytest.mark.parametrize(
    ("frame", "longest", "small"),
    [
        ((240, 320), 320, (240, 320)),
        ((240, 320), 640, (240, 320)),
        ((1080, 1920), 64, (36, 64)),
        ((8, 640), 320, (16, 1280)),
        ((640, 8), 320, (1280, 16)),
        ((2, 5000), 320, (16, 32766)),
    ],
)
def test_sizes_of_small_pictures(frame, longest, small) -> None:
    assert shrink(np.zeros((*frame, 3), np.uint8), longest).shape == small


def test_a_small_picture_is_the_mean_of_its_pixels() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 200
    assert np.unique(shrink(stripes, 16).grey).tolist() == [50]


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_ego_motion_is_what_most_of_the_picture_did(scale: float) -> None:
    before = (GRID - [3, -2]) / scale
    back = before - GRID
    back[10:30, 10:30] += 20  # something that moves on its own
    motion = ego_motion(back.astype(np.float32))
    np.testing.assert_allclose(motion, [[scale, 0, 3], [0, scale, -2]], atol=1e-3)


def test_two_points_make_an_affine_map_and_one_none() -> None:
    here, there = np.array([[0, 0], [4, 0]], np.float32), np.array([[1, 2], [1, 10]], np.float32)
    np.testing.assert_allclose(affine(here, there), [[0, -2, 1], [2, 0, 2]], atol=1e-6)
    assert affine(here[:1], there[:1]) is None


def test_pixels_lead_to_the_nearest_one_of_the_anchor_or_nowhere() -> None:
    anchor = Anchor(Picture(flat(RED)[..., 0], flat(RED)), 0.0)
    for _ in range(2):
        anchor.follow(np.full((*SHAPE, 2), (1.3, 0), np.float32))
    way = anchor.way()
    np.testing.assert_array_equal(way.nearest[:, :60], np.add(GRID, (3, 0))[:, :60])
    np.testing.assert_allclose(way.shift[:, :60], np.full((48, 60, 2), (2.6, 0)), atol=0.05)
    assert (way.nearest[:, 62:, 0] < -9000).all()


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_another_colour_is_one_that_differs_in_any_channel(channel: int) -> None:
    anchor = Anchor(Picture(flat(RED)[..., 0], flat(RED)), 0.0)
    now = flat(RED + 10)  # the whole picture became brighter
    now[:10, :10, channel] += 40
    now[20:30, :10, channel] += 41
    changed = anchor.changed(Picture(now[..., 0], now))
    np.testing.assert_array_equal(changed, square(0, 20, 10, 10))


def test_what_is_seen_of_a_thing() -> None:
    shape, colour = square(10, 20, 4, 6), flat(BLUE)
    colour[20:23] = RED
    seen = sight_of(shape, colour)
    assert seen.centre.tolist() == [11.5, 22.5]
    assert (seen.size, seen.box) == (24**0.5, (10, 20, 4, 6))
    assert {int(i): float(seen.look[i]) for i in np.flatnonzero(seen.look)} == {
        bin_of(RED): 0.5,
        bin_of(BLUE): 0.5,
    }
    moved = placed(seen, square(30, 5, 3, 1))
    assert (moved.centre.tolist(), moved.size, moved.box) == ([31.0, 5.0], seen.size, (30, 5, 3, 1))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("common", "same"), [(2, True), (1, False)])
@pytest.mark.parametrize("turn", [np.asarray, np.transpose])
def test_of_other_colours_things_are_one_if_a_tenth_is_common(turn, common, same, swapped) -> None:
    """2 of 20 pixels of both together, or 1 of 21."""
    old, new = square(5, 30, 11, 1), square(5 + 11 - common, 30, 11, 1)
    sights = [
        replace(placed(sight(old, red), turn(shape).copy()))
        for shape, red in ((old, 1.0), (new, 0.0))
    ]
    known, found = sights[::-1] if swapped else sights
    assert pair([known], [found]) == ({0: 0} if same else {})


@pytest.mark.parametrize("hidden", [4, 2])  # px, side; the larger one counts
@pytest.mark.parametrize(("apart", "same"), [(9, True), (10, False)])
def test_what_was_hidden_is_looked_for_near_by(apart: int, same: bool, hidden: int) -> None:
    """0.5 * (1 - 9 / 12) is over 0.1, 0.5 * (1 - 10 / 12) is not."""
    known = replace(sight(square(10, 10, hidden, hidden)), shape=None)
    found = sight(square(20, 10, 4, 4))
    known = replace(known, centre=found.centre - [apart, 0])
    assert pair([known], [found]) == ({0: 0} if same else {})


@pytest.mark.parametrize(("red", "same"), [(0.3, True), (0.2, False)])
def test_what_was_hidden_is_known_by_its_colours(red: float, same: bool) -> None:
    found = sight(square(20, 10, 4, 4))
    known = replace(sight(square(20, 10, 4, 4), red), shape=None)
    assert pair([known], [found]) == ({0: 0} if same else {})


def test_overlap_goes_before_colours_and_place() -> None:
    found = sight(square(20, 10, 4, 4))
    hidden, overlapping = replace(found, shape=None), sight(square(21, 10, 4, 4), red=0.0)
    assert pair([hidden, overlapping], [found]) == {0: 1}
    assert pair([hidden], [found]) == {0: 0}
    assert pair([], [found]) == pair([hidden], []) == {}


def track(shape: np.ndarray) -> Track:
    outline = Outline(shape > 0, shape, sharp=False)
    return Track(1, sight(shape), seen=0.0, outline=outline)


STILL = Way(np.zeros((*SHAPE, 2), np.float32), GRID.astype(np.int16))


@pytest.mark.parametrize(
    ("other", "seen", "doubtful"),
    [(30, True, False), (31, True, True), (50, True, True), (51, False, True)],
)
def test_what_looks_otherwise_is_doubted_and_then_lost(other, seen, doubtful) -> None:
    shape, changed = square(10, 20, 10, 10), np.zeros(SHAPE, np.uint8)
    changed[shape > 0] = np.arange(100) < other
    thing = track(shape)
    thing.locate(STILL, changed, flat(RED), 2.0)
    assert thing.doubtful == doubtful
    assert thing.seen == (2.0 if seen else 0.0)
    if seen:
        np.testing.assert_array_equal(thing.mask, shape > 0)
        assert thing.sight.box == (10, 20, 10, 10)
    else:
        assert (thing.mask, thing.sight.shape) == (None, None)


@pytest.mark.parametrize(
    ("rows", "seen", "doubtful"),
    [(10, True, False), (5, True, False), (4, True, True), (3, True, True), (2, False, True)],
)
def test_what_shrinks_too_much_is_doubted_and_then_lost(rows, seen, doubtful) -> None:
    """Of its ten rows, those that lead to it from the newest picture."""
    nearest = GRID.astype(np.int16)
    nearest[20 + rows :] = -1
    thing = track(square(10, 20, 10, 10))
    thing.locate(Way(STILL.shift, nearest), np.zeros(SHAPE, np.uint8), flat(RED), 2.0)
    assert (thing.mask is not None, thing.doubtful) == (seen, doubtful)


def test_what_is_out_of_sight_goes_on_for_a_second() -> None:
    thing = track(square(10, 20, 10, 10))
    thing.seen = 5.0
    thing.predict(np.array([[1, 0, 2], [0, 1, -1]]), 5.0)
    assert thing.sight.centre.tolist() == [16.5, 23.5]
    back = np.full((*SHAPE, 2), (-12, 1), np.float32)  # 10 px to the right of its own
    for _ in range(2):  # of the 10, it takes 0.3 and then 0.3 of the rest
        thing.learn(back)
    for time, x in ((5.5, 21.6), (6.0, 26.7), (6.1, 26.7)):
        thing.predict(np.eye(2, 3), time)
        assert thing.sight.centre == pytest.approx([x, 23.5])


def test_a_part_that_is_in_sight_teaches_no_velocity() -> None:
    thing = track(square(10, 20, 10, 10))
    back = np.full((*SHAPE, 2), (-10, 0), np.float32)
    for rows, x in ((6, 0.0), (7, 3.0)):  # WHOLE: 0.7 of its size
        thing.sight = placed(thing.sight, square(10, 20, 10, rows))
        thing.learn(back)
        before = thing.sight.centre
        thing.predict(np.eye(2, 3), 0.1)
        assert (thing.sight.centre - before).tolist() == pytest.approx([x, 0])


def test_a_thing_is_forgotten_after_two_answers_and_a_second_without_it() -> None:
    thing = track(square(10, 20, 10, 10))
    assert not thing.missed(5.0)
    assert thing.missed(5.1)
    thing.found(Outline(np.ones(SHAPE, bool), np.ones(SHAPE, np.uint8), False), 0.5, thing.sight, 6)
    assert (thing.misses, thing.score, thing.seen) == (0, 0.5, 6)
    assert [thing.missed(time) for time in (6.5, 7.0, 7.1)] == [False, False, True]


def test_the_size_that_is_believed_shrinks_slowly() -> None:
    thing = track(square(10, 20, 10, 10))
    part, outline = sight(square(10, 20, 4, 4), red=0.0), thing.outline
    thing.found(outline, 0.9, part, 1.0)
    assert thing.sight.size == pytest.approx(9.0)
    np.testing.assert_array_equal(thing.sight.look, part.look)
    thing.found(outline, 0.9, sight(square(10, 20, 12, 12)), 0.5)
    assert (thing.sight.size, thing.seen) == (12.0, 1.0)
