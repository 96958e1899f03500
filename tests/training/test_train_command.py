"""`sam3i train`: what it needs is said, mistakes are one line, one-to-many queries take part."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from sam3i_model.cli import build
from tests.training.review_data import make
from tests.training.small_training import phases_of
from training import train as training
from training.loop import run as running
from training.loop.dry_run import try_out
from training.loop.run import Run
from training.loop.settings import read_settings
from training.samples.from_world import WorldSamples
from training.world.pool import PoolSpec, WorldPool
from training.world.writing import write_pool

pytestmark = pytest.mark.usefixtures("no_package")
SMALL = {"batch_size": 2, "image_size": 64, "warmup": 1, "workers": 1}


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    write_pool(folder, PoolSpec(4, 3, 128), 1, "", lambda count: None)
    return folder


def settings_file(folder: Path, name: str = "base", **changes) -> Path:
    content = asdict(replace(read_settings(name), **SMALL, **changes))
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def called(*arguments: object):
    return CliRunner().invoke(build("train"), ["train", *map(str, arguments)])


def test_a_run_from_the_command_line_and_again(tmp_path, pool):
    path = settings_file(tmp_path, steps=2, phases=phases_of(words=1, fine=1))
    for _ in range(2):  # the second time there is nothing left to do
        result = called(pool, tmp_path / "out", "--settings", path)
        assert result.exit_code == 0, result.output
        assert "model in" in result.output
    assert (tmp_path / "out/model/model.safetensors").is_file()
    assert list((tmp_path / "out/tensorboard").iterdir())


def test_other_data_do_not_go_on_from_a_state(tmp_path, pool):
    path, other = settings_file(tmp_path, steps=1, phases=phases_of(fine=1)), tmp_path / "pool"
    assert called(pool, tmp_path / "out", "--settings", path).exit_code == 0
    shutil.copytree(pool, other)
    assert called(other, tmp_path / "out", "--settings", path).exit_code == 0
    records = other / "shard-0000/objects.json"
    records.write_text(records.read_text() + "\n")
    refused(called(other, tmp_path / "out", "--settings", path), "is of another run (data was")


def test_a_file_for_a_folder_is_refused(tmp_path, pool):
    path = settings_file(tmp_path, steps=1, phases=phases_of(fine=1))
    (tmp_path / "out").write_text("taken")
    result = called(pool, tmp_path / "out", "--settings", path)
    refused(result, "out can't be a folder (File exists): name another")


def test_a_picture_that_is_damaged_inside_ends_a_run_in_one_line(tmp_path):
    data = make(tmp_path / "data")
    path = settings_file(tmp_path, steps=1, phases=phases_of(fine=1))
    picture = data / "images/a.png"
    height, width = cv2.imread(str(picture)).shape[:2]
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    cv2.imwrite(str(picture), noise)
    spoilt = bytearray(picture.read_bytes())
    spoilt[500:600] = bytes(100)
    picture.write_bytes(spoilt)
    result = called(data, tmp_path / "out", "--settings", path)
    refused(result, f"{picture} is no picture that can be read: put it right, and the same command")
    assert "DataLoader" not in result.output


def refused(result, said: str) -> None:
    assert result.exit_code == 1, result.output
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_dry_run_says_what_is_needed_and_writes_nothing(tmp_path, pool):
    path = settings_file(tmp_path, steps=9000, phases=phases_of(words=1, coarse=1, fine=1))
    result = called(pool, tmp_path / "out", "--settings", path, "--dry-run")
    assert result.exit_code == 0, result.output
    for word in ("3000 steps of", "about", "at most", "free"):
        assert word in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("rehearse", [False, True])
def test_data_that_say_no_kinds_are_grounded_from_the_first_step(tmp_path, pool, rehearse):
    path = settings_file(tmp_path, steps=10, phases=phases_of(words=1, fine=1))
    given = ["--rehearse", pool] if rehearse else []
    result = called(
        make(tmp_path / "data"), tmp_path / "out", "--settings", path, "--dry-run", *given
    )
    assert result.exit_code == 0, result.output
    assert ("words" in result.output) == rehearse


def test_data_that_say_no_kinds_leave_nothing_to_learn_without_grounding(tmp_path):
    path = settings_file(tmp_path, steps=1, phases=phases_of(words=1))
    result = called(make(tmp_path / "data"), tmp_path / "out", "--settings", path)
    refused(result, "the data don't say of what kind things are")


@pytest.mark.parametrize("every", [2, 250])
def test_an_interrupted_run_says_what_the_next_one_does(tmp_path, pool, monkeypatch, every):
    path = settings_file(tmp_path, steps=9, phases=phases_of(fine=1))
    monkeypatch.setattr(training, "SAVE_EVERY", every)
    monkeypatch.setattr(training, "LOG_EVERY", 1)
    real = Run.take

    def interrupted(self, stream):
        if self.step == 3:
            raise KeyboardInterrupt
        return real(self, stream)

    monkeypatch.setattr(Run, "take", interrupted)
    result = called(pool, tmp_path / "out", "--settings", path)
    assert result.exit_code == 130, result.output
    said = "goes on from the last state" if every == 2 else "begins anew: no state was kept yet"
    assert f"stopped; the same command {said}" in result.stderr
    assert "3/9" in result.stderr
    assert not result.stdout
    monkeypatch.setattr(Run, "take", real)
    with (tmp_path / "out/log.jsonl").open("a") as log:
        log.write('{"step": 4, "los')
    assert called(pool, tmp_path / "out", "--settings", path).exit_code == 0
    lines = (tmp_path / "out/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, 10))


@pytest.mark.parametrize(
    ("settings", "data", "said"),
    [
        ("nonsense", "pool", "is no file and none of base, base-full-size, base-images, fine-tune"),
        ("stage-1-1", "pool", "starts from a checkpoint: name it with --from"),
        ("base", "nowhere", "nowhere: name a SAM3-I JSON or its folder (`sam3i prepare`"),
        ("base", "empty", "empty; make some: sam3i render pool"),
        ("base", "drive", "drive is a recording: make a data set of it, `sam3i prepare "),
        ("base", "drive/drive_0.mcap.zstd", "zstd is a recording: make a data set of it"),
    ],
)
def test_mistakes_are_one_line(tmp_path, pool, settings, data, said):
    folder = pool if data == "pool" else tmp_path / data
    (tmp_path / "empty").mkdir()
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive/drive_0.mcap.zstd").touch()
    refused(called(folder, tmp_path / "out", "--settings", settings), said)
    assert not (tmp_path / "out").exists()


def test_a_run_that_diverges_ends_in_one_line_and_leaves_the_step_before(tmp_path, pool):
    changes = {"learning_rate": 1e30, "phases": phases_of(boxes=1)}
    path = settings_file(tmp_path, steps=9, precision="fp32", **changes)
    result = called(pool, tmp_path / "out", "--settings", path)
    refused(result, "step 2 has no finite loss or gradient any more: lower learning_rate")
    assert not (tmp_path / "out/model").exists()


@pytest.mark.parametrize("threads", ["-1", "none"])
def test_threads_are_a_number(tmp_path, pool, threads):
    result = called(pool, tmp_path / "out", "--threads", threads)
    assert result.exit_code == 2
    assert "Invalid value for '--threads'" in result.output


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(running.SettingsError, match="can't be shared equally"):
        Run(replace(read_settings("base"), batch_size=6, accumulate=4), "")


def test_processes_that_do_not_know_of_each_other_are_refused(monkeypatch):
    monkeypatch.setattr(running, "process_count", lambda: 2)
    with pytest.raises(running.SettingsError, match="ACCELERATE_USE_CPU"):
        Run(read_settings("base"), "")


def test_one_to_many_queries_learn_with_the_recipe_of_sam3(pool):
    """They do without attention among themselves, and nothing of them reaches the others."""
    settings = replace(
        read_settings("base"), **SMALL, steps=4, phases=phases_of(coarse=3, fine=1), recipe="sam3"
    )
    run = Run(replace(settings, precision="fp32"), "")
    samples = WorldSamples(WorldPool(pool), settings.mixture)
    batch = next(run.stream(samples))[0]
    image = run.module.encode_image(batch.images)
    with torch.no_grad():
        text = run.model.encode_text(batch.input_ids, batch.levels)
        both = run.model.ground_layers(image, text, batch.image_index, many=True)
        plain = run.model.ground_layers(image, text, batch.image_index)
    assert plain.many is None
    assert both.many is not None
    assert torch.equal(both.logits, plain.logits)
    assert torch.equal(both.boxes, plain.boxes)
    assert both.many.logits.shape == plain.logits.shape
    assert not torch.allclose(both.many.logits[0], plain.logits[0])
    for layer in run.model.detr_decoder.layers:  # now nobody listens to anybody
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.self_attn.o_proj.bias)
    with torch.no_grad():
        deaf = run.model.ground_layers(image, text, batch.image_index, many=True)
    torch.testing.assert_close(deaf.many.logits, deaf.logits)
    terms = run.take(iter([[batch]]))
    assert {"l1_many", "class_many"} <= terms.keys()
    assert all(value.isfinite() for value in terms.values())


def test_a_trial_has_every_phase(pool):
    settings = replace(
        read_settings("base"), **SMALL, steps=10, phases=phases_of(words=2, coarse=2, fine=1)
    )
    trial = try_out(Run(settings, ""), WorldSamples(WorldPool(pool), settings.mixture))
    assert [phase.steps for phase in trial.phases] == [4, 4, 2]
    assert all(phase.seconds > 0 for phase in trial.phases)
    assert trial.memory > 50 * 2**20
