"""What Fast DDS is told by environment variables.

Launch files import this, with an interpreter that sees no virtual environment.
"""

from __future__ import annotations

import os

OLD = "FASTRTPS_DEFAULT_PROFILES_FILE"


def profile_variable() -> str:
    """Names the profile; up to Jazzy, Fast DDS reads the old one alone."""
    before_kilted = os.environ.get("ROS_DISTRO") in ("humble", "iron", "jazzy")
    return OLD if before_kilted else "FASTDDS_DEFAULT_PROFILES_FILE"


def has_profile() -> bool:
    """Whether the user has one that is read; later distributions read the old name as well."""
    return bool({profile_variable(), OLD} & os.environ.keys())


def profile() -> str:
    """Path of the profile that large images need."""
    from sam3i_model.definitions import package_file

    return str(package_file("config/fastdds.xml"))


def set_environment() -> None:
    """Makes this process and its children a ROS world of their own on this machine.

    A DDS profile that the user has set is left alone.
    """
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    if not has_profile():
        os.environ[profile_variable()] = profile()
