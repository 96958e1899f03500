"""What Fast DDS is told by environment variables.

Launch files import this, with an interpreter that sees no virtual environment.
"""

from __future__ import annotations

import os


def profile_variable() -> str:
    """The one that this distribution's Fast DDS reads; its name changed after Jazzy."""
    before_kilted = os.environ.get("ROS_DISTRO") in ("humble", "iron", "jazzy")
    return f"{'FASTRTPS' if before_kilted else 'FASTDDS'}_DEFAULT_PROFILES_FILE"


def set_environment() -> None:
    """Makes this process and its children a ROS world of their own on this machine.

    A DDS profile that the user has set is left alone.
    """
    from sam3i_model.definitions import package_file

    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    os.environ.setdefault(profile_variable(), str(package_file("config/fastdds.xml")))
