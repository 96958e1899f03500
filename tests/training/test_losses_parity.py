"""The losses of the official SAM3-I code, for made-up outputs of two passes.

The sets lie beside the project (`../shared/parity/*`) or where SAM3I_PARITY says; A and B are the
passes with the simple and the complex instructions.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from sam3i_model.features import LayerOutputs
from training.losses.alignment import (
    Projections,
    alignment_losses,
    anchor_loss,
    concept_keys,
    contrast_loss,
    hard_region_loss,
    map_divergence,
)
from training.losses.grounding import grounding_losses, presence_loss, query_losses, semantic_losses
from training.losses.matching import Match, match
from training.losses.recipes import SAM3
from training.losses.targets import Targets

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("SAM3I_PARITY", PROJECT.parent / "shared/parity"))
SETS = sorted(path.parent for path in FOLDER.glob("*/losses.npz"))
RELATIVE = 1e-6
NAMES = {
    "class": "loss_ce",
    "l1": "loss_bbox",
    "giou": "loss_giou",
    "mask": "loss_mask",
    "dice": "loss_dice",
    "presence": "presence_loss",
}
CASES = ("mixed", "all_different", "all_same", "pairs")

pytestmark = pytest.mark.skipif(not SETS, reason=f"no parity sets in {FOLDER}")


def to_corners(boxes: torch.Tensor) -> torch.Tensor:
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


class Golden:
    """One set: its arrays, what they say in our types, and the expected values."""

    def __init__(self, folder: Path) -> None:
        self.arrays = np.load(folder / "losses.npz")
        content = json.loads((folder / "losses.json").read_text())
        self.values, self.spec = content["values"], content["spec"]
        counts = self["target/num_boxes"].tolist()
        boxes = to_corners(self["target/boxes_cxcywh"])
        self.targets = Targets(list(boxes.split(counts)), self["target/masks"])
        self.layers = self.spec["aux_layers"] + 1

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self.arrays[name])

    def outputs(self, run: str, half: str = "") -> LayerOutputs:
        """A pass's outputs; the map of query q is channel q of the pixels."""
        places = [f"{run}/aux_{i}" for i in range(self.layers - 1)] + [run]
        logits = torch.stack([self[f"{p}/pred_logits{half}"][..., 0] for p in places])
        texts, queries = logits.shape[1:]
        return LayerOutputs(
            logits=logits,
            boxes=to_corners(torch.stack([self[f"{p}/pred_boxes{half}"] for p in places])),
            presence=torch.stack([self[f"{p}/presence_logit_dec"][:, 0] for p in places]),
            mask_embeds=torch.eye(queries).expand(self.layers, texts, -1, -1),
            pixels=self[f"{run}/pred_masks{half}"],
            semantic=self[f"{run}/semantic_seg"],
            tokens=torch.zeros(texts, 0, 0),
        )

    def projections(self, concepts: list[str]) -> Projections:
        """Features of the first samples, one for each concept string, ready for gradients."""
        count = len(concepts)
        names = ("A/proj_feat", "B/proj_feat", "A/concept_proj_feat")
        features = [self[name][:count].clone().requires_grad_() for name in names]
        return Projections(*features, concept_keys(concepts))

    def maps(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Both semantic maps, ready for gradients."""
        first, second = (self[f"{run}/semantic_seg"].clone().requires_grad_() for run in "AB")
        return first, second

    def check(self, value: torch.Tensor, name: str) -> None:
        """Compare with an expected value."""
        assert value.item() == pytest.approx(self.values[name], rel=RELATIVE, abs=1e-9), name

    def check_gradients(self, name: str, *inputs: torch.Tensor) -> None:
        """Compare the inputs' gradients, to 1e-4 of the greatest entry."""
        for index, tensor in enumerate(inputs):
            expected = self[f"grad/{name}/arg{index}"]
            tolerance = 1e-4 * expected.abs().max().item()
            torch.testing.assert_close(tensor.grad, expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="module", params=SETS, ids=lambda folder: folder.name)
def golden(request) -> Golden:
    return Golden(request.param)


def test_the_preset_has_the_weights_of_the_set(golden):
    weights = golden.spec["weights"]
    ours = {official: SAM3.weights[name] for name, official in NAMES.items()}
    ours |= {
        name: SAM3.weights[name.removesuffix("_seg")] for name in ("semantic_seg", "semantic_dice")
    }
    alignment = vars(SAM3.alignment)
    ours |= {"kl": alignment["kl"], "hard": alignment["hard"]}
    ours |= {"infonce": alignment["contrast"], "margin": alignment["anchor"]}
    assert SAM3.one_to_many is not None
    ours["o2m"] = SAM3.one_to_many.weight
    assert ours == {name: value for name, value in weights.items() if name != "semantic_presence"}


def as_set(found: Match, layer: int) -> set[tuple[int, ...]]:
    pairs = found.of_layer(layer)
    return set(zip(pairs.text.tolist(), pairs.query.tolist(), pairs.object.tolist(), strict=True))


@pytest.mark.parametrize("run", ["A", "B"])
@pytest.mark.parametrize("half", ["o2o", "o2m"])
def test_matches(golden, run, half):
    outputs = golden.outputs(run, "" if half == "o2o" else "_o2m")
    matching = SAM3.matching if half == "o2o" else SAM3.one_to_many.matching
    found = match(outputs.logits, outputs.boxes, golden.targets.boxes, matching)
    for layer in range(golden.layers):
        place = run if layer == golden.layers - 1 else f"{run}/aux_{layer}"
        expected = golden.arrays[f"{place}/match_{half}"]
        assert as_set(found, layer) == set(zip(*expected.tolist(), strict=True)), place


@pytest.mark.parametrize("run", ["A", "B"])
@pytest.mark.parametrize("half", ["o2o", "o2m"])
def test_terms_of_every_layer(golden, run, half):
    outputs = golden.outputs(run, "" if half == "o2o" else "_o2m")
    matching = SAM3.matching if half == "o2o" else SAM3.one_to_many.matching
    pairs = match(outputs.logits, outputs.boxes, golden.targets.boxes, matching)
    objects = torch.tensor(float(len(golden.targets.masks)))
    golden.check(objects, "num_boxes_normaliser")
    layered = query_losses(outputs, golden.targets, pairs, objects, SAM3)
    if half == "o2o":
        layered["presence"] = presence_loss(outputs.presence, golden.targets, SAM3)
    full = "main" if run == "A" else "ref"
    factor, suffix = (1.0, "") if half == "o2o" else (SAM3.one_to_many.weight, "_o2m")
    for name, value in layered.items():
        golden.check(value[-1], f"base/{run}/{half}/{NAMES[name]}")
        golden.check(value[-1] * factor, f"full/{full}/{NAMES[name]}{suffix}")
        for layer in range(golden.layers - 1):
            said = f"full/{full}/{NAMES[name]}_aux_{layer}"
            if name in ("mask", "dice"):  # of the last layer alone
                assert value[layer] == 0
            else:
                golden.check(value[layer] * factor, f"{said}{suffix}")


def test_terms_that_are_left_out_are_switched_off(golden):
    names = [n for n in golden.values if n.endswith("semantic_presence")]
    names += [n for n in golden.values if "presence_loss" in n and "o2m" in n]
    assert names
    assert not any(golden.values[name] for name in names)


@pytest.mark.parametrize("run", ["A", "B"])
def test_semantic_terms(golden, run):
    terms = semantic_losses(golden[f"{run}/semantic_seg"], golden.targets, SAM3)
    golden.check(terms["semantic"], f"base/{run}/loss_semantic_seg")
    golden.check(terms["semantic_dice"], f"base/{run}/loss_semantic_dice")


@pytest.mark.parametrize("name", ["kl", "hard"])
def test_maps_are_aligned_both_ways(golden, name):
    first, second = golden.maps()
    extra = () if name == "kl" else (golden.targets, SAM3)
    loss = map_divergence if name == "kl" else hard_region_loss
    one_way, other_way = loss(first, second, *extra).mean(), loss(second, first, *extra).mean()
    suffixes = ("AB", "BA", "symmetric") if name == "kl" else ("A", "B", "symmetric")
    values = (one_way, other_way, (one_way + other_way) / 2)
    for suffix, value in zip(suffixes, values, strict=True):
        golden.check(value, f"{name}_{suffix}")
        first.grad, second.grad = torch.zeros_like(first), torch.zeros_like(second)
        value.backward(retain_graph=True)
        golden.check_gradients(f"{name}_{suffix}", first, second)


@pytest.mark.parametrize("case", [*CASES, "single", "mixed_rho1"])
def test_contrast(golden, case):
    cases = golden.spec["infonce_cases"]
    concepts = cases["mixed"][:1] if case == "single" else cases[case.removesuffix("_rho1")]
    features = golden.projections(concepts)
    constants = SAM3.alignment
    rho = 1.0 if case == "mixed_rho1" else constants.same_concept
    value = contrast_loss(features, slice(None), constants.temperature, rho).mean()
    golden.check(value, f"infonce_{case}")
    value.backward()
    golden.check_gradients(f"infonce_{case}", features.simple, features.complex)


@pytest.mark.parametrize("case", [*CASES, "single"])
def test_anchors(golden, case):
    cases = golden.spec["infonce_cases"]
    features = golden.projections(cases["mixed"][:1] if case == "single" else cases[case])
    value = anchor_loss(features, slice(None), SAM3.alignment.margin)
    golden.check(value, f"margin_{case}")
    value.backward()
    inputs = (features.simple, features.complex, features.concept)
    if case in ("all_same", "single"):  # nothing to keep apart
        assert all(not tensor.grad.any() for tensor in inputs)
    else:
        golden.check_gradients(f"margin_{case}", *inputs)


def test_the_whole_step(golden):
    recipe, total = SAM3, 0.0
    for run, full in (("A", "main"), ("B", "ref")):
        terms = grounding_losses(
            golden.outputs(run), golden.targets, recipe, golden.outputs(run, "_o2m")
        )
        golden.check(terms["semantic_dice"], f"full/{full}/loss_semantic_dice")
        loss = terms["grounding"]
        if full == "main":
            features = golden.projections(golden.spec["concept_texts"])
            maps = (golden[f"{run}/semantic_seg"] for run in "AB")
            alignment = alignment_losses(*maps, features, golden.targets, recipe)
            golden.check(alignment["kl"] * recipe.alignment.kl, "full/main/loss_kl")
            golden.check(alignment["hard"], "full/main/loss_enhanced_seg")
            golden.check(alignment["contrast"], "full/main/loss_infonce")
            golden.check(alignment["anchor"], "full/main/loss_margin")
            # the official log adds two alignment terms to this one
            logged = terms["semantic"] + recipe.alignment.kl * alignment["kl"] + alignment["hard"]
            golden.check(logged, "full/main/loss_semantic_seg")
            loss = loss + alignment["alignment"]
        else:
            golden.check(terms["semantic"], "full/ref/loss_semantic_seg")
        golden.check(loss, f"full/{full}/core_loss")
        total = total + loss
    golden.check(total, "full/step_total")
