"""Settings that come with the package, that are refused, and numbers in every spelling."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.training.small_training import small_settings
from training.loop.run import rate_factor
from training.loop.settings import CONFIGS, SettingsError, read_settings, shipped


def changed(folder: Path, line: str) -> Path:
    """The shipped base's file with a line of YAML in place of its own; a list replaces it all."""
    good, other = yaml.safe_load((CONFIGS / "base.yaml").read_text()), yaml.safe_load(line)
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump({**good, **other} if isinstance(other, dict) else other))
    return path


def test_shipped_settings_are_valid():
    stages = {name: read_settings(name).stage for name in shipped()}
    assert stages == {
        "base": "base",
        "base-full-size": "base",
        "base-images": "base",
        "order-first": "1-1",
        "order": "1-1",
        "stage-3-full-size": "3",
        "stage-1-1": "1-1",
        "stage-1-2": "1-2",
        "stage-3": "3",
        "fine-tune": "fine-tune",
    }
    assert read_settings(CONFIGS / "stage-1-1.yaml", steps=7).steps == 7


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("colour: red", "unknown keys colour"),
        ("1: 2", "unknown keys 1"),
        ("stage: 9", "must be one of"),
        ("steps: 0", "steps must be at least 1"),
        ("steps: 1.5", "steps is '1.5', must be a whole number"),
        ("workers: yes", "workers is 'True', must be a whole number"),
        ("learning_rate: fast", "learning_rate is 'fast', must be a number"),
        ("learning_rate: -1", "learning_rate must be at least 0"),
        ("weight_decay: [0.1]", "weight_decay is '\\[0.1\\]', must be a number"),
        ("warmup: -1", "warmup must be at least 0"),
        ("constant_until: 1.1", "constant_until must be at least 0 and at most 1"),
        ("ema: 1", "ema must be at least 0 and below 1"),
        ("clip: 0", "clip must be above 0"),
        ("clip: .nan", "clip is 'nan', must be a number"),
        ("clip: .inf", "clip is 'inf', must be a number"),
        ("learning_rate: -.inf", "learning_rate is '-inf', must be a number"),
        ("mixture: {simple: .inf}", "mixture simple is 'inf', must be a number"),
        ("mixture: {simple: 1e308, complex: 1e308}", "too large to be added up"),
        ("phases: {fine: {share: .inf, texts: 4}}", "share is 'inf', must be a number"),
        ("seed: 20261129124414", "seed must be at most 4294967295"),
        ("mixture: {riddles: 1.0, 2: 1.0}", "not \\['2', 'riddles'\\]"),
        ("phases: {2: {share: 1}, reading: {share: 1}}", "not \\['2', 'reading'\\]"),
        ("absent: 1", "absent must be at least 0 and below 1"),
        ("mixture: {riddles: 1.0}", "riddles"),
        ("mixture: {simple: most}", "mixture simple is 'most', must be a number"),
        ("mixture: {simple: 0}", "one of them above"),
        ("mixture: simple", "each source with its share"),
        ("phases: {reading: {share: 1, texts: 4}}", "words, boxes, coarse, fine, not"),
        ("phases: {}", "not \\[\\]"),
        ("phases: {fine: {share: 0, texts: 4}}", "above 0"),
        ("phases: {fine: {share: half, texts: 4}}", "share is 'half', must be a number"),
        ("phases: {fine: {share: 1, texts: 0}}", "at least 1"),
        ("phases: {fine: {share: 1}}", "texts"),
        ("phases: {images: {share: 1, texts: 4}}", "images has none"),
        ("{stage: 1-1, phases: {images: {share: 1}}}", "is a base's"),
        ("phases: {fine: 0.5}", "settings.yaml must name phases, each with its share and texts"),
        ("phases: {fine: {texts: 4}}", "settings.yaml: phase fine must say share"),
        ("phases: {fine: {share: 1, text: 4}}", "settings.yaml: phase fine: unknown keys text"),
        ("phases: 0.5", "share and texts"),
        ("- a list", "keys and values"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, line, said):
    with pytest.raises(SettingsError, match=said) as refused:
        read_settings(changed(tmp_path, line))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("steps: 1\nstage: base\nsteps: 7\n", "line 3: 'steps' is there twice"),
        ("phases:\n  fine: {share: 1, share: 2}\n", "line 2: 'share' is there twice"),
        ("stage: base\nsteps: @7\n", "line 2: found character '@' that cannot start any token"),
        ("[steps]: 1", "line 1: found unhashable key"),
        ("a: " + 5000 * "[", "is no YAML: maximum recursion depth"),
        ("until: 2026-13-45", "is no YAML: month must be in 1..12"),
        ("stage: b\x00se", "is no YAML: unacceptable character"),
        ("name: Größe".encode("latin-1"), "is no UTF-8 text: save it as such"),
        ("stage: base".encode("utf-16"), "is no UTF-8 text"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(tmp_path, content, said):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError, match=f"settings\\.yaml.*{said}") as refused:
        read_settings(path)
    assert "\n" not in str(refused.value)


def test_what_is_missing_is_named(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("stage: base\nsteps: 7\n")
    said = "settings.yaml must say seed, batch_size, phases, mixture, learning_rate, "
    with pytest.raises(SettingsError, match=said):
        read_settings(path)


def test_a_stage_needs_no_quotes(tmp_path):
    assert read_settings(changed(tmp_path, "stage: 3")).stage == "3"


def test_numbers_are_what_is_meant(tmp_path):
    said = "learning_rate: 1e-4\nclip: 2\nsteps: 2e3\nmixture: {simple: 5e-1}\n"
    said += "phases: {fine: {share: 1e0, texts: 4}}"
    read = read_settings(changed(tmp_path, said))
    assert (read.learning_rate, read.clip, read.steps) == (1e-4, 2.0, 2000)
    assert isinstance(read.steps, int)
    assert read.mixture == {"simple": 0.5}
    assert read.phases["fine"].share == 1


def test_the_rate_may_have_no_warm_up_and_no_decay():
    steady = small_settings(constant_until=1, warmup=0)
    assert [rate_factor(step, steady) for step in (0, 2, 4, 9)] == [1, 1, 1, 1]
    falling = small_settings(constant_until=0, warmup=0)
    assert rate_factor(4, falling) == rate_factor(9, falling) == pytest.approx(0.02)
