"""Thresholds found on scripted answers, and stored."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from sam3i_model.checkpoints.loading import load
from sam3i_model.cli import build
from sam3i_model.convert import convert
from tests.training.evaluation_samples import SAMPLES, write_data
from training import calibrate
from training.evaluation.thresholds import PRESENCES, SCORES, Asked, choose


def asked(presence: float, scores: list[float], ious: list[float], present: bool = True) -> Asked:
    return Asked(presence, np.array(scores), np.array(ious), present)


def at(values: np.ndarray, score: float, presence: float) -> float:
    return values[np.searchsorted(SCORES, score), np.searchsorted(PRESENCES, presence)]


def test_answers_drop_the_lowest_scores_first_and_all_below_the_presence():
    values = asked(0.6, [0.9, 0.6, 0.3], [0, 0.5, 1, 0.5]).answers()
    assert [at(values, score, 0.0) for score in (0.2, 0.3, 0.5, 0.8)] == [0.5, 1, 1, 0.5]
    assert at(values, 0.9, 0.0) == 0
    assert at(values, 0.5, 0.6) == 1
    assert at(values, 0.5, 0.625) == 0


def test_thresholds_lose_least_of_what_is_there_within_the_budget_of_false_alarms():
    """Presence tells the first absent thing from the present ones, the score the second."""
    rows = [
        asked(0.9, [0.8, 0.2], [0, 0.9, 0.6]),
        asked(0.5, [0.4], [0, 0.8]),
        asked(0.45, [0.7], [1, 0], present=False),
        asked(0.8, [0.35], [1, 0], present=False),
    ]
    chosen = choose(rows, 0.0)
    assert 0.35 <= chosen.score < 0.4
    assert 0.45 < chosen.presence <= 0.5
    assert (chosen.iou, chosen.absent_empty) == (pytest.approx(0.85), 1.0)
    lax = choose(rows, 1.0)
    assert lax.iou == pytest.approx(0.85)


def test_a_budget_that_costs_what_is_there_is_kept_all_the_same():
    rows = [asked(0.5, [0.5], [0, 0.9]), asked(0.7, [0.6], [1, 0], present=False)]
    assert choose(rows, 0.0).absent_empty == 1
    assert choose(rows, 0.0).iou == 0
    assert choose(rows, 1.0).iou == pytest.approx(0.9)
    for some in (rows[:1], rows[1:]):
        with pytest.raises(ValueError, match="that aren't"):
            choose(some, 0.1)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    convert("bundled", tmp_path / "model", None, torch.float16)
    return tmp_path / "model"


def calibrated(*words: str | Path):
    return CliRunner().invoke(build("calibrate"), ["calibrate", *map(str, words)])


def test_a_file_of_ones_own_calibrates_what_it_asks_enough_about(checkpoint, tmp_path, monkeypatch):
    """Its simple sentences are all about things that are there, and it has no complex ones."""
    path = checkpoint / "config.json"
    before = json.loads(path.read_text())
    weights = (checkpoint / "model.safetensors").read_bytes()
    rows: dict[str, list[Asked]] = {}

    def ask_about(*arguments: object) -> dict[str, list[Asked]]:
        rows.update(real(*arguments))
        meanwhile = json.loads(path.read_text())
        meanwhile["presence_thresholds"]["complex"] = 0.125  # another calibration ends
        path.write_text(json.dumps(meanwhile))
        return rows

    real = calibrate.ask_about
    monkeypatch.setattr(calibrate, "ask_about", ask_about)
    done = calibrated(checkpoint, write_data(tmp_path, SAMPLES), "--false-alarms", "0")
    assert done.exit_code == 0, done.output
    assert "simple keeps its thresholds: thresholds need sentences" in done.output
    assert done.output.endswith(f"stored in {checkpoint}: thresholds of concept\n")
    after = json.loads(path.read_text())
    assert set(rows) == {"concept", "simple"}
    assert {row.present for row in rows["concept"]} == {True, False}
    chosen = choose(rows["concept"], 0.0)
    scores = {**before["score_thresholds"], "concept": chosen.score}
    presences = {**before["presence_thresholds"], "concept": chosen.presence, "complex": 0.125}
    changed = {"score_thresholds": scores, "presence_thresholds": presences}
    assert after == {**before, **changed}
    assert (checkpoint / "model.safetensors").read_bytes() == weights


def test_only_the_named_levels_are_asked_and_the_input_size_is_stored(checkpoint, tmp_path):
    before = json.loads((checkpoint / "config.json").read_text())
    data = write_data(tmp_path, SAMPLES)
    done = calibrated(checkpoint, data, "--levels", "simple", "--image-size", "256")
    assert "concept" not in done.output
    assert "simple keeps its thresholds" in done.output
    after = load(str(checkpoint), "cpu")[0].config
    assert after.image_size == 256
    assert after.score_thresholds == before["score_thresholds"]


def test_a_folder_called_bundled_is_the_one_that_is_asked(checkpoint, tmp_path, monkeypatch):
    """And not the package's own checkpoint, whose thresholds would end up in that folder."""
    monkeypatch.chdir(checkpoint.rename(tmp_path / "bundled").parent)
    path = Path("bundled/config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"trained_levels": ["concept"]}))
    done = calibrated("bundled", write_data(tmp_path, SAMPLES), "--levels", "simple")
    assert "'bundled' was not trained for simple" in done.output


def test_what_cant_be_calibrated_is_one_line(checkpoint, tmp_path):
    data = write_data(tmp_path, SAMPLES)
    path = checkpoint / "config.json"
    content = json.loads(path.read_text()) | {"trained_levels": ["concept"]}
    path.write_text(json.dumps(content))
    for words, told in (
        (("bundled", data), "`sam3i convert bundled FOLDER`"),
        ((tmp_path / "none", data), "thresholds can't be stored in"),
        ((tmp_path, data), f"'{tmp_path}' is the folder of a run: name its checkpoint, "),
        ((checkpoint, data, "--levels", "simple"), "was not trained for simple"),
        ((checkpoint, data, "--levels", "complex"), "no questions of the level complex"),
        ((checkpoint, tmp_path / "nowhere"), "nowhere"),
    ):
        done = calibrated(*words)
        assert done.exit_code == 1
        assert told in " ".join(done.output.replace("│", " ").split())
        assert "Traceback" not in done.output


def test_thresholds_that_cant_be_stored_are_one_line(checkpoint, tmp_path, monkeypatch):
    """The disk is full by then."""
    data, real = write_data(tmp_path, SAMPLES), calibrate.ask_about
    before = (checkpoint / "config.json").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def ask_about(*arguments: object) -> dict[str, list[Asked]]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        return real(*arguments)

    monkeypatch.setattr(calibrate, "ask_about", ask_about)
    try:
        done = calibrated(checkpoint, data, "--levels", "simple", "--image-size", "256")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (done.exit_code, "nothing is stored" in done.output) == (1, True)
    assert "Traceback" not in done.output
    assert (checkpoint / "config.json").read_bytes() == before


def test_ctrl_c_says_that_nothing_has_changed(checkpoint, tmp_path, monkeypatch):
    def ask_about(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(calibrate, "ask_about", ask_about)
    before = (checkpoint / "config.json").read_bytes()
    done = calibrated(checkpoint, write_data(tmp_path, SAMPLES))
    assert done.exit_code == 130
    assert done.stderr == f"stopped; the thresholds in {checkpoint} are as they were\n"
    assert (checkpoint / "config.json").read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cant_be_written_is_told_before_anything_is_asked(checkpoint, tmp_path):
    checkpoint.chmod(0o555)
    done = calibrated(checkpoint, tmp_path / "nowhere")
    assert (done.exit_code, "denied" in done.output) == (1, True)
