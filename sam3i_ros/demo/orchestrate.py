"""Runs the node as on a robot: own processes, real DDS, a camera, a planner, a recorder."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from sam3i_ros.dds import set_environment
from sam3i_ros.demo import recorder, sources
from sam3i_ros.demo.processes import Process, wait_until
from sam3i_ros.demo.recorder import Recorder
from sam3i_ros.demo.scoring import Wanted
from sam3i_ros.demo.sources import Source

START_TIMEOUT = 60.0  # s until a process answers; imports from a cold disk take long
MODEL_TIMEOUT = 180.0  # s to load the model, or for it to answer the last images
SETTLE = 0.5  # s that the last answer may be on its way

Progress = Callable[[Source, int], None]  # source, frames played so far


@contextmanager
def running_node(
    logs: Path, model: str, device: str, module: str = "sam3i_ros.perception_node"
) -> Iterator[tuple[Process, Recorder]]:
    """The node, started, configured and active, and a recorder that hears it."""
    set_environment()
    with ExitStack() as stack:
        parameters = {
            "model": model,
            "device": device,
            "image_transport": "compressed",
            "depth_transport": "compressedDepth",
            "use_sim_time": True,  # recordings keep their stamps, which the truth goes by
        }
        remappings = {
            "image/compressed": sources.COLOUR,
            "depth/compressedDepth": sources.DEPTH,
            "camera_info": sources.INFO,
        }
        node = _start(stack, logs, module, parameters, remappings)
        context = Context()
        rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(context.try_shutdown)
        ears = Recorder(context)
        stack.callback(ears.close)
        with _lifecycle(context) as change:
            change(node, Transition.TRANSITION_CONFIGURE, "configure", MODEL_TIMEOUT)
            change(node, Transition.TRANSITION_ACTIVATE, "activate", START_TIMEOUT)
        yield node, ears


def play(
    source: Source,
    wanted: Sequence[Wanted],
    node: Process,
    ears: Recorder,
    bag: Path,
    logs: Path,
    progress: Progress,
) -> None:
    """Plays a source into the running node and records its answers into `bag`, made anew."""
    shutil.rmtree(bag, ignore_errors=True)
    file = logs / f"instructions_{source.name}.json"
    file.write_text(json.dumps([{"id": w.id, "text": w.text} for w in wanted], indent=1))
    frames = {stamp: number for number, stamp in enumerate(source.stamps, start=1)}
    with ExitStack() as stack:
        ears.start(bag)
        stack.callback(ears.stop)
        planner = _start(stack, logs, "sam3i_ros.planner", {"instructions_file": str(file)})
        wait_until(
            lambda: ears.count(recorder.INSTRUCTION) > len(wanted),
            START_TIMEOUT,
            "the planner's instructions",
            [planner, node],
        )
        player = _start(
            stack,
            logs,
            "sam3i_ros.player",
            {"bag": str(source.bag), "loop": False, "restamp": False},
        )

        def played() -> bool:
            progress(source, frames.get(ears.stamp, 0))
            return not player.running

        timeout = START_TIMEOUT + source.duration
        wait_until(played, timeout, "the recording's end", [node, planner])
        player.check(ended=True)
        drain(ears, node)
        progress(source, len(frames))


def drain(ears: Recorder, node: Process) -> None:
    """Waits until the node is done with all that it took, however slow its model; DemoError."""
    ears.unanswered = None  # the latest diagnostics may be older than the last image

    def idle() -> bool:
        left = ears.unanswered
        return left is not None and left <= 0

    wait_until(idle, MODEL_TIMEOUT, "the node to answer the last images", [node])
    time.sleep(SETTLE)


def _start(
    stack: ExitStack,
    logs: Path,
    module: str,
    parameters: dict[str, Any],
    remappings: dict[str, str] | None = None,
) -> Process:
    command = [sys.executable, "-m", module, "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={json.dumps(value)}"]
    for name, topic in (remappings or {}).items():
        command += ["-r", f"{name}:={topic}"]
    name = module.rpartition(".")[2]
    process = Process(name, command, logs / f"{name}.log", os.environ)
    stack.callback(process.stop)
    return process


@contextmanager
def _lifecycle(context: Context) -> Iterator[Callable[[Process, int, str, float], None]]:
    client_node = Node("demo", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(client_node)
    client = client_node.create_client(ChangeState, "sam3i/change_state")

    def change(process: Process, transition: int, verb: str, timeout: float) -> None:
        wait_until(client.service_is_ready, START_TIMEOUT, "the node to answer", [process])
        future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))

        def answered() -> bool:
            executor.spin_once(timeout_sec=0.0)
            return bool(future.done())

        wait_until(answered, timeout, f"the node to {verb}", [process])
        if not future.result().success:
            raise process.error(f"the node did not {verb}")

    try:
        yield change
    finally:
        executor.shutdown()
        client_node.destroy_node()
