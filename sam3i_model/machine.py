"""What a reader of figures must know of the machine that they were taken on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "transformers",
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
    "opencv-python-headless",
    "opencv-python",
    "rclpy",
)
CPUINFO = Path("/proc/cpuinfo")
CPUS = Path("/sys/devices/system/cpu")


def computer() -> dict[str, Any]:
    """Processor, its clocks now, load and versions; JSON's types only."""
    return {
        "processor": processor(),
        "processor_mhz": processor_clocks(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "versions": {"python": platform.python_version(), **versions()},
    }


def surroundings() -> dict[str, Any]:
    """The same, and what PyTorch computes on."""
    import torch  # here, as figures of the node need none

    gpu = torch.cuda.is_available()
    return {
        **computer(),
        "gpu": torch.cuda.get_device_name() if gpu else "none",
        "gpu_clocks": gpu_clocks() if gpu else "",
        "threads": torch.get_num_threads(),
        "precision": "float32, unless the name of an engine says otherwise",
    }


def processor() -> str:
    """Its name, as Linux has it."""
    return next(iter(_cpuinfo("model name")), platform.machine())


def processor_clocks() -> str:
    """Least and largest of its cores' clocks, MHz; empty where the kernel doesn't say."""
    mhz = []
    for path in CPUS.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"):
        with suppress(OSError, ValueError):  # of a core that is off: EBUSY, or "<unknown>"
            mhz.append(float(path.read_text()) / 1000)
    return _range(mhz) or _range(map(float, _cpuinfo("cpu MHz")))


def gpu_clocks() -> str:
    """Clock now and at most, as nvidia-smi says; empty without one."""
    if not shutil.which("nvidia-smi"):
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
