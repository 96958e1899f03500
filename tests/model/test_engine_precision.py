"""Mixed precision: what is float16 in the graphs, and that the gate sees what it costs."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from sam3i_model.checkpoints.loading import load
from sam3i_model.engines import making, writing
from sam3i_model.engines.interface import EngineError, Precision
from sam3i_model.engines.manifest import read_manifest
from sam3i_model.engines.onnx_engine import OnnxEngine
from sam3i_model.engines.parity import Check
from sam3i_model.engines.precision import RoundedModel, half_products
from sam3i_model.engines.runtime import CPU
from sam3i_model.instruction import Instruction, Level
from sam3i_model.modeling import Sam3IModel
from sam3i_model.processing import tokenize
from tests.model.test_engines import ASKED, FRAMES, SIZE, make, rewrite

pytest.importorskip("onnxruntime")
ir = pytest.importorskip("onnx_ir")
pytest.importorskip("onnxscript")

FLOAT16, FLOAT32 = ir.DataType.FLOAT16, ir.DataType.FLOAT
BACKBONE, TEXT = "vision_encoder.backbone", "text_encoder.text_model.encoder.layers.0"
HALF = {
    "image": [f"{BACKBONE}.embeddings.patch_embeddings.projection", f"{BACKBONE}.layers.1.mlp.fc2"],
    "text_complex": [f"{TEXT}.mlp.fc1", f"{TEXT}.adapters.complex.up_proj", "text_projection"],
    "grounding": [
        "detr_encoder.layers.0.self_attn.v_proj",
        "detr_decoder.layers.0.adapters.simple.down_proj",
        "mask_decoder.pixel_decoder.conv_layers.0",
    ],
}
WHOLE = {
    "image": ["geometry_encoder.layers.0.mlp.fc1"],
    "text_complex": [
        f"{TEXT}.adapters.complex.attention.out_proj",
        "text_encoder.text_model.embeddings.token_embedding",
    ],
    "grounding": [
        "detr_decoder.box_head.layer1",
        "detr_decoder.presence_head.layer1",
        "detr_decoder.box_rpb_embed_x.layer2",
        "dot_product_scoring.text_proj",
        "mask_decoder.mask_embedder.layers.2",
        "mask_decoder.instance_projection",
    ],
}
"""Modules in float16 and in float32."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose masks are large: the rim of a small one is more than the gate allows."""
    return make(tmp_path_factory.mktemp("precision") / "base", 1, 1)


@pytest.fixture(scope="module")
def mixed(base: Path) -> Path:
    """Its export in mixed precision."""
    out = base.with_name("mixed")
    making.export(
        str(base), out, FRAMES, ASKED, SIZE, precision=Precision.MIXED, progress=lambda _: None
    )
    return out


@pytest.fixture
def model(base: Path) -> Sam3IModel:
    return load(base, "cpu", image_size=SIZE)[0]


@pytest.mark.slow
@pytest.mark.parametrize("graph", list(HALF))
def test_a_graph_holds_the_trunks_products_in_float16_and_all_else_as_it_was(mixed, model, graph):
    values = ir.load(mixed / "onnx" / f"{graph}.onnx").graph.initializers.values()
    held = [torch.from_numpy(v.const_value.numpy().copy()) for v in values]

    def there(tensor: torch.Tensor) -> bool:
        flat = tensor.flatten(1)  # as a product takes a convolution of 1 x 1
        forms = (flat, flat.mT, tensor)
        return any(torch.equal(f, h) for f in forms for h in held if f.dtype == h.dtype)

    for name in HALF[graph]:
        weight = model.get_submodule(name).weight.detach()
        assert there(weight.half()), name
        assert not there(weight), name
    for name in WHOLE[graph]:
        weight = model.get_submodule(name).weight.detach()
        assert there(weight), name
        assert not there(weight.half()), name


@pytest.mark.slow
@pytest.mark.parametrize("graph", list(HALF))
def test_float16_goes_no_further_than_a_product_with_weights(mixed, graph):
    model = ir.load(mixed / "onnx" / f"{graph}.onnx")
    ir.passes.common.ShapeInferencePass()(model)
    kinds: dict[str, set[Any]] = {}
    products = 0
    for node in model.graph.all_nodes():
        inputs = [v for v in node.inputs if v is not None]
        assert all(v.dtype is not None for v in inputs), node
        kinds.setdefault(node.op_type, set()).update(v.dtype for v in inputs)
        if any(v.dtype == FLOAT16 for v in inputs) and node.op_type != "Cast":
            products += node.op_type != "Add"  # a bias
            assert any(v.is_initializer() for v in inputs), node
        if node.op_type == "MatMul" and not any(v.is_initializer() for v in inputs):
            assert {v.dtype for v in inputs} == {FLOAT32}, node  # scores, sums of values
    assert products > 5
    assert kinds["Softmax"] == kinds["LayerNormalization"] == {FLOAT32}
    with_float16 = {op for op, types in kinds.items() if FLOAT16 in types}
    assert with_float16 <= {"MatMul", "Gemm", "Conv", "ConvTranspose", "Add", "Cast"}


def test_float16_weights_take_half_the_space(model, tmp_path):
    plan = writing.plans(model, Precision.FLOAT32)["text_concept"]
    sizes = {}
    for half in (False, True):
        folder = tmp_path / str(half)
        folder.mkdir()
        if half:
            with half_products(plan.module):
                writing.write(plan, folder, "graph", {})
        else:
            writing.write(plan, folder, "graph", {})
        sizes[half] = (folder / "graph.weights").stat().st_size
    layers = [model.text_encoder.text_model.encoder.layers[0], model.text_projection]
    products = sum(
        m.weight.nbytes
        for layer in layers
        for name, m in layer.named_modules()
        if isinstance(m, nn.Linear) and "adapters" not in name
    )
    assert sizes[False] - sizes[True] == products // 2


@pytest.mark.slow
def test_the_manifest_says_so_and_has_the_parity_of_the_graphs_and_of_the_rounding(mixed):
    manifest = read_manifest(mixed)
    assert manifest.precision is Precision.MIXED
    assert set(manifest.parity) == {
        "ONNX Runtime, CPU, mixed precision",
        "PyTorch, rounded to float16",
    }
    for figures in manifest.parity.values():
        assert set(figures) == {"all", *manifest.graphs}
        assert all(f["iou"] >= 0.98 and f["score"] <= 0.02 for f in figures.values())
        assert any(f["score"] > 1e-6 for f in figures.values())  # it isn't float32
    for graph in manifest.graphs.values():
        kinds = {kind for kind, _ in (*graph.inputs.values(), *graph.outputs.values())}
        assert "float16" not in kinds
    assert "text_concept.weights" in manifest.graphs["text_complex"].files


@pytest.mark.slow
def test_an_unknown_precision_is_refused(mixed, tmp_path):
    copy = Path(shutil.copytree(mixed, tmp_path / "copy"))
    rewrite(copy, lambda content: content.update(precision="int4"))
    with pytest.raises(EngineError, match=r"run `sam3i export` anew"):
        read_manifest(copy)


@pytest.mark.slow
@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 2, 9])
def test_any_number_and_mix_of_instructions_stays_within_the_gate(mixed, model, rows):
    ids = torch.randint(1, 300, (rows, 32), generator=torch.Generator().manual_seed(5))
    ids[:, 20:] = 0
    levels = torch.arange(rows) % 3 + 1
    engine = OnnxEngine(mixed, CPU, torch.device("cpu"))
    assert engine.name == "ONNX Runtime, CPU, mixed precision"
    parity = Check.make(model, FRAMES, ids, levels).run(engine)
    assert parity.passed, parity
    assert engine.check().passed


@torch.inference_mode()
def test_the_models_own_weights_come_back_bit_for_bit(model):
    before = {n: (p, p.data_ptr(), p.clone()) for n, p in model.named_parameters()}
    pixels = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    said = model.encode_image(pixels).maps[-1]
    with half_products(model):
        kinds = {n: p.dtype for n, p in model.named_parameters()}
    assert kinds["detr_encoder.layers.0.mlp.fc1.weight"] == torch.float16
    assert kinds["detr_encoder.layers.0.layer_norm1.weight"] == torch.float32
    with pytest.raises(RuntimeError), half_products(model):
        model.encode_image(pixels[..., :-1, :])
    rounded = RoundedModel(model).encode_image(pixels).maps[-1]
    assert 0 < (rounded - said).abs().max() < 0.02 * said.abs().max()
    for name, parameter in model.named_parameters():
        same, place, values = before[name]
        assert parameter is same
        assert parameter.data_ptr() == place
        assert torch.equal(parameter, values)
    assert torch.equal(model.encode_image(pixels).maps[-1], said)


@torch.inference_mode()
def test_rounding_is_what_float16_products_do(model):
    layer = model.detr_encoder.layers[0].mlp.fc1
    given = torch.randn(7, 32, generator=torch.Generator().manual_seed(0))
    with half_products(model):
        half = layer(given)
    with half_products(model, torch.float32):
        rounded = layer(given)
    assert half.dtype == rounded.dtype == torch.float32
    assert torch.equal(rounded, rounded.half().float())
    torch.testing.assert_close(half, rounded, atol=2e-3, rtol=2e-3)
    assert not torch.equal(rounded, layer(given))


@pytest.mark.slow
def test_no_graph_is_taken_over_from_an_export_of_the_other_precision(
    base, mixed, model, tmp_path, monkeypatch
):
    made = {p: {n: g.source for n, g in writing.plans(model, p).items()} for p in Precision}
    assert not set(made[Precision.FLOAT32].values()) & set(made[Precision.MIXED].values())
    assert made[Precision.MIXED] == {n: g.source for n, g in read_manifest(mixed).graphs.items()}

    traced: list[str] = []

    def write(plan: Any, folder: Path, name: str, shared: Any) -> Any:
        traced.append(name)
        (folder / f"{name}.onnx").touch()
        return SimpleNamespace(source=plan.source, files={})

    monkeypatch.setattr(writing, "write", write)
    monkeypatch.setattr(writing, "stored", lambda path: {})
    for precision in Precision:
        traced.clear()
        folder = tmp_path / precision.value
        making.write_graphs(model, folder, precision, mixed, lambda _: None)
        assert traced == ([] if precision is Precision.MIXED else list(made[precision]))


@pytest.mark.slow
def test_a_weight_that_float16_cannot_hold_stops_the_export(base, mixed, tmp_path):
    wide = Path(shutil.copytree(base, tmp_path / "wide")) / "model.safetensors"
    tensors = load_file(wide)
    tensors[f"{TEXT}.adapters.simple.down_proj.weight"][0] = 1e6
    save_file(tensors, wide, metadata={"format": "pt"})
    with pytest.raises(EngineError) as failure:
        making.export(
            str(wide.parent),
            tmp_path / "out",
            FRAMES,
            ASKED,
            SIZE,
            mixed,
            Precision.MIXED,
            progress=lambda _: None,
        )
    said = str(failure.value)
    assert said.startswith("ONNX Runtime, CPU, mixed precision differs from PyTorch")
    assert "most in the graph text_simple " in said
    assert "there in text_encoder.text_model.encoder.layers.0, whose values differ" in said
    assert said.endswith("it is not used; export with --precision float32")
    assert [p.name for p in tmp_path.iterdir()] == ["wide"]


def test_a_check_asks_as_a_segmenter_does(base):
    model, tokenizer = load(base, "cpu", image_size=SIZE)
    asked = making.checkable([Instruction("find the red mug, please")], ["concept"])
    check = making.make_check(model, tokenizer, FRAMES, asked)
    assert check.ids.tolist() == [tokenize(tokenizer, "red mug").ids.tolist()] * 2
    assert check.levels.tolist() == [int(Level.CONCEPT)] * 2


def test_a_value_that_float16_cannot_hold_does_not_pass_the_gate(base):
    """Of a convolution, whose roundings ONNX Runtime leaves out on a CPU."""
    model, tokenizer = load(base, "cpu", image_size=SIZE)
    with torch.no_grad():
        model.mask_decoder.pixel_decoder.conv_layers[0].weight[:] = 6e4  # a float16
    asked = making.checkable(ASKED, model.config.trained_levels)
    check = making.make_check(model, tokenizer, FRAMES, asked)
    where = r"most in the graph grounding .*, there in mask_decoder\.pixel_decoder\."
    with pytest.raises(EngineError, match=rf"rounded to float16 .* {where}"):
        making.gate(RoundedModel(model), model, check)


@pytest.mark.slow
def test_adapters_of_another_precision_are_refused_with_the_remedy(mixed, tmp_path):
    copy = Path(shutil.copytree(mixed, tmp_path / "copy"))
    rewrite(copy, lambda content: content.update(precision="float32"))
    serving = OnnxEngine(mixed, CPU, torch.device("cpu"))
    with pytest.raises(EngineError, match=r"of mixed: export it with --precision mixed"):
        serving.read_adapters(copy)
