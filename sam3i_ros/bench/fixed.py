"""The node with a segmenter that costs nothing, or a given time: what is measured is the node."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome

WIDTH, HEIGHT, SEGMENTS = 640, 480, 5
RADIUS = 55  # pixels; five discs cover 15 % of the image
PREFIX = "fixed:"  # of a model's name; milliseconds follow


class FixedSegmenter:
    """Answers every instruction with one disc, after a given time; the n-th gets the n-th disc."""

    device = "cpu"
    engine = "none"
    refused = ""
    adapters = ""

    def __init__(self, seconds: float) -> None:
        self.name = f"fixed, {1000 * seconds:g} ms"
        self._seconds = seconds
        rows, columns = np.ogrid[:HEIGHT, :WIDTH]
        self._masks = [
            (rows - HEIGHT / 2) ** 2 + (columns - WIDTH * (i + 0.5) / SEGMENTS) ** 2 < RADIUS**2
            for i in range(SEGMENTS)
        ]

    def load_adapters(self, folder: str) -> None:
        """There are none."""

    def set_image(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Takes images of WIDTH x HEIGHT."""

    def ground(self, instructions: Sequence[str | Instruction]) -> list[Grounding]:
        """One disc each."""
        time.sleep(self._seconds)
        asked = [Instruction(i) if isinstance(i, str) else i for i in instructions]
        return [
            Grounding(
                instruction,
                Outcome.FOUND,
                Level.SIMPLE,
                presence=1.0,
                masks=self._masks[i % SEGMENTS][None],
                scores=np.array([0.9], np.float32),
                boxes=np.zeros((1, 4), np.float32),
            )
            for i, instruction in enumerate(asked)
        ]


def load(model: str, device: str, backend: str) -> FixedSegmenter:
    """Stands in for the model loader."""
    return FixedSegmenter(float(model.removeprefix(PREFIX)) / 1000)


if __name__ == "__main__":  # the node's process
    from sam3i_ros.perception_node import main

    sys.exit(main(segmenter_factory=load))
