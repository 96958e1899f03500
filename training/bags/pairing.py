"""Which messages of two topics belong together: those of the nearest stamps.

Where a clock was set back, stamps recur. An epoch is a stretch between two such jumps; messages of
two epochs never belong together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.bags.heads import SECOND
from training.bags.scan import Column

JUMP = SECOND // 5
"""ns that a clock must go back to begin another epoch; less is jitter."""


def epochs(streams: Sequence[tuple[Column, Column]]) -> list[Column]:
    """The epoch of every message, 0 for the first.

    A stream sees a jump with its first message behind it. The first that does begins the epoch,
    the others follow into it.

    Args:
        streams: Stamps (ns) and order in the recording, each int64 (N,), order ascending.

    Returns:
        int64 (N,) for each stream.
    """
    events: list[tuple[int, int, int]] = []  # order, stream, index
    for number, (stamps, orders) in enumerate(streams):
        if len(stamps):
            events.append((int(orders[0]), number, 0))
            events += [(int(orders[i]), number, int(i)) for i in _jumps(stamps)]
    latest = 0
    own = [0] * len(streams)
    begins: list[list[int]] = [[] for _ in streams]
    values: list[list[int]] = [[] for _ in streams]
    for _, number, index in sorted(events):
        if index and own[number] == latest:
            latest += 1
        own[number] = latest
        begins[number].append(index)
        values[number].append(latest)
    return [
        np.repeat(np.array(v, np.int64), np.diff([*b, len(stamps)]))
        for v, b, (stamps, _) in zip(values, begins, streams, strict=True)
    ]


def _jumps(stamps: Column) -> Column:
    """Where two messages in a row are earlier than the two before; one alone is a slip."""
    before = np.minimum(stamps[:-1], np.concatenate([stamps[:1], stamps[:-2]]))
    after = np.maximum(stamps[1:], np.concatenate([stamps[2:], stamps[-1:]]))
    return np.flatnonzero(after < before - JUMP) + 1


class Partners:
    """Finds the message of a stream that is nearest to a moment.

    Args:
        stamps: int64 (N,), ns.
        epoch: int64 (N,).
        orders: int64 (N,), ascending.
    """

    def __init__(self, stamps: Column, epoch: Column, orders: Column) -> None:
        self._index = np.lexsort((orders, stamps, epoch))
        self._stamps = stamps[self._index]
        self._epoch = epoch[self._index]
        self._orders = orders[self._index]

    def nearest(self, stamp: int, epoch: int, order: int, slop: int) -> int | None:
        """Index of the message with the nearest stamp in the epoch, at most `slop` ns away.

        Of two as near the earlier; of several with one stamp the nearest in the recording's order.
        """
        low, high = (int(np.searchsorted(self._epoch, epoch, side)) for side in ("left", "right"))
        stamps = self._stamps[low:high]
        at = int(np.searchsorted(stamps, stamp))
        beside = [int(stamps[i]) for i in (at - 1, at) if 0 <= i < len(stamps)]
        best = min(beside, key=lambda other: abs(other - stamp), default=None)
        if best is None or abs(best - stamp) > slop:
            return None
        first = low + int(np.searchsorted(stamps, best, "left"))
        last = low + int(np.searchsorted(stamps, best, "right"))
        orders = self._orders[first:last]
        place = int(np.searchsorted(orders, order))
        near = [i for i in (place - 1, place) if 0 <= i < len(orders)]
        return int(self._index[first + min(near, key=lambda i: abs(int(orders[i]) - order))])
