"""Lean attention computes what the library's does, and a run trains with it."""

from __future__ import annotations

import pytest
import torch
import typer
from torch import nn
from transformers.models.sam3.modeling_sam3 import eager_attention_forward

from tests.training.small_training import TwoBoxes, small_settings
from training import step_bench
from training.loop import attention
from training.loop.run import Run
from training.samples.from_world import WorldSamples


@pytest.mark.parametrize("masked", [False, True])
def test_values_and_gradients_are_the_library_s(masked):
    torch.manual_seed(0)
    shapes = ((3, 4, 7, 8), (3, 4, 9, 8), (3, 4, 9, 8))
    mask = torch.randn(3, 1, 7, 9, dtype=torch.float64) if masked else None
    found = []
    for function in (eager_attention_forward, attention.lean_attention):
        torch.manual_seed(1)
        inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
        out, _ = function(nn.Identity(), *inputs, mask, scaling=8**-0.5)
        found.append([out, *torch.autograd.grad((out * out).sum(), inputs)])
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_scores_stay_in_bfloat16():
    inputs = [torch.randn(1, 2, 5, 4, dtype=torch.bfloat16) for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16):
        out, _ = attention.lean_attention(nn.Identity(), *inputs, None, scaling=0.5)
    assert out.dtype == torch.bfloat16
    assert out.shape == (1, 5, 2, 4)


def test_a_run_uses_it_and_a_step_can_be_compared(no_package, monkeypatch):
    settings = small_settings("base", 4)
    samples = WorldSamples(TwoBoxes(), settings.mixture)
    assert Run(settings, "").model.config.detr_encoder_config._attn_implementation == attention.NAME
    kept = []
    monkeypatch.setattr(step_bench, "keep_freed_memory", lambda large: kept.append(large))
    figures = step_bench.compare(samples, "", settings, steps=2)
    assert kept == [True]
    assert figures["kept_ratio"] == pytest.approx(figures["library"] / figures["kept"])
    assert (figures["steps"], figures["image_size"]) == (2, 64)


def test_the_comparison_names_what_it_cannot_read(tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    for name, told in (("none", "none"), ("other.json", "other.json is no SAM3-I JSON")):
        with pytest.raises(typer.Exit):
            step_bench.main(tmp_path / name, "base-full-size", "bundled", 1)
        assert told in " ".join(capsys.readouterr().err.split())
