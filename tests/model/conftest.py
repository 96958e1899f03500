"""A random model of the bundled dimensions: enough to check what doesn't depend on training."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sam3i_model.modeling import Sam3IModel
from sam3i_model.segmenter import Segmenter
from training.instructions.vocabulary import build_tokenizer
from training.loop.initialise import prepare, small_config


def wake(model: Sam3IModel) -> None:
    """Give every adapter tensor a value, as after training."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if (
                ".adapters." in name
                or ".mask_embedder.simple" in name
                or ".mask_embedder.complex" in name
            ):
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)


@pytest.fixture
def wake_adapters() -> Callable[[Sam3IModel], None]:
    return wake


@pytest.fixture
def random_model() -> Sam3IModel:
    torch.manual_seed(0)
    model = Sam3IModel(small_config(len(build_tokenizer())))
    prepare(model)
    model.add_adapters("full")
    model.config.trained_levels = ["concept", "simple", "complex"]
    return model.eval()


@pytest.fixture
def segmenter(random_model: Sam3IModel) -> Segmenter:
    wake(random_model)
    return Segmenter(random_model, build_tokenizer())
