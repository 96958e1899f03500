"""What `sam3i bench node` compares: the same masks and points of both nodes, sane options."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sam3i_ros.msg import InstructionResult
from std_msgs.msg import Header
from typer.testing import CliRunner

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.intrinsics import Intrinsics
from sam3i_ros import messages
from sam3i_ros.bench import app, comparison, fixed, rig, usual
from sam3i_ros.bench.camera import Load
from sam3i_ros.geometry import LiftOptions, lift, ray_grid
from tests.ros.rig import HEIGHT, OUTPUTS, WIDTH, Rig, flat_depth, info

LOAD = Load(10.0, 5.0, WIDTH, HEIGHT, instructions=2, segments=3)
EVERY_PIXEL = LiftOptions(mask_erosion=0)  # as the usual node takes them


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 480), (320, 240), (1920, 1080)])
@pytest.mark.parametrize("count", [1, 5, 8, 16, 100])
def test_discs_are_whole_and_apart(width: int, height: int, count: int) -> None:
    masks = fixed.discs(height, width, count)
    assert masks.shape == (count, height, width)
    assert masks.sum(axis=0, dtype=int).max() == 1
    assert masks.sum() == pytest.approx(fixed.SHARE * width * height, rel=0.05)
    assert not masks[:, [0, -1]].any()
    assert not masks[:, :, [0, -1]].any()


def test_instructions_share_the_segments() -> None:
    segmenter = fixed.load(fixed.model_name(0.0, 100))
    segmenter.set_image(np.zeros((240, 320, 3), np.uint8))
    answers = segmenter.ground([f"thing {i}" for i in range(16)])
    assert [len(g.masks) for g in answers] == [7] * 4 + [6] * 12
    assert {g.outcome for g in answers} == {Outcome.FOUND}
    together = np.concatenate([g.masks for g in answers])
    assert (together.sum(axis=0) == fixed.discs(240, 320, 100).sum(axis=0)).all()


def test_more_instructions_than_segments() -> None:
    segmenter = fixed.load(fixed.model_name(0.0, 1))
    segmenter.set_image(np.zeros((240, 320, 3), np.uint8))
    outcomes = [g.outcome for g in segmenter.ground(["a", "b"])]
    assert outcomes == [Outcome.FOUND, Outcome.NOT_FOUND]


@pytest.mark.parametrize("once", [False, True])
def test_the_usual_points_are_ours(once: bool) -> None:
    camera = info()
    depth = np.full((HEIGHT, WIDTH), 2.0, np.float32)
    masks = list(fixed.discs(HEIGHT, WIDTH, 3))
    hole = np.argwhere(masks[1]).mean(axis=0).astype(int)
    depth[tuple(hole)] = 0
    k = Intrinsics(WIDTH, HEIGHT, camera.k[0], camera.k[4], camera.k[2], camera.k[5])
    metres = np.where(depth > 0, depth, np.float32(np.nan))
    theirs = usual.clouds(masks, depth, camera.k, once)
    for mask, cloud in zip(masks, theirs, strict=True):
        ours = lift(mask, metres, ray_grid(k), EVERY_PIXEL)
        np.testing.assert_array_equal(cloud.pixels, ours.pixels)
        np.testing.assert_allclose(cloud.points, ours.points, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(cloud.centroid, ours.centroid, atol=1e-5)
    assert len(theirs[1].points) == masks[1].sum() - 1


def test_the_usual_node_without_depth() -> None:
    masks = list(fixed.discs(HEIGHT, WIDTH, 2))
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    assert usual.clouds(masks, nothing, info().k, False) == [None, None]


def test_the_usual_masks_are_ours() -> None:
    masks = list(np.random.default_rng(0).random((4, HEIGHT, WIDTH)) < 0.3)
    scores = [0.5, 0.9, 0.5, 0.7]
    ours = messages.label_image(masks, scores, (HEIGHT, WIDTH))
    np.testing.assert_array_equal(usual.label_image(masks, scores), ours)


def test_the_usual_picture() -> None:
    rgb = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    mask = np.zeros((1, HEIGHT, WIDTH), bool)
    mask[0, 30:40, 10:20] = True
    found = Grounding(Instruction(""), Outcome.FOUND, Level.SIMPLE, masks=mask)
    picture = usual.overlay(rgb, [found])
    assert ((picture != rgb).any(axis=2) == mask[0]).all()
    assert (rgb == 100).all()


def test_the_usual_conversions() -> None:
    random = np.random.default_rng(0)
    rgb = random.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    depth = random.integers(0, 9000, (HEIGHT, WIDTH)).astype(np.uint16)
    seen = usual.rgb_image(messages.image_msg(rgb, "rgb8", Header()))
    np.testing.assert_array_equal(seen, rgb)
    metres = usual.depth_image(messages.image_msg(depth, "16UC1", Header()))
    np.testing.assert_allclose(metres, depth * 0.001, rtol=1e-6)


def test_the_usual_node_answers(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    listener = make_rig("/usual", OUTPUTS)
    command = [*rig.node_command(rig.USUAL, LOAD, ()), "-r", "__ns:=/usual"]
    with rig.running(command, tmp_path / "log"):
        header = listener.show()
        answer = listener.answer(header)
        labels = listener.of("masks", header)
        points = listener.of("points", header)
        assert listener.of("overlay", header).width == WIDTH
        listener.wait(lambda: any(len(m.markers) == 7 for m in listener.heard["markers"]))
    assert 0 < answer.latency < 10
    assert [r.outcome for r in answer.results] == [InstructionResult.FOUND] * 2
    assert [s.instruction_id for s in answer.segments] == ["0", "0", "1"]
    discs = fixed.discs(HEIGHT, WIDTH, 3)[[0, 2, 1]]
    for label, (segment, disc) in enumerate(zip(answer.segments, discs, strict=True), start=1):
        found = messages.mask_from_segment(segment, (HEIGHT, WIDTH))
        np.testing.assert_array_equal(found, disc)
        pixels = np.frombuffer(labels.data, np.uint16).reshape(HEIGHT, WIDTH)
        np.testing.assert_array_equal(pixels == label, disc)
        assert segment.point_count == disc.sum()
    assert points.width == discs.sum()
    z = np.frombuffer(points.data, np.float32).reshape(-1, 5)[:, 2]
    assert (z == flat_depth().flat[0] / 1000).all()


def test_ctrl_c_leaves_no_trace() -> None:
    code = (
        "import os, signal, time, rclpy\n"
        "from sam3i_ros.bench.camera import Camera, Load\n"
        "camera = Camera(Load(10.0, 5.0, 320, 240, instructions=1, segments=1), True)\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(1)\n"
        "except KeyboardInterrupt:\n"
        "    time.sleep(1)\n"
        "    print(rclpy.ok())\n"
        "camera.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_a_process_on_one_core(tmp_path: Path) -> None:
    before, log = os.sched_getaffinity(0), tmp_path / "log"
    core = max(before)
    code = "import os; print(os.sched_getaffinity(0))"
    with rig.running([sys.executable, "-c", code], log, core) as process:
        assert os.sched_getaffinity(0) == before
        process.wait(20)
    assert log.read_text().strip() == str({core})


def test_a_node_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    # measure sets this for the node that it starts
    monkeypatch.setenv("ROS_DOMAIN_ID", os.environ["ROS_DOMAIN_ID"])
    with pytest.raises(RuntimeError, match=r"ended before it listened; .*sam3i_ros.bench.none"):
        rig.measure(LOAD, module="sam3i_ros.bench.none")


def run(answered: float, p50: float, p95: float, cpu: float) -> dict[str, Any]:
    """What is looked at of a node's figures."""
    return {
        "answered_hz": answered,
        "latency_ms": {"p50": p50 / 2, "p95": p95 / 3},
        "stamp_to_answer_ms": {"p50": p50, "p95": p95},
        "cpu_ms_per_answer": cpu,
        "stages_ms": {"lift": {"p50": 7.0, "p95": 9.0}},
    }


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Figures instead of measurements; how each was asked for."""
    runs = iter([run(10, 20, 30, 8), run(4, 100, 120, 64), run(9.8, 50, 60, 20)])
    asked: list[dict[str, Any]] = []

    def measure(load: Load, *parameters: Any, **how: Any) -> dict[str, Any]:
        asked.append({"load": load, "parameters": parameters, **how})
        return next(runs)

    monkeypatch.setattr(comparison, "measure", measure)
    return asked


def test_comparison(measured: list[dict[str, Any]]) -> None:
    figures = comparison.compare(LOAD)
    assert len({how["core"] for how in measured}) == 1
    assert {how["load"] for how in measured} == {LOAD}
    assert [how.get("module") for how in measured] == [None, rig.USUAL, rig.USUAL]
    factors = figures["times_less"]
    assert list(factors["usual node"].values()) == [5.0, 4.0, 5.0, 4.0, 8.0]
    assert list(factors["usual, deprojecting once"].values()) == [2.5, 2.0, 2.5, 2.0, 2.5]
    assert comparison.left_behind(figures) == ["usual node"]


def test_what_is_printed_and_written(measured: list[dict[str, Any]], tmp_path: Path) -> None:
    out = tmp_path / "new" / "node.json"
    said = CliRunner().invoke(app, ["node", "--rate", "10", "--out", str(out)])
    assert said.exit_code == 0
    assert "usual node: 10 Hz is too fast for it" in said.output
    assert "64.0 (8.0x)" in said.output
    assert f"\nversions: python {platform.python_version()}, " in said.output
    assert measured[0]["load"] == Load(10.0, 20.0, 1280, 720, instructions=8, segments=8)
    figures = json.loads(out.read_text())
    assert figures["nodes"]["this node"]["stages_ms"]["lift"]["p50"] == 7.0
    assert {"processor", "load_average", "versions", "core"} <= figures.keys()


def test_a_failure_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*load: Any, **how: Any) -> dict[str, Any]:
        raise RuntimeError("no complete answer came")

    monkeypatch.setattr(comparison, "measure", measure)
    monkeypatch.setattr(rig, "measure", measure)
    for verb in ("node", "soak"):
        said = CliRunner().invoke(app, [verb])
        assert said.exit_code == 1
        assert isinstance(said.exception, SystemExit)
        assert said.output.strip() == "no complete answer came"


@pytest.mark.parametrize(
    ("out", "why"), [("FILE/new", "Not a directory"), ("made.json", "Is a directory")]
)
@pytest.mark.parametrize("verb", ["node", "soak", "tracking"])
def test_a_place_that_cannot_be_written_is_told_before_measuring(
    verb: str,
    out: str,
    why: str,
    measured: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    (tmp_path / "made.json").mkdir()
    said = CliRunner().invoke(app, [verb, "--out", out])
    assert said.exit_code == 1
    assert said.output.strip() == f"--out {out}: {why}; name another place"
    assert not measured


def test_a_folder_takes_the_figures(measured: list[dict[str, Any]], tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["node", "--out", str(tmp_path)]).exit_code == 0
    assert json.loads((tmp_path / "node.json").read_text())["mode"] == "node"


@pytest.mark.parametrize(
    "option",
    [
        ("--width", "319"),
        ("--width", "1921"),
        ("--height", "239"),
        ("--height", "1081"),
        ("--segments", "0"),
        ("--segments", "101"),
        ("--instructions", "0"),
        ("--instructions", "17"),
        ("--rate", "0"),
        ("--seconds", "0"),
    ],
)
@pytest.mark.parametrize("verb", ["node", "soak"])
def test_bounds(verb: str, option: tuple[str, str], measured: list[dict[str, Any]]) -> None:
    said = CliRunner().invoke(app, [verb, *option])
    assert said.exit_code == 2
    assert option[0] in said.output
    assert not measured
