"""Image maps learn to name what they show: things by the mean over them, alone in their phase."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import torch

from sam3i_model.modeling import ImageFeatures
from tests.training.small_training import MIXTURES, TwoBoxes, small_settings
from training.counts import mean_counts
from training.dataset import Batches, Share
from training.dense_heads import ThingHead, thing_truth
from training.instructions.vocabulary import build_tokenizer
from training.run import Run
from training.settings import Span
from training.stages import FROZEN_BLOCKS
from training.world_samples import WorldSamples

SAMPLES = WorldSamples(TwoBoxes(), MIXTURES["base"])


def test_images_teach_the_image_encoder_alone():
    settings = small_settings(phases={"images": Span(1)}, batch_size=4, precision="fp32")
    terms = []
    for accumulate in (1, 2):
        run = Run(replace(settings, accumulate=accumulate), "")
        before = {name: value.clone() for name, value in run.model.state_dict().items()}
        stream = run.stream(SAMPLES)
        terms.append([run.take(stream) for _ in range(2)])
        changed = {n for n, value in run.model.state_dict().items() if (value != before[n]).any()}
        assert {name.split(".")[0] for name in changed} == {"vision_encoder"}
        blocks = {int(n.split(".")[2]) for n in changed if n.startswith("vision_encoder.blocks.")}
        assert blocks == set(range(FROZEN_BLOCKS, 16))
    for whole, parts in zip(*terms, strict=True):
        assert whole.keys() == {"cells", "things", "loss"}
        for name, value in whole.items():
            torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_a_thing_is_named_from_the_mean_over_it():
    batches = Batches(SAMPLES, build_tokenizer(), 64, lambda step: 0, 4, Share(2))
    batch = next(iter(batches))
    assert (len(batch.images), len(batch.input_ids), len(batch.masks)) == (2, 0, 0)
    labels = torch.zeros(2, 16, 16, dtype=torch.int64)
    labels[0, :8, :8], labels[0, 8:, 8:], labels[1, 4:6, 4:6] = 3, 5, 3
    objects = torch.full((2, 256, 6), -1.0)
    objects[:, 0, 0] = 0
    objects[0, 3, 0], objects[1, 3, 0] = 8, 2  # label 5 is of no known kind
    batch = replace(batch, labels=labels, objects=objects)
    kinds, rows, covered = thing_truth(batch, 8)
    assert kinds.tolist() == [7, 1]
    assert covered.sum((1, 2)).tolist() == [16, 1]
    assert rows.tolist() == [0] * 16 + [1]
    head = ThingHead(5)
    maps = torch.randn(2, 5, 4, 4)
    image = SimpleNamespace(maps=[maps])
    fine = torch.nn.functional.interpolate(maps, scale_factor=2, mode="bilinear")
    said = head.head(torch.stack([fine[0, :, :4, :4].mean((1, 2)), fine[1, :, 2, 2]]))
    wanted = -(said[0].log_softmax(0)[7] + said[1].log_softmax(0)[1]) / 4
    loss = head(cast(ImageFeatures, image), batch, {"things": torch.tensor(4.0)})
    torch.testing.assert_close(loss, wanted)
    assert mean_counts([batch])["things"] == 2
