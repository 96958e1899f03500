"""Official files: read exactly, told apart by what is in them, and never run."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from collections import OrderedDict
from types import ModuleType

import numpy as np
import pytest
import torch
from transformers import Sam3Config, Sam3Model
from typer.testing import CliRunner

from sam3i_model.checkpoints import weights
from sam3i_model.checkpoints.config_file import configure
from sam3i_model.checkpoints.loading import CheckpointError, load
from sam3i_model.checkpoints.tokenizers import clip_tokenizer
from sam3i_model.checkpoints.weights import open_weights
from sam3i_model.cli import build
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel
from sam3i_model.processing import tokenize
from tests.model.official_layout import answers, official_state, write_sam3, write_stage

ATTENTION = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48}
SIZES = {
    "vision_config": {
        "fpn_hidden_size": 32,
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "backbone_config": {
            "model_type": "sam3_vit_model",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 112,
            "patch_size": 14,
            "window_size": 4,
            "global_attn_indexes": [1],
            "pretrain_image_size": 56,
            "layer_norm_eps": 1e-5,
        },
    },
    "text_config": {
        "model_type": "clip_text_model",
        "hidden_size": 32,
        "intermediate_size": 64,
        "projection_dim": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 32,
        "vocab_size": 49408,
        "hidden_act": "gelu",
    },
    "geometry_encoder_config": {**ATTENTION, "num_layers": 1},
    "detr_encoder_config": {**ATTENTION, "num_layers": 2},
    "detr_decoder_config": {**ATTENTION, "num_layers": 2, "num_queries": 7},
    "mask_decoder_config": {"hidden_size": 32, "num_attention_heads": 4},
}


@pytest.fixture(scope="module")
def made() -> Sam3IModel:
    torch.manual_seed(0)
    model = Sam3IModel(Sam3IConfig(**SIZES)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


@pytest.fixture
def sizes(tmp_path):
    path = tmp_path / "sizes.json"
    path.write_text(json.dumps(SIZES))
    return path


def run(*words: str):
    return CliRunner().invoke(build(words[0]), list(words))


def same(model: Sam3IModel, other: Sam3IModel, levels: list[int]) -> None:
    theirs = answers(other, levels)
    for name, value in answers(model, levels).items():
        assert torch.equal(value, theirs[name]), name


def test_a_stage_file_answers_as_the_model_that_wrote_it(made, sizes, tmp_path):
    write_stage(made, tmp_path / "checkpoint.pt")
    loaded, tokenizer = load(tmp_path / "checkpoint.pt", "cpu", sizes)
    assert loaded.config.trained_levels == ["concept", "simple", "complex"]
    assert tokenizer("mug")["input_ids"][0] == 49406
    same(made, loaded, [1, 2, 3, 2])


def test_metas_file_answers_concepts_as_the_model_that_wrote_it(made, sizes, tmp_path):
    write_sam3(made, tmp_path / "sam3.pt")
    loaded, _ = load(tmp_path / "sam3.pt", "cpu", sizes)
    assert loaded.config.adapters == "none"
    assert loaded.config.trained_levels == ["concept"]
    same(made, loaded, [1, 1])


def test_transformers_video_folder_answers_as_metas_file(made, sizes, tmp_path):
    """Such as the hub's facebook/sam3: the image model within a video model."""
    plain = Sam3Model(Sam3Config(**SIZES))
    ours = made.state_dict()
    plain.load_state_dict({name: ours[name] for name in plain.state_dict()})
    plain.save_pretrained(tmp_path)
    parts = dict(zip(plain.state_dict(), plain.state_dict().values(), strict=True))
    video = {f"detector_model.{name}": value.contiguous() for name, value in parts.items()}
    video["tracker_model.no_memory_embedding"] = torch.ones(3)
    weights_file = tmp_path / "model.safetensors"
    weights_file.unlink()
    from safetensors.torch import save_file

    save_file(video, weights_file)
    vision = {**SIZES["vision_config"], "model_type": "sam3_vision_model"}
    detector = {**SIZES, "vision_config": vision, "model_type": "sam3"}
    del detector["vision_config"]["backbone_config"]["layer_norm_eps"]  # transformers has another
    config = {"model_type": "sam3_video", "detector_config": detector}
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded, tokenizer = load(tmp_path, "cpu")  # no tokenizer was saved: SAM 3's is CLIP's
    assert tokenizer("a red mug")["input_ids"] == clip_tokenizer()("a red mug")["input_ids"]
    assert open_weights(tmp_path).left_out == {"video tracker": 3}
    same(made, loaded, [1, 1])


@pytest.mark.parametrize("write", [write_stage, write_sam3])
def test_a_converted_folder_answers_as_its_origin(made, sizes, tmp_path, write):
    write(made, tmp_path / "theirs.pt")
    converted = run(
        "convert", str(tmp_path / "theirs.pt"), str(tmp_path / "ours"), "--config", str(sizes)
    )
    assert converted.exit_code == 0, converted.output
    origin, _ = load(tmp_path / "theirs.pt", "cpu", sizes)
    loaded, tokenizer = load(tmp_path / "ours", "cpu")
    same(origin, loaded, [1, 2, 3])
    assert loaded.config.trained_levels == origin.config.trained_levels
    assert loaded.config.licence == origin.config.licence
    assert tokenizer("a red mug!")["input_ids"] == clip_tokenizer()("a red mug!")["input_ids"]


def test_official_files_of_unusual_sizes_are_put_together(made, sizes, tmp_path):
    stage, other, ours, out = (tmp_path / name for name in ("a.pt", "b.pt", "ours", "out"))
    for path in (stage, other):
        write_stage(made, path)
    options = ["--config", str(sizes), "--average-with", str(other)]
    done = run("convert", str(stage), str(ours), *options)
    assert done.exit_code == 0, done.output
    content = json.loads((ours / "config.json").read_text()) | {"trained_levels": ["concept"]}
    (ours / "config.json").write_text(json.dumps(content))
    options = ["--config", str(sizes), "--adapters-of", str(ours)]
    done = run("convert", str(stage), str(out), *options)
    assert done.exit_code == 0, done.output  # a folder has its own configuration
    assert load(out, "cpu")[0].config.trained_levels == ["concept"]
    mean, options = tmp_path / "mean", ["--config", str(sizes), "--average-with", str(stage)]
    done = run("convert", str(ours), str(mean), *options)  # the first one, too
    assert done.exit_code == 0, done.output
    assert load(mean, "cpu")[0].config.trained_levels == ["concept"]


def test_official_files_have_the_tokens_of_openais_tokenizer():
    tokenizer = clip_tokenizer()
    assert len(tokenizer) == 49408
    theirs = {"the red mug!": [518, 736, 9722, 256], "wow!!!": [2781, 995], "what?!": [768, 2835]}
    for text, words in theirs.items():
        ids = [49406, *words, 49407]
        assert tokenize(tokenizer, text).ids.tolist() == ids + [0] * (32 - len(ids))


def test_a_conversion_leaves_what_is_there_alone(made, sizes, tmp_path):
    write_sam3(made, tmp_path / "sam3.pt")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/precious").write_text("mine")
    options = ["convert", str(tmp_path / "sam3.pt"), str(tmp_path / "ours"), "--config", str(sizes)]
    refused = run(*options)
    assert refused.exit_code == 1
    assert "is there already" in refused.stderr
    assert (tmp_path / "ours/precious").read_text() == "mine"


@pytest.mark.parametrize(
    ("stage", "alive", "levels"),
    [
        ("1_1", True, ["concept", "simple"]),
        ("1_2", True, ["concept", "simple", "complex"]),
        ("3", True, ["concept", "simple", "complex"]),
        ("3", False, ["concept"]),
    ],
)
def test_levels_come_from_fields_and_tensors_not_from_the_path(
    made, sizes, tmp_path, stage, alive, levels
):
    """A path that lies ("sam3i_3") changes nothing; adapters that do nothing teach no level."""
    state = official_state(made)
    if not alive:
        dead = {n: torch.zeros_like(v) for n, v in state.items() if re.search(r"adapter\d+\.", n)}
        state |= {n: v for n, v in dead.items() if "mask_predictor" not in n}
    path = tmp_path / "sam3i_3" / "checkpoint.pt"
    path.parent.mkdir()
    torch.save({"model": state, "inst_stage": stage, "epoch": 2}, path)
    found = open_weights(path)
    assert found.fields == {"inst_stage": stage, "epoch": 2}
    assert configure(found, sizes).trained_levels == levels


@pytest.mark.parametrize("beside", [True, False])
def test_of_a_configuration_of_ours_an_official_file_takes_the_sizes_alone(made, tmp_path, beside):
    ours = made.config.to_dict() | {
        "adapter_dim": 16,
        "trained_levels": ["concept", "simple", "complex"],
        "score_thresholds": {"concept": 0.1, "simple": 0.2, "complex": 0.3},
        "licence": "ours",
    }
    ours["vision_config"]["backbone_config"]["layer_norm_eps"] = 1e-6
    path = tmp_path / ("config.json" if beside else "ours.json")
    path.write_text(json.dumps(ours))
    write_stage(made, tmp_path / "checkpoint.pt", stage="1_1")
    found = configure(open_weights(tmp_path / "checkpoint.pt"), None if beside else path)
    assert (found.adapter_dim, found.detr_decoder_config.num_queries) == (16, 7)
    assert found.trained_levels == ["concept", "simple"]
    assert found.score_thresholds == dict.fromkeys(("concept", "simple", "complex"), 0.5)
    assert found.licence.startswith("base weights: SAM License (Meta)")
    assert found.vision_config.backbone_config.layer_norm_eps == 1e-5


def test_the_second_text_encoder_is_left_out_and_said_so(made, tmp_path):
    write_stage(made, tmp_path / "checkpoint.pt")
    found = open_weights(tmp_path / "checkpoint.pt")
    assert not any("backbone.text" in name for name in found.tensors)
    text = sum(p.numel() for n, p in made.named_parameters() if n.startswith("text_encoder."))
    adapters = sum(
        p.numel() for n, p in made.named_parameters() if n.startswith("text_") and ".adapters." in n
    )
    assert found.left_out["second text encoder"] == text - adapters
    told = run("info", str(tmp_path / "checkpoint.pt")).output
    assert "second text encoder" in told
    assert "2 alive" in told


def test_info_tells_dead_adapters_from_living_ones(made, tmp_path):
    state = official_state(made)
    for name, value in state.items():
        if (".adapter2." in name and name.endswith("weight")) or ".adapter12." in name:
            state[name] = torch.zeros_like(value)
    torch.save({"model": state, "inst_stage": "3"}, tmp_path / "checkpoint.pt")
    told = run("info", str(tmp_path / "checkpoint.pt")).output
    row = next(line for line in told.splitlines() if "fusion encoder" in line)
    assert [cell.strip() for cell in row.split("│")[2:5]] == [
        "2 alive",
        "2 does nothing",
        "2 bias only",
    ]


def test_info_tells_what_cant_be_loaded(made, sizes, tmp_path):
    write_stage(made, tmp_path / "checkpoint.pt")
    sound = run("info", str(tmp_path / "checkpoint.pt"), "--config", str(sizes)).output
    assert "can't be loaded" not in sound
    told = run("info", str(tmp_path / "checkpoint.pt"))
    assert told.exit_code == 0
    row = told.output[told.output.index("can't be loaded") :]
    assert "doesn't fit its configuration" in " ".join(row.replace("│", " ").split())


def broken(change, made, path):
    state = official_state(made)
    change(state)
    torch.save({"model": state, "inst_stage": "3"}, path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("dot_prod_scoring.hs_proj.bias"), r"1 missing \(dot_product_scoring\.q"),
        (lambda s: s.update({"stranger.weight": torch.ones(1)}), r"1 unexpected \(stranger\.weig"),
        (
            lambda s: s.update({"dot_prod_scoring.hs_proj.bias": torch.ones(1).expand(9, 9)}),
            r"1 of another shape \(dot_product_scoring",
        ),
        (
            lambda s: s.update(
                {"dot_prod_scoring.hs_proj.bias": torch.ones(1).expand(10**6, 10**6)}
            ),
            r"refused: dot_prod_scoring\.hs_proj\.bias is larger than what the file holds",
        ),
        (
            lambda s: s.update({"dot_prod_scoring.hs_proj.bias": torch.full((32,), torch.nan)}),
            r"damaged: dot_product_scoring\.query_proj\.bias is not finite",
        ),
        (
            lambda s: s.update({"backbone.vision_backbone.trunk.pos_embed": torch.tensor(1.0)}),
            r"trunk\.pos_embed has shape \(\)",
        ),
    ],
)
def test_wrong_tensors_are_named(made, sizes, tmp_path, change, said):
    broken(change, made, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=said) as caught:
        load(tmp_path / "checkpoint.pt", "cpu", sizes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.empty(3, 3, device="meta"),
        torch.eye(3).to_sparse(),
        torch.ones(3, 3, dtype=torch.complex64),
        torch.ones(3, 3, dtype=torch.int8),
    ],
    ids=["meta", "sparse", "complex", "int8"],
)
def test_tensors_that_are_not_plain_numbers_are_named(tmp_path, tensor):
    name = "transformer.encoder.layers.0.adapter1.up_proj.weight"
    torch.save({"model": {name: tensor}}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=rf"{name} is torch\.\w+, .*: take plain tensors"):
        open_weights(tmp_path / "checkpoint.pt")


def test_many_names_for_one_tensor_are_refused_before_each_is_looked_at(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    name = "transformer.encoder.layers.{}.adapter1.up_proj.weight"
    shared = torch.zeros(10_000)
    torch.save({"model": {name.format(layer): shared for layer in range(3)}}, path)
    monkeypatch.setattr(weights, "MAX_REPEATED", 2 * shared.nbytes)
    assert len(open_weights(path).tensors) == 3
    monkeypatch.setattr(weights, "MAX_REPEATED", shared.nbytes)
    with pytest.raises(CheckpointError, match=r"layers\.2\..* is larger than what the file holds"):
        open_weights(path)


def test_the_order_in_which_a_tensor_is_stored_changes_no_bit(made, sizes, tmp_path):
    def transposed(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.T.contiguous().T if tensor.dim() == 2 else tensor

    state = {name: transposed(value) for name, value in official_state(made).items()}
    torch.save({"model": state, "inst_stage": "3"}, tmp_path / "checkpoint.pt")
    same(made, load(tmp_path / "checkpoint.pt", "cpu", sizes)[0], [1, 2, 3])


@pytest.mark.parametrize("prefix", ["module.", "module.detector."])
def test_a_file_saved_by_a_parallel_trainer_is_read(made, sizes, tmp_path, prefix):
    state = {f"{prefix}{name}": value for name, value in official_state(made).items()}
    torch.save({"model": state}, tmp_path / "checkpoint.pt")
    same(made, load(tmp_path / "checkpoint.pt", "cpu", sizes)[0], [1, 2, 3])


def test_unknown_sizes_ask_for_a_config(made, tmp_path):
    write_stage(made, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=r"sizes\.json' can't be read: No such file"):
        load(tmp_path / "checkpoint.pt", "cpu", tmp_path / "sizes.json")
    with pytest.raises(CheckpointError, match="if its sizes are not SAM 3's, give --config"):
        load(tmp_path / "checkpoint.pt", "cpu")


def test_a_configuration_beyond_all_bounds_is_refused(made, sizes, tmp_path):
    huge = json.loads(json.dumps(SIZES))
    huge["detr_encoder_config"]["num_layers"] = 10**9
    sizes.write_text(json.dumps(huge))
    write_stage(made, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="beyond any size"):
        load(tmp_path / "checkpoint.pt", "cpu", sizes)


class Calls:
    """Pickles to a call of `function` with `arguments`."""

    def __init__(self, function, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


HOSTILE = {
    "os.system": lambda marker: Calls(os.system, f"touch {marker}"),
    "eval": lambda marker: Calls(eval, f"open({str(marker)!r}, 'w')"),
    "open": lambda marker: Calls(open, str(marker), "w"),
    "getattr": lambda marker: Calls(getattr, "text", "upper"),
    "torch.load": lambda marker: Calls(torch.load, str(marker)),
    "numpy.save": lambda marker: Calls(np.save, str(marker), [1]),
    "in a container": lambda marker: OrderedDict(a=[{"b": Calls(os.mkdir, str(marker))}]),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_malicious_file_executes_nothing(made, sizes, tmp_path, kind):
    marker = tmp_path / "executed"
    write_stage(made, tmp_path / "checkpoint.pt", best_meter_values=HOSTILE[kind](marker))
    if kind == "numpy.save":  # a placeholder takes NumPy's place: nothing runs, nothing is lost
        load(tmp_path / "checkpoint.pt", "cpu", sizes)
    else:
        with pytest.raises(CheckpointError, match="is refused, nothing in it was run") as caught:
            load(tmp_path / "checkpoint.pt", "cpu", sizes)
        assert "\n" not in str(caught.value)
    assert not marker.exists()


def test_a_file_with_a_training_scripts_values_is_read(made, sizes, tmp_path, monkeypatch):
    """NumPy and OmegaConf values, which `weights_only` doesn't let through."""
    module = ModuleType("omegaconf")
    settings = type("DictConfig", (dict,), {"__module__": "omegaconf"})
    module.DictConfig = settings  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "omegaconf", module)
    path = tmp_path / "checkpoint.pt"
    write_stage(
        made, path, best_meter_values={"loss": np.float64(3)}, adapter_config=settings(dim=64)
    )
    monkeypatch.delitem(sys.modules, "omegaconf")
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(path, weights_only=True)
    loaded, _ = load(path, "cpu", sizes)
    same(made, loaded, [1, 2, 3])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no PyTorch file, or an unfinished download"),
        (b"version https://git-lfs.github.com/spec/v1\n", "no PyTorch file"),
    ],
)
def test_no_checkpoint_at_all(tmp_path, content, said):
    (tmp_path / "sam3.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        load(tmp_path / "sam3.pt", "cpu")


def test_damaged_and_foreign_archives(made, tmp_path, monkeypatch):
    path = tmp_path / "sam3.pt"
    write_sam3(made, path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(CheckpointError, match="unfinished download"):
        load(path, "cpu")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.txt", "sun")
    with pytest.raises(CheckpointError, match="no checkpoint that torch"):
        load(path, "cpu")
    with zipfile.ZipFile(path, "w") as archive:  # TorchScript: a program, not weights
        archive.writestr("a/data.pkl", b"")
        archive.writestr("a/constants.pkl", b"")
    with pytest.raises(CheckpointError, match="no checkpoint that torch"):
        load(path, "cpu")
    torch.save([1, 2, 3], path)
    with pytest.raises(CheckpointError, match="holds no weights"):
        load(path, "cpu")
    write_sam3(made, path)
    monkeypatch.setattr(weights, "MAX_PICKLE", 1000)
    with pytest.raises(CheckpointError, match="its structure takes"):
        load(path, "cpu")
