"""The node's parameters: one table to declare them from, one checked `Settings` to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.parameter import Parameter

from sam3i_ros.transforms import matrix_from_pose

IMAGE_TRANSPORTS = ("raw", "compressed")
DEPTH_TRANSPORTS = ("raw", "compressedDepth", "none")
BACKENDS = ("auto", "torch", "onnx", "tensorrt")


@dataclass(frozen=True)
class Settings:
    """The values of all parameters at one moment; `DESCRIPTIONS` says what each is."""

    model: str
    device: str
    backend: str
    image_transport: str
    depth_transport: str
    camera_to_target: tuple[float, ...]
    max_instructions: int
    autostart: bool
    tracking: bool
    adapters: str
    instructions: tuple[str, ...]
    score_threshold: float
    sync_slop: float
    depth_wait: float
    max_rate: float
    tracking_max_age: float
    tracking_width: int
    target_frame: str
    min_depth: float
    max_depth: float
    mask_erosion: int
    max_points: int

    def __post_init__(self) -> None:
        _one_of("backend", self.backend, BACKENDS)
        _one_of("image_transport", self.image_transport, IMAGE_TRANSPORTS)
        _one_of("depth_transport", self.depth_transport, DEPTH_TRANSPORTS)
        if self.camera_to_target:
            if len(self.camera_to_target) != 7:
                raise ValueError("camera_to_target needs 7 numbers: x, y, z, qx, qy, qz, qw")
            try:
                matrix_from_pose(self.camera_to_target[:3], self.camera_to_target[3:])
            except ValueError as error:
                raise ValueError(f"camera_to_target: {error}") from error
            if not self.target_frame:
                raise ValueError("camera_to_target needs target_frame, the frame it leads to")
        if self.min_depth >= self.max_depth:
            raise ValueError("min_depth must be less than max_depth")


@dataclass(frozen=True)
class _Spec:
    default: Any  # a Parameter.Type declares an array that is empty by default
    description: str
    read_only: bool = False
    range: tuple[float, float] | None = None
    constraints: str = ""

    def descriptor(self) -> ParameterDescriptor:
        described = ParameterDescriptor(
            description=self.description,
            read_only=self.read_only,
            additional_constraints=self.constraints,
        )
        if self.range and isinstance(self.default, float):
            low, high = self.range
            described.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        elif self.range:
            low, high = (int(limit) for limit in self.range)
            described.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
        return described


PARAMETERS: dict[str, _Spec] = {
    "model": _Spec("bundled", "bundled, a folder, a .pt file or a hub id", True),
    "device": _Spec("auto", "auto, cpu, cuda or cuda:N", True),
    "backend": _Spec(
        "auto",
        "What runs the model. auto: the graphs that `sam3i export` wrote into the model's folder, "
        "if there are any, and PyTorch otherwise. Graphs that don't answer as PyTorch are not used",
        True,
        constraints="one of " + ", ".join(BACKENDS),
    ),
    "image_transport": _Spec(
        "raw",
        "raw: topic image; compressed: topic image/compressed",
        True,
        constraints="one of " + ", ".join(IMAGE_TRANSPORTS),
    ),
    "depth_transport": _Spec(
        "raw",
        "raw: topic depth; compressedDepth: topic depth/compressedDepth; none: masks only",
        True,
        constraints="one of " + ", ".join(DEPTH_TRANSPORTS),
    ),
    "camera_to_target": _Spec(
        Parameter.Type.DOUBLE_ARRAY,
        "Pose of the camera's optical frame in target_frame: x, y, z in m, then the quaternion "
        "qx, qy, qz, qw. If given it is used instead of TF",
        True,
        constraints="empty or 7 numbers",
    ),
    "max_instructions": _Spec(16, "Most instructions active at once", True, (1, 64)),
    "autostart": _Spec(
        False,
        "Configure and activate at start. Off, as launch files and lifecycle managers do that; "
        "turn it on for a plain `ros2 run`",
        True,
    ),
    "tracking": _Spec(
        False,
        "Answer every camera frame: between two groundings, masks are carried along with the "
        "picture and marked as carried, and things keep their track_id. Off, every answer was "
        "looked for in its own image",
        True,
    ),
    "adapters": _Spec(
        "",
        "Folder of a checkpoint on the same base, whose adapters answer instead of the model's "
        "own; empty for those. Set again, it is read again",
    ),
    "instructions": _Spec(
        Parameter.Type.STRING_ARRAY, "Sentences to look for from the start, ids instructions[i]"
    ),
    "score_threshold": _Spec(
        0.0, "Least score of a segment; 0 takes the checkpoint's own", range=(0.0, 1.0)
    ),
    "sync_slop": _Spec(
        0.02, "Most that the stamps of an image and its depth may differ, s", range=(0.0, 1.0)
    ),
    "depth_wait": _Spec(
        0.1, "Most that an image waits for its depth after it has come, s", range=(0.0, 0.5)
    ),
    "max_rate": _Spec(0.0, "Most images grounded per second; 0 means no limit", range=(0.0, 240.0)),
    "tracking_max_age": _Spec(
        0.0,
        "With tracking, age that masks reach before the model is asked again, s; 0 asks whenever "
        "it is free. It is asked sooner if masks may be wrong or an instruction is new",
        range=(0.0, 10.0),
    ),
    "tracking_width": _Spec(
        288,
        "With tracking, longest side of the small images that motion is measured on, px; time "
        "grows with its square",
        range=(64, 1280),
    ),
    "target_frame": _Spec(
        "", "Frame of points, poses and markers; empty keeps the camera's own optical frame"
    ),
    "min_depth": _Spec(0.1, "Nearer points are left out, m", range=(0.0, 100.0)),
    "max_depth": _Spec(10.0, "Farther points are left out, m", range=(0.0, 100.0)),
    "mask_erosion": _Spec(
        2, "Mask edge left out of the points, in pixels of a 640 wide image", range=(0, 20)
    ),
    # With fewer, thinning may leave less than LiftOptions.min_points of a small mask.
    "max_points": _Spec(20000, "Most points per segment", range=(100, 1_000_000)),
}


def declare(node: Any) -> Settings:
    """Declares every parameter on the node; ValueError or rclpy's own error for a bad override."""
    for name, spec in PARAMETERS.items():
        if isinstance(spec.default, Parameter.Type):
            _declare_array(node, name, spec)
        else:
            node.declare_parameter(name, spec.default, spec.descriptor())
    return settings({name: node.get_parameter_or(name).value for name in PARAMETERS})


def _declare_array(node: Any, name: str, spec: _Spec) -> None:
    """Empty by default, for which rclpy has no direct way: it takes the type from the elements.

    Left unset, it would hide the others from whoever asks for all, as `ros2 param dump` does.
    """
    descriptor = spec.descriptor()
    descriptor.read_only = False
    if node.declare_parameter(name, spec.default, descriptor).value is None:
        node.set_parameters([Parameter(name, spec.default, [])])
    if spec.read_only:
        final = spec.descriptor()
        final.type = spec.default.value
        node.set_descriptor(name, final)


def defaults() -> Settings:
    """Settings of a node that was given no parameters."""
    arrays = Parameter.Type
    return settings(
        {n: None if isinstance(s.default, arrays) else s.default for n, s in PARAMETERS.items()}
    )


def settings(values: Mapping[str, Any]) -> Settings:
    """Settings from parameter values, None standing for an empty array; ValueError if unusable."""
    usable = dict(values)
    for name, spec in PARAMETERS.items():
        if isinstance(spec.default, Parameter.Type):
            usable[name] = tuple(values[name] or ())
    return Settings(**usable)


def changed(current: Settings, parameters: Sequence[Any]) -> Settings:
    """Settings with some parameters set anew; other nodes' and rclpy's own are passed over."""
    values = {field.name: getattr(current, field.name) for field in fields(Settings)}
    values.update({p.name: p.value for p in parameters if p.name in PARAMETERS})
    return settings(values)


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; use one of {', '.join(allowed)}")
