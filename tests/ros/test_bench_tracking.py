"""How `sam3i bench tracking` counts, and what it says about films that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sam3i_ros.bench import app
from sam3i_ros.bench.film import RATE, Film
from sam3i_ros.bench.tracking import Tally


def labels(**columns: slice) -> np.ndarray:
    """Things 1, 2, ... that fill columns of a picture (20, 100)."""
    picture = np.zeros((20, 100), np.uint8)
    for label, part in enumerate(columns.values(), start=1):
        picture[:, part] = label
    return picture


TRUTH = labels(a=slice(0, 20), b=slice(40, 60))
A, B = TRUTH == 1, TRUTH == 2


def test_what_is_right_counts_as_right() -> None:
    tally = Tally()
    tally.add(np.array([A, B]), (1, 2), TRUTH, TRUTH)
    tally.add(np.array([B, A]), (2, 1), TRUTH, TRUTH)
    assert tally.overlaps == [1.0] * 4
    assert tally.left == [1.0] * 4
    assert (tally.things, tally.covered, tally.switches) == (4, 4, 0)


def test_a_mask_beside_its_thing() -> None:
    tally = Tally()
    before = labels(a=slice(10, 30), b=slice(40, 60))
    tally.add(np.array([before == 1]), (1,), TRUTH, before)
    assert tally.overlaps == [200 / 600]
    assert tally.left == [200 / 600, 1.0]
    assert (tally.things, tally.covered) == (2, 0)


def test_switches() -> None:
    tally = Tally()
    for ids in ((1, 2), (1, 2), (2, 1), (2, 1), (2, 3)):
        tally.add(np.array([A, B]), ids, TRUTH, TRUTH)
    assert tally.switches == 3


def test_the_speed_of_the_camera() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    centroids = [{label: p - (0.01 * n, 0, 0) for label, p in enumerate(points)} for n in range(30)]
    film = Film([], [], centroids)
    assert film.speed(1) == pytest.approx(0.01 * RATE)
    assert film.speed(3) == pytest.approx(0.03 * RATE)


def test_a_mask_of_nothing_counts_as_wrong() -> None:
    tally = Tally()
    tally.add(np.array([A]), (1,), np.zeros_like(TRUTH), TRUTH)
    assert (tally.overlaps, tally.things, tally.covered) == ([0.0], 0, 0)


def test_a_time_in_which_no_answer_comes(tmp_path: Path) -> None:
    film = tmp_path / "film"
    said = CliRunner().invoke(
        app, ["tracking", "--film", str(film), "--seconds", "5", "--delay", "5"]
    )
    assert said.exit_code == 1
    assert said.output.strip() == (
        "--seconds 5 is too short for --delay 5, after which the first answer comes: give a second "
        "more at least"
    )
    assert not film.exists()  # nothing was rendered


def test_no_film(tmp_path: Path) -> None:
    (tmp_path / "metadata.yaml").write_text("nothing")
    said = CliRunner().invoke(app, ["tracking", "--film", str(tmp_path)])
    assert said.exit_code == 1
    assert isinstance(said.exception, SystemExit)
    assert "is no film" in said.output
    assert "give another --film" in " ".join(said.output.split())
