"""Other adapters while frames stream: over DDS, with the colour segmenter and the real model."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lifecycle_msgs.msg import Transition
from safetensors.torch import load_file, save_file
from sam3i_ros.msg import Instruction, SegmentArray

from sam3i_model.checkpoints.anatomy import is_adapter
from sam3i_model.checkpoints.loading import BUNDLED, load, save
from sam3i_model.segmenter import Segmenter
from tests.ros.rig import FOUND, NOT_FOUND, Process, Rig, outcomes, scene

QUIET = 3.0  # s
CONCEPT, SIMPLE = "red box", "the red box left of the blue box"


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """The node until the end of the block, where it must have lived and said no more than due."""
    try:
        yield process
        assert process.process.poll() is None, process.log.read_text()
    finally:
        status = process.end(signal.SIGTERM)
    assert status == 0, process.log.read_text()
    assert process.said("Traceback") == 0, process.log.read_text()


def stream(rig: Rig, work: Callable[[], Any]) -> tuple[Any, list[SegmentArray], list[float]]:
    """Shows one frame after the other while `work` runs in another thread, and two after it.

    What it returned, the answer to every frame, and when each came, s from the beginning.
    """
    answers, times = [rig.answer(rig.show_colour())], [0.0]
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        after = 0
        while after < 2:
            after += future.done()
            answers.append(rig.answer(rig.show_colour()))
            times.append(time.monotonic() - began)
    return future.result(), answers, times


def test_frames_instructions_and_diagnostics_go_on_during_the_check(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = make_rig("/swap", {"segments": SegmentArray})
    process = Process(
        tmp_path / "log", "autostart:=true", "depth_transport:=none", namespace="/swap"
    )
    with running(process):
        crimson = tmp_path / "crimson"
        hold = tmp_path / "crimson.hold"
        hold.touch()
        rig.ask(red="crimson", blue="blue")
        assert outcomes(rig.answer(rig.show_colour())) == {"red": NOT_FOUND, "blue": FOUND}

        def work() -> list[str]:
            with ThreadPoolExecutor(1) as pool:
                refused = pool.submit(rig.set, adapters=str(crimson))
                rig.instruction.publish(Instruction(id="third", text="green"))
                rig.wait(lambda: len(rig.heard["segments"][-1].results) == 3)
                rig.row("model")
                images = len(rig.heard["segments"])
                rig.wait(lambda: len(rig.heard["segments"]) > images + 10)
                assert not refused.done()
                hold.unlink()
                return refused.result()

        refused, answers, _ = stream(rig, work)
        assert refused == []
        assert outcomes(answers[0]) == {"red": NOT_FOUND, "blue": FOUND}
        assert outcomes(answers[-1]) == {"red": FOUND, "blue": FOUND, "third": NOT_FOUND}
        seen = [outcomes(answer)["red"] for answer in answers]
        assert seen == sorted(seen, reverse=True)  # NOT_FOUND is the greater number
        assert rig.row("model")["adapters"] == "crimson"
        assert rig.set(adapters="bad") == [
            "adapters refused, in service stay crimson: 'bad' is damaged: take others"
        ]
        row = rig.complaint("adapters refused, in service stay crimson")
        assert row.name == "/swap/sam3i: model"
        assert outcomes(rig.answer(rig.show_colour()))["red"] == FOUND
        assert rig.row("model")["adapters"] == "crimson"


def test_adapters_of_the_launch(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = make_rig("/start", {"segments": SegmentArray})
    parameters = tmp_path / "params.yaml"
    values = {"adapters": "crimson", "depth_transport": "none", "instructions": ["crimson"]}
    parameters.write_text(json.dumps({"/**": {"ros__parameters": values}}))
    process = Process(
        tmp_path / "log", namespace="/start", arguments=["--params-file", str(parameters)]
    )
    with running(process):
        assert not rig.change(Transition.TRANSITION_ACTIVATE)
        assert rig.change(Transition.TRANSITION_CONFIGURE)
        assert rig.change(Transition.TRANSITION_ACTIVATE)
        assert outcomes(rig.answer(rig.show_colour())) == {"instructions[0]": FOUND}
        assert rig.row("model")["adapters"] == "crimson"
        assert rig.change(Transition.TRANSITION_DEACTIVATE)
        assert rig.change(Transition.TRANSITION_CLEANUP)
        assert rig.set(adapters="bad") == []  # there is no model yet to check it with
        assert not rig.change(Transition.TRANSITION_CONFIGURE)
        assert "with adapters 'bad' on 'auto' cannot be loaded: 'bad' is damaged" in (
            rig.complaint("cannot be loaded").message
        )
        assert rig.set(adapters="") == []
        assert rig.change(Transition.TRANSITION_CONFIGURE)
        assert rig.row("model")["adapters"] == "the model's own"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model, its adapters moved a little."""
    folder = tmp_path_factory.mktemp("tuned")
    model, tokenizer = load("bundled", "cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if is_adapter(name):
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    save(model, tokenizer, folder)
    return folder


def presences(answer: SegmentArray) -> dict[str, float]:
    return {result.id: result.presence for result in answer.results}


def expected(model: str) -> dict[str, float]:
    """What the model says without ROS."""
    segmenter = Segmenter.from_pretrained(model, "cpu")
    segmenter.set_image(scene())
    concept, simple = segmenter.ground([CONCEPT, SIMPLE])
    return {"concept": concept.presence, "simple": simple.presence}


def spoiled(tuned: Path, folder: Path, name: str, change: Callable[[torch.Tensor], Any]) -> str:
    """A copy of the checkpoint with one tensor changed, or left out if `change` gives None."""
    tensors = load_file(tuned / "model.safetensors")
    if change(tensors[name]) is None:
        del tensors[name]
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_bytes((tuned / "config.json").read_bytes())
    return str(folder)


@pytest.mark.slow
def test_the_real_model_takes_other_adapters_between_two_frames(
    make_rig: Callable[..., Rig], tmp_path: Path, tuned: Path
) -> None:
    old, new = expected("bundled"), expected(str(tuned))
    assert old["concept"] == new["concept"]
    assert abs(old["simple"] - new["simple"]) > 0.01
    rig = make_rig("/real", {"segments": SegmentArray})
    process = Process(
        tmp_path / "log",
        "autostart:=true",
        "depth_transport:=none",
        "device:=cpu",
        namespace="/real",
        real=True,
    )
    with running(process):
        rig.ask(concept=CONCEPT, simple=SIMPLE)
        assert presences(rig.answer(rig.show_colour())) == pytest.approx(old, abs=1e-4)
        _, _, quiet = stream(rig, lambda: time.sleep(QUIET))
        refused, answers, times = stream(rig, lambda: rig.set(adapters=str(tuned)))
        assert refused == []
        said = [presences(answer) for answer in answers]
        fresh = [one == pytest.approx(new, abs=1e-4) for one in said]
        stale = [one == pytest.approx(old, abs=1e-4) for one in said]
        assert fresh == sorted(fresh)  # never back
        assert fresh[-1]
        assert not fresh[0]
        assert all(a != b for a, b in zip(fresh, stale, strict=True))
        print(
            f"\nfirst answer with the new adapters {times[fresh.index(True)]:.2f} s after the set; "
            f"between two answers at most {max(np.diff(times)):.2f} s meanwhile, "
            f"{max(np.diff(quiet)):.2f} s (median {np.median(np.diff(quiet)):.2f} s) before"
        )
        assert rig.row("model")["adapters"] == str(tuned)

        name = "detr_decoder.layers.0.adapters.simple.up_proj.weight"
        base = "text_projection.weight"
        cut = Path(spoiled(tuned, tmp_path / "cut", name, lambda t: t)) / "model.safetensors"
        cut.write_bytes(cut.read_bytes()[:-4096])
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "config.json").write_bytes((BUNDLED / "config.json").read_bytes())
        for folder, reason in (
            (spoiled(tuned, tmp_path / "base", base, lambda t: t.add_(1e-6)), f"{base} differs"),
            (spoiled(tuned, tmp_path / "nan", name, lambda t: t.fill_(torch.nan)), "not finite"),
            (spoiled(tuned, tmp_path / "less", name, lambda t: None), "1 missing"),
            (str(cut.parent), "is damaged"),
            (str(tmp_path / "config"), "no model.safetensors"),
            (str(tmp_path / "log"), "there is no folder"),
            ("../elsewhere", "there is no folder '../elsewhere'"),
        ):
            reasons = rig.set(adapters=folder)
            assert len(reasons) == 1, folder
            assert reason in reasons[0]
            assert f"in service stay {tuned}" in reasons[0]
            assert "\n" not in reasons[0]
        assert presences(rig.answer(rig.show_colour())) == pytest.approx(new, abs=1e-4)
        assert rig.row("model")["adapters"] == str(tuned)
        assert rig.set(adapters="") == []
        assert presences(rig.answer(rig.show_colour())) == pytest.approx(old, abs=1e-4)
        assert rig.row("model")["adapters"] == "the model's own"
