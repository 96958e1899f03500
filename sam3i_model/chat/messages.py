"""What is said to a chat address and by it, as the protocol writes it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

JPEG_QUALITY = 90

Message = dict[str, Any]


def question(prompt: str, images: Sequence[np.ndarray]) -> Message:
    """A prompt about uint8 RGB (H, W, 3) images.

    Raises:
        ValueError: An image can't be sent.
    """
    # Images come first: servers that keep prefixes then encode them once for many questions.
    parts = [*map(_image_part, images), {"type": "text", "text": prompt}]
    return {"role": "user", "content": parts}


def first_choice(data: bytes) -> dict[str, Any] | None:
    """The first choice of a chat completion, with words or without; None if it is none."""
    try:
        choice = json.loads(data)["choices"][0]
        said = choice["message"].get("content")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None
    return choice if said is None or isinstance(said, str | list) else None


def words(choice: dict[str, Any]) -> str | None:
    """The text of a choice, whole or in parts; None if it has none."""
    said = choice["message"].get("content")
    if not isinstance(said, list):
        return said
    parts = [part for part in said if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(str(part.get("text", "")) for part in parts) if parts else None


def _image_part(image: np.ndarray) -> Message:
    ok, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not ok:
        raise ValueError(f"an image of shape {image.shape} can't be sent")
    url = "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
    return {"type": "image_url", "image_url": {"url": url}}
