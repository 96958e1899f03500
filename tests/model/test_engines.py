"""Graphs of a small SAM3-I beside PyTorch: same answers, or they are not used."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console

from sam3i_model.checkpoints.loading import CheckpointError, load, save
from sam3i_model.checkpoints.weights import open_weights
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.engines import choosing, command, making, writing
from sam3i_model.engines.graphs import plain_attention
from sam3i_model.engines.interface import Backend, EngineError, Precision
from sam3i_model.engines.manifest import read_manifest, sha256, verify
from sam3i_model.engines.onnx_engine import OnnxEngine
from sam3i_model.engines.parity import Parity
from sam3i_model.engines.runtime import CPU, CUDA, TENSORRT
from sam3i_model.instruction import Instruction, Level
from sam3i_model.modeling import Sam3IModel
from sam3i_model.segmenter import Segmenter
from tests.model.test_official import SIZES
from training.instructions.vocabulary import build_tokenizer

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SIZE = 140  # not the checkpoint's own, and no multiple of the encoder's windows
SMALL = {
    **SIZES,
    "text_config": {
        **SIZES["text_config"],
        "num_hidden_layers": 1,
        "vocab_size": len(build_tokenizer()),
    },
    "detr_decoder_config": {**SIZES["detr_decoder_config"], "num_layers": 1},
    "detr_encoder_config": {**SIZES["detr_encoder_config"], "num_layers": 1},
}
TEXT_ADAPTERS = "text_encoder.text_model.encoder.layers.0.adapters"
ASKED = [
    Instruction("a mug", level=Level.CONCEPT, threshold=0.01),
    Instruction("the mug on the left", level=Level.SIMPLE, threshold=0.01),
    Instruction("something to drink from", level=Level.COMPLEX, threshold=0.01),
]


def picture(seed: int) -> np.ndarray:
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, size=(120, 160), mode="bicubic")
    return (255 * fine[0].clamp(0, 1)).permute(1, 2, 0).to(torch.uint8).numpy()


FRAMES = [picture(0), picture(1)]


def adapt(model: Sam3IModel, seed: int) -> None:
    """Give the adapters values that do something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".adapters." in name or "embedder.simple" in name or "embedder.complex" in name:
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
        adapters = model.get_submodule(TEXT_ADAPTERS)
        # as training leaves them where it has yet to change the copy
        adapters.simple_copy.attention.in_proj_weight.copy_(
            adapters.simple.attention.in_proj_weight
        )


def make(folder: Path, base: int, adapters: int) -> Path:
    """A checkpoint; same numbers, same weights."""
    torch.manual_seed(base)
    config = Sam3IConfig(**SMALL, trained_levels=["concept", "simple", "complex"])
    model = Sam3IModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    adapt(model, adapters)
    save(model, build_tokenizer(), folder)
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export."""
    folder = tmp_path_factory.mktemp("engines")
    first = folder / "first"
    said: list[str] = []
    making.export(
        str(make(folder / "base", 0, 1)),
        first,
        FRAMES,
        ASKED,
        SIZE,
        command="how",
        progress=said.append,
    )
    assert "grounding: tracing" in said
    return first


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of a fine-tune of the same base that reuses the first one."""
    folder = tmp_path_factory.mktemp("tuned")
    second = folder / "second"
    tuned = str(make(folder / "tuned", 0, 2))
    making.export(tuned, second, FRAMES, ASKED, SIZE, first, progress=lambda said: None)
    return second


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    """An export that a test may damage."""
    shutil.copytree(first, tmp_path / "copy")
    return tmp_path / "copy"


def test_manifest_says_what_was_made_and_how_well_it_agrees(first):
    manifest = read_manifest(first)
    assert manifest.command == "how"
    assert (manifest.image_size, manifest.rows, manifest.precision) == (SIZE, 8, "float32")
    assert list(manifest.graphs) == [
        "image",
        "text_concept",
        "text_simple",
        "text_complex",
        "grounding",
        "grounding_one",
    ]
    assert manifest.graphs["image"].inputs == {"pixel_values": ["float", [1, 3, SIZE, SIZE]]}
    assert manifest.graphs["grounding"].inputs["text"] == ["float", ["2..8", 32, 32]]
    figures = manifest.parity["ONNX Runtime, CPU"]
    assert set(figures) == {"all", *manifest.graphs}
    assert all(f["iou"] > 0.99 and f["score"] < 1e-4 for f in figures.values())
    assert all(f["box"] < 1e-4 for f in figures.values())
    assert manifest.weights == {"model.safetensors": sha256(first / "model.safetensors")}
    for graph in manifest.graphs.values():
        for name, digest in graph.files.items():
            assert sha256(first / "onnx" / name) == digest


def test_files_hold_no_path_of_the_machine_that_made_them(first):
    for path in (first / "onnx").glob("*.onnx"):
        assert b"sam3i_model" not in path.read_bytes()
        assert b"site-packages" not in path.read_bytes()


@torch.inference_mode()
def test_every_number_and_mix_of_instructions_answers_as_pytorch(first):
    model, _ = load(first, "cpu")
    engine = OnnxEngine(first, CPU, torch.device("cpu"))
    assert model.config.image_size == engine.config.image_size == SIZE
    pixels = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    image, theirs = model.encode_image(pixels), engine.encode_image(pixels)
    for ours, other in zip(image.maps, theirs.maps, strict=True):
        torch.testing.assert_close(ours, other, atol=1e-4, rtol=1e-4)
    ids = torch.randint(1, 300, (11, 32), generator=torch.Generator().manual_seed(5))
    ids[:, 20:] = 0
    levels = torch.tensor([1, 2, 3, 3, 2, 1, 1, 2, 3, 1, 2])
    for rows in (slice(1), slice(1, 2), slice(2, 4), slice(8), slice(11)):
        expected = model.ground(image, model.encode_text(ids[rows], levels[rows]))
        found = engine.ground(theirs, engine.encode_text(ids[rows], levels[rows]))
        for name, value in vars(expected).items():
            torch.testing.assert_close(vars(found)[name], value, atol=2e-3, rtol=1e-3)


def test_auto_takes_the_export_and_answers_as_pytorch(first):
    ours, theirs = (Segmenter.from_pretrained(first, "cpu", backend=b) for b in ("torch", "auto"))
    assert (ours.engine, theirs.engine) == ("PyTorch, cpu", "ONNX Runtime, CPU")
    assert isinstance(ours.model, Sam3IModel)
    assert isinstance(theirs.model, OnnxEngine)
    assert theirs.refused == ""
    same_answers(ours, theirs)


def same_answers(ours: Segmenter, theirs: Segmenter) -> None:
    for segmenter in (ours, theirs):
        segmenter.set_image(picture(7))
    for one, other in zip(ours.ground(ASKED), theirs.ground(ASKED), strict=True):
        assert one.outcome == other.outcome
        assert len(one.masks) == len(other.masks)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
        np.testing.assert_allclose(one.masks.mean((1, 2)), other.masks.mean((1, 2)), atol=2e-3)


@pytest.mark.slow
def test_a_fine_tune_takes_over_what_no_adapter_touches(first, second):
    theirs, ours = (read_manifest(e).graphs for e in (first, second))
    same = {name for name in theirs if theirs[name] == ours[name]}
    assert same == {"image", "text_concept"}
    assert set(ours["text_simple"].files) == {
        "text_simple.onnx",
        "text_simple.weights",
        "text_concept.weights",
    }
    own = open_weights(second).tensors
    adapters = sum(
        t.nbytes for n, t in own.items() if ".text_model." in n and ".adapters.simple." in n
    )
    assert (second / "onnx" / "text_simple.weights").stat().st_size <= adapters + 4096


def test_a_graph_is_traced_with_the_one_whose_file_it_reads(first, tmp_path):
    graphs = read_manifest(first).graphs
    assert "text_simple.weights" in graphs["text_complex"].files
    model, _ = load(first, "cpu")
    with torch.no_grad():
        model.get_submodule(TEXT_ADAPTERS).simple.attention.in_proj_weight += 1
    folder, said = tmp_path / "onnx", []
    with plain_attention(model):
        made = making.write_graphs(model, folder, Precision.FLOAT32, first, said.append)
    assert [line.partition(": ")[::2] for line in said] == [
        (name, "tracing" if name in ("text_simple", "text_complex") else f"as in {first}")
        for name in graphs
    ]
    assert made.graphs["text_complex"].source == graphs["text_complex"].source
    for graph in made.graphs.values():
        verify(folder, graph.files)


def test_what_other_versions_traced_is_the_same_base_and_yet_traced_anew(first, monkeypatch):
    model, _ = load(first, "cpu")
    here = writing.versions()
    assert making.comparable(first) == read_manifest(first).graphs
    monkeypatch.setattr(writing, "versions", lambda: {**here, "torch": "another"})
    assert making.comparable(first) == {}
    with plain_attention(model):
        plans = writing.plans(model, Precision.FLOAT32)
    assert plans["image"].source == read_manifest(first).graphs["image"].source


@pytest.mark.slow
def test_adapters_are_exchanged_and_given_back_while_the_image_graph_stays(first, second):
    serving = Segmenter.from_pretrained(first, "cpu")
    image = serving.model._image
    serving.load_adapters(str(second))
    assert serving.adapters == str(second)
    assert serving.model._image is image
    same_answers(Segmenter.from_pretrained(second, "cpu", backend="torch"), serving)
    serving.load_adapters("")
    same_answers(Segmenter.from_pretrained(first, "cpu", backend="torch"), serving)


def test_adapters_without_graphs_or_on_another_base_are_refused(first, copy, tmp_path):
    serving = Segmenter.from_pretrained(first, "cpu")
    shutil.rmtree(copy / "onnx")
    with pytest.raises(CheckpointError, match=r"no onnx/ folder of graphs: run `sam3i export"):
        serving.load_adapters(str(copy))
    shutil.copytree(first / "onnx", copy / "onnx")
    rewrite(copy, lambda content: content["graphs"]["image"].update(source="0" * 64))
    with pytest.raises(CheckpointError, match="another base"):
        serving.load_adapters(str(copy))
    same_answers(Segmenter.from_pretrained(first, "cpu", backend="torch"), serving)


def rewrite(checkpoint: Path, change) -> None:
    path = checkpoint / "onnx" / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def accept(checkpoint: Path, name: str) -> None:
    """Have the manifest of an export take a file as it is now."""

    def change(content: dict) -> None:
        for entry in content["graphs"].values():
            if name in entry["files"]:
                entry["files"][name] = sha256(checkpoint / "onnx" / name)

    rewrite(checkpoint, change)


@pytest.mark.parametrize("graph", ["image", "text_concept", "grounding"])
def test_a_wrong_graph_is_named_and_pytorch_answers(copy, graph):
    path = copy / "onnx" / f"{graph}.weights"
    values = np.fromfile(path, np.float32)
    np.random.default_rng(0).permutation(values).tofile(path)

    accept(copy, path.name)
    for backend in ("auto", "onnx"):
        segmenter = Segmenter.from_pretrained(copy, "cpu", backend=backend)
        assert segmenter.engine == "PyTorch, cpu"
        assert "differs from PyTorch" in segmenter.refused
        assert f"most in the graph {graph} " in segmenter.refused
    same_answers(Segmenter.from_pretrained(copy, "cpu", backend="torch"), segmenter)


@pytest.mark.parametrize(
    ("graph", "layer", "part"),
    [
        ("image", "vision_encoder.backbone.layers.1", "mlp.fc2"),
        ("text_complex", "text_encoder.text_model.encoder.layers.0", "adapters.complex.up_proj"),
        ("grounding", "detr_encoder.layers.0", "mlp.fc2"),
        ("grounding_one", "mask_decoder.pixel_decoder.conv_layers.1", ""),
    ],
)
def test_the_layer_is_named_in_which_a_graph_strays(copy, graph, layer, part):
    model, _ = load(copy, "cpu")
    weight = model.get_submodule(f"{layer}.{part}".rstrip(".")).weight.detach()
    forms = (weight, weight.mT) if weight.dim() == 2 else (weight,)
    tensors = writing.stored(copy / "onnx" / f"{graph}.onnx")
    digests = [hashlib.sha256(f.contiguous().numpy().tobytes()).hexdigest() for f in forms]
    name, offset, length = next(tensors[d] for d in digests if d in tensors)
    with (copy / "onnx" / name).open("r+b") as file:
        file.seek(offset)
        file.write(np.random.default_rng(0).normal(size=length // 4).astype(np.float32).tobytes())
    accept(copy, name)
    engine = OnnxEngine(copy, CPU, torch.device("cpu"))
    check = engine.stored_check()
    by_graph = {graph: Parity(0.5, 0.5)}
    said = making.disagreement(engine, model, check, Parity(0.4, 0.6), by_graph)
    assert f"most in the graph {graph} (" in said
    assert f", there in {layer}, whose values differ by " in said
    assert sorted(p.suffix for p in (copy / "onnx").iterdir()).count(".onnx") == 6


@pytest.mark.parametrize("name", ["grounding.weights", "image.onnx", "check.safetensors"])
def test_a_changed_file_is_not_used(copy, name):
    with (copy / "onnx" / name).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x55")
    segmenter = Segmenter.from_pretrained(copy, "cpu")
    assert segmenter.engine == "PyTorch, cpu"
    assert f"{name}' is missing or not what `sam3i export` wrote" in segmenter.refused


def test_graphs_of_other_weights_are_not_used_but_thresholds_may_change(copy):
    config = json.loads((copy / "config.json").read_text())
    config["score_thresholds"]["simple"] = 0.123
    (copy / "config.json").write_text(json.dumps(config))
    assert Segmenter.from_pretrained(copy, "cpu").engine == "ONNX Runtime, CPU"

    model, tokenizer = load(copy, "cpu")
    adapt(model, 5)
    save(model, tokenizer, copy)
    segmenter = Segmenter.from_pretrained(copy, "cpu")
    assert segmenter.engine == "PyTorch, cpu"
    assert "has other weights than its graphs were made from: export it" in segmenter.refused
    with pytest.raises(EngineError, match="other weights"):
        Segmenter.from_pretrained(copy, "cpu", backend="onnx")


def test_weights_in_parts_that_an_index_names_are_others_too(copy):
    (copy / "model.safetensors").rename(copy / "part.safetensors")
    shutil.copy(copy / "part.safetensors", copy / "model.safetensors")
    assert OnnxEngine(copy, CPU, torch.device("cpu")).check().passed
    index = {"weight_map": {"any": "part.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(EngineError, match="other weights"):
        OnnxEngine(copy, CPU, torch.device("cpu"))


def test_tensorrt_is_taken_only_if_its_engines_were_built_and_passed(copy, monkeypatch, capsys):
    gpu, console = torch.device("cuda"), Console()
    with pytest.raises(EngineError, match="TensorrtExecutionProvider"):
        OnnxEngine(copy, TENSORRT, gpu)  # which makes the folder, and has no GPU here
    there = SimpleNamespace(get_available_providers=lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setattr(choosing, "runtime", lambda: there)

    def taken() -> str:
        with pytest.raises(EngineError, match="could not start") as failure:
            choosing.open_engine(copy, gpu, Backend.AUTO)
        return str(failure.value)

    assert CUDA in taken()
    monkeypatch.setattr(command, "provider_for", lambda *_: CPU)  # stands for a GPU's
    command.build_tensorrt(copy, None, console)
    assert TENSORRT in taken()
    monkeypatch.setattr(OnnxEngine, "check", lambda _: Parity(0.5))
    monkeypatch.setattr(command, "disagreement", lambda *_: "it differs")
    with pytest.raises(EngineError, match="it differs"):
        command.build_tensorrt(copy, None, console)
    assert CUDA in taken()


@pytest.mark.parametrize("left", [(), ("manifest.json.partial", "image.onnx")])
def test_a_part_of_an_export_is_not_taken_for_none(copy, left):
    for path in (copy / "onnx").iterdir():
        if path.name == "manifest.json":
            path.rename(path.with_name("manifest.json.partial"))
    for path in (copy / "onnx").iterdir():
        if path.name not in left:
            path.unlink()
    segmenter = Segmenter.from_pretrained(copy, "cpu")
    assert segmenter.engine == "PyTorch, cpu"
    assert "onnx' has no manifest.json, as if it was copied in part" in segmenter.refused
    with pytest.raises(EngineError, match="copy the whole export again"):
        Segmenter.from_pretrained(copy, "cpu", backend="onnx")


def test_a_folder_without_graphs_is_pytorch_or_an_error_that_names_the_command():
    assert Segmenter.from_pretrained("bundled", "cpu").refused == ""
    with pytest.raises(EngineError, match=r"run `sam3i export .*bundled OUT`"):
        Segmenter.from_pretrained("bundled", "cpu", backend="onnx")
    with pytest.raises(EngineError, match="use one of auto, torch, onnx, tensorrt"):
        Segmenter.from_pretrained("bundled", "cpu", backend="tflite")
    with pytest.raises(EngineError, match="tensorrt needs a GPU"):
        Segmenter.from_pretrained("bundled", "cpu", backend="tensorrt")


def test_without_the_runtime_pytorch_answers_and_says_why(first, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    segmenter = Segmenter.from_pretrained(first, "cpu")
    assert segmenter.engine == "PyTorch, cpu"
    assert "`pip install onnxruntime`" in segmenter.refused
    with pytest.raises(EngineError, match="pip install onnxruntime"):
        Segmenter.from_pretrained(first, "cpu", backend="onnx")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(format=3), "its format is 3, not 4"),
        (lambda c: c["graphs"]["image"].update(files={"../../etc/x.onnx": ""}), "can't be its own"),
        (lambda c: c["graphs"].pop("text_simple"), "its graphs are"),
        (lambda c: c.pop("check"), "check"),
        (lambda c: c["graphs"]["image"].update(files=["image.onnx"]), "its files are of another"),
        (lambda c: c["graphs"]["image"]["files"].update({"image.onnx": [1]}), "its files are of"),
        (lambda c: c["graphs"]["image"]["inputs"].update(x=["float", ["a lot"]]), "a shape in it"),
        (lambda c: c["graphs"]["image"]["inputs"].update(x=["float"]), "run `sam3i export` anew"),
        (lambda c: c.update(rows="8"), "its rows are of another type"),
        (lambda c: c.update(rows=True), "its rows are of another type"),
        (lambda c: c.update(weights={"model.safetensors": 1}), "its weights are of another type"),
        (lambda c: c.update(parity={"all": {"iou": 1.0}}), "its parity are of another type"),
        (lambda c: c.update(command="x" * 1_000_001), "too large"),
    ],
)
def test_a_manifest_that_lies_is_refused(copy, change, said):
    rewrite(copy, change)
    with pytest.raises(EngineError, match=said):
        read_manifest(copy)


def test_nothing_is_left_of_an_export_that_fails(first, tmp_path):
    base = str(first)
    with pytest.raises(CheckpointError, match="multiple of 14"):
        making.export(base, tmp_path / "out", FRAMES, ASKED, 100)
    said: list[str] = []
    with pytest.raises(EngineError, match="nothing to check complex with: give --say"):
        making.export(base, tmp_path / "out", FRAMES, ASKED[:2], progress=said.append)
    assert said == ["checkpoint"]  # no graph was traced, which takes minutes
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(CheckpointError, match="is there already"):
        making.export(base, tmp_path / "full", FRAMES, ASKED)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["file"]


def test_a_difference_stops_the_export(first, tmp_path, monkeypatch):
    monkeypatch.setattr("sam3i_model.engines.parity.MAX_SCORE_DIFFERENCE", -1.0)
    with pytest.raises(EngineError, match=r"differs from PyTorch .* most in the graph"):
        making.export(str(first), tmp_path / "out", FRAMES, ASKED, earlier=first)
    assert list(tmp_path.iterdir()) == []
