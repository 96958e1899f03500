"""The command line of a node program, which has none but ROS's arguments."""

from __future__ import annotations

import argparse

from rclpy.utilities import remove_ros_args


def ros_arguments_only(program: str, parameters: str, about: str) -> None:
    """Answers --help, and refuses what ROS would pass over, such as a -p before --ros-args.

    Args:
        program: Its name.
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
        parser.error(str(error).partition(". Error:")[0])
    parser.parse_args(others)
