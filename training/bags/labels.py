"""What an instruction means in a frame: as the node answered, as a model says, or nobody yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sam3i_model.decoding import MessageError, mask_from_segment
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome
from training.annotations.rle import Mask
from training.annotations.sam3i_json import OPEN
from training.bags.asked import Asked, identity
from training.bags.scan import answered_size

MAX_SEGMENTS = 1_000
"""Of one answer."""


class Model(Protocol):
    """What labels with `--teacher`: a `sam3i_model.Segmenter`."""

    def set_image(self, image: np.ndarray) -> None: ...

    def ground(self, instructions: Sequence[str | Instruction]) -> list[Grounding]: ...


@dataclass(frozen=True)
class Label:
    """One instruction in one frame.

    Attributes:
        asked: The instruction.
        level: Never AUTO. Where a model without adapters took the kind alone, "blue box" of "the
            blue box", it is the sentence's own, and so is the text: adapters learn from that.
        text: What is to be learned to be read: what the node's model read.
        masks: bool (H, W) each; none if it isn't there, or nobody has said yet.
        score: Of the least certain mask, or 1 - presence where there is none; 0 if unlabelled.
        review: `OPEN` if a person is to look at it, else "".
    """

    asked: Asked
    level: Level
    text: str
    masks: tuple[Mask, ...] = ()
    score: float = 0.0
    review: str = OPEN

    @property
    def single(self) -> bool:
        """Whether a concept stands for one certain thing, as "mug" of "the mug" does."""
        return self.level == Level.CONCEPT and self.asked.routing.definite


def unlabelled(asked: Asked) -> Label:
    """Of an instruction that nobody has answered."""
    return Label(asked, asked.routing.level, asked.routing.prompt)


def recorded(
    answer: Any, wanted: Sequence[Asked], size: tuple[int, int], cut: float
) -> Iterator[Label]:
    """The labels of a sam3i_ros/SegmentArray.

    Args:
        answer: It.
        wanted: Instructions, by id and text.
        size: (H, W) of the image that it answers.
        cut: Least score; below it a person is to look.

    Raises:
        MessageError: It doesn't fit the image.
    """
    if len(answer.segments) > MAX_SEGMENTS:
        raise MessageError(f"an answer has {len(answer.segments):,} segments")
    shown = answered_size(answer) or size
    if shown != size:
        raise MessageError(
            f"it is to a {shown[1]}x{shown[0]} image, this one is {size[1]}x{size[0]}"
        )
    named = {(asked.id, asked.text): asked for asked in wanted}
    for result in answer.results:
        text = " ".join(result.text.split())
        asked = named.pop((identity(result.id), text), None)
        if asked is None:
            continue
        segments = [s for s in answer.segments if s.instruction_id == result.id]
        masks = tuple(mask_from_segment(s, size) for s in segments)
        usual = result.level_used in tuple(Level) and result.level_used != Level.AUTO
        level = Level(result.level_used) if usual else asked.routing.level
        doubtful = result.truncated or any(s.carried for s in segments)
        scores = [float(s.score) for s in segments]
        yield _judged(asked, level, result, masks, scores, cut, doubtful)


def taught(
    model: Model, rgb: NDArray[np.uint8], wanted: Sequence[Asked], cut: float
) -> Iterator[Label]:
    """The labels that a model gives an image, uint8 (H, W, 3)."""
    model.set_image(rgb)
    groundings = model.ground([asked.instruction for asked in wanted])
    for asked, grounding in zip(wanted, groundings, strict=True):
        masks, scores = tuple(grounding.masks), [float(s) for s in grounding.scores]
        yield _judged(asked, grounding.level, grounding, masks, scores, cut, grounding.truncated)


def _judged(
    asked: Asked,
    level: Level,
    said: Any,
    masks: tuple[Mask, ...],
    scores: Sequence[float],
    cut: float,
    doubtful: bool,
) -> Label:
    """A label, left open where what was said isn't certain; what was found stays as a proposal."""
    if said.outcome == Outcome.REJECTED:
        return unlabelled(asked)
    found = [mask for mask in masks if mask.any()]
    score = min(scores) if found else 1.0 - float(said.presence)
    if not np.isfinite(score):
        score = 0.0
    # An ambiguous answer has several where one was asked for; a capped one may lack some.
    capped = 0 < asked.max_instances <= len(found) and not asked.routing.singular
    unclear = said.outcome != (Outcome.FOUND if found else Outcome.NOT_FOUND)
    is_open = doubtful or capped or unclear or score < cut
    prompt = getattr(said, "prompt", "")  # older recordings have none
    whole = prompt == asked.text  # so is what the service was asked for as a concept
    if level == Level.CONCEPT and asked.routing.level == Level.SIMPLE and not whole:
        level, prompt = asked.routing.level, asked.routing.prompt
    return Label(asked, level, prompt or asked.text, tuple(found), score, OPEN if is_open else "")
