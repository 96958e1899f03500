"""Adapters exchanged in a loaded model: what answers afterwards, and what is refused."""

from __future__ import annotations

import json
import shutil
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sam3i_model.checkpoints.anatomy import is_adapter
from sam3i_model.checkpoints.loading import CheckpointError, load, save
from sam3i_model.checkpoints.weights import Stored
from sam3i_model.instruction import Instruction, Outcome
from sam3i_model.modeling import Sam3IModel
from sam3i_model.segmenter import Segmenter
from training.instructions.vocabulary import build_tokenizer
from training.loop.initialise import prepare, small_config

RGB = np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)
ASKED = [
    Instruction("mug", threshold=1e-6),
    Instruction("the red mug left of the box", threshold=1e-6),
    Instruction("something to drink from", threshold=1e-6),
]


def learned(model: Sam3IModel) -> Sam3IModel:
    """The model, its adapters moved as training moves them."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if is_adapter(name):
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare base; the same with adapters that change nothing yet; with adapters that learned."""
    folder, tokenizer = tmp_path_factory.mktemp("checkpoints"), build_tokenizer()
    torch.manual_seed(0)
    model = Sam3IModel(small_config(len(tokenizer)))
    prepare(model)
    save(model, tokenizer, folder / "bare")
    model.add_adapters("full")
    model.config.trained_levels = ["concept", "simple", "complex"]
    save(model, tokenizer, folder / "base")
    model.config.score_thresholds = {"concept": 0.1, "simple": 0.2, "complex": 0.3}
    save(learned(model), tokenizer, folder / "tuned")
    return folder


@pytest.fixture
def base(folders: Path) -> Path:
    return folders / "base"


@pytest.fixture
def tuned(folders: Path, tmp_path: Path) -> Path:
    """One that may be spoiled."""
    return Path(shutil.copytree(folders / "tuned", tmp_path / "tuned"))


@pytest.fixture(scope="module")
def untouched(folders: Path) -> Segmenter:
    """In service as long as nothing changes it."""
    return serve(folders / "base")


@pytest.fixture
def serving(base: Path) -> Segmenter:
    return serve(base)


def serve(folder: Path) -> Segmenter:
    """A segmenter that has seen the picture."""
    segmenter = Segmenter.from_pretrained(folder, "cpu")
    segmenter.set_image(RGB)
    return segmenter


def scores(segmenter: Segmenter) -> list[np.ndarray]:
    return [grounding.scores for grounding in segmenter.ground(ASKED)]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def edit(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def configured(folder: Path, **values: Any) -> None:
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | values))


def test_answers_are_those_of_the_checkpoint_loaded_whole(serving, base, tuned):
    before = scores(serving)
    image = serving._image
    serving.load_adapters(str(tuned))
    whole = serve(tuned)
    after = scores(serving)
    assert same(after, scores(whole))
    assert np.array_equal(after[0], before[0])  # concepts meet no adapter
    assert not same(after[1:], before[1:])
    assert serving._image is image
    assert (serving.name, serving.adapters) == (str(base), str(tuned))
    config = serving.model.config
    assert config.score_thresholds == {"concept": 0.1, "simple": 0.2, "complex": 0.3}
    assert not any(module.training for module in serving.model.modules())
    serving.load_adapters("")
    assert same(scores(serving), before)
    assert serving.adapters == ""
    assert serving.model.config.score_thresholds["simple"] == 0.5


def test_the_base_stays_the_very_same_tensors(serving, tuned):
    before = {n: t.data_ptr() for n, t in serving.model.state_dict().items() if not is_adapter(n)}
    serving.load_adapters(str(tuned))
    after = serving.model.state_dict()
    assert before == {n: after[n].data_ptr() for n in before}
    assert not any(tensor.is_meta for tensor in after.values())
    stored = load_file(tuned / "model.safetensors")
    assert all(torch.equal(after[name], stored[name]) for name in stored)


def test_the_old_adapters_are_let_go(serving, tuned):
    old = [weakref.ref(p) for n, p in serving.model.named_parameters() if is_adapter(n)]
    serving.load_adapters(str(tuned))
    assert old
    assert not any(parameter() is not None for parameter in old)


def test_the_own_adapters_are_not_read_again_while_they_are_in_service(tuned):
    segmenter = serve(tuned)
    shutil.rmtree(tuned)
    segmenter.load_adapters("")
    assert segmenter.adapters == ""


def test_adapters_of_another_kind_fit_the_same_base(serving, folders, tmp_path):
    model, tokenizer = load(folders / "bare", "cpu")
    model.config.adapter_dim = 8
    model.add_adapters("lite")
    model.config.trained_levels = ["concept", "simple"]
    save(learned(model), tokenizer, tmp_path / "lite")
    serving.load_adapters(str(tmp_path / "lite"))
    assert same(scores(serving)[:2], scores(serve(tmp_path / "lite"))[:2])
    assert serving.ground(ASKED)[2].outcome == Outcome.REJECTED
    assert serving.model.config.adapters == "lite"


def test_a_base_without_adapters_gets_some_and_loses_them_again(folders, tuned):
    segmenter = serve(folders / "bare")
    assert segmenter.ground(ASKED)[1].outcome == Outcome.REJECTED
    segmenter.load_adapters(str(tuned))
    assert same(scores(segmenter), scores(serve(tuned)))
    with pytest.raises(CheckpointError, match="has no adapters"):
        segmenter.load_adapters(str(folders / "bare"))
    segmenter.load_adapters("")
    assert segmenter.ground(ASKED)[1].outcome == Outcome.REJECTED
    assert segmenter.model.config.adapters == "none"


def test_half_precision_on_disk_fits_the_same_file_in_service(tmp_path, base, tuned):
    for folder in (base, tuned):
        model, tokenizer = load(folder, "cpu")
        save(model, tokenizer, tmp_path / "half" / folder.name, torch.float16)
    segmenter = Segmenter.from_pretrained(tmp_path / "half" / "base", "cpu")
    segmenter.load_adapters(str(tmp_path / "half" / "tuned"))
    assert {tensor.dtype for tensor in segmenter.model.state_dict().values()} == {
        torch.float32,
        torch.int64,
    }
    with pytest.raises(CheckpointError, match="another base"):
        segmenter.load_adapters(str(tuned))


ADAPTER = "detr_decoder.layers.0.adapters.simple.up_proj.weight"
BASE = "text_projection.weight"
DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "another base": (
        lambda f: edit(f, lambda t: t[BASE].view(-1)[7].add_(1e-6)),
        f"{BASE} differs",
    ),
    "nan": (lambda f: edit(f, lambda t: t[ADAPTER].view(-1)[3].fill_(torch.nan)), "not finite"),
    "nan in the base": (lambda f: edit(f, lambda t: t[BASE].fill_(torch.nan)), "another base"),
    "missing": (lambda f: edit(f, lambda t: t.pop(ADAPTER)), "1 missing"),
    "missing base": (lambda f: edit(f, lambda t: t.pop(BASE)), "1 missing"),
    "stranger": (lambda f: edit(f, lambda t: t.update(x=torch.zeros(1))), "1 unexpected"),
    "shape": (
        lambda f: edit(f, lambda t: t.update({ADAPTER: t[ADAPTER].T.contiguous()})),
        "of another shape",
    ),
    "dimension": (lambda f: configured(f, adapter_dim=16), "of another shape"),
    "no adapters": (lambda f: configured(f, adapters="none"), "unexpected"),
    "heads": (lambda f: configured(f, adapters="lite", adapter_heads=5), "multiple of"),
    "pixels": (lambda f: configured(f, image_mean=[0.1, 0.2, 0.3]), "image_mean is"),
    "sizes": (
        lambda f: configured(f, text_config={"model_type": "clip_text_model", "hidden_size": 64}),
        r"text_config\.\w+ is",
    ),
    "thresholds": (lambda f: configured(f, score_thresholds={"concept": 0.5}), "thresholds"),
    "levels": (lambda f: configured(f, trained_levels=["concept", "auto"]), "trained_levels"),
    "cut short": (
        lambda f: (f / "model.safetensors").write_bytes(
            (f / "model.safetensors").read_bytes()[:-1000]
        ),
        "damaged, or an unfinished download",
    ),
    "config only": (lambda f: (f / "model.safetensors").unlink(), "no model.safetensors"),
    "weights only": (lambda f: (f / "config.json").unlink(), "no config.json"),
    "other model": (lambda f: (f / "config.json").write_text('{"model_type": "bert"}'), "no SAM 3"),
    "outside": (
        lambda f: (
            (f / "model.safetensors").rename(f.parent / "outside.safetensors"),
            (f / "other.safetensors").write_bytes(b""),
            (f / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {BASE: "../outside.safetensors"}})
            ),
        ),
        "can't be loaded",
    ),
    "not there": (shutil.rmtree, "there is no folder"),
    "no folder": (lambda f: (shutil.rmtree(f), f.write_bytes(b"PK")), "there is no folder"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_fails_its_check_changes_nothing(untouched, tuned, base, damage):
    spoil, said = DAMAGES[damage]
    spoil(tuned)
    with pytest.raises(CheckpointError, match=said) as caught:
        untouched.load_adapters(str(tuned))
    assert "\n" not in str(caught.value)
    assert untouched.adapters == ""
    stored = load_file(base / "model.safetensors")
    state = untouched.model.state_dict()
    assert state.keys() == stored.keys()
    assert all(torch.equal(state[name], stored[name]) for name in stored)
    assert untouched.model.config.score_thresholds["simple"] == 0.5


@pytest.mark.parametrize("folder", ["~nobody-of-this-name/tuned", "x" * 300])
def test_a_path_that_nothing_can_lie_at_is_no_folder(untouched, folder):
    with pytest.raises(CheckpointError, match="there is no folder"):
        untouched.load_adapters(folder)


def test_a_grounding_has_either_the_old_adapters_or_the_new(serving, base, tuned):
    old = scores(serving)
    serving.load_adapters(str(tuned))
    new = scores(serving)
    failures: list[Exception] = []

    def exchange() -> None:
        try:
            for _ in range(4):
                serving.load_adapters("")
                serving.load_adapters(str(tuned))
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=exchange)
    thread.start()
    seen = []
    while thread.is_alive():
        seen.append(scores(serving))
    thread.join()
    assert failures == []
    assert seen
    assert all(same(one, old) or same(one, new) for one in seen)
    assert same(scores(serving), new)


def test_only_one_tensor_of_the_base_is_in_memory_at_a_time(serving, tuned, monkeypatch):
    """Each tensor of the base that is read has gone before the next is asked for."""
    read = Stored.__getitem__
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def watched(self: Stored, name: str) -> torch.Tensor:
        nonlocal most
        tensor = read(self, name)
        if not is_adapter(name):
            most = max(most, 1 + sum(ref() is not None for ref in alive))
            alive.append(weakref.ref(tensor))
        return tensor

    monkeypatch.setattr(Stored, "__getitem__", watched)
    serving.load_adapters(str(tuned))
    assert most <= 2  # the loop's variable holds the one before
