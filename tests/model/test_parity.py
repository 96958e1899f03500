"""The numbers of the official SAM3-I code, for a small random stage file.

The sets lie beside the project (`../shared/parity/*`) or where SAM3I_PARITY says: a stage file, its
sizes, inputs and what the official code computed for them on a CPU in float32.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from sam3i_model import processing
from sam3i_model.checkpoints.loading import load
from sam3i_model.features import GroundingOutput, ImageFeatures, TextFeatures
from sam3i_model.modeling import Sam3IModel
from sam3i_model.processing import Limits, select, tokenize

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("SAM3I_PARITY", PROJECT.parent / "shared/parity"))
SETS = sorted(path.parent for path in FOLDER.glob("*/golden.npz"))
PATHS = {1: "concept", 2: "simple", 4: "complex"}  # the official text_type of each level
LEVELS = {1: 1, 2: 2, 4: 3}

pytestmark = pytest.mark.skipif(not SETS, reason=f"no parity sets in {FOLDER}")


class Golden:
    """One set: the model that was loaded from its stage file, its arrays, its image's features."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrays = np.load(folder / "golden.npz")
        self.config = json.loads((folder / "config.json").read_text())
        self.model, self.tokenizer = load(folder / "checkpoint.pt", "cpu")
        self.ids = self["input/token_ids"].long()
        self.index = self["input/image_index"].long()
        with torch.inference_mode():
            self.image = self.model.encode_image(self["input/pixel_values"].float())

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self.arrays[name])

    @torch.inference_mode()
    def run(self, levels: list[int]) -> tuple[TextFeatures, GroundingOutput]:
        text = self.model.encode_text(self.ids, torch.tensor(levels))
        return text, self.model.ground(self.image, text, self.index)


@pytest.fixture(scope="module", params=SETS, ids=lambda folder: folder.name)
def golden(request) -> Golden:
    return Golden(request.param)


def close(ours: torch.Tensor, theirs: torch.Tensor, tolerance: float) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


def test_levels_are_read_from_the_file(golden):
    assert isinstance(golden.model, Sam3IModel)
    assert golden.model.config.trained_levels == ["concept", "simple", "complex"]


def test_tokens(golden):
    counts = golden["input/token_count_before_cut"].tolist()
    for text, ids, count in zip(golden.config["texts"], golden.ids, counts, strict=True):
        tokens = tokenize(golden.tokenizer, text)
        assert tokens.ids.tolist() == ids.tolist()
        assert (tokens.count, tokens.truncated) == (count, count > 32)


def test_image_features(golden):
    image: ImageFeatures = golden.image
    for level, features in enumerate(image.maps):
        close(features, golden[f"image/fpn_{level}"], 1e-4)
    close(image.geometry[:, 0], golden["image/geometry_cls_token"], 1e-5)


@pytest.mark.parametrize("path", PATHS, ids=PATHS.values())
def test_every_output_of_every_path(golden, path):
    text, output = golden.run([LEVELS[path]] * len(golden.ids))
    said = f"text_type_{path}"
    close(text.features, golden[f"{said}/language_features"], 1e-5)
    close(output.pred_logits, golden[f"{said}/pred_logits"], 1e-4)
    close(output.pred_boxes, golden[f"{said}/pred_boxes_xyxy"], 1e-5)
    close(output.presence_logits[:, 0], golden[f"{said}/presence_logit"], 1e-5)
    close(output.pred_masks, golden[f"{said}/pred_masks"], 1e-4)
    close(output.semantic_seg, golden[f"{said}/semantic_seg"], 1e-4)
    scores = output.pred_logits.sigmoid() * output.presence_logits.sigmoid()
    close(scores, golden[f"{said}/scores"], 1e-5)


def test_a_batch_of_all_levels_gives_each_row_its_own_path(golden):
    paths = [1, 2, 4, 2][: len(golden.ids)]
    _, output = golden.run([LEVELS[path] for path in paths])
    for row, path in enumerate(paths):
        close(output.pred_masks[row], golden[f"text_type_{path}/pred_masks"][row], 1e-4)
        close(output.pred_logits[row], golden[f"text_type_{path}/pred_logits"][row], 1e-4)


@pytest.mark.parametrize("path", PATHS, ids=PATHS.values())
def test_instances_at_the_original_size(golden, path, monkeypatch):
    monkeypatch.setattr(processing, "DUPLICATE_IOU", 2.0)  # the official image path keeps all
    _, output = golden.run([LEVELS[path]] * len(golden.ids))
    threshold = float(golden.arrays[f"post/text_type_{path}/threshold"])
    for row, size in enumerate(golden["input/original_size_hw"].tolist()):
        one = GroundingOutput(
            **{name: value[row : row + 1] for name, value in vars(output).items()}
        )
        found = select(one, [Limits(threshold)], tuple(size))[0]
        said = f"post/text_type_{path}/text_{row}"
        scores = golden.arrays[f"{said}/scores"]
        order = np.argsort(-scores, kind="stable")
        np.testing.assert_allclose(found.scores, scores[order], rtol=0, atol=1e-5)
        height, width = size
        packed = golden.arrays[f"{said}/masks_packed"][order]
        masks = np.unpackbits(packed, axis=1)[:, : height * width].reshape(-1, height, width)
        assert (found.masks != masks).sum() <= 5  # pixels whose logit is nearly 0
        inside = golden.arrays[f"{said}/boxes"][order].clip(0, [width, height, width, height])
        np.testing.assert_allclose(found.boxes, inside, rtol=0, atol=1e-3)
