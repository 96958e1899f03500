"""Pixels and words to tensors; logits to instances. All pre- and post-processing is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from sam3i_model.configuration import CONTEXT_LENGTH, Sam3IConfig
from sam3i_model.features import GroundingOutput
from sam3i_model.instruction import clean

DUPLICATE_IOU = 0.7
"""Two queries whose masks overlap this much found the same thing; the better one is kept. SAM 3's
image path has no such step; without it one thing found twice would look like an ambiguous answer.
"""
ENLARGED = 4
"""Masks that are enlarged to the image's size at once: logits take 32 times a mask's memory."""

MAX_INSTANCES = 100
"""Instances of one instruction at the most, so that memory stays bounded in dense scenes."""


@dataclass(frozen=True)
class Tokens:
    """One tokenised instruction.

    Attributes:
        ids: int64 (32,), padded with 0.
        count: Tokens before the cut, start and end included.
        unknown: Words that the tokenizer doesn't know.
    """

    ids: torch.Tensor
    count: int
    unknown: tuple[str, ...]

    @property
    def truncated(self) -> bool:
        """Whether the end of the sentence was cut off."""
        return self.count > CONTEXT_LENGTH


def tokenize(tokenizer: PreTrainedTokenizerBase, text: str) -> Tokens:
    """Tokenise one instruction and cut it at 32 tokens, the last one then being the end token."""
    ids = tokenizer(clean(text), padding=False, truncation=False, verbose=False)["input_ids"]
    kept = ids if len(ids) <= CONTEXT_LENGTH else [*ids[: CONTEXT_LENGTH - 1], ids[-1]]
    padded = torch.zeros(CONTEXT_LENGTH, dtype=torch.int64)
    padded[: len(kept)] = torch.tensor(kept)
    return Tokens(padded, len(ids), unknown_words(tokenizer, text))


def unknown_words(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[str, ...]:
    """Words that become the unknown token; none for a byte-level tokenizer."""
    unknown = tokenizer.unk_token_id
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if unknown is None or backend is None or unknown == tokenizer.eos_token_id:
        return ()
    encoding = backend.encode(clean(text), add_special_tokens=False)
    words = [
        clean(text)[start:end]
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        if token == unknown
    ]
    return tuple(dict.fromkeys(words))


def pixels(image: np.ndarray, config: Sam3IConfig, device: torch.device) -> torch.Tensor:
    """Resize uint8 RGB (H, W, 3) to the model's square and normalise: float32 (1, 3, S, S).

    The picture is stretched, not padded, as SAM 3 does; masks and boxes are stretched back.
    """
    if not image.flags.writeable:  # a view of a received message; torch wants its own
        image = image.copy()
    raw = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    size = (config.image_size, config.image_size)
    if tuple(raw.shape[-2:]) != size:  # on the CPU: CUDA can't resize uint8 like this
        raw = F.interpolate(raw, size=size, mode="bilinear", antialias=True)
    return normalise(raw.to(device), config)


def normalise(raw: torch.Tensor, config: Sam3IConfig) -> torch.Tensor:
    """Map uint8 (N, 3, H, W) to the float32 range that the image encoder was trained with."""
    mean = torch.tensor(config.image_mean, device=raw.device).view(1, 3, 1, 1)
    std = torch.tensor(config.image_std, device=raw.device).view(1, 3, 1, 1)
    return (raw.float() / 255 - mean) / std


@dataclass(frozen=True)
class Instances:
    """What one instruction denotes: bool (N, H, W) masks, scores (N,), xyxy pixel boxes (N, 4)."""

    masks: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True)
class Limits:
    """What an instance's score must exceed, and what its instruction's presence must reach."""

    score: float
    presence: float = 0.0


def select(
    output: GroundingOutput, limits: Sequence[Limits], size: tuple[int, int]
) -> list[Instances]:
    """Turn T rows of logits into instances at the image's (height, width).

    Instances are picked before their masks are enlarged, since enlarging all queries costs more
    than the rest together.
    """
    presence, scores = output.presence, output.scores
    height, width = size
    scale = torch.tensor([width, height, width, height], device=scores.device)
    results = []
    for row, limit in enumerate(limits):
        order = scores[row].argsort(descending=True)[:MAX_INSTANCES]
        keep = order[(scores[row][order] > limit.score) & (presence[row] >= limit.presence)]
        keep = keep[distinct(output.pred_masks[row, keep] > 0)]
        masks = torch.zeros((0, height, width), dtype=torch.bool)
        if len(keep):
            masks = enlarged(output.pred_masks[row, keep].float(), size)
            filled = masks.flatten(1).any(1)
            keep, masks = keep[filled], masks[filled]
        boxes = (output.pred_boxes[row, keep].float() * scale).clamp(min=0).minimum(scale)
        results.append(
            Instances(
                masks=masks.cpu().numpy(),
                scores=scores[row, keep].cpu().numpy().astype(np.float32),
                boxes=boxes.cpu().numpy().astype(np.float32),
            )
        )
    return results


def enlarged(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Masks bool (N, H, W) of logits (N, h, w), a few at a time: many large ones take gigabytes."""
    masks = torch.empty((len(logits), *size), dtype=torch.bool, device=logits.device)
    for few, into in zip(logits.split(ENLARGED), masks.split(ENLARGED), strict=True):
        large = F.interpolate(few[None], size=size, mode="bilinear", align_corners=False)
        torch.gt(large[0], 0, out=into)
    return masks


def distinct(masks: torch.Tensor) -> torch.Tensor:
    """Which of bool (N, h, w) masks, best first, are not a better one once more: int64 (K,)."""
    flat = masks.flatten(1).float()
    overlap = flat @ flat.T
    area = overlap.diagonal()
    same = overlap > DUPLICATE_IOU * (area[:, None] + area[None] - overlap)
    kept: list[int] = []
    for index, row in enumerate(same.tolist()):
        if not any(row[other] for other in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64, device=masks.device)
