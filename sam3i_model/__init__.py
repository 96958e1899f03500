"""An image and instructions in, masks out. No ROS, no bags, no training.

from sam3i_model import Segmenter

segmenter = Segmenter.from_pretrained("bundled")
segmenter.set_image(rgb)  # uint8 (H, W, 3)
groundings = segmenter.ground(["the red mug", "bottles"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Level, Outcome

if TYPE_CHECKING:
    from sam3i_model.segmenter import Segmenter

__all__ = ["Grounding", "Instruction", "Level", "Outcome", "Segmenter"]


def __getattr__(name: str) -> Any:
    """Import what needs torch only when it is asked for; it takes seconds."""
    if name == "Segmenter":
        from sam3i_model.segmenter import Segmenter

        return Segmenter
    raise AttributeError(f"module 'sam3i_model' has no attribute '{name}'")
