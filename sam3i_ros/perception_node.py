"""The lifecycle node `sam3i`: camera topics and instructions in, masks and 3D segments out.

Wiring only. `inputs` subscribes to the camera, `worker` does the work in its own thread,
`outputs` publishes, `health` knows what is wrong.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from sam3i_model.instruction import Outcome
from sam3i_model.memory import keep_freed_memory
from sam3i_ros import parameters, vitals
from sam3i_ros.camera import CameraBuffer, FrameDecoder
from sam3i_ros.executor import NodeExecutor
from sam3i_ros.follower import Follower
from sam3i_ros.health import Health, Severity, to_diagnostics
from sam3i_ros.inputs import CameraInputs, depth_topic
from sam3i_ros.instruction_topics import InstructionTopics
from sam3i_ros.instructions import InstructionList, entry
from sam3i_ros.outputs import Outputs
from sam3i_ros.pipeline import Pipeline, SegmenterLike
from sam3i_ros.transforms import Transforms, make_transforms
from sam3i_ros.worker import Worker

SegmenterFactory = Callable[[str, str, str], SegmenterLike]  # (model, device, backend)


def load_segmenter(model: str, device: str, backend: str) -> SegmenterLike:
    """The real one. Imported here, as torch takes seconds that other transitions need not wait."""
    from sam3i_model.segmenter import Segmenter

    return Segmenter.from_pretrained(model, device, backend=backend)


@dataclass(frozen=True)
class _Configured:
    """What exists from configure to cleanup."""

    segmenter: SegmenterLike
    transforms: Transforms
    outputs: Outputs
    topics: InstructionTopics


@dataclass(frozen=True)
class _Active:
    """What exists from activate to deactivate."""

    buffer: CameraBuffer
    follower: Follower | None  # with tracking
    worker: Worker
    inputs: CameraInputs


class PerceptionNode(LifecycleNode):
    """Unconfigured: parameters and diagnostics. Inactive: model loaded, instructions taken.
    Active: subscribed to the camera and grounding.
    """

    def __init__(self, segmenter_factory: SegmenterFactory = load_segmenter) -> None:
        # First, as rclpy destroys a node that a bad parameter stops half-way.
        self._configured: _Configured | None = None
        self._active: _Active | None = None
        super().__init__("sam3i")
        self._segmenter_factory = segmenter_factory
        # Images, instructions and diagnostics go on while a parameter or a transition takes long.
        self._traffic = MutuallyExclusiveCallbackGroup()
        self._settings = parameters.declare(self)
        self._health = Health(self._log_fault)
        self._instructions = InstructionList(self._settings.max_instructions)
        self._instructions.replace_defaults(self._settings.instructions)
        self._configure_error = ""
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # A steady clock, so that diagnostics also come when a simulated clock stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnostics_timer = self.create_timer(
            1.0, self._diagnose, callback_group=self._traffic, clock=steady
        )

    @property
    def settings(self) -> parameters.Settings:
        """The parameters as they are now."""
        return self._settings

    # Lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the model and begins to take instructions; FAILURE if there is no model."""
        model, device = self._settings.model, self._settings.device
        adapters = self._settings.adapters
        what = f"model {model!r}" + (f" with adapters {adapters!r}" if adapters else "")
        self.get_logger().info(f"loading {what}")
        try:
            segmenter = self._segmenter_factory(model, device, self._settings.backend)
            if adapters:
                segmenter.load_adapters(adapters)
        except Exception as error:
            self._configure_error = f"{what} on {device!r} cannot be loaded: {_one_line(error)}"
            self._health.fault("model.load", Severity.ERROR, self._configure_error)
            return TransitionCallbackReturn.FAILURE
        self._configure_error = ""
        self._health.clear("model.load")
        self._configured = _Configured(
            segmenter,
            make_transforms(self, self._settings.camera_to_target),
            Outputs(self),
            InstructionTopics(
                self,
                self._instructions,
                self._health,
                self._instructions_changed,
                self._traffic,
            ),
        )
        self.get_logger().info(
            f"model {segmenter.name} on {segmenter.device}, by {segmenter.engine}; "
            f"transforms from {self._configured.transforms.name}"
        )
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribes to the camera and starts the worker."""
        assert self._configured is not None
        result = super().on_activate(state)
        settings, parts, health = self._settings, self._configured, self._health
        use_depth = settings.depth_transport != "none"
        buffer = CameraBuffer(
            use_depth,
            settings.sync_slop,
            settings.depth_wait,
            self.resolve_topic_name(depth_topic(settings)),
            partial(health.count, "dropped"),
        )
        decoder = FrameDecoder(health, use_depth)
        pipeline = Pipeline(parts.segmenter, decoder, parts.transforms, health)
        follower = Follower(pipeline, buffer, health) if settings.tracking else None
        worker = Worker(
            buffer,
            follower or pipeline,
            parts.outputs,
            self._instructions,
            lambda: self._settings,
            health,
        )
        inputs = CameraInputs(self, settings, buffer, health, self._traffic)
        self._active = _Active(buffer, follower, worker, inputs)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stops grounding; the model stays loaded."""
        self._stop_grounding()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Frees the model and everything that `on_configure` made."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As `on_cleanup`, from any state."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As `on_cleanup`; the node can then be configured again."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def autostart(self) -> None:
        """Configures and activates without a lifecycle manager."""
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def destroy_node(self) -> None:
        """Stops the worker before the publishers go."""
        self._release()
        super().destroy_node()

    def _stop_grounding(self) -> None:
        if self._active:
            self._active.inputs.close()
            self._active.worker.stop()
            if self._active.follower:
                self._active.follower.close()
            self._active = None

    def _release(self) -> None:
        self._stop_grounding()
        if not self._configured:
            return
        self._configured.topics.close()
        self._configured.outputs.close()
        self._configured.transforms.close()
        self._configured = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch and torch.cuda.is_available():
            torch.cuda.empty_cache()  # gives the memory back to other processes

    # Instructions

    def _instructions_changed(self) -> None:
        self._health.clear("instructions.rejected")
        self._report_rejected()

    def _report_rejected(self) -> None:
        refused = {
            e.instruction.id: e.rejected for e in self._instructions.snapshot() if e.rejected
        }
        active = self._active
        for result in active.worker.results if active else ():
            if result.outcome == Outcome.REJECTED:
                refused.setdefault(result.id, result.detail)
        if refused:
            text = "; ".join(f"{id!r} is rejected: {reason}" for id, reason in refused.items())
            self._health.fault("instructions.rejected", Severity.WARN, text)

    # Parameters

    def _on_set_parameters(self, changes: list[Any]) -> SetParametersResult:
        old = self._settings
        try:
            new = parameters.changed(old, changes)
            for text in new.instructions:
                if reason := entry(text).rejected:
                    raise ValueError(f"instructions: {reason}")
            if any(change.name == "adapters" for change in changes):
                self._load_adapters(new.adapters)  # last, as nothing takes it back
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = new
        if new.instructions != old.instructions:
            self._instructions.replace_defaults(new.instructions)
            self._instructions_changed()
        if self._active:
            self._active.buffer.slop = new.sync_slop
            self._active.buffer.depth_wait = new.depth_wait
        return SetParametersResult(successful=True)

    def _load_adapters(self, folder: str) -> None:
        """Puts other adapters into the loaded model; ValueError if those in service stay."""
        if not self._configured:
            return  # `on_configure` takes them
        segmenter = self._configured.segmenter
        began = time.monotonic()
        try:
            segmenter.load_adapters(folder)
        except Exception as error:
            kept = segmenter.adapters or vitals.OWN_ADAPTERS
            text = f"adapters refused, in service stay {kept}: {_one_line(error)}"
            self._health.fault("model.adapters", Severity.WARN, text)
            raise ValueError(text) from error
        self._health.clear("model.adapters")
        self.get_logger().info(
            f"adapters in service: {folder or vitals.OWN_ADAPTERS}, "
            f"after {time.monotonic() - began:.1f} s"
        )

    # Diagnostics

    def _diagnose(self) -> None:
        parts, active = self._configured, self._active  # may change meanwhile
        if self._configure_error:
            self._health.fault("model.load", Severity.ERROR, self._configure_error)
        if parts and parts.segmenter.refused:
            self._health.fault("model.engine", Severity.WARN, parts.segmenter.refused)
        if active:
            active.inputs.check()
        self._report_rejected()
        rows = self._health.report(self._values(parts, active))
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(to_diagnostics(rows, self.get_fully_qualified_name(), stamp))

    def _values(
        self, parts: _Configured | None, active: _Active | None
    ) -> dict[str, dict[str, str]]:
        health, worker = self._health, active.worker if active else None
        state = "active" if active else "inactive" if parts else "unconfigured"
        transforms = parts.transforms if parts else None
        return {
            "camera": vitals.camera(health, active.inputs if active else None),
            "geometry": vitals.geometry(self._settings.target_frame, transforms, worker),
            "instructions": vitals.instructions(self._instructions, worker),
            "model": vitals.model(health, parts.segmenter if parts else None),
            "node": {"state": state, **vitals.stages(health)},
        }

    def _log_fault(self, severity: Severity, text: str) -> None:
        # Two lines, as rclpy ties a severity to the line that logs.
        if severity == Severity.ERROR:
            self.get_logger().error(text)
        else:
            self.get_logger().warning(text)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def main(
    args: Sequence[str] | None = None, segmenter_factory: SegmenterFactory = load_segmenter
) -> int:
    """Runs the node until it is interrupted; the exit status."""
    keep_freed_memory()
    rclpy.init(args=args)
    executor = NodeExecutor()
    try:
        node = PerceptionNode(segmenter_factory)
    except (ValueError, ParameterException) as error:
        rclpy.logging.get_logger("sam3i").error(f"a parameter cannot be used: {error}")
        rclpy.try_shutdown()
        return 1
    executor.add_node(node)
    try:
        if node.settings.autostart:
            node.autostart()
        else:
            node.get_logger().info(
                "unconfigured; a launch file or `ros2 lifecycle set` starts it, or autostart:=true"
            )
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception:
        if rclpy.ok():  # else the executor only stumbled over the shutdown that a signal began
            raise
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
        gc.freeze()  # else the interpreter walks all of torch once more, for seconds
    return 0


if __name__ == "__main__":
    sys.exit(main())
