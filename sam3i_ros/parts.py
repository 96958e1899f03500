"""What the node is made of in its lifecycle states; each is made whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from rclpy.callback_groups import CallbackGroup
from rclpy.lifecycle import LifecycleNode

from sam3i_ros.camera import CameraBuffer
from sam3i_ros.follower import Follower
from sam3i_ros.frames import FrameDecoder
from sam3i_ros.health import Health
from sam3i_ros.inputs import CameraInputs, depth_topic
from sam3i_ros.instruction_topics import InstructionTopics
from sam3i_ros.instructions import InstructionList
from sam3i_ros.outputs import Outputs
from sam3i_ros.parameters import Settings
from sam3i_ros.pipeline import Pipeline, SegmenterLike
from sam3i_ros.transforms import Transforms, make_transforms
from sam3i_ros.worker import Worker


@dataclass(frozen=True)
class Configured:
    """What exists from configure to cleanup."""

    segmenter: SegmenterLike
    transforms: Transforms
    outputs: Outputs
    close: Callable[[], None]


@dataclass(frozen=True)
class Active:
    """What exists from activate to deactivate."""

    buffer: CameraBuffer
    inputs: CameraInputs
    worker: Worker
    close: Callable[[], None]
    """Nothing is published after it returns."""


def configured(
    node: LifecycleNode,
    segmenter: SegmenterLike,
    settings: Settings,
    instructions: InstructionList,
    health: Health,
    on_change: Callable[[], None],
    group: CallbackGroup,
) -> Configured:
    """Publishes, and takes instructions; `on_change` is called after every change of those."""
    with ExitStack() as undo:
        transforms = make_transforms(node, settings.camera_to_target)
        undo.callback(transforms.close)
        outputs = Outputs(node)
        undo.callback(outputs.close)
        topics = InstructionTopics(node, instructions, health, on_change, group)
        undo.callback(topics.close)
        return Configured(segmenter, transforms, outputs, undo.pop_all().close)


def active(
    node: LifecycleNode,
    parts: Configured,
    settings: Callable[[], Settings],
    instructions: InstructionList,
    health: Health,
    group: CallbackGroup,
) -> Active:
    """Subscribes to the camera, and works in a thread of its own."""
    now = settings()
    use_depth = now.depth_transport != "none"
    buffer = CameraBuffer(
        use_depth,
        now.sync_slop,
        now.depth_wait,
        node.resolve_topic_name(depth_topic(now)),
        lambda count: health.count("dropped", count),  # not partial, which mypy looks past
    )
    decoder = FrameDecoder(health, use_depth)
    pipeline = Pipeline(parts.segmenter, decoder, parts.transforms, health)
    with ExitStack() as undo:
        follower = Follower(pipeline, buffer, health) if now.tracking else None
        if follower:
            undo.callback(follower.close)
        worker = Worker(buffer, follower or pipeline, parts.outputs, instructions, settings, health)
        undo.callback(worker.stop)
        inputs = CameraInputs(node, now, buffer, health, group)
        undo.callback(inputs.close)
        return Active(buffer, inputs, worker, undo.pop_all().close)
