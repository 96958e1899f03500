"""What `sam3i bench model` measures, on a small model: stages, plain calls, answers compared."""

from __future__ import annotations

import time
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from sam3i_model import machine
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.engines.bench import (
    NEW,
    PLAIN,
    PLAIN_STAGES,
    STAGES,
    WHOLE,
    Agreement,
    sweep,
    timed,
)
from sam3i_model.engines.frames import DEFAULT_SENTENCES
from sam3i_model.engines.interface import EngineError
from sam3i_model.engines.stopwatch import PlainCalls, Stopwatch
from sam3i_model.features import GroundingOutput, ImageFeatures, TextFeatures
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.modeling import Sam3IModel
from sam3i_model.segmenter import Segmenter
from tests.model.test_official import SIZES
from training.instructions.vocabulary import build_tokenizer

TOKENIZER = build_tokenizer()
PICTURE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
ASKED = DEFAULT_SENTENCES[:2]


@pytest.fixture(scope="module")
def model() -> Sam3IModel:
    torch.manual_seed(0)
    text = {**SIZES["text_config"], "vocab_size": len(TOKENIZER)}
    config = Sam3IConfig(**{**SIZES, "text_config": text})
    config.image_size = 112
    return Sam3IModel(config).eval()


class Slow:
    """An engine that takes a given time for each call; its answers are another's."""

    def __init__(self, engine: Sam3IModel, image: float, text: float, ground: float) -> None:
        self.config, self.device = engine.config, engine.device
        self._engine, self._seconds = engine, (image, text, ground)
        self.texts = 0

    def encode_image(self, pixel_values: torch.Tensor) -> ImageFeatures:
        time.sleep(self._seconds[0])
        return self._engine.encode_image(pixel_values)

    def encode_text(self, input_ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures:
        time.sleep(self._seconds[1])
        self.texts += 1
        return self._engine.encode_text(input_ids, levels)

    def ground(self, image: ImageFeatures, text: TextFeatures) -> GroundingOutput:
        time.sleep(self._seconds[2])
        return self._engine.ground(image, text)


def test_every_millisecond_is_in_its_stage(model):
    slow = Slow(model, 0.2, 0.05, 0.1)
    segmenter = Segmenter(Stopwatch(slow), TOKENIZER)
    began = time.perf_counter()
    _, first = timed(segmenter, PICTURE, ASKED)
    took = 1000 * (time.perf_counter() - began)
    assert list(first) == [s for s in STAGES if s != NEW]
    assert first["image"] >= 200
    assert first["text"] >= 2 * 50  # each is encoded
    assert first["grounding"] >= 100
    assert sum(v for s, v in first.items() if s != WHOLE) == pytest.approx(first[WHOLE])
    assert first[WHOLE] <= took
    _, second = timed(segmenter, PICTURE, ASKED)
    assert second["image"] >= 200
    assert slow.texts == 2  # none again


def test_figures_of_a_sweep(model):
    engines = {"PyTorch": model, "slow": Slow(model, 0.05, 0.02, 0.05), PLAIN: PlainCalls(model)}
    figures = sweep(engines, TOKENIZER, [PICTURE, PICTURE[::-1]], ASKED, [1, 2], 1)
    assert list(figures["ms"]) == list(engines)
    for name, by_count in figures["ms"].items():
        assert list(by_count) == ["1", "2"]
        for stages in by_count.values():
            assert set(stages) == set(PLAIN_STAGES if name == PLAIN else STAGES)
            assert all(0 < s["median"] <= s["p95"] for s in stages.values())
    assert figures["ms"]["slow"]["2"][NEW]["median"] >= 40
    plain, slow = (figures["ms"][name]["2"][WHOLE]["median"] for name in (PLAIN, "slow"))
    ratios = figures["times_faster_than_plain_calls"]
    assert set(ratios) == {"PyTorch", "slow"}
    assert ratios["slow"]["2"] == pytest.approx(plain / slow, abs=0.006)
    assert figures["reference"] == "PyTorch"
    assert set(figures["answers"]) == {"slow", PLAIN}
    same = figures["answers"]["slow"]
    assert (same["asked"], same["same_outcome"]) == (4, 4)
    assert (same["least_mask_iou"], same["largest_score_difference"]) == (1.0, 0.0)
    assert {"processor", "processor_mhz", "gpu", "threads", "precision"} <= set(figures["machine"])
    assert figures["machine"]["versions"]["torch"] == torch.__version__


def test_an_instruction_that_can_not_be_asked_is_named(model):
    asked = [*ASKED, Instruction("something to drink from", level=Level.COMPLEX)]
    with pytest.raises(EngineError, match=r"'something to drink from' can't be asked: .* trained"):
        sweep({"PyTorch": model}, TOKENIZER, [PICTURE], asked, [3], 1)


@torch.inference_mode()
def test_plain_calls_are_the_same_model_but_for_the_geometry_token(model):
    plain = PlainCalls(model)
    pixels = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    ids = torch.randint(1, 300, (3, 32), generator=torch.Generator().manual_seed(2))
    levels = torch.ones(3, dtype=torch.int64)
    image, text = model.encode_image(pixels), model.encode_text(ids, levels)
    calls = plain.ground(plain.encode_image(pixels), plain.encode_text(ids, levels))
    # 32 tokens and the geometry token without the latter: the mask has a place too many
    bare = replace(image, geometry=image.geometry[:, :0])
    ours = model.ground(bare, replace(text, mask=text.mask[:, 1:]))
    for field in fields(GroundingOutput):
        torch.testing.assert_close(
            getattr(calls, field.name), getattr(ours, field.name), atol=1e-4, rtol=1e-4
        )
    with_token = model.ground(image, text)
    assert not torch.allclose(calls.pred_logits, with_token.pred_logits, atol=1e-4)


def test_plain_calls_take_the_bundled_image_encoder(random_model):
    segmenter = Segmenter(Stopwatch(PlainCalls(random_model)), TOKENIZER)
    found, _ = timed(segmenter, PICTURE, ASKED)
    assert [g.outcome is Outcome.REJECTED for g in found] == [False, False]


def answer(outcome: Outcome, columns: int, score: float) -> Grounding:
    mask = np.zeros((1, 4, 10), bool)
    mask[:, :, :columns] = True
    scores = np.array([score], np.float32)
    return Grounding(Instruction("mug"), outcome, Level.CONCEPT, masks=mask, scores=scores)


def test_answers_are_compared_where_the_outcome_is_the_same():
    agreement = Agreement()
    agreement.add(answer(Outcome.FOUND, 5, 0.75), answer(Outcome.FOUND, 4, 0.5))
    agreement.add(answer(Outcome.FOUND, 5, 0.75), answer(Outcome.AMBIGUOUS, 1, 0.1))
    assert agreement.figures() == {
        "asked": 2,
        "same_outcome": 1,
        "instances": 2,
        "least_mask_iou": 0.8,
        "largest_score_difference": 0.25,
    }


def test_clocks_are_read_where_linux_has_them(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CPUS", tmp_path)
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    assert machine.processor_clocks() == ""
    (tmp_path / "cpuinfo").write_text(
        "model name\t: Some CPU\ncpu MHz\t\t: 1200.4\nmodel name\t: Some CPU\ncpu MHz\t\t: 2596.9\n"
    )
    assert machine.processor_clocks() == "1200 to 2597"
    assert machine.processor() == "Some CPU"
    for core in ("cpu0", "cpu1"):
        (tmp_path / core / "cpufreq").mkdir(parents=True)
        (tmp_path / core / "cpufreq" / "scaling_cur_freq").write_text("729600\n")
    assert machine.processor_clocks() == "730"
    (tmp_path / "cpu1/cpufreq/scaling_cur_freq").write_text("<unknown>\n")
    (tmp_path / "cpu2/cpufreq/scaling_cur_freq").mkdir(parents=True)  # can't be read
    assert machine.processor_clocks() == "730"
