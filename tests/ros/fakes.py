"""A segmenter without weights, and the perception node with it as a process of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Outcome, route

HUES = {"red": (170, 10), "yellow": (20, 35), "green": (40, 80), "blue": (100, 130)}  # of 180
MIN_PIXELS = 20
SLOW = 0.4  # s


class ColourSegmenter:
    """Finds blobs of the first colour word of an instruction; the biggest one first.

    Besides colours it knows two words: "crash" raises, "slowly" takes SLOW seconds. Its adapters
    say how a red thing is called from then on; those called "bad" are refused. Checking them takes
    as long as there is a file of their name and ".hold".
    """

    name = "colours"
    device = "cpu"
    engine = "colours"
    refused = ""

    def __init__(self) -> None:
        self.adapters = ""
        self._hsv = np.zeros((0, 0, 3), np.uint8)

    def load_adapters(self, folder: str) -> None:
        """Any name but "bad"."""
        while Path(f"{folder}.hold").exists():
            time.sleep(0.01)
        if folder == "bad":
            raise ValueError("'bad' is damaged:\n take others")
        self.adapters = Path(folder).name

    def set_image(self, rgb: np.ndarray) -> None:
        """uint8 (H, W, 3)."""
        self._hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)

    def ground(self, instructions: Sequence[str | Instruction]) -> list[Grounding]:
        """One grounding per instruction."""
        return [self._one(Instruction(i) if isinstance(i, str) else i) for i in instructions]

    def _one(self, instruction: Instruction) -> Grounding:
        words = instruction.text.lower().split()
        words = ["red" if word == self.adapters else word for word in words]
        if "crash" in words:
            raise RuntimeError("told to crash")
        if "slowly" in words:
            time.sleep(SLOW)
        routing = route(instruction.text)
        hue = next((HUES[word] for word in words if word in HUES), None)
        masks = self._blobs(*hue) if hue else []
        if instruction.max_instances:
            masks = masks[: instruction.max_instances]
        count = len(masks)
        scores = np.linspace(0.9, 0.6, count, dtype=np.float32)
        kept = [mask for mask, s in zip(masks, scores, strict=True) if s >= instruction.threshold]
        return Grounding(
            instruction=instruction,
            outcome=Outcome.FOUND if kept else Outcome.NOT_FOUND,
            level=routing.level,
            presence=0.9 if kept else 0.1,
            token_count=len(words) + 2,
            truncated=False,
            detail=routing.why,
            masks=np.array(kept, bool).reshape(-1, *self._hsv.shape[:2]),
            scores=scores[: len(kept)],
            boxes=np.array([_box(mask) for mask in kept], np.float32).reshape(-1, 4),
        )

    def _blobs(self, low: int, high: int) -> list[np.ndarray]:
        hue, saturation, value = cv2.split(self._hsv)
        within = (hue >= low) & (hue <= high) if low <= high else (hue >= low) | (hue <= high)
        strong = within & (saturation > 100) & (value > 60)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(strong.astype(np.uint8))
        sizes = stats[1:, cv2.CC_STAT_AREA]
        order = [i for i in np.argsort(-sizes, kind="stable") if sizes[i] >= MIN_PIXELS]
        return [labels == i + 1 for i in order]


def _box(mask: np.ndarray) -> tuple[float, ...]:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return (x, y, x + width, y + height)


def load(model: str, device: str, backend: str) -> ColourSegmenter:
    """Stands in for the model loader; the model "missing" cannot be loaded."""
    if model == "missing":
        raise FileNotFoundError("there is no folder 'missing';\n give a path or 'bundled'")
    return ColourSegmenter()


if __name__ == "__main__":
    from sam3i_ros.perception_node import main

    sys.exit(main(segmenter_factory=load))
