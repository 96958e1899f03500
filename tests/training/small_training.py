"""Training on a toy world: two boxes, few pixels and dimensions, an image trunk at random."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from sam3i_model.modeling import Sam3IModel
from training import train as training
from training.loop.initialise import prepare, small_config
from training.loop.run import Run
from training.loop.settings import Phase, Settings, Span
from training.samples.from_world import WorldSamples

MIXTURES = {
    "base": {"concept": 1.0},
    "1-1": {"simple": 1.0},
    "1-2": {"complex": 1.0},
    "3": {"triplet": 0.8, "simple": 0.2},
    "fine-tune": {"simple": 0.5, "complex": 0.5},
}


class TwoBoxes:
    """A pool of one kind of scene: a red box and a blue mug, at places that depend on the index."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int):
        image = np.full((256, 256, 3), 120, np.uint8)
        labels = np.zeros((256, 256), np.uint8)
        objects = []
        for label, (kind, color, rgb) in enumerate(
            [("box", "red", (200, 30, 30)), ("mug", "blue", (30, 30, 200))], 1
        ):
            x = 10 * index + 110 * label - 80
            box = [x, 90, x + 60, 160]
            image[90:160, x : x + 60] = rgb
            labels[90:160, x : x + 60] = label
            objects.append(
                {
                    "label": label,
                    "kind": kind,
                    "color": color,
                    "viewer": [x / 256 - 0.4, 1.0, 0.05],
                    "size": [0.1, 0.1, 0.1],
                    "box": box,
                    "area": 60 * 70,
                    "visible": 1.0,
                    "centroid": [0.0, 0.0, 1.0],
                    "parts": [{"name": "lid", "label": label, "area": 60 * 20}],
                }
            )
        return image, labels, objects

    def parts(self, index: int):
        labels = self[index][1].copy()
        labels[110:] = 0  # the lid of a thing is its upper part
        return labels


def phases_of(texts: int = 2, **shares: float) -> dict[Phase, Span]:
    """Phases with a share each."""
    return {cast(Phase, name): Span(share, texts) for name, share in shares.items()}


def small_settings(stage: str = "base", steps: int = 4, **changes) -> Settings:
    shares = {"words": 1, "coarse": 1, "fine": 2} if stage == "base" else {"coarse": 1, "fine": 1}
    settings = Settings(
        stage=stage,
        seed=1,
        steps=steps,
        batch_size=2,
        phases=phases_of(**shares),
        image_size=64,
        mixture=MIXTURES[stage],
        learning_rate=1e-3,
        backbone_learning_rate=1e-4,
        constant_until=0.5,
        warmup=1,
    )
    return replace(settings, **changes)


def trained(settings: Settings, out: Path, start: str = "") -> str:
    """Train on the two boxes; where the checkpoint is."""
    training.train(Run(settings, start), WorldSamples(TwoBoxes(), settings.mixture), out)
    return str(out / "model")


def random_start(vocabulary: int) -> Sam3IModel:
    """A new model whose image trunk is random, too: its weights are not what is tested here."""
    model = Sam3IModel(small_config(vocabulary, width=32, queries=8))
    prepare(model)
    return model
