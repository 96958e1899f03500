"""What a reader of figures must know of the machine that they were taken on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "transformers", "onnxruntime", "onnxruntime-gpu", "numpy")
CPUINFO = Path("/proc/cpuinfo")
CPUS = Path("/sys/devices/system/cpu")


def surroundings() -> dict[str, Any]:
    """Devices, their clocks now, threads, load, precision and versions; JSON's types only."""
    return {
        "processor": processor(),
        "processor_mhz": processor_clocks(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "gpu_clocks": gpu_clocks(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 1),
        "precision": "float32",
        "versions": {"python": platform.python_version(), **versions()},
    }


def processor() -> str:
    """Its name, as Linux has it."""
    return next(iter(_cpuinfo("model name")), platform.machine())


def processor_clocks() -> str:
    """Least and largest of its cores' clocks, MHz; empty where the kernel doesn't say."""
    khz = [p.read_text() for p in sorted(CPUS.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))]
    return _range(float(value) / 1000 for value in khz) or _range(map(float, _cpuinfo("cpu MHz")))


def gpu_clocks() -> str:
    """Clock now and at most, as nvidia-smi says; empty without one."""
    if not torch.cuda.is_available() or not shutil.which("nvidia-smi"):
        return ""
    asked = ["nvidia-smi", "--query-gpu=clocks.sm,clocks.max.sm", "--format=csv,noheader"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter(said.stdout.splitlines()), "").replace(", ", " of ")


def versions() -> dict[str, str]:
    """Of the packages that figures depend on, where they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cpuinfo(key: str) -> list[str]:
    lines = CPUINFO.read_text().splitlines() if CPUINFO.is_file() else []
    return [line.partition(":")[2].strip() for line in lines if line.startswith(key)]


def _range(values: Iterable[float]) -> str:
    there = sorted({round(v) for v in values})
    return " to ".join(str(v) for v in dict.fromkeys([there[0], there[-1]])) if there else ""
