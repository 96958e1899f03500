"""What is said on the command lines of node programs and launch files."""

from __future__ import annotations

import argparse
import re
from typing import Any

import yaml
from rclpy.utilities import remove_ros_args


def ros_arguments_only(program: str, parameters: str, about: str) -> None:
    """Answers --help, and refuses what ROS would pass over, such as a -p before --ros-args.

    Args:
        program: Name of the node program.
        parameters: What is most often said behind --ros-args.
        about: A sentence or two for --help.

    Raises:
        SystemExit: The program has nothing more to do; 0 after help, 2 after a line on what is
            wrong.
    """
    parser = argparse.ArgumentParser(
        program, usage=f"{program} --ros-args {parameters}", description=about
    )
    try:
        others = remove_ros_args()[1:]
    except RuntimeError as error:  # rcl's, such as "-p bag:=" without a value
        parser.error(_cause(str(error)))
    parser.parse_args(others)


def _cause(said: str) -> str:
    """rcl's words without the places in its own sources."""
    return re.sub(r", at [^ ]+:\d+", "", said).removesuffix(". Error: error not set")


def sentences(said: str) -> list[str]:
    """Of a launch file's `instructions:=`, which is a sentence or a YAML list of them.

    ValueError with one line if it is something else, or empty.
    """
    meant: Any = said
    if said.startswith(("[", "{", "- ", '"', "'")):  # or "#2" would be a comment, "mug: red" a key
        try:
            meant = yaml.load(said, yaml.BaseLoader)  # for which 7 and yes are text
        except yaml.YAMLError:
            meant = None
    found = meant if isinstance(meant, list) else [meant]
    if not (found and all(isinstance(text, str) and text.strip() for text in found)):
        raise ValueError(
            f"instructions:={' '.join(said.split())} is not what can be looked for; give a "
            "sentence, or a list of them such as [mug, the red box]"
        )
    return found
