"""Where the package's files that are no Python code are."""

from __future__ import annotations

from pathlib import Path

import sam3i_ros.msg


def package_file(name: str) -> Path:
    """A file or folder of the package, such as "msg" or "config/fastdds.xml".

    From the checkout if this runs in one, else from the share folder below the prefix that the
    build installed the messages into. Raises FileNotFoundError.
    """
    prefixes = Path(sam3i_ros.msg.__file__).parents
    folders = [Path(__file__).parents[2], *(p / "share" / "sam3i_ros" for p in prefixes)]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} of sam3i_ros is not installed: build the package again")
