"""What needs no graph: the gate's sums, routes, options, commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from transformers.models.sam3.modeling_sam3 import Sam3PixelDecoder
from typer import Typer
from typer.testing import CliRunner

from sam3i_model.adapters.adapter import Route
from sam3i_model.cli import build
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.engines import shared_work
from sam3i_model.engines.bench_command import shared_work_command
from sam3i_model.engines.frames import read_frames
from sam3i_model.engines.graphs import ChosenRoute, GroundingGraph
from sam3i_model.engines.interface import EngineError
from sam3i_model.engines.layers import worst_layer
from sam3i_model.engines.manifest import read_manifest, sha256
from sam3i_model.engines.parity import Answer, Check, Parity
from sam3i_model.engines.pixels import SharedPixelDecoder
from sam3i_model.engines.runtime import CPU, CUDA, TENSORRT, profiles, provider_list
from sam3i_model.engines.shared_work import measure, plain_model
from sam3i_model.features import GroundingOutput
from sam3i_model.instruction import Level
from sam3i_model.modeling import Sam3IModel
from tests.model.test_official import SIZES


def output(
    logits: list[list[float]], masks: torch.Tensor, boxes: float | torch.Tensor = 0.0
) -> GroundingOutput:
    """Presence is sigmoid(3) = 0.9526 in every row."""
    rows = len(logits)
    return GroundingOutput(
        pred_logits=torch.tensor(logits),
        pred_boxes=torch.zeros(rows, len(logits[0]), 4) + boxes,
        presence_logits=torch.full((rows, 1), 3.0),
        pred_masks=masks,
        semantic_seg=torch.zeros(rows, 1, *masks.shape[-2:]),
    )


def squares() -> torch.Tensor:
    """One row, three queries: 4x4 pixels, 2x2 pixels, nothing."""
    masks = torch.full((1, 3, 8, 8), -1.0)
    masks[0, 0, :4, :4] = 1
    masks[0, 1, 6:, 6:] = 1
    return masks


def test_parity_is_least_iou_of_what_counts_and_largest_difference_of_all_scores():
    reference = Answer.of(output([[3.0, -1.0, -9.0]], squares()))
    assert reference.queries.tolist() == [[0, 0], [0, 1]]  # 0.91 and 0.26; 0.0001 doesn't count
    assert reference.compare(output([[3.0, -1.0, -9.0]], squares())) == Parity(1.0, 0.0)

    moved = squares()
    moved[0, 0, :4, :4] = -1
    moved[0, 0, 1:5, :4] = 1  # 12 of 20 pixels in common
    found = reference.compare(output([[3.0, -1.0, 0.0]], moved))
    assert found.iou == pytest.approx(0.6, abs=0.02)  # corners of what is enlarged are round
    assert found.score == pytest.approx(0.952574 * (0.5 - 0.000123), abs=1e-6)
    assert not found.passed


def test_boxes_of_what_counts_are_compared_and_of_nothing_else():
    boxes = torch.full((1, 3, 4), 0.25)
    reference = Answer.of(output([[3.0, -1.0, -9.0]], squares(), boxes))
    boxes[0, 1, 2] += 0.125
    boxes[0, 2] += 0.5  # of a query that doesn't count
    found = reference.compare(output([[3.0, -1.0, -9.0]], squares(), boxes))
    assert found == Parity(1.0, 0.0, 0.125)
    assert not found.passed
    assert str(found) == "mask IoU 1.0000, score difference 0.0000, box difference 0.1250"
    rounded = Parity(0.9999, 1e-6, 0.0)
    assert Parity.worst([found, rounded]) == Parity(0.9999, 1e-6, 0.125)
    assert found.strain == pytest.approx(12.5)
    assert rounded.strain == pytest.approx(0.005)


def test_the_best_query_counts_even_if_it_is_unlikely_and_an_empty_mask_equals_an_empty_one():
    reference = Answer.of(output([[-9.0, -9.0, -4.0]], squares()))
    assert reference.queries.tolist() == [[0, 2]]
    assert reference.compare(output([[-9.0, -9.0, -4.0]], squares())).iou == 1.0


def test_an_answer_that_is_not_a_number_never_passes():
    reference = Answer.of(output([[3.0, 0.0, 0.0]], squares()))
    assert not reference.compare(output([[3.0, float("nan"), 0.0]], squares())).passed
    assert not reference.compare(output([[3.0, 0.0, 0.0]], squares(), float("nan"))).passed


@pytest.mark.parametrize(
    ("parity", "passed"),
    [
        (Parity(0.98, 0.02, 0.01), True),
        (Parity(0.979, 0.0), False),
        (Parity(1.0, 0.021), False),
        (Parity(1.0, 0.0, 0.011), False),
        (Parity(float("nan"), 0.0), False),
    ],
)
def test_the_gate(parity, passed):
    assert parity.passed is passed


def test_a_check_is_kept_exactly(tmp_path):
    answer = Answer.of(output([[3.0, -1.0, -9.0]], squares(), torch.rand(1, 3, 4)))
    frame = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    Check([frame], torch.arange(32)[None], torch.tensor([2]), [answer]).save(tmp_path / "check")
    read = Check.load(tmp_path / "check")
    np.testing.assert_array_equal(read.frames[0], frame)
    assert read.ids.tolist() == [list(range(32))]
    assert read.levels.tolist() == [2]
    for name, value in vars(answer).items():
        assert torch.equal(getattr(read.answers[0], name), value)
    (tmp_path / "check").write_bytes(b"nonsense")
    with pytest.raises(EngineError, match=r"run `sam3i export` anew"):
        Check.load(tmp_path / "check")


@pytest.mark.parametrize("levels", [[1, 2, 3, 2], [1, 1], [2], [3, 3]])
@pytest.mark.parametrize("concept", [None, lambda x: -x])
def test_choosing_among_all_paths_is_the_same_as_gathering_rows(levels, concept):
    hidden = torch.randn(len(levels), 5, 6)
    asked = torch.tensor(levels)
    trained = [Level.CONCEPT, Level.SIMPLE, Level.COMPLEX]
    paths = (lambda x: 2 * x, lambda x: x**2, concept)
    assert torch.equal(
        ChosenRoute(asked, trained).apply(hidden, *paths),
        Route.from_levels(asked).apply(hidden, *paths),
    )


def test_tensorrt_is_told_the_range_of_rows_and_to_stay_in_float32(tmp_path):
    inputs = {"text": ["float", ["2..8", 32, 256]], "position": ["float", [1, 256, 72, 72]]}
    assert profiles(inputs) == {
        "trt_profile_min_shapes": "text:2x32x256",
        "trt_profile_opt_shapes": "text:5x32x256",
        "trt_profile_max_shapes": "text:8x32x256",
    }
    assert profiles({"position": inputs["position"]}) == {}
    gpu = torch.device("cuda", 1)
    (name, options), *rest = provider_list(TENSORRT, gpu, tmp_path, inputs)
    assert name == TENSORRT
    assert options["trt_fp16_enable"] is False
    assert options["trt_engine_cache_path"] == str(tmp_path / "tensorrt")
    assert options["device_id"] == 1
    assert rest == [(CUDA, {"device_id": 1}), CPU]
    assert provider_list(CPU, torch.device("cpu"), tmp_path, inputs) == [CPU]
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"can't be kept in '.*/file/tensorrt': Not a directory"):
        provider_list(TENSORRT, gpu, tmp_path / "file", inputs)


def test_files_of_an_export_that_are_closed_to_the_user_are_named(tmp_path, monkeypatch):
    with pytest.raises(EngineError, match=f"'{tmp_path}' can't be read: Is a directory"):
        sha256(tmp_path)
    (tmp_path / "onnx").mkdir()

    def closed(self: Path) -> bool:  # root may enter any folder
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", closed)
    with pytest.raises(EngineError, match=r"manifest\.json' can't be used: .*Permission denied"):
        read_manifest(tmp_path)


def test_pictures_are_read_in_order_and_others_are_named(tmp_path):
    for name, value in (("b.png", 200), ("a.png", 100)):
        cv2.imwrite(str(tmp_path / name), np.full((4, 6, 3), (value, 0, 0), np.uint8))
    (tmp_path / "notes.txt").touch()
    first, second = read_frames([tmp_path])
    assert first[0, 0].tolist() == [0, 0, 100]  # RGB
    assert second.shape == (4, 6, 3)
    with pytest.raises(EngineError, match=r"notes\.txt' is no picture"):
        read_frames([tmp_path / "notes.txt"])
    with pytest.raises(EngineError, match=r"^there is nothing at '.*nowhere'$"):
        read_frames([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EngineError, match="found 0 pictures"):
        read_frames([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bundled"], "give a new folder for the export as well"),
        (["nowhere", "OUT"], "no checkpoint at 'nowhere'"),
        (["bundled", "OUT", "--image-size", "100"], "give a multiple of 32"),
        (["bundled", "OUT", "--reuse", "nowhere"], "has no onnx/ folder of graphs"),
        (["bundled", "OUT", "--frames", "nowhere.png"], "there is nothing at"),
        (["nowhere", "--tensorrt"], "has no onnx/ folder of graphs"),
        (["nowhere", "OUT", "--tensorrt"], "give that one folder only"),
        (
            ["OUT", "--tensorrt", "--image-size", "0", "--precision", "float32", "--say", "mug"],
            "as that was made: leave out --image-size, --precision, --say\n",
        ),
    ],
)
def test_mistakes_end_in_one_line(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(build("export"), ["export", *words])
    assert result.exit_code == 1
    assert said in result.stderr
    assert not isinstance(result.exception, EngineError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "remedy"), [("onnxruntime", "onnxruntime"), ("onnx_ir", "onnx")]
)
def test_a_missing_package_is_named_before_anything_takes_long(
    module, remedy, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    result = CliRunner().invoke(build("export"), ["export", "bundled", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert f"pip install {remedy}" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "file/shared.json"], "--out file/shared.json: File exists; name another place"),
        (["--out", "folder.json"], "--out folder.json: Is a directory; name another place"),
        (["--out", "link.json"], "--out link.json: a link to nothing; name another place"),
        (["--image-size", "0"], "image size 0 doesn't fit: give a multiple of 14 up to 4096"),
    ],
)
def test_shared_work_refuses_before_it_measures(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.json").symlink_to("nowhere/figures.json")
    monkeypatch.setattr(shared_work, "Sam3IModel", None)
    app = Typer()
    app.command()(shared_work_command)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_shared_work_takes_a_folder_for_its_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_work, "measure", lambda *how: {"instructions": how[0]})
    app = Typer()
    app.command()(shared_work_command)
    result = CliRunner().invoke(app, ["--out", str(tmp_path)])
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "shared-work.json").read_text()) == {"instructions": 8}


def test_shared_work_compares_with_transformers_on_the_same_tensors():
    config = Sam3IConfig(**SIZES, adapters="lite")
    figures = measure(3, 112, 1, lambda text: None, config)
    assert set(figures["seconds"]) == {"one", "together", "plain calls"}
    assert figures["faster_than_plain_calls"] > 0
    model = Sam3IModel(config).eval()
    plain = plain_model(model)
    tensors = dict(plain.state_dict())
    assert all(
        tensors[n].data_ptr() == t.data_ptr() for n, t in model.state_dict().items() if n in tensors
    )
    assert not any(t.is_meta for t in [*plain.parameters(), *plain.buffers()])
    with torch.inference_mode():
        pixels, ids = torch.rand(1, 3, 112, 112), torch.randint(1, 300, (1, 32))
        said = plain(pixel_values=pixels, input_ids=ids, attention_mask=torch.ones_like(ids))
        assert torch.isfinite(said.pred_masks).all()


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 3])
def test_shared_pixels_are_the_decoders_own(rows):
    torch.manual_seed(rows)
    decoder = Sam3PixelDecoder(SimpleNamespace(hidden_size=16, num_upsampling_stages=3)).double()
    fine, middle = (torch.randn(1, 16, h, w).double() for h, w in ((12, 20), (6, 10)))
    coarse = torch.randn(rows, 16, 3, 5).double()  # rims, and what isn't square
    ours = SharedPixelDecoder(decoder)([fine, middle, coarse])
    torch.testing.assert_close(ours, decoder([fine, middle, coarse]), atol=1e-12, rtol=0)


@torch.inference_mode()
def test_the_model_keeps_its_own_pixels_while_a_graph_shares_them():
    torch.manual_seed(0)
    model = Sam3IModel(Sam3IConfig(**SIZES, adapters="none")).eval()
    decoder = model.mask_decoder
    before = decoder.pixel_decoder, decoder.instance_projection
    model.mask_decoder.instance_projection.bias[:] = torch.randn(32)
    image = model.encode_image(torch.randn(1, 3, 112, 112))
    text = model.encode_text(torch.randint(1, 300, (2, 32)), torch.ones(2, dtype=torch.int64))
    said = model.ground(image, text)
    given = (text.features, text.mask, text.levels, image.position, image.geometry)
    for several, plain in ((True, False), (False, True)):
        graph = GroundingGraph(model, several)
        assert isinstance(graph.mask_decoder.pixel_decoder, Sam3PixelDecoder) is plain
        found = GroundingOutput(*graph(*given, list(image.maps)))
        for name, value in vars(said).items():
            torch.testing.assert_close(vars(found)[name], value, atol=1e-4, rtol=1e-4)
    assert model.mask_decoder is decoder
    assert (decoder.pixel_decoder, decoder.instance_projection) == before


def test_the_worst_layer_is_where_the_difference_grows_most():
    ours = {name: torch.ones(4) for name in "abcd"}
    theirs = {"a": torch.full((4,), 1.1), "b": torch.full((4,), 1.5), "d": torch.full((4,), 1.6)}
    assert worst_layer(ours, theirs) == ("b", pytest.approx(0.5))
    elsewhere = {**theirs, "c": torch.ones(4), "d": torch.full((4,), 1.7)}  # c is on another path
    assert worst_layer(ours, elsewhere) == ("b", pytest.approx(0.5))
    assert worst_layer(ours, ours) == ("", 0.0)
    assert worst_layer(ours, {**theirs, "b": torch.full((4,), float("nan"))})[0] == "b"
    assert worst_layer(ours, {"a": torch.ones(1, 4)}) == ("", 0.0)  # another form
