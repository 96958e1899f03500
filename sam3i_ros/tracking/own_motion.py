"""What moves on its own moves as one, and ends at its border.

Flow is smooth, and so too small at the edges of what moves against its surroundings: frame after
frame, its mask would lose what is in front and smear what is behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from sam3i_ros.tracking.motion import NOWHERE, affine, pixel_grid

Array = npt.NDArray[Any]

OWN = 1.0  # px a frame, from which a thing moves against its surroundings
SMOOTHED = 0.6  # share of a thing's motion that smoothing may take from a pixel of it
SAMPLES = 100  # pixels of a thing that its motion is fitted to
REACH = 6  # px, from a thing's border, where the flow is smoothed
RIM = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 5))
SURROUNDINGS = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * REACH + 1, 2 * REACH + 1))


def stiffen(back: Array, shapes: Sequence[Array]) -> Array:
    """The flow with each thing that moves on its own moving by one affine map.

    Args:
        back: float32 (h, w, 2) of `Flow.back`.
        shapes: uint8 (h, w), 0 or 1: things in the picture before.

    Returns:
        The flow anew; NOWHERE where only the smoothing takes a pixel for a part of a thing.
    """
    labels = np.zeros(back.shape[:2], np.uint16)
    for label, shape in enumerate(shapes, start=1):
        labels[shape > 0] = label
    stiff, grid = back.copy(), pixel_grid(back.shape[:2])
    led = cv2.remap(labels, grid + back, None, cv2.INTER_NEAREST)
    for label, box in enumerate(find_objects(led, len(shapes)), start=1):
        if not box:
            continue
        window = tuple(slice(max(side.start - REACH, 0), side.stop + REACH) for side in box)
        here, flow, inside = grid[window], back[window], led[window] == label
        at = _rigid(here, flow, inside)
        if at is None:
            continue
        fitted = at - here
        within = cv2.remap(labels, at, None, cv2.INTER_NEAREST) == label
        tolerance = np.maximum(1.0, SMOOTHED * np.linalg.norm(fitted, axis=-1))
        # What moves otherwise may be something in front of it.
        smoothed = within & (np.linalg.norm(flow - fitted, axis=-1) < tolerance)
        stiff[window][smoothed] = fitted[smoothed]
        stiff[window][inside & ~within] = NOWHERE
    return stiff


def _rigid(here: Array, back: Array, inside: Array) -> Array | None:
    """Where pixels (h, w, 2) were if they move as one thing does; None if it has no own motion."""
    shape = inside.view(np.uint8)
    core = cv2.erode(shape, RIM, borderValue=0) > 0
    around = cv2.dilate(shape, SURROUNDINGS) > cv2.dilate(shape, RIM)
    if not (core.any() and around.any()):
        return None
    flow = back[core]
    own = np.median(flow, axis=0) - np.median(back[around], axis=0)
    if np.linalg.norm(own) < OWN:
        return None
    every = max(1, len(flow) // SAMPLES)
    points = here[core][::every]
    motion = affine(points, points + flow[::every])
    if motion is None:
        return None
    at: Array = cv2.transform(here, motion)
    return at
