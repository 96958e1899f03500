"""Attention that moves little memory: what a training step on a CPU waits for most.

The library's own scales and softmaxes (T, heads, tokens, tokens) scores in float32, in six passes
over them; the fused kernel's bfloat16 gradient is slower still. Here queries are scaled instead,
and scores stay in the precision that their product has.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME = "lean"


def lean_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """softmax(scaling q k^T + mask) v, with the arguments of transformers' attention functions.

    Args:
        module: Says whether it is being trained.
        query: (B, heads, n, d); key and value: (B, heads, m, d).
        attention_mask: Added to the scores, broadcast to (B, heads, n, m).
        scaling: Of the scores.
        dropout: Share of weights that are dropped in training.

    Returns:
        (B, n, heads, d), and no weights.
    """
    scores = torch.matmul(query * scaling, key.transpose(2, 3))
    if attention_mask is not None:
        scores = scores + attention_mask.to(scores.dtype)
    with torch.autocast(scores.device.type, enabled=False):  # it would cast to float32 and back
        weights = scores.softmax(dim=-1)
    if dropout and module.training:
        weights = nn.functional.dropout(weights, dropout)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, lean_attention)
AttentionMaskInterface.register(NAME, eager_mask)
