"""The node with a segmenter that costs nothing, or a given time: what is measured is the node."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome

SHARE = 0.15  # of the image that all discs cover together


class FixedSegmenter:
    """Answers with discs on a grid, after a given time; instructions get them in turns."""

    device = "cpu"
    engine = "none"
    refused = ""
    adapters = ""

    def __init__(self, seconds: float, segments: int) -> None:
        self.name = f"fixed, {segments} segments after {1000 * seconds:g} ms"
        self._seconds = seconds
        self._masks = np.zeros((segments, 0, 0), bool)

    def load_adapters(self, folder: str) -> None:
        """There are none."""

    def set_image(self, rgb: npt.NDArray[np.uint8]) -> None:
        """The discs are drawn once for all images of a size."""
        height, width = rgb.shape[:2]
        if self._masks.shape[1:] != (height, width):
            self._masks = discs(height, width, len(self._masks))

    def ground(self, instructions: Sequence[str | Instruction]) -> list[Grounding]:
        """All segments, shared among the instructions."""
        time.sleep(self._seconds)
        asked = [Instruction(i) if isinstance(i, str) else i for i in instructions]
        return [
            _grounding(instruction, self._masks[i :: len(asked)])
            for i, instruction in enumerate(asked)
        ]


def discs(height: int, width: int, count: int) -> npt.NDArray[np.bool_]:
    """Masks (count, height, width) of equal discs that do not touch."""
    columns = math.ceil(math.sqrt(count * width / height))
    lines = math.ceil(count / columns)
    radius = math.sqrt(SHARE * height * width / (math.pi * count))
    y, x = np.ogrid[:height, :width]
    middles = [((i // columns + 0.5) / lines, (i % columns + 0.5) / columns) for i in range(count)]
    return np.array([(y - height * v) ** 2 + (x - width * u) ** 2 < radius**2 for v, u in middles])


def model_name(seconds: float, segments: int) -> str:
    """What to give a node as its parameter `model`."""
    return f"fixed:{seconds:g},{segments}"


def load(model: str, device: str = "cpu", backend: str = "auto") -> FixedSegmenter:
    """Stands in for the model loader; takes a `model_name`."""
    seconds, segments = model.removeprefix("fixed:").split(",")
    return FixedSegmenter(float(seconds), int(segments))


def _grounding(instruction: Instruction, masks: npt.NDArray[np.bool_]) -> Grounding:
    return Grounding(
        instruction,
        Outcome.FOUND if len(masks) else Outcome.NOT_FOUND,
        Level.SIMPLE,
        presence=1.0,
        masks=masks,
        scores=np.linspace(0.9, 0.5, len(masks), dtype=np.float32),
        boxes=np.zeros((len(masks), 4), np.float32),
    )


if __name__ == "__main__":  # the node's process
    from sam3i_ros.perception_node import main

    sys.exit(main(segmenter_factory=load))
