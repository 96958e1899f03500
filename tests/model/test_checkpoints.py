"""Round trip of a checkpoint folder, and what a broken one says."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from sam3i_model.checkpoints import CheckpointError, load, save
from training.instructions.vocabulary import build_tokenizer


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


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "model.safetensors").write_bytes(b"not weights"), "can't be loaded"),
        (lambda f: (f / "config.json").write_text("{"), "can't be loaded"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
    ],
)
def test_broken_folders_end_in_one_line(folder, damage, said):
    damage(folder)
    with pytest.raises(CheckpointError, match=said) as caught:
        load(folder, "cpu")
    assert "\n" not in str(caught.value)


def test_missing_folder_and_device(folder, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        load(tmp_path / "nowhere", "cpu")
    with pytest.raises(CheckpointError, match="use auto, cpu or cuda"):
        load(folder, "toaster")


def test_wrong_dimensions_are_an_error_of_one_line(folder):
    config = json.loads((folder / "config.json").read_text())
    config["adapter_dim"] = 16
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError) as caught:
        load(folder, "cpu")
    assert "\n" not in str(caught.value)
