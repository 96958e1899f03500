"""The base model is transformers' SAM 3, and a batch may mix levels."""

from __future__ import annotations

import pytest
import torch
from transformers import Sam3Model
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.sam3.modeling_sam3 import Sam3VisionEncoderOutput

from sam3i_model.modeling import Sam3IModel

CONCEPT, SIMPLE, COMPLEX = 1, 2, 3


def inputs(model: Sam3IModel, levels: list[int]):
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randn(1, 3, 256, 256, generator=generator)
    ids = torch.randint(4, 300, (len(levels), 32), generator=generator)
    ids[:, 9:] = 0
    with torch.inference_mode():
        image = model.encode_image(pixels)
        text = model.encode_text(ids, torch.tensor(levels))
        return image, text, model.ground(image, text)


def test_rows_of_a_mixed_batch_equal_rows_alone(random_model, wake_adapters):
    wake_adapters(random_model)
    _, _, mixed = inputs(random_model, [SIMPLE, COMPLEX, CONCEPT, SIMPLE])
    _, _, simple = inputs(random_model, [SIMPLE] * 4)
    torch.testing.assert_close(mixed.pred_logits[0], simple.pred_logits[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(mixed.pred_logits[3], simple.pred_logits[3], rtol=0, atol=1e-4)
    _, _, complex_ = inputs(random_model, [COMPLEX] * 4)
    torch.testing.assert_close(mixed.pred_logits[1], complex_.pred_logits[1], rtol=0, atol=1e-4)


def test_texts_about_several_images_are_answered_as_about_each_alone(random_model, wake_adapters):
    wake_adapters(random_model)
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randn(2, 3, 256, 256, generator=generator)
    ids = torch.randint(4, 300, (5, 32), generator=generator)
    levels, index = torch.tensor([CONCEPT, SIMPLE, COMPLEX, SIMPLE, CONCEPT]), [1, 0, 1, 1, 0]
    for learning in (False, True):
        random_model.train(learning)
        random_model.text_encoder.eval()  # its adapters have dropout
        with torch.inference_mode():
            text = random_model.encode_text(ids, levels)
            both = random_model.ground(random_model.encode_image(pixels), text, torch.tensor(index))
            for row, image in enumerate(index):
                seen = random_model.encode_image(pixels[image : image + 1])
                one = random_model.encode_text(ids[row : row + 1], levels[row : row + 1])
                alone = random_model.ground(seen, one)
                for name, value in vars(alone).items():
                    torch.testing.assert_close(
                        getattr(both, name)[row], value[0], rtol=0, atol=5e-3
                    )


def test_base_is_transformers_sam3_with_the_geometry_token_in_the_prompt(random_model):
    library = Sam3Model(random_model.config)
    library.vision_encoder = random_model.vision_encoder
    own = random_model.state_dict()
    library.load_state_dict({name: own[name] for name in library.state_dict()})
    library.eval()
    image, text, ours = inputs(random_model, [CONCEPT, CONCEPT])
    both = image.rows(torch.tensor([0, 0]))
    vision = Sam3VisionEncoderOutput(
        fpn_hidden_states=(*both.maps, None),
        fpn_position_encoding=(None, None, both.position, None),
    )
    prompt = torch.cat([text.features, both.geometry], dim=1)
    mask = torch.cat([text.mask, torch.ones(2, 1, dtype=torch.bool)], dim=1)
    with torch.inference_mode():
        theirs = library(
            vision_embeds=vision,
            text_embeds=BaseModelOutputWithPooling(pooler_output=prompt),
            attention_mask=mask,
        )
    for name in ("pred_logits", "pred_boxes", "presence_logits", "pred_masks", "semantic_seg"):
        torch.testing.assert_close(getattr(ours, name), theirs[name], rtol=0, atol=1e-5)


def test_text_must_be_padded_to_32(random_model):
    with pytest.raises(ValueError, match="32 tokens"):
        random_model.encode_text(torch.zeros(1, 7, dtype=torch.int64), torch.tensor([CONCEPT]))
