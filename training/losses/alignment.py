"""SAM3-I's alignment of a simple and a complex instruction that mean the same thing (stage 3).

Two passes over B samples, one with each sample's simple instruction and one with its complex one,
shall agree: in the semantic map (`map_divergence`, `hard_region_loss`), in the instruction's
feature (`contrast_loss`) and with the concept's (`anchor_loss`). The losses are those of
arXiv 2512.04585 with the constants of its released code (`sam3/train/loss/sam3_loss.py`); natural
logarithms.

The last two compare samples with one another and say nothing about a batch of one. So features are
gathered over the training processes, and `FeatureQueue` adds those of past steps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from training.losses.processes import gather_rows, mean_count
from training.losses.recipes import Recipe
from training.losses.targets import Targets, on_one_grid

CERTAIN = 1e-6
"""Probabilities are kept this far from 0 and 1 where their logarithm is taken."""


class ProjectionHead(nn.Module):
    """Text features to the space of contrast and anchors; training only.

    Linear, LayerNorm, ReLU, Linear, all of width C, on the mean over all token positions, padding
    included (SAM3-I's `share_mlp_params`: one head for concept, simple and complex instructions).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Project `TextFeatures.features` (B, 32, C): (B, C)."""
        return self.layers(features.mean(1))


@dataclass
class Projections:
    """Projected features of N samples.

    Attributes:
        simple: (N, C) of the simple instructions.
        complex: (N, C) of the complex ones.
        concept: (N, C) of the concepts.
        keys: int64 (N,) by which equal concepts are known, see `concept_keys`.
    """

    simple: torch.Tensor
    complex: torch.Tensor
    concept: torch.Tensor
    keys: torch.Tensor


def concept_keys(concepts: Sequence[str]) -> torch.Tensor:
    """int64 (N,), equal for concepts that are equal but for case: tensors can be gathered."""
    digests = [hashlib.blake2b(c.lower().encode(), digest_size=8).digest() for c in concepts]
    return torch.tensor([int.from_bytes(d, "big", signed=True) for d in digests], dtype=torch.int64)


class FeatureQueue:
    """Projections of the latest samples, without gradient, newest first.

    The features are as old as they are: keep the queue short against how fast the head learns.

    Args:
        length: Samples to keep at most.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.samples: Projections | None = None

    def join(self, current: Projections) -> Projections:
        """The current samples followed by the queue's."""
        if self.samples is None:
            return current
        pairs = zip(vars(current).values(), vars(self.samples).values(), strict=True)
        return Projections(*(torch.cat([new, old.to(new.device)]) for new, old in pairs))

    def push(self, current: Projections) -> None:
        """Put samples at the front; the oldest leave."""
        joined = vars(self.join(current)).values()
        self.samples = Projections(*(v[: self.length].detach().clone() for v in joined))

    def state_dict(self) -> dict[str, Any]:
        """What a training state keeps of the queue."""
        return {} if self.samples is None else dict(vars(self.samples))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with a kept queue."""
        self.samples = Projections(**state) if state else None


def alignment_losses(
    simple: torch.Tensor,
    complex_: torch.Tensor,
    features: Projections,
    targets: Targets,
    recipe: Recipe,
    queue: FeatureQueue | None = None,
) -> dict[str, torch.Tensor]:
    """All four losses of B samples; afterwards the queue has all processes' samples.

    Args:
        simple: Semantic logits (B, 1, h, w) of the pass with simple instructions.
        complex_: The same with complex ones.
        features: The samples' projections.
        targets: What the samples' texts denote.
        recipe: Weights and constants.
        queue: Samples of past steps to compare with.

    Returns:
        Scalars by name: `kl`, `hard`, `contrast` and `anchor` unweighted, and `alignment`, the
        weighted sum to minimise. Averaged over processes, values and gradients are those of one
        process with the whole batch.
    """
    constants = recipe.alignment
    levels = (features.simple.float(), features.complex.float(), features.concept.float())
    gathered, start = gather_rows(*levels, features.keys)
    everyone = Projections(*gathered)
    own = slice(start, start + len(features.keys))
    known = everyone if queue is None else queue.join(everyone)
    both = ((simple, complex_), (complex_, simple))
    count = targets.number("texts")
    divergences = [map_divergence(moved, fixed) for moved, fixed in both]
    hard = [hard_region_loss(judged, other, targets, recipe) for judged, other in both]
    contrast = contrast_loss(known, own, constants.temperature, constants.same_concept)
    terms = {
        "kl": (divergences[0] + divergences[1]).sum() / (2 * count),
        "hard": (hard[0] + hard[1]).sum() / (2 * count),
        "contrast": contrast.sum() / (2 * count),
        "anchor": anchor_loss(known, own, constants.margin),
    }
    if queue is not None:
        queue.push(everyone)
    loss = torch.stack([getattr(constants, name) * value for name, value in terms.items()]).sum()
    return {**terms, "alignment": loss}


def map_divergence(moved: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
    """Pulls semantic maps towards others, the paper's L_mask: float32 (B,).

    KL(q | p) with p and q the soft-max of `moved` and `fixed`, logits (B, 1, h, w), over all
    cells. `fixed` gets no gradient.
    """
    log_p, log_q = (maps.float().flatten(1).log_softmax(1) for maps in (moved, fixed.detach()))
    return F.kl_div(log_p, log_q, reduction="none", log_target=True).sum(1)


def hard_region_loss(
    judged: torch.Tensor, other: torch.Tensor, targets: Targets, recipe: Recipe
) -> torch.Tensor:
    """Cross entropy of semantic maps where others disagree, the paper's L_hard: float32 (B,).

    mean of w * BCE(judged, union) over cells, with w = m * ln(m / sqrt(p * q)), m = (p + q) / 2,
    p and q the probabilities of the maps (B, 1, h, w), w without gradient.
    """
    logits, truth = on_one_grid(judged[:, 0], targets.union, recipe.grid)
    with torch.no_grad():
        others, _ = on_one_grid(other[:, 0], targets.union, recipe.grid)
        p, q = (x.sigmoid().clamp(CERTAIN, 1 - CERTAIN) for x in (logits, others))
        m = (p + q) / 2
        weight = m * (m.log() - (p.log() + q.log()) / 2)
    loss = F.binary_cross_entropy_with_logits(logits, truth, weight=weight, reduction="none")
    return loss.mean(1)


def contrast_loss(
    samples: Projections, own: slice, temperature: float, same_concept: float
) -> torch.Tensor:
    """InfoNCE between the two levels of a sample, the paper's L_inst: float32 (2B,).

    For each of the 2B instructions i in `own`, over all 2N instructions j, s the cosines /
    temperature, i' the other level of i: -s_ii' + ln(sum_j w_ij exp(s_ij)). w is 1,
    rho (`same_concept`) for another sample with the same concept, 1 for i' and 0 for i itself.

    Args:
        samples: N samples.
        own: Those of them (B) whose instructions are contrasted with all.
        temperature: Divides the cosines.
        same_concept: rho.
    """
    count = len(samples.keys)
    if not count:  # a first micro-batch without pairs
        return samples.simple.new_zeros(0)
    unit = F.normalize(torch.cat([samples.simple, samples.complex]).float(), dim=-1, eps=1e-8)
    sample = torch.arange(count, device=unit.device)[own]
    me, partner = torch.cat([sample, sample + count]), torch.cat([sample + count, sample])
    keys = samples.keys.repeat(2)
    weight = torch.where(keys[me, None] == keys, same_concept, 1.0)
    weight = weight.scatter(1, partner[:, None], 1.0).scatter(1, me[:, None], 0.0)
    cosines = unit[me] @ unit.T / temperature
    cosines = cosines - cosines.detach().amax(1, keepdim=True)
    # 1e-8 as in the official code, where the row's greatest cosine is that of i with itself
    everything = ((cosines.exp() * weight).sum(1) + 1e-8).log()
    return everything - cosines.gather(1, partner[:, None])[:, 0]


def anchor_loss(samples: Projections, own: slice, margin: float) -> torch.Tensor:
    """Keeps an instruction nearer to its own concept than to others, the paper's L_anchor.

    relu(max_j cos(z_i, c_j) - cos(z_i, c_i) + margin), z the mean of the simple and the complex
    feature, c the concept's, j over the samples with another concept; mean over the samples i in
    `own` for which there is one, 0 if there is none.

    Args:
        samples: N samples.
        own: The samples i, B of the N.
        margin: In cosine.
    """
    if not len(samples.keys):
        return samples.simple.new_zeros(())
    middle = (samples.simple[own].float() + samples.complex[own].float()) / 2
    middle = F.normalize(middle, dim=-1, eps=1e-8)
    concepts = F.normalize(samples.concept.float(), dim=-1, eps=1e-8)
    cosines = middle @ concepts.T
    right = (middle * concepts[own]).sum(1)
    other = samples.keys[own, None] != samples.keys
    exists = other.any(1)
    hardest = cosines.masked_fill(~other, -1).amax(1)
    rows = F.relu(hardest - right + margin) * exists
    return rows.sum() / mean_count(exists.sum().item(), rows.device).clamp(min=CERTAIN)
