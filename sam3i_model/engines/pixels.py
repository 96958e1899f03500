"""The mask decoder's pixels with the work shared that is the same for every instruction.

For graphs alone: it gives what transformers' modules give up to rounding, and PyTorch's answers
stay what those compute, to the last bit.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from sam3i_model.modeling import Sam3IModel


class SharedPixelDecoder(nn.Module):
    """`Sam3PixelDecoder` whose convolutions take the image's map and the instruction's apart.

    With up(x) the map x twice as large, nearest, conv(up(x) + map) = conv(map) + conv(up(x)). The
    first is of the image only, computed once for all its instructions. In the second the nine
    weights of a pixel meet four different values: summed up, it is a transposed convolution of x
    with stride 2, and four ninths of the products.
    """

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.conv_layers, self.norms = decoder.conv_layers, decoder.norms
        self.up_layers = nn.ModuleList(map(upsampled, decoder.conv_layers))  # SAM 3 has one unused

    def forward(self, backbone_features: list[torch.Tensor]) -> torch.Tensor:
        """As `Sam3PixelDecoder`; every map is half as high and wide as the one before it.

        Args:
            backbone_features: (1, C, h, w) of the image each, fine to coarse, but the last, which
                is (T, C, h, w).

        Returns:
            (T, C, h, w) of the finest.
        """
        *fine, pixels = backbone_features
        layers = zip(reversed(fine), self.conv_layers, self.up_layers, self.norms, strict=False)
        for of_image, conv, up, norm in layers:
            pixels = F.relu(norm(conv(of_image) + up(pixels)))
        return pixels


def upsampled(conv: nn.Conv2d) -> nn.ConvTranspose2d:
    """`conv` of 3 x 3, without its bias, after nearest upsampling by 2: as one layer."""
    weight = conv.weight.detach()
    for axis in (2, 3):
        w0, w1, w2 = weight.unbind(axis)
        weight = torch.stack([w2, w1 + w2, w0 + w1, w0], axis)
    layer = nn.ConvTranspose2d(
        conv.in_channels, conv.out_channels, 4, stride=2, padding=1, bias=False
    )
    layer.weight = nn.Parameter(weight.transpose(0, 1).contiguous(), requires_grad=False)
    return layer


def with_pixels(model: Sam3IModel, shared: bool) -> Sam3IModel:
    """The same model, tensors included, whose mask decoder's modules can be exchanged.

    With `shared` its pixel decoder is a `SharedPixelDecoder`.
    """
    model = shallow_copy(model)
    decoder = model.mask_decoder = shallow_copy(model.mask_decoder)
    if shared:
        decoder.pixel_decoder = SharedPixelDecoder(decoder.pixel_decoder)
    return model


def shallow_copy(module: Any) -> Any:
    """A module with the same children."""
    twin = copy.copy(module)
    twin._modules = dict(module._modules)
    return twin
