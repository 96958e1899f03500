"""The lifecycle node `sam3i`: camera topics and instructions in, masks and 3D segments out.

Wiring only. `parts` has what it is made of: `inputs` subscribes to the camera, `worker` does the
work in its own thread, `outputs` publishes, `health` knows what is wrong.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
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
from sam3i_ros import parameters, parts, vitals
from sam3i_ros.arguments import ros_arguments_only
from sam3i_ros.executor import NodeExecutor
from sam3i_ros.health import Health, Severity, failure, to_diagnostics
from sam3i_ros.instructions import InstructionList, refuse_unusable
from sam3i_ros.interrupts import heed, heed_none
from sam3i_ros.parts import Active, Configured
from sam3i_ros.pipeline import SegmenterLike

SegmenterFactory = Callable[[str, str, str], SegmenterLike]  # (model, device, backend)
_REMEDY = "check the parameters, qos_overrides too, and start the node again"


def load_segmenter(model: str, device: str, backend: str) -> SegmenterLike:
    """The real one. Imported here, as torch takes seconds that other transitions need not wait."""
    from sam3i_model.segmenter import Segmenter

    return Segmenter.from_pretrained(model, device, backend=backend)


class PerceptionNode(LifecycleNode):
    """Unconfigured: parameters and diagnostics. Inactive: model loaded, instructions taken.
    Active: subscribed to the camera and grounding.
    """

    def __init__(self, segmenter_factory: SegmenterFactory = load_segmenter) -> None:
        # First, as rclpy destroys a node that a bad parameter stops half-way.
        self._configured: Configured | None = None
        self._active: Active | None = None
        super().__init__("sam3i")
        self._segmenter_factory = segmenter_factory
        # Images, instructions and diagnostics go on while a parameter or a transition takes long.
        self._traffic = MutuallyExclusiveCallbackGroup()
        self._settings = parameters.declare(self)
        self._health = Health(self._log_fault)
        self._instructions = InstructionList(self._settings.max_instructions)
        self._instructions.replace_defaults(self._settings.instructions)
        self._failure: tuple[str, str] | None = None  # of the latest transition: key and text
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
            text = f"{what} on {device!r} cannot be loaded: {_one_line(error)}"
            return self._failed("model.load", text)
        try:
            self._configured = parts.configured(
                self,
                segmenter,
                self._settings,
                self._instructions,
                self._health,
                self._instructions_changed,
                self._traffic,
            )
        except Exception as error:
            text = failure(error, "the node cannot be configured")
            return self._failed("node.configure", f"{text}; {_REMEDY}")
        self._succeeded()
        self.get_logger().info(
            f"model {segmenter.name} on {segmenter.device}, by {segmenter.engine}; "
            f"transforms from {self._configured.transforms.name}"
        )
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribes to the camera and starts the worker; FAILURE if that cannot be done."""
        assert self._configured is not None
        result = super().on_activate(state)
        try:
            self._active = parts.active(
                self,
                self._configured,
                lambda: self._settings,
                self._instructions,
                self._health,
                self._traffic,
            )
        except Exception as error:
            super().on_deactivate(state)
            text = failure(error, "the node cannot be activated")
            return self._failed("node.activate", f"{text}; {_REMEDY}")
        self._succeeded()
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stops grounding; the model stays loaded."""
        self._stop_grounding()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Frees the model and everything that `on_configure` made."""
        self._release()
        self._succeeded()
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
        """Stops the worker before the publishers go; what DDS shares with others goes at once."""
        self._release()
        super().destroy_node()
        # rclpy leaves this to the garbage collector, and with it 70 MB of shared memory
        self.__dict__.pop("_state_machine", None)

    def _failed(self, key: str, text: str) -> TransitionCallbackReturn:
        """FAILURE, which is told until a transition succeeds."""
        self._failure = key, text
        self._health.fault(key, Severity.ERROR, text)
        return TransitionCallbackReturn.FAILURE

    def _succeeded(self) -> None:
        if self._failure:
            self._health.clear(self._failure[0])
            self._failure = None

    def _stop_grounding(self) -> None:
        if self._active:
            self._active.close()
            self._active = None

    def _release(self) -> None:
        self._stop_grounding()
        if not self._configured:
            return
        self._configured.close()
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
        for result in self._instructions.still_asked(active.worker.results if active else ()):
            if result.outcome == Outcome.REJECTED:
                refused.setdefault(result.id, result.detail)
        if refused:
            text = "; ".join(f"{id!r} is rejected: {reason}" for id, reason in refused.items())
            self._health.fault("instructions.rejected", Severity.WARN, text)

    # Parameters

    def _on_set_parameters(self, changes: list[Any]) -> SetParametersResult:
        names = {change.name for change in changes}
        try:
            new = parameters.changed(self._settings, changes)
            if "instructions" in names:  # those of the start have results that say why, instead
                refuse_unusable(new.instructions, new.max_instructions)
            if "adapters" in names:
                self._load_adapters(new.adapters)  # last, as nothing takes it back
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = new
        if "instructions" in names:  # also to what it was, as they may have been cleared since
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
        made, active, failed = self._configured, self._active, self._failure  # may change meanwhile
        if failed:
            self._health.fault(failed[0], Severity.ERROR, failed[1])
        if made and made.segmenter.refused:
            self._health.fault("model.engine", Severity.WARN, made.segmenter.refused)
        if active:
            active.inputs.check()
        self._report_rejected()
        rows = self._health.report(self._values(made, active))
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(to_diagnostics(rows, self.get_fully_qualified_name(), stamp))

    def _values(self, made: Configured | None, active: Active | None) -> dict[str, dict[str, str]]:
        health, worker = self._health, active.worker if active else None
        state = self._state_machine.current_state[1]
        transforms = made.transforms if made else None
        return {
            "camera": vitals.camera(health, active.inputs if active else None),
            "geometry": vitals.geometry(self._settings.target_frame, transforms, worker),
            "instructions": vitals.instructions(self._instructions, worker),
            "model": vitals.model(health, made.segmenter if made else None),
            "node": {"state": state, **vitals.stages(health)},
        }

    def _log_fault(self, severity: Severity, text: str) -> None:
        if not self.context.ok():
            return  # the shutdown that a signal began has stopped something half-way
        # Two lines, as rclpy ties a severity to the line that logs.
        if severity == Severity.ERROR:
            self.get_logger().error(text)
        else:
            self.get_logger().warning(text)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def main(segmenter_factory: SegmenterFactory = load_segmenter) -> int:
    """Runs the node until it is interrupted; the exit status."""
    ros_arguments_only(
        "perception_node",
        "[-p NAME:=VALUE]... [-r image:=/TOPIC]...",
        "The lifecycle node sam3i. `ros2 launch sam3i_ros perception.launch.py` starts it for a "
        "camera; docs/node.md has its parameters.",
    )
    keep_freed_memory()
    heed()  # before rclpy, which passes signals on to those who were there
    rclpy.init()
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
        heed_none()  # a second one can't make it any quicker
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
        gc.freeze()  # else the interpreter walks all of torch once more, for seconds
    return 0


if __name__ == "__main__":
    sys.exit(main())
