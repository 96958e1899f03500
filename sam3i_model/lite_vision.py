"""The bundled checkpoint's image encoder: EfficientNet-lite0 and a small neck.

Lite0 is EfficientNet-B0 without squeeze-and-excitation and with ReLU6 (Tan and Le 2019; lite
variant by the TensorFlow authors), so it runs fast on a CPU. Batch norms stay frozen.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers.models.sam3.modeling_sam3 import (
    Sam3SinePositionEmbedding,
    Sam3VisionEncoderOutput,
)

STAGES = (  # expansion, channels, blocks, kernel, stride
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
TAPS = {2: 24, 4: 40, 10: 112, 15: 320}
"""Block after which a map leaves the trunk, and its channels: strides 4, 8, 16 and 32."""


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding for even inputs, which the weights expect."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        total = kernel - stride
        self.same = (total // 2, total - total // 2) * 2

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(F.pad(input, self.same))


class FrozenBatchNorm(nn.BatchNorm2d):
    """Batch norm that always uses its stored statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3)
        self.eval()

    def train(self, mode: bool = True) -> FrozenBatchNorm:
        return super().train(False)


def conv_norm(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution, frozen batch norm and (with `act`) ReLU6."""
    parts: list[nn.Module] = [
        SameConv(inputs, outputs, kernel, stride, groups),
        FrozenBatchNorm(outputs),
    ]
    return nn.Sequential(*parts, nn.ReLU6()) if act else nn.Sequential(*parts)


class InvertedResidual(nn.Module):
    """MobileNet-style block: expand, depthwise convolution, project."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = conv_norm(inputs, hidden) if expansion > 1 else nn.Identity()
        self.depthwise = conv_norm(hidden, hidden, kernel, stride, groups=hidden)
        self.project = conv_norm(hidden, outputs, act=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        out = self.project(self.depthwise(self.expand(maps)))
        return out + maps if self.residual else out


class LiteVisionEncoder(nn.Module):
    """Image (N, 3, H, W) to three maps of `width` channels at strides 4, 8 and 16."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = conv_norm(3, 32, kernel=3, stride=2)
        blocks: list[nn.Module] = []
        channels = 32
        for expansion, outputs, count, kernel, stride in STAGES:
            for index in range(count):
                step = stride if index == 0 else 1
                blocks.append(InvertedResidual(channels, outputs, expansion, kernel, step))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in TAPS.values())
        self.merge = nn.Conv2d(width, width, 3, padding=1)
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(3))
        self.place = nn.Conv2d(14, width, 1)
        self.position_encoding = Sam3SinePositionEmbedding(width // 2, normalize=True)

    def forward(self, pixel_values: torch.Tensor) -> Sam3VisionEncoderOutput:
        """Encode pixels; the output has the fields of `Sam3VisionModel` that SAM 3 reads."""
        maps, taps = self.early(pixel_values, blocks=0)
        return self.late(maps, taps, start=0)

    def early(
        self, pixel_values: torch.Tensor, blocks: int
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Stem and the first `blocks` blocks: the maps so far, and those that leave the trunk.

        Apart from `late` because training freezes it and runs it in lower precision.
        """
        return self._run(self.stem(pixel_values), range(blocks))

    def _run(self, maps: torch.Tensor, indices: range) -> tuple[torch.Tensor, list[torch.Tensor]]:
        taps = []
        for index in indices:
            maps = self.blocks[index](maps)
            if index in TAPS:
                taps.append(maps)
        return maps, taps

    def late(
        self, maps: torch.Tensor, taps: list[torch.Tensor], start: int
    ) -> Sam3VisionEncoderOutput:
        """Go on from block `start` to the end of the neck.

        The output's fourth map is only there because SAM 3 drops the coarsest one.
        """
        taps = taps + self._run(maps, range(start, len(self.blocks)))[1]
        fine, middle, coarse, coarsest = (
            lateral(tap) for lateral, tap in zip(self.lateral, taps, strict=True)
        )
        coarse = coarse + F.interpolate(coarsest, size=coarse.shape[-2:], mode="nearest")
        # attention adds positions to queries and keys only; values learn them from here
        place = self.place(coordinate_features(*coarse.shape[-2:]).to(coarse))
        coarse = self.norms[2](self.merge(coarse)) + place
        levels = (self.norms[0](fine), self.norms[1](middle), coarse, coarsest)
        positions = tuple(
            self.position_encoding(level.shape, level.device, torch.float32) for level in levels
        )
        return Sam3VisionEncoderOutput(
            last_hidden_state=coarse.flatten(2).transpose(1, 2),
            fpn_hidden_states=levels,
            fpn_position_encoding=positions,
        )


def coordinate_features(height: int, width: int) -> torch.Tensor:
    """x, y in -1..1 at cell centres and three octaves of their sines: float32 (1, 14, h, w)."""
    rows = (torch.arange(height) + 0.5) / height * 2 - 1
    columns = (torch.arange(width) + 0.5) / width * 2 - 1
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    features = [x, y]
    for octave in (1, 2, 4):
        for axis in (x, y):
            angle = octave * math.pi / 2 * axis
            features += [angle.sin(), angle.cos()]
    return torch.stack(features)[None]
