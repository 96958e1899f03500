"""Names of tensors in Meta's and the SAM3-I authors' files, and ours for the same tensor.

Ours are transformers' names (`Sam3Model`), with `adapters.{simple,simple_copy,complex}` where the
official code says `adapter{1,12,2}`. Rules are tried in order, within the part that a name is in.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import torch

LEFT_OUT = {
    "second text encoder": re.compile(r"^backbone\.text\."),
    "video tracker": re.compile(r"^(tracker|inst_interactive_predictor)\.|\.sam2_convs\."),
    "training heads": re.compile(r"^(simple_query_proj|complex_query_proj|concept_proj)\."),
    "point prompts": re.compile(r"^geometry_encoder\.points_\w+_project\."),
    "computed tables": re.compile(r"\.attn\.freqs_cis$"),
}
"""What official files hold and grounding doesn't need. The second text encoder is a left-over of
the SAM3-I release, which fills it and never calls it."""


class Part(NamedTuple):
    """A part of the model: prefixes there and here, then (pattern, replacement) for the rest."""

    theirs: str
    ours: str
    rules: tuple[tuple[str, str], ...]


ADAPTERS = (
    (r"\badapter1\.", "adapters.simple."),
    (r"\badapter12\.", "adapters.simple_copy."),
    (r"\badapter2\.", "adapters.complex."),
    (r"\bmha_adapter\.", "attention."),
)
MLP_LAYERS = tuple((rf"\blayers\.{k}\.", f"layer{k + 1}.") for k in range(3))
FEED_FORWARD = ((r"\blinear1\.", "mlp.fc1."), (r"\blinear2\.", "mlp.fc2."))

PARTS = (
    Part(
        "backbone.vision_backbone.trunk.",
        "vision_encoder.backbone.",
        (
            (r"^blocks\.", "layers."),
            (r"\bnorm([12])\.", r"layer_norm\1."),
            (r"\battn\.qkv\.", "attention.qkv."),
            (r"\battn\.proj\.", "attention.o_proj."),
            (r"^patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
            (r"^pos_embed$", "embeddings.position_embeddings"),
            (r"^ln_pre\.", "layer_norm."),
        ),
    ),
    Part(
        "backbone.vision_backbone.convs.",
        "vision_encoder.neck.fpn_layers.",
        (
            (r"\bdconv_2x2(_0)?\.", "scale_layers.0."),
            (r"\bdconv_2x2_1\.", "scale_layers.2."),
            (r"\bconv_1x1\.", "proj1."),
            (r"\bconv_3x3\.", "proj2."),
        ),
    ),
    Part("backbone.language_backbone.resizer.", "text_projection.", ()),
    Part(
        "backbone.language_backbone.encoder.text_projection",
        "text_encoder.text_projection.weight",
        (),
    ),
    Part(
        "backbone.language_backbone.encoder.",
        "text_encoder.text_model.",
        (
            *ADAPTERS,
            (r"^transformer\.resblocks\.", "encoder.layers."),
            (r"^token_embedding\.", "embeddings.token_embedding."),
            (r"^positional_embedding$", "embeddings.position_embedding.weight"),
            (r"\battn\.", "self_attn."),
            (r"\bln_([12])\.", r"layer_norm\1."),
            (r"^ln_final\.", "final_layer_norm."),
            (r"\bmlp\.c_fc\.", "mlp.fc1."),
            (r"\bmlp\.c_proj\.", "mlp.fc2."),
        ),
    ),
    Part(
        "geometry_encoder.",
        "geometry_encoder.",
        (
            (r"^encode\.(\d+)\.norm([123])\.", r"layers.\1.layer_norm\2."),
            (r"^encode\.", "layers."),
            (r"\bcross_attn_image\.", "cross_attn."),
            (r"_attn\.out_proj\.", "_attn.o_proj."),
            (r"^img_pre_norm\.", "vision_layer_norm."),
            (r"^norm\.", "prompt_layer_norm."),
            (r"^encode_norm\.", "output_layer_norm."),
            *FEED_FORWARD,
        ),
    ),
    Part(
        "transformer.encoder.",
        "detr_encoder.",
        (
            *ADAPTERS,
            (r"^(layers\.\d+)\.norm([123])\.", r"\1.layer_norm\2."),
            (r"\bcross_attn_image\.", "cross_attn."),
            (r"_attn\.out_proj\.", "_attn.o_proj."),
            *FEED_FORWARD,
        ),
    ),
    Part(
        "transformer.decoder.layers.",
        "detr_decoder.layers.",
        (
            *ADAPTERS,
            (r"^(\d+)\.cross_attn\.", r"\1.vision_cross_attn."),
            (r"\bca_text\.", "text_cross_attn."),
            (r"\bcatext_norm\.", "text_cross_attn_layer_norm."),
            (r"^(\d+)\.norm1\.", r"\1.vision_cross_attn_layer_norm."),
            (r"^(\d+)\.norm2\.", r"\1.self_attn_layer_norm."),
            (r"^(\d+)\.norm3\.", r"\1.mlp_layer_norm."),
            (r"_attn\.out_proj\.", "_attn.o_proj."),
            *FEED_FORWARD,
        ),
    ),
    Part(
        "transformer.decoder.",
        "detr_decoder.",
        (
            (r"^norm\.", "output_layer_norm."),
            (r"^bbox_embed\.", "box_head."),
            (r"^presence_token_head\.", "presence_head."),
            (r"^presence_token_out_norm\.", "presence_layer_norm."),
            (r"^boxRPB_embed_([xy])\.", r"box_rpb_embed_\1."),
            *MLP_LAYERS,
        ),
    ),
    Part(
        "dot_prod_scoring.",
        "dot_product_scoring.",
        (
            (r"^prompt_mlp\.out_norm\.", "text_mlp_out_norm."),
            (r"^prompt_mlp\.", "text_mlp."),
            (r"^prompt_proj\.", "text_proj."),
            (r"^hs_proj\.", "query_proj."),
            *MLP_LAYERS,
        ),
    ),
    Part(
        "segmentation_head.",
        "mask_decoder.",
        (
            (r"^mask_predictor\.mask_embed\.", "mask_embedder."),
            (r"^mask_predictor_adapter1\.mask_embed\.", "mask_embedder.simple."),
            (r"^mask_predictor_adapter2\.mask_embed\.", "mask_embedder.complex."),
            (r"^instance_seg_head\.", "instance_projection."),
            (r"^semantic_seg_head\.", "semantic_projection."),
            (r"^cross_attend_prompt\.", "prompt_cross_attn."),
            (r"^cross_attn_norm\.", "prompt_cross_attn_norm."),
            (r"_attn\.out_proj\.", "_attn.o_proj."),
        ),
    ),
)

FUSED = re.compile(r"\.(in_proj_|qkv\.)(weight|bias)$")


def left_out(name: str) -> str | None:
    """Why a tensor isn't needed, or None."""
    return next((why for why, pattern in LEFT_OUT.items() if pattern.search(name)), None)


def renamed(name: str) -> str:
    """Our name; a name that no part knows stays as it is, so that the loader reports it."""
    part = next((part for part in PARTS if name.startswith(part.theirs)), None)
    if part is None:
        return name
    rest = name[len(part.theirs) :]
    for pattern, replacement in part.rules:
        rest = re.sub(pattern, replacement, rest)
    return part.ours + rest


def translate(name: str, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
    """Our tensors for an official one: views, but for one small transposed projection."""
    ours = renamed(name)
    if ours.endswith("embeddings.position_embeddings"):
        return {ours: tensor[:, 1:]}  # the first is the class token's, which SAM 3 has no use for
    if ours == "text_encoder.text_projection.weight":
        return {ours: tensor.T.contiguous()}
    fused = FUSED.search(ours)
    if fused is None or ".adapters." in ours:  # the adapters' attention stays fused
        return {ours: tensor}
    stem, kind = ours[: fused.start()], fused[2]
    parts = zip("qkv", tensor.chunk(3), strict=True)
    return {f"{stem}.{letter}_proj.{kind}": part for letter, part in parts}
