"""The focal loss that classes, presence and masks share, under different constants."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Focal:
    """Focal loss (Lin et al. 2017), element by element: w * (1 - p_t)^gamma * cross entropy.

    p_t is the probability given to the truth. The usual alpha is `positive`, 1 - alpha is
    `negative`; both 1 and gamma 0 make the plain cross entropy.

    Args:
        positive: Weight w where the truth is 1.
        negative: Weight w where the truth is 0.
        gamma: How much less what is already right counts; 0 or at least 1.

    Raises:
        ValueError: A weight is negative, or gamma is negative or between 0 and 1.
    """

    positive: float
    negative: float
    gamma: float

    def __post_init__(self) -> None:
        if min(self.positive, self.negative) < 0:
            raise ValueError("focal weights must not be negative")
        if self.gamma < 1 and self.gamma != 0:  # in between, the gradient at p_t = 1 is infinite
            raise ValueError(f"gamma is {self.gamma}, must be 0 or at least 1")

    def __call__(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of float32 logits (...) with float32 truth 0 or 1 (...): (...)."""
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        probability = logits.sigmoid()
        right = probability * target + (1 - probability) * (1 - target)
        weight = self.positive * target + self.negative * (1 - target)
        return weight * (1 - right) ** self.gamma * entropy
