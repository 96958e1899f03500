"""Definitions of messages, so that bags can be read and written without ROS."""

from __future__ import annotations

from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore


def package_file(name: str) -> Path:
    """A file or folder of the package, such as "msg" or "config/fastdds.xml".

    From the checkout if this runs in one, else from the share folder below the prefix that the
    build installed the package into. Raises FileNotFoundError.
    """
    here = Path(__file__)
    for folder in [here.parents[1], *(p / "share" / "sam3i_ros" for p in here.parents)]:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} of sam3i_ros is not installed: build the package again")


def typestore() -> Typestore:
    """The standard messages and ours.

    Cameras' messages, String and Header are the same in every ROS 2 distribution.
    """
    store = get_typestore(Stores.ROS2_KILTED)
    for path in sorted(package_file("msg").glob("*.msg")):
        text = path.read_text(encoding="utf-8")
        store.register(get_types_from_msg(text, f"sam3i_ros/msg/{path.stem}"))
    return store
