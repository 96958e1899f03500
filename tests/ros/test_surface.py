"""Which pixels lie on a surface: small pictures, every pixel known."""

from __future__ import annotations

import numpy as np
import pytest

from sam3i_ros.surface import fullest, main_layer, on_surface

TOLERANCE = 0.02


def dense() -> np.ndarray:
    """A wall at 1 m that fills a picture, so that neighbours are those next to a pixel."""
    return np.ones((12, 12), np.float32)


@pytest.mark.parametrize("turn", [np.asarray, np.transpose, np.fliplr, np.flipud])
def test_what_hangs_between_two_surfaces_is_on_none_even_in_company(turn) -> None:
    z = dense()
    z[:, 6:] = 1.06
    z[:, 5] = z[5, 6] = 1.03
    expected = np.ones((12, 12), bool)
    expected[:, 5] = False  # of them, the three beside (5, 6) have three neighbours like themselves
    np.testing.assert_array_equal(on_surface(turn(z), TOLERANCE), turn(expected))


@pytest.mark.parametrize("place", [(0, 0), (0, 18), (18, 0), (18, 18)])
def test_three_neighbours_make_a_surface(place: tuple[int, int]) -> None:
    row, column = place
    z = np.zeros((20, 20), np.float32)
    z[6:14, 6:14] = 1
    z[row : row + 2, column : column + 2] = 1
    np.testing.assert_array_equal(on_surface(z, TOLERANCE), z > 0)
    z[row, column] = 0
    found = on_surface(z, TOLERANCE)
    assert np.count_nonzero(found) == 64
    assert found[6:14, 6:14].all()


@pytest.mark.parametrize(("apart", "surface"), [(2, True), (4, True), (5, False)])
def test_a_surface_may_be_as_sparse_as_a_quarter(apart: int, surface: bool) -> None:
    """Along its slope the step from one measurement to the next is as many times larger."""
    z = np.zeros((40, 40), np.float32)
    z[::apart, ::apart] = 1.015 ** (apart * np.arange(len(z[::apart])))
    np.testing.assert_array_equal(on_surface(z, TOLERANCE), (z > 0) & surface)


@pytest.mark.parametrize("sparse", [100, 120])
def test_neighbours_are_as_near_as_most_pixels_have_them(sparse: int) -> None:
    z = np.zeros((40, 40), np.float32)
    lattice = z[14::2, ::2]
    lattice[np.unravel_index(np.arange(sparse), lattice.shape)] = 1
    z[:10, :10] = 1
    seen = z > 0
    alone = seen.copy()
    alone[:10, :10] = False
    expected = seen if sparse > 100 else seen & ~alone
    np.testing.assert_array_equal(on_surface(z, TOLERANCE), expected)


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (2, 1)])
def test_the_fullest_grid(place: tuple[int, int]) -> None:
    depth = np.zeros((12, 15), np.uint16)
    depth[place[0] :: 3, place[1] :: 3] = 1000
    assert fullest(depth, 3) == place
    assert fullest(depth, 1) == (0, 0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1, 3), [[0, 0, 0]]), ((3, 1), [[0], [0], [0]]), ((2, 2), [[1, 1], [1, 1]])],
)
def test_a_picture_may_be_smaller_than_the_reach(shape, expected) -> None:
    assert on_surface(np.ones(shape, np.float32), TOLERANCE).tolist() == expected


@pytest.mark.parametrize("turn", [np.asarray, np.transpose, np.fliplr, np.flipud])
def test_a_floor_is_one_layer_however_far_its_rows_lie_apart(turn) -> None:
    rows = np.arange(1, 41, dtype=np.float32)
    z = np.repeat((4 / (0.95 + rows / 20))[:, None], 30, axis=1)  # steps of 0.03 to 0.2 m
    near, far = main_layer(turn(z), np.ones(turn(z).shape, bool), 0.02)
    assert near == z.min()
    assert z.max() <= far < z.max() + 0.1


@pytest.mark.parametrize(("height", "joined"), [(2, False), (3, True)])
def test_a_step_is_no_slope_and_three_rows_are(height: int, joined: bool) -> None:
    """From 1 m to 1.2 m: at once, or by way of a row in the middle of them."""
    z = np.ones((40, 30), np.float32)
    z[:5] = 1.2
    z[3 : 3 + height - 1] = np.linspace(1.2, 1.0, height + 1, dtype=np.float32)[1:-1, None]
    assert (main_layer(z, np.ones(z.shape, bool), 0.02)[1] > 1.2) == joined


def test_a_slope_outside_of_the_mask_or_of_a_few_pixels_joins_nothing() -> None:
    z = np.ones((100, 100), np.float32)
    z[:10] = 1.2
    z[10, :6], z[10, 50:] = 1.1, 1.1
    core = np.ones(z.shape, bool)
    core[10, 50:] = False
    assert main_layer(z, core, 0.02)[1] < 1.2
    core[10, 50:] = True
    assert main_layer(z, core, 0.02)[1] > 1.2
