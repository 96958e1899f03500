"""ONNX Runtime, its execution providers and one session on tensors that stay where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam3i_model.checkpoints.weights import first_line
from sam3i_model.engines.interface import Backend, EngineError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
ENGINES = "tensorrt"
"""Folder of the engines that TensorRT builds, beside the graphs. They fit one GPU and version."""
BUILT = "built"
"""A file in there, if `sam3i export --tensorrt` built all of them and they passed their check."""
DTYPES = {
    "tensor(float)": (np.float32, torch.float32),
    "tensor(float16)": (np.float16, torch.float16),
    "tensor(int64)": (np.int64, torch.int64),
    "tensor(bool)": (np.bool_, torch.bool),
}


def runtime() -> Any:
    """The package onnxruntime.

    Raises:
        EngineError: It is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(
            "ONNX Runtime is not installed: `pip install onnxruntime` (or onnxruntime-gpu), to "
            "export `pip install -r requirements/engines.txt`, or take backend torch"
        ) from error
    return onnxruntime


def provider_for(backend: Backend, device: torch.device) -> str:
    """The execution provider to use for a backend that isn't `torch`.

    Raises:
        EngineError: It isn't there.
    """
    there = runtime().get_available_providers()
    if backend is Backend.TENSORRT and device.type != "cuda":
        raise EngineError(f"backend tensorrt needs a GPU, not device {device}: take onnx or torch")
    wanted = TENSORRT if backend is Backend.TENSORRT else CUDA if device.type == "cuda" else CPU
    if wanted not in there:
        raise EngineError(
            f"this onnxruntime has no {wanted}, only {', '.join(there)}: install "
            "onnxruntime-gpu (on a Jetson NVIDIA's own build), or take backend torch"
        )
    return wanted


def provider_list(
    provider: str, device: torch.device, folder: Path, inputs: Mapping[str, Sequence[Any]]
) -> list[Any]:
    """What a session is asked to run on: `provider`, then what takes over the rest.

    Args:
        provider: One of `provider_for`.
        device: Where tensors are.
        folder: Of the graphs; TensorRT keeps its engines below it.
        inputs: Of the graph, as the manifest has them.

    Raises:
        EngineError: There is no place for TensorRT's engines.
    """
    if provider == CPU:
        return [CPU]
    gpu = {"device_id": device.index or 0}
    fallback = [(CUDA, gpu), CPU]
    if provider == CUDA:
        return fallback
    cache = folder / ENGINES
    try:
        cache.mkdir(exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"TensorRT's engines can't be kept in '{cache}': {error.strerror}; build them as "
            "a user who may write there, or take backend onnx"
        ) from error
    options = {
        **gpu,
        **profiles(inputs),
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(cache),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(cache),
        # Off, so that TensorRT may not choose: blanket half precision has made SAM 3's attention
        # silently wrong. From version 10 on this also makes the network strongly typed: every
        # layer computes in the type that the graph has there (microsoft/onnxruntime#18707).
        "trt_fp16_enable": False,
    }
    return [(TENSORRT, options), *fallback]


class Session:
    """One loaded graph. Inputs and outputs are torch tensors on `device`, never copied."""

    def __init__(
        self,
        path: Path,
        provider: str,
        device: torch.device,
        inputs: Mapping[str, Sequence[Any]],
    ) -> None:
        """Load it; arguments as those of `provider_list`.

        Raises:
            EngineError: It can't be loaded, or would run elsewhere than asked.
        """
        ort = runtime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        providers = provider_list(provider, device, path.parent, inputs)
        try:
            self._session = ort.InferenceSession(path, options, providers=providers)
        except Exception as error:  # the runtime raises many kinds
            raise EngineError(
                f"'{path}' can't be loaded on {provider}: {first_line(error)}"
            ) from error
        if provider not in self._session.get_providers():
            raise EngineError(f"onnxruntime could not start {provider}: see what it printed")
        self.device = device
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._outputs = [
            (node.name, *DTYPES[node.type], node.shape) for node in self._session.get_outputs()
        ]

    @property
    def outputs(self) -> list[str]:
        """Names, in the graph's order."""
        return [name for name, *_ in self._outputs]

    def run(self, inputs: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """Outputs in the graph's order; a dimension that isn't fixed is the first input's first."""
        rows = inputs[self._inputs[0]].shape[0]
        binding = self._session.io_binding()
        kind, index = self.device.type, self.device.index or 0
        held = []  # until the run is over
        for name in self._inputs:
            tensor = inputs[name].contiguous()
            held.append(tensor)
            dtype = next(n for n, t in DTYPES.values() if t == tensor.dtype)
            binding.bind_input(name, kind, index, dtype, tuple(tensor.shape), tensor.data_ptr())
        outputs = []
        for name, dtype, torch_dtype, shape in self._outputs:
            sizes = [d if isinstance(d, int) else rows for d in shape]
            outputs.append(torch.empty(sizes, dtype=torch_dtype, device=self.device))
            binding.bind_output(name, kind, index, dtype, sizes, outputs[-1].data_ptr())
        if kind == "cuda":
            torch.cuda.current_stream(self.device).synchronize()
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return outputs


def profiles(inputs: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """TensorRT's options for inputs whose first dimension is a range such as "1..8"."""
    ranged = {
        name: (shape[0], shape[1:])
        for name, (_, shape) in inputs.items()
        if shape and isinstance(shape[0], str)
    }

    def shapes(pick: Callable[[int, int], int]) -> str:
        parts = []
        for name, (rows, rest) in ranged.items():
            least, most = map(int, rows.split(".."))
            parts.append(f"{name}:" + "x".join(map(str, [pick(least, most), *rest])))
        return ",".join(parts)

    if not ranged:
        return {}
    return {
        "trt_profile_min_shapes": shapes(min),
        "trt_profile_opt_shapes": shapes(lambda least, most: (least + most) // 2),
        "trt_profile_max_shapes": shapes(max),
    }
