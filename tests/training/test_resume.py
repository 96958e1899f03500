"""A kept state is taken up by the run that it is of, told otherwise only in what isn't learned."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch

from sam3i_model.checkpoints.loading import save
from tests.training.small_training import random_start, small_settings
from training.instructions.vocabulary import build_tokenizer
from training.loop.run import Run
from training.loop.settings import SettingsError

pytestmark = pytest.mark.usefixtures("no_package")


@pytest.fixture
def state(tmp_path) -> Path:
    """Kept by a small run on data `a` after three steps."""
    run = Run(small_settings(), "", data="a")
    run.step = 3
    run.keep(tmp_path / "state.pt")
    return tmp_path / "state.pt"


@pytest.mark.parametrize(
    ("changes", "data", "said"),
    [
        ({"learning_rate": 2e-3}, "a", "learning_rate was 0.001, is 0.002"),
        ({"weight_decay": 0.1}, "a", "weight_decay was 0.02, is 0.1"),
        ({"mixture": {"simple": 1.0}}, "a", "mixture was {'concept': 1.0}, is {'simple': 1.0}"),
        ({}, "b", "data was a, is b"),
    ],
)
def test_what_is_learned_may_not_change(state, changes, data, said):
    with pytest.raises(SettingsError, match=rf"of another run \({said}\): name another folder"):
        Run(small_settings(**changes), "", data=data).resume(state)


def test_all_else_may_change(state):
    changes = {"validate_every": 5, "patience": 2, "workers": 2, "accumulate": 2}
    run = Run(small_settings(steps=9, **changes), "", data="a")
    run.resume(state)
    assert run.step == 3


def test_a_state_that_does_not_say_what_it_is_of_is_taken_up(state):
    content = torch.load(state, weights_only=True)
    del content["identity"]
    torch.save(content, state)
    run = Run(small_settings(learning_rate=2e-3), "", data="b")
    run.resume(state)
    assert run.step == 3


def test_a_checkpoint_is_known_by_its_weights(tmp_path):
    tokenizer = build_tokenizer()
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        save(random_start(len(tokenizer)), tokenizer, tmp_path / name)
    Run(small_settings(), str(tmp_path / "one")).keep(tmp_path / "state.pt")
    (tmp_path / "one").rename(tmp_path / "moved")
    Run(small_settings(), str(tmp_path / "moved")).resume(tmp_path / "state.pt")
    for other in (str(tmp_path / "two"), ""):
        with pytest.raises(SettingsError, match=r"of another run \(from was"):
            Run(small_settings(), other).resume(tmp_path / "state.pt")


def test_a_state_that_cannot_be_read_says_so(state):
    run, whole = Run(small_settings(), "", data="a"), state.read_bytes()
    for content in (b"", whole[:1000], whole[:-1000], b"no state"):
        state.write_bytes(content)
        with pytest.raises(SettingsError, match=r"can't be read \(.*\): delete it to start anew"):
            run.resume(state)
    torch.save([1], state)
    with pytest.raises(SettingsError, match="can't be read"):
        run.resume(state)


def test_a_state_that_cannot_be_written_leaves_the_one_before(state):
    run, before = Run(small_settings(), "", data="a"), state.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"state\.pt can't be written \(File too large\): make"):
            run.keep(state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(state.parent.iterdir()) == [state]
    assert state.read_bytes() == before


def test_ctrl_c_while_a_state_is_written_is_ctrl_c_and_leaves_the_one_before(state, monkeypatch):
    def interrupted(*_args):
        try:
            raise KeyboardInterrupt
        finally:  # as torch does, whose archive has no end then
            raise RuntimeError("unexpected pos 21828224 vs 21828112")

    run, before = Run(small_settings(), "", data="a"), state.read_bytes()
    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.keep(state)
    assert list(state.parent.iterdir()) == [state]
    assert state.read_bytes() == before
