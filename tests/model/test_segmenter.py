"""Outcomes, caches and what a planner is told; the model's answers are given by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam3i_model.features import GroundingOutput
from sam3i_model.instruction import Instruction, Level, Outcome
from sam3i_model.processing import distinct, enlarged, pixels
from sam3i_model.segmenter import Segmenter

RGB = np.full((96, 128, 3), 90, np.uint8)


def answer(scores: list[list[float]], presence: list[float]) -> GroundingOutput:
    """Queries whose score without presence is given; query q covers column block q."""
    rows, queries = len(scores), len(scores[0])
    masks = torch.full((rows, queries, 24, 32), -5.0)
    for query in range(queries):
        masks[:, query, :, 8 * query : 8 * query + 4] = 5.0
    return GroundingOutput(
        pred_logits=torch.logit(torch.tensor(scores)),
        pred_boxes=torch.tensor([[0.25, 0.0, 0.5, 1.0]]).expand(rows, queries, 4),
        presence_logits=torch.logit(torch.tensor(presence))[:, None],
        pred_masks=masks,
        semantic_seg=torch.zeros(rows, 1, 24, 32),
    )


@pytest.fixture
def scripted(segmenter: Segmenter, monkeypatch):
    """Make the model say what the test wants."""

    def script(scores: list[list[float]], presence: list[float]) -> Segmenter:
        said = answer(scores, presence)
        monkeypatch.setattr(segmenter.model, "ground", lambda image, text: said)
        segmenter.set_image(RGB)
        return segmenter

    return script


def test_found_masks_scores_and_boxes_are_in_image_pixels(scripted):
    found = scripted([[0.9, 0.8, 0.1]], [1.0 - 1e-6]).ground(["mugs"])[0]
    assert found.outcome == Outcome.FOUND
    assert found.level == Level.CONCEPT
    np.testing.assert_allclose(found.scores, [0.9, 0.8], atol=1e-4)
    assert found.masks.shape == (2, 96, 128)
    assert found.masks.dtype == bool
    assert found.masks[0, :, :16].all()
    assert not found.masks[0, :, 17:].any()
    np.testing.assert_allclose(found.boxes[0], [32, 0, 64, 96], atol=1e-3)


def test_score_is_logit_times_presence_and_nothing_above_threshold_is_not_found(scripted):
    missing = scripted([[0.9, 0.1, 0.1]], [0.5]).ground(["mug"])[0]
    assert missing.outcome == Outcome.NOT_FOUND
    assert missing.masks.shape == (0, 96, 128)
    assert missing.presence == pytest.approx(0.5)
    eager = Instruction("mug", threshold=0.4)
    found = scripted([[0.9, 0.1, 0.1]], [0.5]).ground([eager])[0]
    assert found.outcome == Outcome.FOUND
    np.testing.assert_allclose(found.scores, [0.45], atol=1e-5)


def test_both_limits_of_a_level_are_those_of_the_checkpoint(scripted, monkeypatch):
    segmenter = scripted([[0.9, 0.1, 0.1]], [0.5])
    config = segmenter.model.config
    for score, presence, outcome in (
        (0.4, 0.5, Outcome.FOUND),
        (0.46, 0.0, Outcome.NOT_FOUND),
        (0.0, 0.51, Outcome.NOT_FOUND),
    ):
        monkeypatch.setattr(config, "score_thresholds", {"concept": score})
        monkeypatch.setattr(config, "presence_thresholds", {"concept": presence})
        assert segmenter.ground(["mug"])[0].outcome == outcome
    assert segmenter.ground([Instruction("mug", threshold=0.4)])[0].outcome == Outcome.FOUND


def test_near_equal_answers_to_a_request_for_one_are_ambiguous(scripted):
    text = "the red mug on the left"
    close = scripted([[0.9, 0.85, 0.6]], [0.999]).ground([text])[0]
    assert close.outcome == Outcome.AMBIGUOUS
    assert len(close.masks) == 2
    assert "2 things" in close.detail
    clear = scripted([[0.9, 0.75, 0.1]], [0.999]).ground([text])[0]
    assert clear.outcome == Outcome.FOUND
    assert len(clear.masks) == 1
    several = scripted([[0.9, 0.85, 0.6]], [0.999]).ground(["mugs"])[0]
    assert several.outcome == Outcome.FOUND
    assert len(several.masks) == 3
    anyone = scripted([[0.9, 0.85, 0.1]], [0.999]).ground(["a mug"])[0]
    assert anyone.outcome == Outcome.FOUND
    assert len(anyone.masks) == 2
    few = Instruction(text, max_instances=2)
    crowd = scripted([[0.9, 0.89, 0.88]], [0.999]).ground([few])[0]
    assert (crowd.outcome, len(crowd.masks)) == (Outcome.AMBIGUOUS, 2)
    assert "3 things" in crowd.detail
    one = scripted([[0.9, 0.85, 0.6]], [0.999]).ground([Instruction("mugs", max_instances=1)])[0]
    assert (one.outcome, len(one.masks)) == (Outcome.AMBIGUOUS, 2)
    two = scripted([[0.9, 0.85, 0.6]], [0.999]).ground([Instruction("mugs", max_instances=2)])[0]
    assert two.outcome == Outcome.FOUND
    assert len(two.masks) == 2


def test_a_thing_found_twice_counts_once():
    masks = torch.zeros(4, 10, 10, dtype=torch.bool)
    masks[0, :, :5] = True
    masks[1, :, :4] = True  # IoU 0.8 with the first
    masks[2, :, 3:8] = True  # IoU 0.25
    masks[3, :, 3:8] = True
    assert distinct(masks).tolist() == [0, 2]
    assert distinct(torch.zeros(0, 10, 10, dtype=torch.bool)).tolist() == []


def test_pictures_are_resized_before_they_go_to_a_device(random_model, monkeypatch):
    resize, resized = torch.nn.functional.interpolate, []

    def watched(raw: torch.Tensor, **options: object) -> torch.Tensor:
        resized.append((raw.device.type, raw.dtype))
        return resize(raw, **options)

    monkeypatch.setattr(torch.nn.functional, "interpolate", watched)
    values = pixels(RGB, random_model.config, torch.device("meta"))
    assert resized == [("cpu", torch.uint8)]  # CUDA has no antialiased resize of uint8
    side = random_model.config.image_size
    assert (values.device.type, values.shape) == ("meta", (1, 3, side, side))


@pytest.mark.parametrize("count", [1, 4, 11])
def test_masks_are_enlarged_alike_however_many_there_are(count):
    logits = torch.randn(count, 9, 12, generator=torch.Generator().manual_seed(0))
    masks = enlarged(logits, (40, 50))
    assert (masks.shape, masks.dtype) == ((count, 40, 50), torch.bool)
    for mask, logit in zip(masks, logits, strict=True):
        resize = torch.nn.functional.interpolate
        alone = resize(logit[None, None], size=(40, 50), mode="bilinear", align_corners=False)
        assert torch.equal(mask, alone[0, 0] > 0)


def test_bad_text_is_rejected_and_the_others_are_answered(scripted):
    segmenter = scripted([[0.9, 0.1, 0.1]], [0.999])
    asked = ["", "mug", "x" * 2000, "   ", "???", "&nbsp;", "&amp;quot;"]
    answers = segmenter.ground(asked)
    refused = {a.instruction.text: a.detail for a in answers if a.outcome is Outcome.REJECTED}
    assert list(refused) == [text for text in asked if text != "mug"]
    assert "2000 characters" in refused["x" * 2000]
    assert refused["&nbsp;"] == "the text is empty; say what to look for"
    assert refused["???"] == refused["&amp;quot;"] == "the text has no words; say what to look for"
    assert [a.instruction.text for a in answers] == asked
    assert answers[1].outcome is Outcome.FOUND


def test_a_level_that_was_not_trained_is_rejected(scripted):
    segmenter = scripted([[0.9, 0.1, 0.1]], [0.999])
    segmenter.model.config.trained_levels = ["concept", "simple"]
    refused = segmenter.ground(["something to drink from"])[0]
    assert refused.outcome == Outcome.REJECTED
    assert refused.level == Level.COMPLEX
    levels = "was not trained for complex instructions, only for concept and simple: "
    assert refused.detail.startswith(f"model {levels}")
    segmenter.adapters = "/runs/tuned"  # whose levels they are then
    assert segmenter.ground(["something to drink from"])[0].detail.startswith(
        f"/runs/tuned {levels}"
    )


def test_long_sentences_are_cut_and_say_so(scripted):
    text = "the red mug " + "and the blue box " * 12
    found = scripted([[0.9, 0.1, 0.1]], [0.999]).ground([text])[0]
    assert found.truncated
    assert found.token_count == len(text.split()) + 2
    assert "cut at 32" in found.detail


def test_the_model_reads_the_targets_words_alone(scripted):
    segmenter = scripted([[0.9, 0.1, 0.1]] * 3, [0.999] * 3)
    text = "Could you find the red mug on the left, please?"
    said, plain, whole = segmenter.ground(
        [text, "the red mug on the left", Instruction(text, level=Level.SIMPLE)]
    )
    assert said.prompt == plain.prompt == "the red mug on the left"
    assert said.instruction.text == whole.prompt == text
    assert said.token_count == plain.token_count < whole.token_count
    rows = [segmenter._prepare(Instruction(t)).text.features for t in (text, plain.prompt)]
    assert torch.equal(*rows)


def test_a_model_without_adapters_is_asked_for_the_kind(scripted, monkeypatch):
    segmenter = scripted([[0.9, 0.85, 0.1]], [0.999])
    monkeypatch.setattr(segmenter.model.config, "trained_levels", ("concept",))
    found = segmenter.ground(["please pass me the red mug"])[0]
    assert (found.level, found.prompt) == (Level.CONCEPT, "red mug")
    assert found.outcome == Outcome.AMBIGUOUS  # it is still one certain thing
    for more in ("the red mug on the left", Instruction("the red mug", level=Level.SIMPLE)):
        refused = segmenter.ground([more])[0]
        assert refused.outcome == Outcome.REJECTED
        assert "not trained for simple" in refused.detail


def test_unknown_words_are_named(scripted):
    found = scripted([[0.9, 0.1, 0.1]], [0.999]).ground(["the zorblax"])[0]
    assert found.detail == "unknown words: zorblax"


def test_text_is_encoded_once_and_the_cache_is_bounded(segmenter, monkeypatch):
    calls = []
    encode = segmenter.model.encode_text
    monkeypatch.setattr(segmenter.model, "encode_text", lambda *a: calls.append(1) or encode(*a))
    segmenter.set_image(RGB)
    for _ in range(3):
        segmenter.ground(["red mug", "blue box"])
    assert len(calls) == 2
    monkeypatch.setattr("sam3i_model.segmenter.TEXT_CACHE_SIZE", 4)
    for number in range(7):
        segmenter.ground([f"mug {number}", "red mug"])
    assert len(calls) == 2 + 7  # what is asked in every frame stays
    assert len(segmenter._prepared) == 4


def test_batch_of_levels_equals_one_by_one(segmenter):
    rng = np.random.default_rng(0)
    segmenter.set_image(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8))
    asked = [
        Instruction("mug", threshold=1e-6),
        Instruction("the red mug left of the box", threshold=1e-6),
        Instruction("something to drink from", threshold=1e-6),
    ]
    together = segmenter.ground(asked)
    for instruction, grounding in zip(asked, together, strict=True):
        alone = segmenter.ground([instruction])[0]
        assert alone.level == grounding.level
        assert alone.outcome == grounding.outcome
        np.testing.assert_allclose(alone.scores, grounding.scores, atol=1e-5)


def test_wrong_use_is_one_clear_error(segmenter):
    with pytest.raises(RuntimeError, match="set_image"):
        segmenter.ground(["mug"])
    for wrong in (RGB.astype(np.float32), RGB[..., 0], RGB[..., :2], RGB[:0]):
        with pytest.raises(ValueError, match="uint8 RGB"):
            segmenter.set_image(wrong)
