"""What a reader of figures must know of the machine that they were taken on."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    """Its name, as Linux has it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
