"""What adapters must leave alone, that they can learn, and how many parameters they take."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sam3i_model.adapters.adapter import (
    BottleneckAdapter,
    FusionAdapters,
    LevelAdapters,
    Route,
    TextAdapter,
)
from sam3i_model.checkpoints.anatomy import parameters
from sam3i_model.checkpoints.loading import load, save
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel
from training.instructions.vocabulary import build_tokenizer
from training.loop.initialise import prepare, small_config

CONCEPT, SIMPLE, COMPLEX = 1, 2, 3
KINDS = ("full", "lite")


def new(kind: str | None = None) -> Sam3IModel:
    torch.manual_seed(0)
    model = Sam3IModel(small_config(len(build_tokenizer())))
    prepare(model)
    model.requires_grad_(False)  # the base is frozen in all stages
    if kind:
        model.add_adapters(kind)
    return model.eval()


def answers(model: Sam3IModel, levels: list[int]) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randn(1, 3, 128, 128, generator=generator)
    ids = torch.randint(4, 300, (len(levels), 32), generator=generator)
    ids[:, 9:] = 0
    text = model.encode_text(ids, torch.tensor(levels))
    return vars(model.ground(model.encode_image(pixels), text))


def adapter_parameters(model: Sam3IModel) -> dict[str, torch.nn.Parameter]:
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if ".adapters." in name or ".mask_embedder.simple." in name or ".complex." in name
    }


@pytest.fixture(scope="module")
def base_answers() -> dict[str, torch.Tensor]:
    with torch.inference_mode():
        return answers(new(), [CONCEPT] * 3)


@settings(max_examples=12, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**31),
    scale=st.sampled_from([1e-6, 0.1, 1.0, 1e4]),
)
def test_concepts_are_bit_identical_whatever_the_adapters_hold(base_answers, kind, seed, scale):
    model = new(kind)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in adapter_parameters(model).values():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
        concepts = answers(model, [CONCEPT] * 3)
        mixed = answers(model, [CONCEPT, SIMPLE, COMPLEX])
    for name, value in base_answers.items():
        assert torch.equal(concepts[name], value), name
        assert torch.equal(mixed[name][0], value[0]), name


@pytest.mark.parametrize("kind", KINDS)
def test_new_adapters_are_the_identity_to_the_last_bit(base_answers, kind):
    with torch.inference_mode():
        for levels in ([SIMPLE] * 3, [COMPLEX] * 3):
            for name, value in answers(new(kind), levels).items():
                assert torch.equal(value, base_answers[name]), name


def without_gradient(model: Sam3IModel, names: str) -> list[str]:
    """Adapter tensors of a stage that got no gradient; `names` is part of their names."""
    return [
        name
        for name, parameter in adapter_parameters(model).items()
        if any(part in name for part in names.split("|"))
        and (parameter.grad is None or not parameter.grad.any())
    ]


def step(model: Sam3IModel, level: int, optimiser: torch.optim.Optimizer) -> None:
    """One step on a loss that looks at every output."""
    optimiser.zero_grad()
    outputs = answers(model, [level] * 2)
    sum((value - 1).pow(2).mean() for value in outputs.values()).backward()
    optimiser.step()


@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_learns_from_step_1_in_every_stage(kind):
    model = new(kind)
    optimiser = torch.optim.AdamW(adapter_parameters(model).values(), lr=1e-3)

    step(model, SIMPLE, optimiser)  # step 0 of stage 1-1: only what comes last moves
    step(model, SIMPLE, optimiser)
    assert without_gradient(model, ".simple.") == []

    model.start_complex()
    step(model, COMPLEX, optimiser)  # stage 1-2
    step(model, COMPLEX, optimiser)
    assert without_gradient(model, ".simple_copy.|.complex.") == []
    assert without_gradient(model, "adapters.simple.")  # S itself has no part in complex ones

    for level in (SIMPLE, COMPLEX):  # stage 3
        step(model, level, optimiser)
        trained = ".simple." if level == SIMPLE else ".simple_copy.|.complex."
        assert without_gradient(model, trained) == []


def test_the_releases_initialisation_leaves_all_but_two_biases_dead():
    """Zero inputs and outputs: a product of two zeros has no gradient on either side."""
    model = new("full")
    for adapter in (m for m in model.modules() if isinstance(m, TextAdapter)):
        for part in (adapter.down_proj, adapter.up_proj, *adapter.attention.children()):
            for parameter in part.parameters():
                torch.nn.init.zeros_(parameter)
        torch.nn.init.zeros_(adapter.attention.in_proj_weight)
    optimiser = torch.optim.AdamW(adapter_parameters(model).values(), lr=1e-3, weight_decay=0)
    for _ in range(5):
        step(model, SIMPLE, optimiser)
    dead = {
        name.split(".adapters.simple.")[1]
        for name in without_gradient(model, "text_encoder")
        if ".adapters.simple." in name
    }
    first = model.text_encoder.text_model.encoder.layers[0].adapters.simple
    alive = {name for name, _ in first.named_parameters()} - dead
    assert alive == {"attention.out_proj.bias", "up_proj.bias"}


def test_lite_adapters_have_a_tenth_of_the_parameters_at_full_size():
    counts = {}
    for kind in KINDS:
        with torch.device("meta"):
            model = Sam3IModel(Sam3IConfig(adapters=kind))
        counts[kind] = parameters(model.state_dict())
    assert counts["full"]["adapters"] == 312_095_232 + 2 * 597_888 + 394_752
    assert counts["full"]["adapters"] > 10 * counts["lite"]["adapters"]
    others = [{k: v for k, v in count.items() if k != "adapters"} for count in counts.values()]
    assert others[0] == others[1]
    assert sum(others[0].values()) == pytest.approx(840.4e6, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_both_kinds_are_saved_and_loaded_alike(kind, tmp_path):
    model = new(kind)
    with torch.no_grad():
        for parameter in adapter_parameters(model).values():
            parameter += 0.1 * torch.randn_like(parameter)
    save(model, build_tokenizer(), tmp_path)
    loaded, _ = load(tmp_path, "cpu")
    assert loaded.config.adapters == kind
    with torch.inference_mode():
        expected = answers(model, [CONCEPT, SIMPLE, COMPLEX])
        for name, value in answers(loaded, [CONCEPT, SIMPLE, COMPLEX]).items():
            assert torch.equal(value, expected[name]), name


def test_fusion_path_adds_both_adapters_and_decoder_path_only_the_second():
    torch.manual_seed(0)
    route = Route.from_levels(torch.tensor([COMPLEX, CONCEPT, SIMPLE]))
    hidden = torch.randn(3, 5, 8)
    for kind, skip in ((FusionAdapters, 1.0), (LevelAdapters, 0.0)):
        adapters = kind(lambda: BottleneckAdapter(8, 4))
        out = adapters(hidden, route)
        first = adapters.simple_copy(hidden[0])
        expected = hidden[0] + skip * first + adapters.complex(first)
        torch.testing.assert_close(out[0], expected)
        assert torch.equal(out[1], hidden[1])
        torch.testing.assert_close(out[2], hidden[2] + adapters.simple(hidden[2]))


@pytest.mark.parametrize("lite", [False, True])
def test_a_text_adapter_adds_both_of_its_parts(lite):
    """With the attention's or the bottleneck's output a constant, and the other one's nothing."""
    hidden = torch.randn(2, 32, 8)
    for changed in ("attention", "bottleneck"):
        adapter = TextAdapter(8, 4, 2, lite).eval()
        adapter.reset_parameters()
        output = adapter.up_proj if changed == "bottleneck" else adapter.attention.out_proj
        torch.nn.init.constant_(output.bias, 0.5)
        torch.testing.assert_close(adapter(hidden), hidden + 0.5)
