"""Starts the perception node for a camera, loads the model and begins to ground.

    ros2 launch sam3i_ros perception.launch.py camera:=realsense
    ros2 topic pub --once /sam3i/instruction_text std_msgs/msg/String "{data: the red mug}"

The camera's own driver is started apart; config/cameras/ has the command for each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.events import matches_action
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue
from lifecycle_msgs.msg import Transition

from sam3i_ros.arguments import sentences
from sam3i_ros.dds import has_profile, profile_variable

CONFIG = Path(get_package_share_directory("sam3i_ros")) / "config"
CAMERAS = ["realsense", "zed", "orbbec", "oak", "sim"]

AS_CAMERA = "empty: as config/cameras/ has it for this camera"
AS_PARAMETER = "empty: as params_file has it"
SWITCHES = ("tracking", "use_sim_time")
ARGUMENTS = [
    DeclareLaunchArgument(
        "camera", default_value="realsense", choices=CAMERAS, description="whose topics to use"
    ),
    DeclareLaunchArgument("image", default_value="", description=f"colour image; {AS_CAMERA}"),
    DeclareLaunchArgument(
        "depth",
        default_value="",
        description=f"depth image aligned to the colour image; {AS_CAMERA}; none: masks only",
    ),
    DeclareLaunchArgument(
        "camera_info", default_value="", description=f"of the colour image; {AS_CAMERA}"
    ),
    DeclareLaunchArgument(
        "image_transport",
        default_value="",
        choices=["", "raw", "compressed"],
        description=f"compressed: of the topic <image>/compressed; {AS_CAMERA}",
    ),
    DeclareLaunchArgument(
        "depth_transport",
        default_value="",
        choices=["", "raw", "compressedDepth"],
        description=f"compressedDepth: of the topic <depth>/compressedDepth; {AS_CAMERA}",
    ),
    DeclareLaunchArgument(
        "instructions",
        default_value="",
        description="looked for from the start: a sentence, or a YAML list of them; "
        f"{AS_PARAMETER}",
    ),
    DeclareLaunchArgument(
        "model",
        default_value="",
        description=f"bundled, a folder, a .pt file or a hub id; {AS_PARAMETER}",
    ),
    DeclareLaunchArgument(
        "adapters",
        default_value="",
        description=f"folder of a checkpoint on the model's base; {AS_PARAMETER}",
    ),
    DeclareLaunchArgument(
        "device", default_value="", description=f"auto, cpu, cuda or cuda:N; {AS_PARAMETER}"
    ),
    DeclareLaunchArgument(
        "backend", default_value="", description=f"auto, torch, onnx or tensorrt; {AS_PARAMETER}"
    ),
    DeclareLaunchArgument(
        "target_frame",
        default_value="",
        description=f"frame of points and poses, by TF at the image's stamp; {AS_PARAMETER}",
    ),
    DeclareLaunchArgument(
        "tracking",
        default_value="",
        choices=["", "true", "false"],
        description=f"carry masks to every frame between two groundings; {AS_PARAMETER}",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=str(CONFIG / "params.yaml"),
        description="parameters of the node",
    ),
    DeclareLaunchArgument("namespace", default_value="", description="namespace of the node"),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="",
        choices=["", "true", "false", "True", "False"],
        description=f"take /clock's time; {AS_PARAMETER}",
    ),
    DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, ..."),
    DeclareLaunchArgument("rviz", default_value="false", description="open RViz with a ready view"),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, *dds_profile(), OpaqueFunction(function=nodes)])


def dds_profile() -> list[LaunchDescriptionEntity]:
    """Our Fast DDS profile, unless the user has one: the default loses large images."""
    if has_profile():
        return []
    return [SetEnvironmentVariable(profile_variable(), str(CONFIG / "fastdds.xml"))]


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = {argument.name: context.launch_configurations[argument.name] for argument in ARGUMENTS}
    if not Path(given["params_file"]).is_file():  # launch_ros only warns, and takes the defaults
        raise ValueError(f"params_file:={given['params_file']} is not there; give its whole path")
    path = CONFIG / "cameras" / f"{given['camera']}.yaml"
    camera = yaml.safe_load(path.read_text(encoding="utf-8"))
    camera.update({name: given[name] for name in camera if given.get(name)})
    # RViz first: where it is not installed, nothing is started that would be left behind.
    shown = [rviz(given, camera)] if given["rviz"].lower() == "true" else []
    return [*shown, *perception_node(given, camera)]


def rviz(given: dict[str, str], camera: dict[str, str]) -> Node:
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=given["namespace"],
        arguments=[
            "-d",
            str(CONFIG / "sam3i.rviz"),
            "-f",
            given["target_frame"] or camera["frame"],
        ],
        parameters=[{"use_sim_time": given["use_sim_time"].lower() == "true"}],
    )


def perception_node(given: dict[str, str], camera: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """The node, and what takes it to active or says why not."""
    transports = ("image_transport", "depth_transport")
    names = ("model", "adapters", "device", "backend", "target_frame", *transports)
    overrides: dict[str, Any] = {name: given[name] for name in names if given[name]}
    if given["instructions"]:  # typed, as launch_ros would read each sentence as YAML again
        wanted = sentences(given["instructions"])
        overrides["instructions"] = ParameterValue(wanted, value_type=list[str])
    overrides |= {name: given[name].lower() == "true" for name in SWITCHES if given[name]}
    if given["depth"] == "none":
        overrides["depth_transport"] = "none"
    # Single parameters, as a dictionary would name the node: rcl puts all that name it behind all
    # of a file's /**, and of those that name it the first one's place counts.
    preset = [word for name in transports for word in ("-p", f"{name}:={camera[name]}")]
    node = LifecycleNode(
        package="sam3i_ros",
        executable="perception_node",
        name="sam3i",
        namespace=given["namespace"],
        output="screen",
        sigterm_timeout="15",  # s; a busy machine takes a while to let go of a model
        parameters=[ParameterFile(given["params_file"]), *([overrides] if overrides else [])],
        remappings=[
            ("image", camera["image"]),
            ("image/compressed", f"{camera['image']}/compressed"),
            ("depth", camera["depth"]),
            ("depth/compressedDepth", f"{camera['depth']}/compressedDepth"),
            ("camera_info", camera["camera_info"]),
        ],
        arguments=["--ros-args", *preset, "--log-level", given["log_level"]],
    )
    configure = EmitEvent(event=transition(node, Transition.TRANSITION_CONFIGURE))
    activate = EmitEvent(event=transition(node, Transition.TRANSITION_ACTIVATE))
    name = f"/{given['namespace'].strip('/')}/sam3i".replace("//", "/")
    again = f"ros2 lifecycle set {name} configure"

    def when(start: str | None, goal: str, entity: LaunchDescriptionEntity) -> RegisterEventHandler:
        changed = OnStateTransition(
            target_lifecycle_node=node, start_state=start, goal_state=goal, entities=[entity]
        )
        return RegisterEventHandler(changed)

    def say(text: str) -> LogInfo:
        return LogInfo(msg=f"{name} {text}")

    why = "its error above says why"
    return [
        node,
        when("configuring", "inactive", activate),
        when(
            "configuring",
            "unconfigured",
            say(f"could not be configured; {why}. When that is mended: {again}"),
        ),
        when("activating", "inactive", say(f"could not be activated; {why}")),
        when(None, "errorprocessing", say(f"failed and lets go of everything; anew: {again}")),
        configure,
    ]


def transition(node: LifecycleNode, transition_id: int) -> ChangeState:
    return ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition_id)
