"""S-Adapter and C-Adapter: what they compute, where they sit, which rows go through them.

Three copies per adapted layer, as in the paper: `simple` (the S-Adapter), `simple_copy` (the
S-Adapter's private copy on the complex path) and `complex` (the C-Adapter). Because the copies
share nothing, training one level never changes another, and concept rows never meet an adapter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from transformers import initialization as init

from sam3i_model.instruction import Level


@dataclass(frozen=True)
class Route:
    """Which rows of a batch take which path.

    Attributes:
        simple: int64 (S,) rows that go through the S-Adapter.
        complex: int64 (C,) rows that go through S- then C-Adapter.
        rows: Rows in the batch; those in neither list are concepts and stay untouched.
    """

    simple: torch.Tensor
    complex: torch.Tensor
    rows: int

    @classmethod
    def from_levels(cls, levels: torch.Tensor) -> Route:
        """Sort the rows of int64 (B,) `levels` (values of `Level`, never AUTO)."""
        return cls(
            simple=(levels == Level.SIMPLE).nonzero().flatten(),
            complex=(levels == Level.COMPLEX).nonzero().flatten(),
            rows=int(levels.shape[0]),
        )

    def apply(
        self,
        hidden: torch.Tensor,
        simple_path: Callable[[torch.Tensor], torch.Tensor],
        complex_path: Callable[[torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Send the rows of (B, ...) `hidden` through their paths; concept rows come back as is."""
        for rows, path in ((self.simple, simple_path), (self.complex, complex_path)):
            if len(rows) == self.rows:  # one level only: no gathering
                return path(hidden)
            if len(rows):
                hidden = hidden.index_copy(0, rows, path(hidden[rows]).to(hidden.dtype))
        return hidden


class BottleneckAdapter(nn.Module):
    """B(x) = up(GELU(LayerNorm(down(x)))), without residual: fusion encoder and decoder."""

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.down_proj = nn.Linear(width, bottleneck)
        self.norm = nn.LayerNorm(bottleneck, eps=1e-5)
        self.up_proj = nn.Linear(bottleneck, width)

    def reset_parameters(self) -> None:
        """Zero output at step 0, yet every tensor gets a gradient once `up_proj` has moved."""
        init.kaiming_uniform_(self.down_proj.weight, a=5**0.5)
        init.zeros_(self.down_proj.bias)
        init.ones_(self.norm.weight)
        init.zeros_(self.norm.bias)
        init.zeros_(self.up_proj.weight)
        init.zeros_(self.up_proj.bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map (..., width) to (..., width)."""
        return self.up_proj(nn.functional.gelu(self.norm(self.down_proj(hidden))))


class TextAdapter(nn.Module):
    """A(x) = u + up(GELU(down(LN2 u))), u = x + MHA(LN1 x): the text encoder's adapter.

    The attention sees all positions, padding included: neither causal nor masked (the official
    code's behaviour, so a text's features depend on its padding id, which must be 0).
    """

    def __init__(self, width: int, bottleneck: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-5)
        self.attention = nn.MultiheadAttention(width, heads, dropout=0.1, batch_first=True)
        self.norm2 = nn.LayerNorm(width, eps=1e-5)
        self.down_proj = nn.Linear(width, bottleneck)
        self.up_proj = nn.Linear(bottleneck, width)

    def reset_parameters(self) -> None:
        """Identity at step 0; only the two output projections start at zero."""
        for norm in (self.norm1, self.norm2):
            init.ones_(norm.weight)
            init.zeros_(norm.bias)
        init.xavier_uniform_(self.attention.in_proj_weight)
        init.zeros_(self.attention.in_proj_bias)
        init.kaiming_uniform_(self.down_proj.weight, a=5**0.5)
        init.zeros_(self.down_proj.bias)
        for linear in (self.attention.out_proj, self.up_proj):
            init.zeros_(linear.weight)
            init.zeros_(linear.bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map (B, 32, width) to (B, 32, width), residual included."""
        normed = self.norm1(hidden)
        hidden = hidden + self.attention(normed, normed, normed, need_weights=False)[0]
        return hidden + self.up_proj(nn.functional.gelu(self.down_proj(self.norm2(hidden))))


class LevelAdapters(nn.Module):
    """The three copies at one place, and the two paths through them."""

    def __init__(self, make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.simple = make()
        self.simple_copy = make()
        self.complex = make()

    def forward(self, hidden: torch.Tensor, route: Route) -> torch.Tensor:
        """Replace the residual stream (B, ...) by what the adapters make of it."""
        return route.apply(hidden, self.simple_path, self.complex_path)

    def simple_path(self, hidden: torch.Tensor) -> torch.Tensor:
        """S-Adapter added to its input."""
        return hidden + self.simple(hidden)

    def complex_path(self, hidden: torch.Tensor) -> torch.Tensor:
        """C-Adapter on top of S, added to the input; S itself is not added (DETR decoder)."""
        return hidden + self.complex(self.simple_copy(hidden))


class FusionAdapters(LevelAdapters):
    """Fusion encoder: as the decoder, but the S-Adapter's output is added as well."""

    def complex_path(self, hidden: torch.Tensor) -> torch.Tensor:
        """C-Adapter on top of S, both added to the input."""
        simple = self.simple_copy(hidden)
        return hidden + simple + self.complex(simple)


class TextAdapters(LevelAdapters):
    """Text encoder: adapters carry their own residual. Also serves the mask embedders."""

    def simple_path(self, hidden: torch.Tensor) -> torch.Tensor:
        """S-Adapter."""
        return self.simple(hidden)

    def complex_path(self, hidden: torch.Tensor) -> torch.Tensor:
        """S- then C-Adapter."""
        return self.complex(self.simple_copy(hidden))
