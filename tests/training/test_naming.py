"""Image maps learn to name what they show: things by the mean over them, alone in their phase."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
import torch
import typer

from sam3i_model.checkpoints.loading import HEADS, save, write
from sam3i_model.features import ImageFeatures
from tests.training.small_training import MIXTURES, TwoBoxes, random_start, small_settings
from training import naming
from training.instructions.vocabulary import build_tokenizer
from training.loop.run import Run
from training.loop.settings import Span
from training.loop.stages import FROZEN_BLOCKS
from training.loop.step import Heads
from training.losses.counts import mean_counts
from training.losses.dense_heads import ThingHead, thing_truth
from training.naming import Named
from training.samples.batches import Batches, Share
from training.samples.from_world import KINDS, WorldSamples
from training.world.pool import PoolSpec, WorldPool
from training.world.writing import write_pool

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


def test_things_are_named_by_size_and_confusions(tmp_path, capsys):
    torch.manual_seed(0)
    write_pool(tmp_path / "pool", PoolSpec(3, 5, 128), 1, "", lambda count: None)
    tokenizer = build_tokenizer()
    model = random_start(len(tokenizer))
    model.config.image_size = 64
    save(model, tokenizer, tmp_path / "model")
    with pytest.raises(typer.Exit):
        naming.main(str(tmp_path / "model"), tmp_path / "pool", 2, 0)
    assert "has no heads.safetensors" in " ".join(capsys.readouterr().err.split())
    heads = Heads(32)
    with torch.no_grad():
        heads.things.head.weight.zero_()
        heads.things.head.bias.copy_(torch.arange(len(KINDS), 0, -1))
    write(heads.state_dict(), tmp_path / "model" / HEADS)
    with pytest.raises(typer.Exit):
        naming.main(str(tmp_path / "model"), tmp_path / "none", 2, 0)
    assert "none" in " ".join(capsys.readouterr().err.split())
    naming.main(str(tmp_path / "model"), tmp_path / "pool", 2, 0)
    said = capsys.readouterr().out
    seen = [r["kind"] for i in range(2) for r in WorldPool(tmp_path / "pool")[i][2]]
    missed = Counter(kind for kind in seen if kind in KINDS and kind != KINDS[0])
    rows = {line.split()[1]: line.split()[3] for line in said.splitlines() if line[:1] == "│"}
    assert 0 < int(rows["all"]) <= sum(kind in KINDS for kind in seen)
    assert int(rows["all"]) == sum(int(rows.get(n, 0)) for n in ("small", "medium", "large"))
    for line in said.splitlines():
        if " taken for " in line:
            count, kind = line.strip().split("  ")
            assert kind.endswith(f" taken for {KINDS[0]}")
            assert int(count) <= missed[kind.split(" taken")[0]]


def test_shares_of_right_names():
    mug, cup = Named("mug", "mug", "cup", 0.001), Named("cup", "mug", "cup", 0.02)
    pen = Named("pen", "fork", "key", 0.002)
    figures = naming.by_size([mug, cup, pen])
    assert figures["small"] == (2, 0.5, 0.5)
    assert figures["medium"] == (1, 0.0, 1.0)
    assert figures["all"] == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert "large" not in figures
