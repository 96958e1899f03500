"""Fine-tuning on a data set of one's own: kept features, held-out pictures, patience, rehearsal."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import typer
import yaml
from typer.testing import CliRunner

from sam3i_model.checkpoints.loading import load, save
from sam3i_model.cli import build
from tests.training.small_training import MIXTURES, TwoBoxes, random_start, small_settings, trained
from training import cache_bench
from training import train as training
from training.annotations import sam3i_json
from training.annotations.entries import SourceError
from training.annotations.sam3i_json import Sample, Target
from training.data import open_data, open_samples, recurring
from training.loop import run as running
from training.loop.dry_run import Trial, describe
from training.loop.feature_cache import FeatureCache
from training.loop.forecast import forecast
from training.loop.run import Run
from training.loop.settings import SettingsError, read_settings
from training.loop.step import Step
from training.losses.targets import sampled
from training.samples.sample import Mixed

PICTURES = 5


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    """What a fine-tune starts from."""
    folder, start = tmp_path_factory.mktemp("stages"), ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "new_model", random_start)
        for stage in ("base", "1-1", "1-2"):
            start = trained(small_settings(stage, 2), folder / stage, start)
    return start


@pytest.fixture
def data(tmp_path) -> Path:
    """A folder with a file of instructions about the two boxes."""
    samples = []
    for index in range(PICTURES):
        image, labels, _ = TwoBoxes()[index]
        cv2.imwrite(str(tmp_path / f"{index}.png"), image[..., ::-1])
        for label, text in ((1, "the red box"), (2, "something to drink from")):
            key = "simple_query" if label == 1 else "complex_query"
            texts = {name: (text,) if name == key else () for name in sam3i_json.TEXT_LISTS}
            target = Target.of(np.asarray(labels == label))
            samples.append(Sample(len(samples), f"{index}.png", 256, 256, texts, (target,)))
    sam3i_json.write(tmp_path / "annotations.json", samples)
    return tmp_path


def tuned(data: Path, checkpoint: str, out: Path, **changes) -> Run:
    """Fine-tune; the run when it is over."""
    settings = small_settings("fine-tune", **changes)
    samples, source = open_data(data, settings, None, None)
    run = Run(settings, checkpoint, out / "features")
    training.train(run, samples, out, source)
    return run


def test_kept_features_teach_what_fresh_ones_do(data, checkpoint, tmp_path):
    runs = {}
    for kept in (True, False):
        settings = small_settings("fine-tune", 3, variants=2, precision="fp32")
        samples, _ = open_data(data, settings, None, None)
        run = Run(settings, checkpoint, tmp_path / "features" if kept else None)
        stream = run.stream(samples)
        runs[kept] = [run.take(stream) for _ in range(3)]
    for with_kept, fresh in zip(runs[True], runs[False], strict=True):
        torch.testing.assert_close(with_kept["loss"], fresh["loss"], rtol=0.02, atol=0.05)
    files = list((tmp_path / "features").rglob("*.safetensors"))
    assert 1 <= len(files) <= 2 * PICTURES


def counting(checkpoint):
    """A run, how it encodes pictures, and of how many in each call so far."""
    run = Run(small_settings("fine-tune"), checkpoint)
    encoded: list[int] = []

    def encode(some: torch.Tensor):
        encoded.append(len(some))
        return run.module.encode_image(some)

    return run, encode, encoded


def test_what_is_kept_is_not_encoded_again(checkpoint, tmp_path):
    run, encode, encoded = counting(checkpoint)
    cache = FeatureCache(tmp_path, run.model.vision_encoder)
    images = torch.randint(0, 255, (3, 3, 64, 64), dtype=torch.uint8)
    first = cache.features(encode, images, ["a", "", "b"])
    again = cache.features(encode, images, ["b", "", "a"])
    assert encoded == [1, 1, 1, 1]  # "" is not kept
    parts = [(*made.maps, made.position, made.geometry) for made in (first, again)]
    for fresh, kept in zip(*parts, strict=True):
        assert torch.equal(fresh[[2, 1, 0]], kept)
    with torch.no_grad():
        next(run.model.vision_encoder.parameters()).add_(1)
    assert FeatureCache(tmp_path, run.model.vision_encoder).folder != cache.folder


def test_damaged_features_are_made_again(checkpoint, tmp_path):
    run, encode, encoded = counting(checkpoint)
    cache = FeatureCache(tmp_path, run.model.vision_encoder)
    images = torch.randint(0, 255, (3, 3, 64, 64), dtype=torch.uint8)
    cache.features(encode, images, ["a", "b", "c"])
    whole = {path: path.read_bytes() for path in cache.folder.iterdir()}
    for path, damaged in zip(whole, (b"", bytes(5000)), strict=False):  # as a power cut leaves it
        path.write_bytes(damaged)
    cache.features(encode, images, ["a", "b", "c"])
    assert encoded == 5 * [1]
    assert {path: path.stat().st_size for path in cache.folder.iterdir()} == {
        path: len(data) for path, data in whole.items()
    }


def test_features_that_cannot_be_kept_are_told_in_one_line(checkpoint, tmp_path):
    run = Run(small_settings("fine-tune"), checkpoint)
    cache = FeatureCache(tmp_path, run.model.vision_encoder)
    images = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))  # no file may grow beyond
    try:
        with pytest.raises(OSError, match=r"can't be kept in .*: make room, and the same") as error:
            cache.features(run.module.encode_image, images, ["a"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "\n" not in str(error.value)
    assert list(cache.folder.iterdir()) == []


def test_a_dry_run_keeps_no_features_but_foresees_their_room(data, checkpoint, tmp_path):
    out, path = tmp_path / "out", tmp_path / "settings.yaml"
    settings = small_settings("fine-tune", 1000, variants=2, hold_out=0.2)
    path.write_text(yaml.safe_dump(asdict(settings)))
    words = ["train", data, out, "--settings", path, "--from", checkpoint, "--dry-run"]
    result = CliRunner().invoke(build("train"), list(map(str, words)))
    assert result.exit_code == 0, result.output
    assert "less where features are kept, validation apart" in " ".join(result.output.split())
    assert not out.exists()

    samples, _ = open_data(data, settings, data, None)
    assert recurring(samples) == 2 * 4  # not those of the rehearsal
    run = Run(settings, checkpoint, out / "features")
    foreseen = run.module.room(8)
    stream = run.stream(samples)
    for _ in range(3):
        run.take(stream)
    files = list((out / "features").rglob("*.safetensors"))
    for file in files:
        assert foreseen / 8 < file.stat().st_size < foreseen / 8 + 1000  # and a heading
    assert run.module.room(8) == foreseen / 8 * (8 - len(files))
    assert run.module.room(1) == Run(settings, checkpoint).module.room(8) == 0

    needs = forecast(run.module, out, run.accelerator.device, 0)
    told = list(describe(needs, Trial([], 0), settings, 0).columns[1].cells)
    assert not any("features" in cell for cell in told)  # as of scenes, of which none recur


def test_features_that_the_disk_cannot_hold_are_refused(data, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(Step, "room", lambda self, pictures: pictures * 2**50)
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(asdict(small_settings("fine-tune", 2, variants=2))))
    words = ["train", data, tmp_path / "out", "--settings", path, "--from", checkpoint]
    result = CliRunner().invoke(build("train"), list(map(str, words)))
    assert result.exit_code == 1, result.output
    assert f"the run writes {4 * 2**20}." in result.stderr  # two steps draw no more pictures
    assert not (tmp_path / "out").exists()


def test_the_last_pictures_are_held_out_and_validated_on(data):
    settings = small_settings("fine-tune", hold_out=0.4)
    samples, source = open_data(data, settings, None, None)
    assert [entries[0].file_name for entries in samples.pictures] == ["0.png", "1.png", "2.png"]
    assert len(source) == 2
    assert [q.text for q in source[1].questions] == ["the red box", "something to drink from"]
    assert np.array_equal(source[1].rgb, TwoBoxes()[4][0])
    with pytest.raises(SourceError, match="too few pictures"):
        open_data(data, replace(settings, hold_out=0.9), None, None)


def test_validation_leaves_out_what_training_does(data):
    content = json.loads((data / "annotations.json").read_text())
    first, *_, mug = content[
        "annotations"
    ]  # of 0.png, which is not held out, and of 4.png, which is
    first["iscrowd"] = "0"
    mug["segmentation"] = None
    content["annotations"].append({**content["annotations"][1], "id": 99, "image_id": 777})
    other = {"id": 50, "width": 9, "text_inst_input": {"concept": ["box"]}}
    content["images"].append({**content["images"][-1], **other})  # not learned from: no level of it
    (data / "annotations.json").write_text(json.dumps(content))
    samples, source = open_data(data, small_settings("fine-tune", hold_out=0.4), None, None)
    assert [len(entries) for entries in samples.pictures] == [1, 2, 2]
    assert [[q.text for q in picture.questions] for picture in source] == [
        ["the red box", "something to drink from"],
        ["the red box"],
    ]


def test_a_run_without_progress_ends_with_its_best_weights(data, checkpoint, tmp_path, monkeypatch):
    scores = iter([0.2, 0.5, 0.4, 0.3, 0.9])
    seen = []

    def score(figures):
        seen.append(figures)
        return next(scores)

    monkeypatch.setattr(training, "score", score)
    out = tmp_path / "out"
    changes = {"steps": 20, "validate_every": 2, "patience": 2, "hold_out": 0.2}
    run = tuned(data, checkpoint, out, **changes)
    assert run.step == 8  # validated at 2, 4, 6 and 8; nothing better since 4
    assert run.best["step"] == 4
    model, _ = load(out / "model", "cpu")
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in run.best["values"].items())
    again = tuned(data, checkpoint, out, **changes)
    assert (again.step, again.best["score"], next(scores)) == (8, 0.5, 0.9)
    assert list(seen[0]) == ["simple", "complex"]


def test_rehearsal_is_mixed_in(data, checkpoint):
    settings = small_settings("fine-tune", rehearsal=0.25)
    samples, _ = open_data(data, settings, data, None)
    assert isinstance(samples, Mixed)
    assert samples.shares == [0.75, 0.25]


def test_concepts_stay_as_they_were(data, checkpoint, tmp_path):
    tuned(data, checkpoint, tmp_path / "out", steps=2)
    before, after = (load(path, "cpu")[0] for path in (checkpoint, tmp_path / "out/model"))
    new = after.state_dict()
    for name, value in before.state_dict().items():
        learned = ".adapters." in name or ".mask_embedder." in name
        assert learned or torch.equal(value, new[name]), name
    assert after.config.trained_levels == before.config.trained_levels
    assert set(MIXTURES["fine-tune"]) == {"simple", "complex"}


def test_variants_need_a_frozen_encoder():
    with pytest.raises(running.SettingsError, match="change while it learns"):
        small_settings("base", variants=2)


def test_both_loops_take_the_same_steps_and_one_of_them_encodes(data, checkpoint, monkeypatch):
    encoded: list[bool] = []
    real = Step.encode_image

    def encode(self, images):
        encoded.append(self.cache is None)
        return real(self, images)

    monkeypatch.setattr(Step, "encode_image", encode)
    figures = cache_bench.compare(
        data, checkpoint, small_settings("fine-tune", variants=2), steps=3
    )
    assert sum(encoded) == 3  # the plain loop's; the others are kept before
    assert figures["ratio"] == pytest.approx(figures["uncached"] / figures["cached"])
    assert (figures["steps"], figures["image_size"]) == (3, 64)


def test_the_comparison_names_what_it_cannot_read(tmp_path, capsys):
    with pytest.raises(typer.Exit):
        cache_bench.main(tmp_path / "none.json")
    assert "none.json" in " ".join(capsys.readouterr().err.split())


def test_the_comparison_in_full_size_needs_no_checkpoint(data, checkpoint, monkeypatch, capsys):
    small = {**cache_bench.FULL_SIZE, "image_size": 64}
    monkeypatch.setattr(cache_bench, "FULL_SIZE", small)
    monkeypatch.setattr(cache_bench, "full_size", lambda _, s: running.begin(checkpoint, s))
    cache_bench.main(data, steps=1, full=True)
    assert "ratio" in capsys.readouterr().out


def test_a_size_that_the_encoder_cannot_take_is_refused(checkpoint):
    with pytest.raises(SettingsError, match="image_size must be a multiple of 32"):
        Run(small_settings("fine-tune", image_size=84), checkpoint)


def test_a_fine_tune_is_at_the_size_that_its_checkpoint_is_used_at(data, checkpoint, tmp_path):
    save(*load(checkpoint, "cpu", image_size=96), tmp_path / "used at 96")
    size = read_settings("fine-tune").image_size
    run = Run(small_settings("fine-tune", image_size=size), str(tmp_path / "used at 96"))
    (batch,) = next(run.stream(open_samples(data, run.settings)))
    assert batch.images.shape[2:] == (96, 96)


@pytest.mark.parametrize(("side", "cells"), [(64, 16), (64, 32), (252, 288), (252, 72), (5, 3)])
def test_maps_are_sampled_at_the_middle_of_cells(side, cells):
    column = torch.arange(side)
    taken = sampled(column.expand(2, side, side), cells)
    assert taken.shape == (2, cells, cells)
    middles = [int((cell + 0.5) * side / cells) for cell in range(cells)]
    assert taken[1, 0].tolist() == middles
    assert torch.equal(sampled(column[:, None].expand(2, side, side), cells)[0].T, taken[0])
