"""`sam3i convert` puts checkpoints together: the mean of several, one's adapters on another."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from sam3i_model import convert as converting
from sam3i_model.checkpoints.anatomy import is_adapter
from sam3i_model.checkpoints.loading import HEADS, load, save
from sam3i_model.cli import build
from sam3i_model.modeling import Sam3IModel
from training.instructions.vocabulary import build_tokenizer
from training.loop.initialise import small_config

LAYER = ".adapters."


@pytest.fixture
def runs(random_model: Sam3IModel, tmp_path: Path) -> list[Path]:
    """Three checkpoints of one base, which differ by 0, 1 and 5 in their adapters."""
    folders = []
    own = {n: p.clone() for n, p in random_model.named_parameters() if LAYER in n}
    for added in (0.0, 1.0, 5.0):
        with torch.no_grad():
            for name, value in own.items():
                random_model.get_parameter(name).copy_(value + added)
        random_model.config.presence_thresholds["simple"] = 0.5 + added / 100
        folders.append(tmp_path / f"run{added:.0f}")
        save(random_model, build_tokenizer(), folders[-1])
        (folders[-1] / HEADS).write_bytes(folders[-1].name.encode())
    return folders


def convert(*words: str | Path):
    return CliRunner().invoke(build("convert"), ["convert", *map(str, words)])


def refused(start: Path, out: Path, option: str, checkpoint: str | Path, reason: str) -> None:
    done = convert(start, out, option, checkpoint)
    assert done.exit_code == 1
    assert reason in done.output
    assert "Traceback" not in done.output
    assert not out.exists()


def test_the_mean_of_three_runs(runs, tmp_path, monkeypatch):
    first, second, third = runs
    out = tmp_path / "mean"
    out.mkdir()
    monkeypatch.chdir(out)
    done = convert(second, ".", "--average-with", first, "--average-with", third)
    assert done.exit_code == 0, done.output
    mean, start = (load(folder, "cpu")[0] for folder in (out, first))
    before = start.state_dict()
    assert any(LAYER in name for name in before)
    for name, value in mean.state_dict().items():
        if LAYER in name:
            torch.testing.assert_close(value, before[name] + 2, rtol=0, atol=1e-6)
        else:
            assert torch.equal(value, before[name]), name
    assert mean.config.presence_thresholds["simple"] == 0.51
    assert (out / HEADS).read_bytes() == b"run1"


@pytest.mark.parametrize(
    ("level", "copies"),
    [("simple", (".simple.",)), ("complex", (".simple_copy.", ".complex."))],
)
def test_the_mean_of_one_level_alone(runs, tmp_path, level, copies):
    first, second, _ = runs
    out = tmp_path / "mean"
    done = convert(first, out, "--average-with", second, "--average-level", level)
    assert done.exit_code == 0, done.output
    mean, start = (load(folder, "cpu")[0].state_dict() for folder in (out, first))
    moved = {name for name in mean if not torch.equal(mean[name], start[name])}
    adapters = {name for name in mean if LAYER in name}
    assert moved == {name for name in adapters if any(copy in name for copy in copies)}
    for name in moved:
        torch.testing.assert_close(mean[name], start[name] + 0.5, rtol=0, atol=1e-6)


def test_what_cant_be_averaged_is_one_line(runs, random_model, tmp_path):
    renamed, plain = runs[1] / "tokenizer.json", tmp_path / "plain"
    renamed.write_text(renamed.read_text().replace('"mug"', '"zyzzyva"'))
    random_model.remove_adapters()
    save(random_model, build_tokenizer(), plain)
    reasons = {runs[1]: "has other words", plain: "has other layers", "nowhere": "no checkpoint"}
    for checkpoint, reason in reasons.items():
        refused(runs[0], tmp_path / "out", "--average-with", checkpoint, reason)


@pytest.mark.parametrize(
    ("field", "value"), [("image_mean", [0.1, 0.2, 0.3]), ("adapter_heads", 2)]
)
def test_what_is_computed_otherwise_has_no_mean(runs, tmp_path, field, value):
    path = runs[1] / "config.json"
    content = json.loads(path.read_text()) | {field: value}
    path.write_text(json.dumps(content))
    reason = f"is another model ({field} is {value}, not "
    refused(runs[0], tmp_path / "out", "--average-with", runs[1], reason)


def test_a_run_on_input_of_another_size_counts_in_the_mean(runs, tmp_path):
    path, out = runs[1] / "config.json", tmp_path / "out"
    content = json.loads(path.read_text())
    content["vision_config"]["backbone_config"]["image_size"] = 512
    path.write_text(json.dumps(content))
    assert convert(runs[0], out, "--average-with", runs[1]).exit_code == 0
    assert load(out, "cpu")[0].config.image_size == 256


def test_the_mean_of_a_level_needs_a_second_checkpoint(runs, tmp_path):
    refused(runs[0], tmp_path / "out", "--average-level", "simple", "needs --average-with")


def test_a_disk_that_is_too_full_is_told_in_its_own_measure(runs, tmp_path, monkeypatch):
    needed = sum(4 * v.numel() for v in load(runs[0], "cpu")[0].state_dict().values())
    for free, left in ((34_000, "0.0 MB"), (needed - 1, f"{needed / 1e6:.1f} MB")):
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(converting.shutil, "disk_usage", lambda _, usage=usage: usage)
        done = convert(runs[0], tmp_path / "out")
        assert done.exit_code == 1
        assert f"needs {needed / 1e6:.1f} MB and the disk has {left} left" in done.output
    assert converting.amount(3_440_000_000) == "3.4 GB"


def test_a_folder_that_cant_be_made_or_written_is_one_line(runs, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for out, why in (
        (tmp_path / "file/out", "File exists"),
        (tmp_path / ("x" * 300), "File name too"),
    ):
        said = f"'{out}' can't be made ({why}"
        assert said in convert(runs[0], out).output

    def full(*unused: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/hidden")

    monkeypatch.setattr(converting, "save", full)
    out = tmp_path / "out"
    assert convert(runs[0], out).output == f"'{out}' can't be written: No space left on device\n"
    assert not out.exists()


def test_weights_too_large_for_float16_are_named(random_model, tmp_path):
    start, out = tmp_path / "start", tmp_path / "out"
    with torch.no_grad():
        random_model.text_projection.bias[0] = 7e4
    save(random_model, build_tokenizer(), start)
    reason = "text_projection.bias has numbers too large for float16: take --dtype bfloat16"
    refused(start, out, "--dtype", "float16", reason)
    assert convert(start, out, "--dtype", "bfloat16").exit_code == 0
    assert load(out, "cpu")[0].text_projection.bias[0] == 70144


def test_a_base_that_was_trained_on_gets_its_adapters_back(runs, random_model, tmp_path):
    random_model.remove_adapters()
    with torch.no_grad():
        for parameter in random_model.parameters():
            parameter.add_(1.0)
    random_model.config.image_size = 512
    random_model.config.image_mean = [0.1, 0.2, 0.3]
    random_model.config.presence_thresholds["concept"] = 0.25
    later, out = tmp_path / "later", tmp_path / "out"
    save(random_model, build_tokenizer(), later)
    (later / HEADS).write_bytes(b"later")
    done = convert(later, out, "--adapters-of", runs[1])
    assert done.exit_code == 0, done.output
    both, old, base = (load(folder, "cpu")[0] for folder in (out, runs[1], later))
    assert both.config.trained_levels == old.config.trained_levels
    assert both.config.presence_thresholds == old.config.presence_thresholds
    assert (both.config.image_size, both.config.image_mean) == (512, [0.1, 0.2, 0.3])
    before, after = old.state_dict(), base.state_dict()
    for name, value in both.state_dict().items():
        assert torch.equal(value, before[name] if is_adapter(name) else after[name]), name
    assert (out / HEADS).read_bytes() == b"later"


def test_adapters_that_dont_fit_are_one_line(runs, random_model, tmp_path):
    plain = tmp_path / "plain"
    random_model.remove_adapters()
    save(random_model, build_tokenizer(), plain)
    fewer = Sam3IModel(small_config(len(build_tokenizer()), queries=20))
    fewer.add_adapters("full")
    save(fewer, build_tokenizer(), tmp_path / "fewer")
    renamed = runs[2] / "tokenizer.json"
    renamed.write_text(renamed.read_text().replace('"mug"', '"zyzzyva"'))
    reasons = {
        runs[2]: "has other words",
        tmp_path / "fewer": "has other layers",
        plain: "has no adapters",
        "nowhere": "no checkpoint",
    }
    for checkpoint, reason in reasons.items():
        refused(runs[0], tmp_path / "out", "--adapters-of", checkpoint, reason)
