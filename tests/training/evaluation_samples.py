"""Pictures with sentences, and a segmenter that answers by script."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from training import evaluate as evaluation

HEIGHT, WIDTH = 20, 40
HOSTILE = "<script>alert('x')</script> & \"quoted\" <img src=http://example.org/x>"
Answers = dict[str, np.ndarray]


def span(left: int, right: int) -> np.ndarray:
    """A mask of full columns: bool (1, H, W)."""
    mask = np.zeros((1, HEIGHT, WIDTH), bool)
    mask[:, :, left:right] = True
    return mask


class Scripted:
    """Stands for a segmenter: answers what it was told to, nothing to other sentences.

    `concepts` are its answers to sentences that are asked as concepts, where they differ.
    """

    def __init__(
        self,
        name: str,
        answers: Answers,
        trained: tuple[str, ...] = (),
        concepts: Answers | None = None,
    ) -> None:
        self.name = name
        self.answers = answers
        self.concepts = concepts or {}
        self.score = 0.75
        self.pictures = 0
        config = SimpleNamespace(to_dict=lambda: {"name": name}, trained_levels=list(trained))
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0})))
        state = {"weight": torch.ones(2)}
        self.model = SimpleNamespace(config=config, state_dict=lambda: state)

    def set_image(self, image: np.ndarray) -> None:
        assert image.shape == (HEIGHT, WIDTH, 3)
        self.pictures += 1

    def ground(self, instructions: list[Instruction]) -> list[Grounding]:
        return [self._ground(instruction) for instruction in instructions]

    def _ground(self, instruction: Instruction) -> Grounding:
        own = self.concepts if instruction.level == Level.CONCEPT else {}
        answers = {**self.answers, **own}
        masks = answers.get(instruction.text, np.zeros((0, HEIGHT, WIDTH), bool))
        outcome = Outcome.FOUND if len(masks) else Outcome.NOT_FOUND
        scores = np.full(len(masks), self.score, np.float32)
        boxes = np.zeros((len(masks), 4), np.float32)
        presence = 0.9 if len(masks) else 0.1
        return Grounding(
            instruction,
            outcome,
            instruction.level,
            presence,
            masks=masks,
            scores=scores,
            boxes=boxes,
        )


Said = tuple[str, str, list[tuple[int, int]], dict[str, Any]]
"""Picture, sentence, spans that are meant, fields of ours."""
SAMPLES: list[Said] = [
    ("a", "box", [(0, 10), (20, 30)], {"granularity": "1toAll"}),
    ("b", "can", [(0, 10)], {"granularity": "1toAll"}),
    ("c", HOSTILE, [], {}),
    ("a", "the left box", [(0, 10)], {"granularity": "1to1", "family": "side"}),
    ("b", "the can without a lid", [(0, 10)], {"granularity": "1to1", "family": "negation"}),
    ("c", "the lids", [(0, 1), (2, 3)], {"granularity": "1toN", "family": "<b>", "part": True}),
]
CONCEPTS = ("box", "can", "mug", HOSTILE)
GOOD: Answers = {
    "box": np.concatenate([span(0, 10), span(20, 30)]),
    "can": span(0, 10),
    "the left box": span(0, 10),
    "the can without a lid": span(0, 5),
}


def write_data(folder: Path, samples: list[Said]) -> Path:
    """The samples as a SAM3-I file with its pictures."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (picture, text, meant, fields) in enumerate(samples, 1):
        field = "concept" if text in CONCEPTS else "simple_query"
        images.append(
            {
                "id": number,
                "file_name": f"{picture}.png",
                "height": HEIGHT,
                "width": WIDTH,
                "text_inst_input": {field: [text]},
                **fields,
            }
        )
        for left, right in meant:
            polygon = [left, 0, right, 0, right, HEIGHT, left, HEIGHT]
            annotations.append(
                {"id": len(annotations), "image_id": number, "segmentation": [polygon]}
            )
    for shade, picture in enumerate(dict.fromkeys(picture for picture, *_ in samples)):
        rgb = np.full((HEIGHT, WIDTH, 3), 60 + 8 * shade, np.uint8)
        Image.fromarray(rgb).save(folder / f"{picture}.png")
    path = folder / "sam3i_val.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": []}))
    return path


class Command:
    """`sam3i evaluate` with scripted checkpoints in the place of real ones."""

    def __init__(self, data: Path, models: dict[str, Scripted], patch: pytest.MonkeyPatch) -> None:
        self.data = data
        self.models = models
        patch.setattr(evaluation.Segmenter, "from_pretrained", lambda name, backend: models[name])
        self.app = evaluation.typer.Typer()
        self.app.command()(evaluation.evaluate_command)

    def __call__(self, model: str, *options: object) -> Result:
        arguments = [model, str(self.data), *map(str, options)]
        return CliRunner().invoke(self.app, arguments, catch_exceptions=False)
