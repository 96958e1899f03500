"""The answer to one instruction. Apart from the segmenter, so that reading it needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sam3i_model.instruction import Instruction, Level, Outcome


@dataclass
class Grounding:
    """The answer to one instruction in one image.

    Attributes:
        instruction: What was asked.
        outcome: FOUND, NOT_FOUND, AMBIGUOUS (several answers to a singular request, all given) or
            REJECTED (could not be asked; `detail` says why).
        level: The level that was used, never AUTO.
        presence: Probability that what was asked for is in the image at all.
        token_count: Tokens of the prompt before the cut at 32.
        truncated: Whether the prompt was cut.
        prompt: What the model read: the text, or the words of it that tell of the target.
        detail: One line for people, empty when there is nothing to say.
        masks: bool (N, H, W).
        scores: float32 (N,), descending.
        boxes: float32 (N, 4), xyxy in pixels.
    """

    instruction: Instruction
    outcome: Outcome
    level: Level
    presence: float = 0.0
    token_count: int = 0
    truncated: bool = False
    prompt: str = ""
    detail: str = ""
    masks: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0), dtype=bool))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), dtype=np.float32))
