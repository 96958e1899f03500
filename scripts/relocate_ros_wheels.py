"""Makes the ROS 2 wheels of a virtual environment usable for building interfaces.

The wheels' CMake exports name the headers of the machine that built them
(/opt/python/cp311-cp311/...), which CMake refuses because they do not exist here. This puts
this interpreter's and this NumPy's headers in their place. Run it after installing the wheels
and before building; running it again changes nothing.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

import numpy as np

_BUILDER = r"/opt/python/cp\d+-cp\d+"
_NUMPY_HEADERS = re.compile(
    _BUILDER + r'/lib/python3\.\d+/site-packages/numpy/(?:_core|core)/include(?=[";])'
)
_PYTHON_HEADERS = re.compile(_BUILDER + r'/include/python3\.\d+(?=[";])')


def relocate(prefix: Path, python_headers: str, numpy_headers: str) -> int:
    """Rewrites the CMake exports below `prefix`; returns how many files changed."""
    changed = 0
    for path in sorted((prefix / "share").glob("*/cmake/*.cmake")):
        before = path.read_text(encoding="utf-8")
        after = _NUMPY_HEADERS.sub(lambda _: numpy_headers, before)
        after = _PYTHON_HEADERS.sub(lambda _: python_headers, after)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed += 1
    return changed


if __name__ == "__main__":
    count = relocate(Path(sys.prefix), sysconfig.get_paths()["include"], np.get_include())
    print(f"relocated {count} CMake exports")
