"""Of pictures of which less is known, alone or beside others, a step has the same terms."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.small_training import MIXTURES, TwoBoxes, small_settings
from training.loop.run import Run
from training.loop.settings import Span
from training.losses.counts import counts, mean_counts
from training.samples.batches import Batches, Share
from training.samples.from_world import WorldSamples
from training.samples.sample import Sample

SAMPLES = WorldSamples(TwoBoxes(), MIXTURES["base"])
CELLS = ("things", "kinds", "colours", "covered")


def pictures(texts: int) -> tuple[Sample, Sample]:
    """A rendered one, and one of which nobody says what covers its cells."""
    first, second = (
        SAMPLES.draw(random.Random(seed), np.random.default_rng(seed), 64, texts) for seed in (1, 2)
    )
    return first, replace(second, cells=None)


@pytest.mark.parametrize("phase", ["images", "words", "fine"])
def test_micro_batches_of_both_kinds_learn_what_one_batch_does(no_package, phase):
    texts = 0 if phase == "images" else 2
    settings = small_settings(phases={phase: Span(1, texts)}, precision="fp32")
    rendered, photograph = pictures(texts)
    taken = []
    for parts in ([[rendered, photograph]], [[photograph], [rendered]], [[photograph]]):
        run = Run(settings, "")
        batches = Batches(SAMPLES, run.tokenizer, 64, settings.texts_at, 1, Share(2))
        taken.append(run.take(iter([[batches.collate(part) for part in parts]])))
    whole, halves, alone = taken
    assert whole.keys() == halves.keys() == alone.keys()
    assert whole["cells"] > 0
    assert alone["cells"] == alone["things"] == 0
    for name, value in whole.items():
        torch.testing.assert_close(halves[name], value, rtol=1e-4, atol=1e-5, msg=name)
    assert all(value.isfinite() for value in alone.values())


def test_what_is_not_known_is_counted_as_none(no_package):
    tokenizer = Run(small_settings(), "").tokenizer
    batches = Batches(SAMPLES, tokenizer, 64, lambda step: 2, 1, Share(1))
    rendered, photograph = (batches.collate([sample]) for sample in pictures(2))
    assert [float(counts(photograph)[name]) for name in CELLS] == [0, 0, 0, 0]
    own, mean = counts(rendered), mean_counts([photograph, rendered])
    assert own["kinds"] > 0
    for name in CELLS:
        assert mean[name] == own[name] / 2
