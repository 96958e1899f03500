"""The pages of a preview; apart from what draws them, so that the command line starts fast."""

from __future__ import annotations

from enum import Enum


class Page(str, Enum):
    """What a preview shows."""

    SCENES = "scenes"
    KINDS = "kinds"
    PARTS = "parts"
