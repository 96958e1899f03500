"""Whether a difference between two checkpoints may be luck.

The draws are pictures, not sentences: several sentences about one picture fail together.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

UNLIKELY = 0.025
"""Chance below which a loss is no luck: the lower end of a 95 % interval."""
_EXACT = 13
_ROUNDS, _BATCH = 20, 500
_ROUNDING = 1e-9


def margin(changes: Sequence[float], pictures: Sequence[int]) -> float | None:
    """Half the 95 % interval of the mean change: 1.96 standard errors that are robust to clusters.

    With the deviations from the mean summed picture by picture to r_1 ... r_K, the squared error
    is K / (K - 1) sum r_k^2 / n^2 (Liang and Zeger, Biometrika 73, 1986).

    Args:
        changes: One a sentence.
        pictures: The picture that each is about.

    Returns:
        None for fewer than two pictures.
    """
    values = np.asarray(changes, np.float64)
    sums = _by_picture(values - values.mean(), pictures)
    count = len(sums)
    if count < 2:
        return None
    return 1.96 * sqrt(count / (count - 1) * float((sums**2).sum())) / len(values)


def chance_of_loss(changes: Sequence[float], pictures: Sequence[int]) -> float:
    """Chance of a mean change this low if neither were better: Fisher's sign-flip test, one-sided.

    If neither is better, the sum of the changes about a picture might as well have the other sign.
    The chance is the share of all ways to choose signs whose total is not above the real one: of
    all for up to 13 pictures with a change, of 10,000 draws (always the same ones) beyond that.
    For one sentence a picture that is right or wrong it is the sign test.
    """
    sums = _by_picture(np.asarray(changes, np.float64), pictures)
    sums = sums[sums != 0]
    highest = sums.sum() + _ROUNDING
    if len(sums) <= _EXACT:
        signs = 1 - 2 * (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1)
        return float((signs @ sums <= highest).mean())
    random = np.random.default_rng(0)
    as_low = 1  # the real signs
    for _ in range(_ROUNDS):
        signs = 1 - 2 * random.integers(0, 2, (_BATCH, len(sums)))
        as_low += int((signs @ sums <= highest).sum())
    return as_low / (_ROUNDS * _BATCH + 1)


def _by_picture(
    values: npt.NDArray[np.float64], pictures: Sequence[int]
) -> npt.NDArray[np.float64]:
    _, index = np.unique(np.asarray(pictures), return_inverse=True)
    return np.bincount(index, values).astype(np.float64)
