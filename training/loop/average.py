"""Averaged weights: they are better than the last ones, and are the ones that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class Average:
    """Exponential moving average of what a model learns, and of its other floating point state."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
        state = model.state_dict()
        self.values = {
            name: value.detach().clone()
            for name, value in state.items()
            if name not in frozen and value.is_floating_point()
        }

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the model; the first steps count more, so that the start is forgotten."""
        decay = min(self.decay, (1 + step) / (20 + step))
        state = model.state_dict()
        own = list(self.values.values())
        torch._foreach_lerp_(own, [state[name] for name in self.values], 1 - decay)

    def load(self, values: dict[str, torch.Tensor]) -> None:
        """Go on from kept values."""
        for name, value in self.values.items():
            value.copy_(values[name])

    def put_into(self, model: nn.Module) -> None:
        """Give the model these weights for good."""
        model.load_state_dict(self.values, strict=False)

    @contextmanager
    def lent_to(self, model: nn.Module) -> Iterator[None]:
        """Give the model these weights for a while."""
        state = model.state_dict()
        current = {name: state[name].detach().clone() for name in self.values}
        self.put_into(model)
        try:
            yield
        finally:
            model.load_state_dict(current, strict=False)
