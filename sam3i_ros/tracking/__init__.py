"""Masks and identities between two groundings. NumPy, SciPy and OpenCV only, no ROS.

`motion` measures how the picture moves, `own_motion` how a thing moves in it, `outline` takes one
mask along, `identity` says which of the things found anew are known ones, `track` follows one of
them, `tracker` puts all together.
"""

from sam3i_ros.tracking.tracker import GAP, Tracked, Tracker

__all__ = ["GAP", "Tracked", "Tracker"]
