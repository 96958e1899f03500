"""How the process keeps its memory."""

from __future__ import annotations

import ctypes

# mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_KEPT = 64 << 20  # bytes at the end of each heap
_LARGE = 32 << 20  # bytes; the most that the threshold can be
_NEVER = -1


def keep_freed_memory(large: bool = False) -> None:
    """Has glibc keep what one frame, or one training step, frees for the next; other C libraries
    stay as they are.

    It would give arrays back to the kernel, and get them again page by page: a quarter of the
    node's processor time at 1280x720, and of a training step's.

    Args:
        large: Keep arrays beyond 32 MB as well, and so all memory that was ever needed at once.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt and large:
        mallopt(_TRIM_THRESHOLD, _NEVER)
        mallopt(_MMAP_MAX, 0)
    elif mallopt:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGE)
