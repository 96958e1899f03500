"""The perception node without a camera: a recording is played to it, and a planner asks.

    ros2 launch sam3i_ros demo.launch.py rviz:=true

All arguments of perception.launch.py apply, but for camera, which is sim.
"""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from sam3i_ros.arguments import sentences
from training.world import BAG_VERSION

LAUNCH = Path(get_package_share_directory("sam3i_ros")) / "launch"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sam3i_ros"

ASKED = "sam3i_demo_instructions"

ARGUMENTS = [
    DeclareLaunchArgument(
        "bag",
        default_value="",
        description="rosbag2 to play in a loop, with the topics of config/cameras/sim.yaml; "
        "empty: a rendered tabletop, made once (a minute)",
    ),
    DeclareLaunchArgument(
        "instructions",
        default_value="[mug, the leftmost bottle, the box left of the mug, banana]",
        description="what the planner asks for: a sentence, or a YAML list of them",
    ),
]


def generate_launch_description() -> LaunchDescription:
    perception = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(LAUNCH / "perception.launch.py")),
        launch_arguments={"camera": "sim", "instructions": ""}.items(),
    )
    return LaunchDescription(
        [
            *ARGUMENTS,
            OpaqueFunction(function=check),
            perception,  # before the others, as it sets the DDS profile for them too
            OpaqueFunction(function=planner),
            OpaqueFunction(function=camera),
        ]
    )


def check(context: LaunchContext) -> None:
    """Instructions that cannot be used are said before there is anything to stop; others are kept
    for the planner, as those of the node itself, in the same argument, are none.
    """
    given = context.launch_configurations
    sentences(given["instructions"])
    given[ASKED] = given["instructions"]


def planner(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = context.launch_configurations
    node = Node(
        package="sam3i_ros",
        executable="planner",
        namespace=given["namespace"],
        output="screen",
        # typed, as launch_ros would read each sentence as YAML again
        parameters=[
            {"instructions": ParameterValue(sentences(given[ASKED]), value_type=list[str])}
        ],
    )
    return [node]


def camera(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = context.launch_configurations["bag"]
    bag = Path(given) if given else CACHE / f"world-{BAG_VERSION}"
    player = Node(
        package="sam3i_ros",
        executable="camera_player",
        output="screen",
        parameters=[{"bag": str(bag)}],
    )
    if given or (bag / "metadata.yaml").exists():
        return [player]

    render = ExecuteProcess(
        # not sys.executable: that is ros2's own, which doesn't see a virtual environment
        cmd=["python3", "-m", "training.world", "sequence", str(bag)],
        output="screen",
    )

    def when_rendered(event: ProcessExited, context: LaunchContext) -> list:
        if event.returncode == 0:
            return [player]
        if context.is_shutdown:  # by Ctrl-C
            return []
        reason = "the recording could not be rendered; name one: bag:=recording.mcap"
        return [LogInfo(msg=reason), EmitEvent(event=Shutdown(reason=reason))]

    return [
        LogInfo(msg=f"rendering the recording to play, once, into {bag}"),
        render,
        RegisterEventHandler(OnProcessExit(target_action=render, on_exit=when_rendered)),
    ]
