"""Which topics of a small recording are chosen."""

from __future__ import annotations

from pathlib import Path

from tests.training import bag_samples as make
from training.annotations.images import Problems
from training.bags.bag import Bag
from training.bags.scan import scan
from training.bags.topics import Camera, Wishes, choose

SLOP = make.SECOND // 20


def chosen(path: Path, **wishes: str) -> Camera:
    with Bag(path, lambda where, what: None) as bag:
        return choose(bag, scan(bag, Problems(), lambda done: None), Wishes(**wishes), SLOP)


def stamps(count: int = 4) -> list[int]:
    return [make.START + i * make.STEP for i in range(count)]
