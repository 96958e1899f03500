"""SAM3-I in its real size, random weights, in the three formats that users come with.

Needs 30 GB of disk and 16 GB of memory, and takes about ten minutes on two cores:
`.venv/bin/python -m pytest -m slow -s tests/model/test_full_size.py` prints the figures.
"""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sam3i_model.checkpoints.loading import load
from sam3i_model.checkpoints.tokenizers import clip_tokenizer
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.modeling import Sam3IModel
from tests.model.official_layout import answers, official_state, write_sam3, write_stage

pytestmark = pytest.mark.slow

MEASURE = """
import sys, typer
from sam3i_model.convert import convert_command
sys.argv = ["convert", *sys.argv[1:]]
try:
    typer.run(convert_command)
finally:
    # not getrusage: its peak is also that of the process that started this one
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print("PEAK", int(peak.split()[1]) * 1024)
"""


def write_folder(model: Sam3IModel, folder: Path) -> None:
    """As the hub's facebook/sam3: the image model within transformers' video model."""
    folder.mkdir()
    state = {n: v for n, v in model.state_dict().items() if ".adapters." not in n}
    plain = {n: v for n, v in state.items() if "_embedder.simple" not in n and ".complex" not in n}
    video = {f"detector_model.{name}": value for name, value in plain.items()}
    save_file(video, folder / "model.safetensors", metadata={"format": "pt"})
    detector = {"model_type": "sam3", "vision_config": {"model_type": "sam3_vision_model"}}
    config = {"model_type": "sam3_video", "detector_config": detector}
    (folder / "config.json").write_text(json.dumps(config))
    clip_tokenizer().save_pretrained(folder)


FORMATS = {"folder": write_folder, "sam3.pt": write_sam3, "stage.pt": write_stage}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder with the three files, and what the model that wrote them answers."""
    folder = tmp_path_factory.mktemp("full")
    torch.manual_seed(0)
    config = Sam3IConfig()
    config.vision_config.backbone_config.layer_norm_eps = 1e-5
    model = Sam3IModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".adapters." in name or "mask_embedder" in name:
                parameter += 0.02 * torch.randn_like(parameter)
    for name, write in FORMATS.items():
        write(model, folder / name)
    levels = {"folder": [1, 1, 1], "sam3.pt": [1, 1, 1], "stage.pt": [1, 2, 3]}
    expected = {name: answers(model, asked) for name, asked in levels.items()}
    assert len(official_state(model)) > 1000
    del model
    gc.collect()
    yield folder, levels, expected
    shutil.rmtree(folder)


def size_of(path: Path) -> int:
    return sum(p.stat().st_size for p in ([path] if path.is_file() else path.iterdir()))


@pytest.mark.parametrize("name", FORMATS)
def test_converted_folder_gives_identical_outputs_in_the_memory_of_one_copy(written, name):
    folder, levels, expected = written
    began = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder / name), str(folder / "out")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    seconds = time.monotonic() - began
    peak = int(told.split("PEAK")[1])
    size = size_of(folder / name)
    print(f"\n{name}: {size / 1e9:.2f} GB, convert {seconds:.0f} s, ", end="")
    print(f"peak {peak / 1e9:.2f} GB = {peak / size:.2f} x the file")
    model, _ = load(folder / "out", "cpu")
    found = answers(model, levels[name])
    for output, value in expected[name].items():
        assert torch.equal(found[output], value), output
    shutil.rmtree(folder / "out")
    assert peak <= 1.3 * size
