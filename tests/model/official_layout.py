"""Writes a model of ours the way Meta's and the SAM3-I authors' code does, and asks both.

Written from the official names, apart from the loader's own table of them.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch

from sam3i_model.modeling import Sam3IModel

TEXT = "backbone.language_backbone.encoder."
COPIES = {"simple": "adapter1", "simple_copy": "adapter12", "complex": "adapter2"}

RENAMES = {
    "vision_encoder.backbone.": [
        ("vision_encoder.backbone.", "backbone.vision_backbone.trunk."),
        (".layers.", ".blocks."),
        (".layer_norm1.", ".norm1."),
        (".layer_norm2.", ".norm2."),
        (".trunk.layer_norm.", ".trunk.ln_pre."),
        (".attention.o_proj.", ".attn.proj."),
        (".embeddings.patch_embeddings.projection.", ".patch_embed.proj."),
    ],
    "vision_encoder.neck.": [
        ("vision_encoder.neck.fpn_layers.", "backbone.vision_backbone.convs."),
        ("0.scale_layers.0.", "0.dconv_2x2_0."),
        ("0.scale_layers.2.", "0.dconv_2x2_1."),
        ("1.scale_layers.0.", "1.dconv_2x2."),
        (".proj1.", ".conv_1x1."),
        (".proj2.", ".conv_3x3."),
    ],
    "text_projection.": [("text_projection.", "backbone.language_backbone.resizer.")],
    "text_encoder.": [
        ("text_encoder.text_model.", TEXT),
        (".encoder.encoder.layers.", ".encoder.transformer.resblocks."),
        (".embeddings.token_embedding.", ".token_embedding."),
        (".embeddings.position_embedding.weight", ".positional_embedding"),
        (".self_attn.out_proj.", ".attn.out_proj."),
        (".layer_norm1.", ".ln_1."),
        (".layer_norm2.", ".ln_2."),
        (".final_layer_norm.", ".ln_final."),
        (".mlp.fc1.", ".mlp.c_fc."),
        (".mlp.fc2.", ".mlp.c_proj."),
        (".attention.", ".mha_adapter."),
    ],
    "geometry_encoder.": [
        (".layers.", ".encode."),
        (".layer_norm", ".norm"),
        (".cross_attn.", ".cross_attn_image."),
        (".vision_norm.", ".img_pre_norm."),
        (".vision_layer_norm.", ".img_pre_norm."),
        (".prompt_layer_norm.", ".norm."),
        (".output_layer_norm.", ".encode_norm."),
    ],
    "detr_encoder.": [
        ("detr_encoder.", "transformer.encoder."),
        (".layer_norm", ".norm"),
        (".cross_attn.", ".cross_attn_image."),
    ],
    "detr_decoder.": [
        ("detr_decoder.", "transformer.decoder."),
        (".text_cross_attn_layer_norm.", ".catext_norm."),
        (".vision_cross_attn_layer_norm.", ".norm1."),
        (".self_attn_layer_norm.", ".norm2."),
        (".mlp_layer_norm.", ".norm3."),
        (".text_cross_attn.", ".ca_text."),
        (".vision_cross_attn.", ".cross_attn."),
        (".output_layer_norm.", ".norm."),
        (".box_head.", ".bbox_embed."),
        (".presence_head.", ".presence_token_head."),
        (".presence_layer_norm.", ".presence_token_out_norm."),
        (".box_rpb_embed_", ".boxRPB_embed_"),
    ],
    "dot_product_scoring.": [
        ("dot_product_scoring.", "dot_prod_scoring."),
        (".text_mlp_out_norm.", ".prompt_mlp.out_norm."),
        (".text_mlp.", ".prompt_mlp."),
        (".text_proj.", ".prompt_proj."),
        (".query_proj.", ".hs_proj."),
    ],
    "mask_decoder.": [
        ("mask_decoder.", "segmentation_head."),
        (".mask_embedder.simple.", ".mask_predictor_adapter1.mask_embed."),
        (".mask_embedder.complex.", ".mask_predictor_adapter2.mask_embed."),
        (".mask_embedder.", ".mask_predictor.mask_embed."),
        (".instance_projection.", ".instance_seg_head."),
        (".semantic_projection.", ".semantic_seg_head."),
        (".prompt_cross_attn.", ".cross_attend_prompt."),
        (".prompt_cross_attn_norm.", ".cross_attn_norm."),
    ],
}


def official_state(model: Sam3IModel) -> dict[str, torch.Tensor]:
    """The tensors of a model under official names, projections fused as there."""
    ours = model.state_dict()
    theirs: dict[str, torch.Tensor] = {}
    for name, tensor in ours.items():
        letter = re.search(r"\.([qkv])_proj\.", name)
        if letter and letter[1] != "q":
            continue
        if letter:
            rest = [ours[name.replace(".q_proj.", f".{other}_proj.")] for other in "kv"]
            tensor = torch.cat([tensor, *rest])
        theirs[official_name(name)] = on_disk(name, tensor)
    return theirs


def on_disk(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """What the official file holds for a tensor of ours."""
    if name.endswith("embeddings.position_embeddings"):
        return torch.cat([torch.full_like(tensor[:, :1], 7.0), tensor], dim=1)
    return tensor.T.contiguous() if name == "text_encoder.text_projection.weight" else tensor


def official_name(name: str) -> str:
    """Official name of one of our tensors; of the fused one for a q, k or v projection."""
    if name == "text_encoder.text_projection.weight":
        return f"{TEXT}text_projection"
    if name.endswith("embeddings.position_embeddings"):
        return "backbone.vision_backbone.trunk.pos_embed"
    name = re.sub(r"vision_encoder(.*)\.attention\.q_proj\.", r"vision_encoder\1.attn.qkv.", name)
    name = re.sub(r"text_encoder(.*)\.self_attn\.q_proj\.", r"text_encoder\1.attn.in_proj_", name)
    name = name.replace(".q_proj.", ".in_proj_") if ".adapters." not in name else name
    for ours, theirs in COPIES.items():
        name = name.replace(f".adapters.{ours}.", f".{theirs}.")
    rules = next(rules for prefix, rules in RENAMES.items() if name.startswith(prefix))
    for old, new in rules:
        name = name.replace(old, new)
    if not name.startswith(("backbone.", "geometry_encoder.final")):
        name = re.sub(r"\.layer([123])\.", lambda m: f".layers.{int(m[1]) - 1}.", name)
        name = name.replace(".o_proj.", ".out_proj.")
        name = name.replace(".mlp.fc1.", ".linear1.").replace(".mlp.fc2.", ".linear2.")
    return name


@torch.inference_mode()
def answers(model: Sam3IModel, levels: list[int]) -> dict[str, torch.Tensor]:
    """All outputs for one random image and as many random texts as levels, always the same."""
    generator = torch.Generator().manual_seed(1)
    side = model.config.image_size
    image = model.encode_image(torch.randn(1, 3, side, side, generator=generator))
    ids = torch.randint(1, 49000, (len(levels), 32), generator=generator)
    ids[:, 11:] = 0
    return vars(model.ground(image, model.encode_text(ids, torch.tensor(levels))))


def write_sam3(model: Sam3IModel, path: Path) -> None:
    """A file like Meta's `sam3.pt`: the detector's tensors, and some of a tracker's."""
    state = {f"detector.{name}": value for name, value in official_state(model).items()}
    state = {n: v for n, v in state.items() if "adapter" not in n}
    torch.save(state | {"tracker.maskmem_tpos_enc": torch.ones(7, 1, 1, 64)}, path)


def write_stage(model: Sam3IModel, path: Path, stage: str = "3", **extra: object) -> None:
    """A file like a SAM3-I training stage: second text encoder, heads, optimiser and all."""
    state = official_state(model)
    text = {n: v for n, v in state.items() if n.startswith(TEXT) and "adapter" not in n}
    state |= {n.replace(TEXT, "backbone.text.encoder."): v + 1 for n, v in text.items()}
    state["concept_proj.0.weight"] = torch.ones(4, 4)
    state["backbone.vision_backbone.trunk.blocks.0.attn.freqs_cis"] = torch.ones(4)
    content = {
        "model": state,
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-3}]},
        "epoch": 8,
        "steps": {"train": 1234},
        "adapter_config": {},
        "inst_stage": stage,
    }
    torch.save(content | extra, path)
