"""Round trip of a checkpoint folder, and what a broken one says."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from safetensors.torch import load_file, save_file
from transformers import Sam3Config, Sam3Model

from sam3i_model.checkpoints import loading as checkpoints
from sam3i_model.checkpoints.config_file import configure
from sam3i_model.checkpoints.loading import CheckpointError, load, locate, save, write
from sam3i_model.checkpoints.tokenizers import clip_tokenizer
from sam3i_model.checkpoints.weights import Weights
from sam3i_model.instruction import Outcome
from sam3i_model.segmenter import Segmenter
from training.instructions.vocabulary import build_tokenizer
from training.loop.initialise import small_config


@pytest.fixture
def folder(random_model, tmp_path):
    save(random_model, build_tokenizer(), tmp_path / "model")
    return tmp_path / "model"


def test_round_trip_is_exact(random_model, folder):
    loaded, tokenizer = load(folder, "cpu")
    for name, value in random_model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    assert loaded.config.trained_levels == ["concept", "simple", "complex"]
    assert tokenizer("the red mug")["input_ids"][0] == 1
    assert not loaded.training


def test_half_precision_on_disk_is_single_in_memory(random_model, tmp_path):
    save(random_model, build_tokenizer(), tmp_path, torch.float16)
    stored = load_file(tmp_path / "model.safetensors")
    assert stored["text_projection.weight"].dtype == torch.float16
    assert load(tmp_path, "cpu")[0].text_projection.weight.dtype == torch.float32


def test_large_checkpoints_are_split_and_come_back_whole(random_model, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHARD", 3_000_000)
    save(random_model, build_tokenizer(), tmp_path)
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    loaded, _ = load(tmp_path, "cpu")
    for name, value in random_model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    next(tmp_path.glob("model-00002*.safetensors")).unlink()
    with pytest.raises(CheckpointError, match="can't be loaded"):
        load(tmp_path, "cpu")


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """As on a disk that is full, or beyond a quota, nothing is written past so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_cant_be_written_leaves_what_was_there(folder, random_model):
    path = folder / "model.safetensors"
    before = path.read_bytes()
    with files_end_at(1000), pytest.raises(OSError, match=r"model.safetensors' can't be written: "):
        write({"x": torch.zeros(1000)}, path)
    with files_end_at(10_000), pytest.raises(OSError, match=r"/model' can't be written: File too"):
        save(random_model, build_tokenizer(), folder)
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"config\.json"):  # whose mode a new one takes
        write({"x": torch.zeros(1000)}, path)
    assert path.read_bytes() == before
    assert not list(folder.glob("*.partial"))


def test_missing_and_unexpected_tensors_are_named(folder):
    tensors = load_file(folder / "model.safetensors")
    value = tensors.pop("text_projection.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"text_projection\.weight"):
        load(folder, "cpu")
    tensors |= {"text_projection.weight": value, "stranger": torch.zeros(1)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="stranger"):
        load(folder, "cpu")


def not_a_file(folder):
    """Stands for a file that is closed to the user: root, as in a container, may read all."""
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda f: (f / "model.safetensors").write_bytes(b"not weights"),
            r"model\.safetensors' is damaged, or an unfinished download: ",
        ),
        (not_a_file, r"can't be loaded: .*Is a directory: '.*/model\.safetensors'"),
        (lambda f: (f / "config.json").write_text("{"), "no SAM 3 configuration"),
        (lambda f: (f / "config.json").write_text('{"model_type": "bert"}'), "no SAM 3"),
        (lambda f: (f / "config.json").write_text("[" * 200_000), "no SAM 3 configuration"),
        (
            lambda f: (f / "model.safetensors.index.json").write_text("[" * 200_000),
            "can't be loaded",
        ),
        (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer that can't be read"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
    ],
)
def test_broken_folders_end_in_one_line(folder, damage, said):
    damage(folder)
    with pytest.raises(CheckpointError, match=said) as caught:
        load(folder, "cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "kind", [torch.int8, torch.uint8, torch.int32, torch.bool, torch.float8_e4m3fn]
)
def test_quantised_weights_are_told(tmp_path, kind):
    (tmp_path / "config.json").write_text("{}")
    save_file({"x": torch.zeros(2).to(kind)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"type \w+, as quantised .* take them in float32,"):
        load(tmp_path, "cpu")


def test_a_file_of_a_folder_is_told_its_folder(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=f"give its folder, '{tmp_path}'"):
        load(tmp_path / "model.safetensors", "cpu")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("score_thresholds", {"concept": 0.3}, "a number from 0 to 1 in score_thresholds"),
        ("score_thresholds", [0.3, 0.3, 0.3], "a number from 0 to 1 in score_thresholds"),
        ("presence_thresholds", {"concept": 0, "simple": "0", "complex": 0}, "sam3i calibrate"),
        ("presence_thresholds", {"concept": 0, "simple": 1.5, "complex": 0}, "sam3i calibrate"),
        ("trained_levels", ["concept", "auto"], "may be one or more of concept, simple"),
        ("trained_levels", "concept", "may be one or more of concept, simple"),
        ("trained_levels", [], "may be one or more of concept, simple"),
        ("image_mean", [0.5], "three numbers"),
        ("image_mean", [0.5, 0.5, float("nan")], "three numbers"),
        ("image_std", 0.5, "three numbers"),
        ("image_std", [0.2, 0.2, 0.0], "above 0"),
    ],
)
def test_a_configuration_that_nothing_can_be_answered_with(tmp_path, field, value, said):
    content = small_config(9).to_dict() | {"trained_levels": ["concept", "simple", "complex"]}
    (tmp_path / "config.json").write_text(json.dumps(content | {field: value}))
    with pytest.raises(CheckpointError, match=said) as caught:
        configure(Weights(tmp_path, "folder", {}, {}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["sam3i", "sam3"])
@pytest.mark.parametrize(
    ("section", "field", "value", "said"),
    [
        ("detr_decoder_config", "num_attention_heads", 3, "num_attention_heads 3, which must div"),
        ("detr_encoder_config", "num_attention_heads", 0, "num_attention_heads 0, which must div"),
        ("mask_decoder_config", "hidden_size", 64, "fpn_hidden_size 128: both must be the same"),
        ("text_config", "max_position_embeddings", 16, "less than 32 position embeddings"),
        ("detr_decoder_config", "num_queries", 0, "num_queries below 1"),
        ("detr_decoder_config", "num_queries", "7", "'num_queries' expected int, got str"),
    ],
)
def test_parts_that_cant_compute_are_told_before_a_picture_comes(
    tmp_path, kind, section, field, value, said
):
    content = small_config(9).to_dict() | {"model_type": kind}
    content[section][field] = value
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=rf"config\.json' can't be used: .*{said}") as caught:
        configure(Weights(tmp_path, "folder", {}, {}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [[256, 256], 250, 16, 8192, "256"])
@pytest.mark.parametrize("kind", ["sam3i", "sam3"])
def test_an_input_that_the_image_encoder_cant_take(tmp_path, size, kind):
    content = small_config(9).to_dict() | {"model_type": kind}
    content["vision_config"]["backbone_config"]["image_size"] = size
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"config\.json' can't be used: ") as caught:
        configure(Weights(tmp_path, "folder", {}, {}))
    assert "\n" not in str(caught.value)


def test_thresholds_that_were_taken_out_are_the_usual_ones(tmp_path):
    content = small_config(9).to_dict()
    del content["score_thresholds"], content["presence_thresholds"]
    (tmp_path / "config.json").write_text(json.dumps(content))
    config = configure(Weights(tmp_path, "folder", {}, {}))
    levels = "concept", "simple", "complex"
    assert config.score_thresholds == dict.fromkeys(levels, 0.5)
    assert config.presence_thresholds == dict.fromkeys(levels, 0.0)


def test_plain_sam3_answers_concepts_only(tmp_path):
    parts = {
        name: value
        for name, value in small_config(len(build_tokenizer())).to_dict().items()
        if name.endswith("_config")
    }
    plain = Sam3Model(Sam3Config(**parts)).eval()
    plain.save_pretrained(tmp_path)
    build_tokenizer().save_pretrained(tmp_path)
    segmenter = Segmenter.from_pretrained(tmp_path, "cpu")
    ours = segmenter.model.state_dict()
    for name, value in plain.state_dict().items():
        assert torch.equal(ours[name], value), name
    segmenter.set_image(np.zeros((64, 64, 3), np.uint8))
    concept, simple = segmenter.ground(["mug", "the mug left of the box"])
    assert concept.outcome != Outcome.REJECTED
    assert simple.outcome == Outcome.REJECTED


def test_hub_ids_are_downloaded_with_the_users_own_token(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(
        checkpoints, "snapshot_download", lambda name, **_: asked.append(name) or str(folder)
    )
    assert locate("facebook/sam3") == folder
    assert asked == ["facebook/sam3"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GatedRepoError("401", response=Mock()), "accept its licence.*hf auth login"),
        (RepositoryNotFoundError("404", response=Mock()), "no such checkpoint for you"),
        (LocalEntryNotFoundError("no network"), "no network"),
    ],
)
def test_a_hub_that_refuses_or_cannot_be_reached(monkeypatch, error, said):
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(checkpoints, "snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=said) as caught:
        load("nobody/nothing", "cpu")
    assert "\n" not in str(caught.value)


def test_a_tokenizer_that_does_not_fit_is_told(folder):
    (folder / "tokenizer.json").unlink()
    clip_tokenizer().save_pretrained(folder)
    with pytest.raises(CheckpointError, match="its tokenizer 49408: put the right"):
        load(folder, "cpu")


def test_missing_folder_and_device(folder, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        load(tmp_path / "nowhere", "cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        load(tmp_path / "empty", "cpu")
    with pytest.raises(
        CheckpointError, match=r"^there is no device 'toaster': use auto, cpu or cuda$"
    ):
        load(folder, "toaster")
    with pytest.raises(CheckpointError, match=r"device 'meta' can't be used .*: use auto, cpu"):
        load(folder, "meta")


def test_the_folder_of_a_run_is_told_its_checkpoint(folder):
    said = f"'{folder.parent}' is the folder of a run: name its checkpoint, '{folder}'"
    with pytest.raises(CheckpointError, match=said):
        load(folder.parent, "cpu")
    (folder / "model").mkdir()
    (folder / "model/config.json").touch()
    assert locate(folder) == folder  # a checkpoint all the same


def test_paths_that_nothing_can_lie_at_end_in_one_line(tmp_path, monkeypatch):
    for path in ("~nobody-of-this-name/model", f"{tmp_path}/{'x' * 300}", "a\0b"):
        with pytest.raises(CheckpointError, match=r"no way to|no checkpoint at"):
            locate(path)

    def closed(self: Path) -> bool:  # root may enter any folder
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", closed)
    with pytest.raises(CheckpointError, match=r"no way to '.*/model': .*Permission denied"):
        locate(tmp_path / "model")


def test_wrong_dimensions_are_an_error_of_one_line(folder):
    config = json.loads((folder / "config.json").read_text())
    config["adapter_dim"] = 16
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError) as caught:
        load(folder, "cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_model_can_be_saved_over_the_files_that_it_is_mapped_from(folder):
    loaded, tokenizer = load(folder, "cpu")
    before = {name: value.clone() for name, value in loaded.state_dict().items()}
    save(loaded, tokenizer, folder)
    again, _ = load(folder, "cpu")
    for name, value in before.items():
        assert torch.equal(again.state_dict()[name], value), name
        assert torch.equal(loaded.state_dict()[name], value), name
