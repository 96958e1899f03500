"""Which pixels lie on a surface: small pictures, every pixel known."""

from __future__ import annotations

import numpy as np
import pytest

from sam3i_ros.surface import fullest, on_surface

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
