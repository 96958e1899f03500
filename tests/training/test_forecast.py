"""What a run will need is foreseen, and a run that can't fit is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.training.small_training import phases_of
from training.loop.forecast import Forecast, ForecastError, duration, forecast, size
from training.loop.settings import read_settings

FITS = Forecast(weights=100, disk=100, memory_left=200, disk_left=200)


def left(needs: Forecast) -> dict[str, int]:
    """What may differ from moment to moment."""
    return {"memory_left": needs.memory_left, "disk_left": needs.disk_left}


def test_weights_gradients_moments_and_average_are_counted(tmp_path):
    module = torch.nn.Linear(100, 10)  # 1,010 numbers
    module.bias.requires_grad_(False)
    needs = forecast(module, tmp_path / "not/yet/there", torch.device("cpu"))
    assert needs.weights == 4 * 1010 + 4 * 4 * 1000
    state = 4 * 1010 + 3 * 4 * 1000  # weights, two moments, average
    assert state + 4 * 1010 <= needs.disk <= 2 * (state + 4 * 1000) + 4 * 1010
    more = forecast(module, tmp_path, torch.device("cpu"), features=7000)
    assert more == replace(needs, disk=needs.disk + 7000, **left(more))
    assert needs.disk_left > 0
    assert needs.memory_left > 0
    needs.check()


def test_what_does_not_fit_is_refused():
    FITS.check()
    with pytest.raises(ForecastError, match="100 MiB are free: make room"):
        replace(FITS, disk=2**30, disk_left=100 * 2**20).check()
    with pytest.raises(ForecastError, match="lite adapters"):
        replace(FITS, weights=190).check()


def test_phases_make_up_the_run():
    settings = read_settings("base")
    assert settings.spans == {
        "words": range(5980),
        "coarse": range(5980, 10010),
        "fine": range(10010, 13000),
    }
    bare = replace(settings, phases=phases_of(fine=0.3))
    assert bare.spans == {"fine": range(13000)}
    boxes = replace(bare, steps=10, phases=phases_of(fine=2, words=1, boxes=2))
    assert boxes.spans == {"words": range(2), "boxes": range(2, 6), "fine": range(6, 10)}
    assert [boxes.phase_at(step) for step in (0, 2, 5, 6, 9, 12)] == [
        *("words", "boxes", "boxes", "fine", "fine", "fine")
    ]
    assert list(replace(boxes, steps=1).spans.values()) == [range(1)]


def test_words():
    assert [size(50 * 2**20), size(3 * 2**30)] == ["50 MiB", "3.0 GiB"]
    assert [duration(89), duration(3 * 3600 + 61)] == ["1 min", "3 h 01 min"]
