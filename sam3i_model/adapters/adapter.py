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

Path = Callable[[torch.Tensor], torch.Tensor]


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
        simple_path: Path,
        complex_path: Path,
        concept_path: Path | None = None,
    ) -> torch.Tensor:
        """Send the rows of (B, ...) `hidden` through their paths.

        Without a path of their own, concept rows come back as they are.
        """
        result = hidden if concept_path is None else concept_path(hidden)
        for rows, path in ((self.simple, simple_path), (self.complex, complex_path)):
            if len(rows) == self.rows:  # one level only: no gathering
                return path(hidden)
            if len(rows):
                result = result.index_copy(0, rows, path(hidden[rows]).to(result.dtype))
        return result


class BottleneckAdapter(nn.Module):
    """B(x) = up(GELU(LayerNorm(down(x)))), without residual: fusion encoder and decoder."""

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.down_proj = nn.Linear(width, bottleneck)
        self.norm = nn.LayerNorm(bottleneck, eps=1e-5)
        self.up_proj = nn.Linear(bottleneck, width)

    def reset_parameters(self) -> None:
        """Zero output at step 0; from step 1 on, when `up_proj` has moved, all tensors learn.

        The official code zeroes `down_proj` as well, and a product of two zeros never learns.
        """
        init.kaiming_uniform_(self.down_proj.weight, a=5**0.5)
        init.zeros_(self.down_proj.bias)
        init.ones_(self.norm.weight)
        init.zeros_(self.norm.bias)
        init.zeros_(self.up_proj.weight)
        init.zeros_(self.up_proj.bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map (..., width) to (..., width)."""
        return self.up_proj(nn.functional.gelu(self.norm(self.down_proj(hidden))))


class LowRankAttention(nn.Module):
    """Self-attention whose queries, keys and values live in `rank` dimensions instead of `width`.

    Not in the paper: its adapters attend in the text encoder's whole width, where 97 % of their
    parameters are.
    """

    def __init__(self, width: int, rank: int, heads: int) -> None:
        super().__init__()
        if rank % heads:
            raise ValueError(f"adapter_dim ({rank}) must be a multiple of adapter_heads ({heads})")
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * rank)
        self.out_proj = nn.Linear(rank, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map (B, T, width) to (B, T, width); every position sees every other."""
        parts = self.in_proj(hidden).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, rank / heads)
        attended = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out_proj(attended.transpose(1, 2).flatten(2))


class FullAttention(nn.MultiheadAttention):
    """Self-attention as wide as the text encoder, as in the paper."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads, dropout=0.1, batch_first=True)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Map (B, T, width) to (B, T, width); every position sees every other."""
        return super().forward(hidden, hidden, hidden, need_weights=False)[0]


class TextAdapter(nn.Module):
    """A(x) = u + up(GELU(down(LN2 u))), u = x + MHA(LN1 x): the text encoder's adapter.

    The attention sees all positions, padding included: neither causal nor masked (the official
    code's behaviour, so a text's features depend on its padding id, which must be 0).

    Args:
        width: Of the text encoder.
        bottleneck: Width between `down_proj` and `up_proj`, and of a lite adapter's attention.
        heads: Of the attention.
        lite: Low-rank attention.
    """

    def __init__(self, width: int, bottleneck: int, heads: int, lite: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-5)
        self.attention = (
            LowRankAttention(width, bottleneck, heads) if lite else FullAttention(width, heads)
        )
        self.norm2 = nn.LayerNorm(width, eps=1e-5)
        self.down_proj = nn.Linear(width, bottleneck)
        self.up_proj = nn.Linear(bottleneck, width)

    def reset_parameters(self) -> None:
        """Identity at step 0; only the two output projections start at zero."""
        for norm in (self.norm1, self.norm2):
            init.ones_(norm.weight)
            init.zeros_(norm.bias)
        for name, parameter in self.attention.named_parameters():
            if name in ("in_proj_weight", "in_proj.weight"):
                init.xavier_uniform_(parameter)
            else:
                init.zeros_(parameter)
        init.kaiming_uniform_(self.down_proj.weight, a=5**0.5)
        init.zeros_(self.down_proj.bias)
        init.zeros_(self.up_proj.weight)
        init.zeros_(self.up_proj.bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map (B, 32, width) to (B, 32, width), residual included."""
        hidden = hidden + self.attention(self.norm1(hidden))
        return hidden + self.up_proj(nn.functional.gelu(self.down_proj(self.norm2(hidden))))


class LevelAdapters(nn.Module):
    """The three copies at one place, and the two paths through them."""

    def __init__(self, make: Callable[[], BottleneckAdapter | TextAdapter]) -> None:
        super().__init__()
        self.simple = make()
        self.simple_copy = make()
        self.complex = make()

    def reset_parameters(self) -> None:
        """Both paths are the identity afterwards."""
        for adapter in (self.simple, self.simple_copy, self.complex):
            adapter.reset_parameters()

    def start_complex(self) -> None:
        """Begin the complex path from what the simple one learned; the C-Adapter from nothing."""
        self.simple_copy.load_state_dict(self.simple.state_dict())
        self.complex.reset_parameters()

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
    """Text encoder: adapters carry their own residual."""

    def simple_path(self, hidden: torch.Tensor) -> torch.Tensor:
        """S-Adapter."""
        return self.simple(hidden)

    def complex_path(self, hidden: torch.Tensor) -> torch.Tensor:
        """S- then C-Adapter."""
        return self.complex(self.simple_copy(hidden))
