"""The values that stand beside the faults in the node's diagnostics."""

from __future__ import annotations

from sam3i_model.instruction import Outcome
from sam3i_ros.health import Health
from sam3i_ros.inputs import CameraInputs
from sam3i_ros.instructions import InstructionList
from sam3i_ros.msg import InstructionResult
from sam3i_ros.pipeline import SegmenterLike
from sam3i_ros.transforms import Transforms
from sam3i_ros.worker import Worker

OWN_ADAPTERS = "the model's own"


def camera(health: Health, inputs: CameraInputs | None) -> dict[str, str]:
    """Topics, rates and drops; no inputs while the node is not active."""
    return {
        **(inputs.values() if inputs else {}),
        "images received": str(health.counter("image")),
        "images dropped": str(health.counter("dropped")),
        "images done with": str(health.counter("done")),  # answered, failed, or nobody listened
    }


def geometry(
    target_frame: str, transforms: Transforms | None, worker: Worker | None
) -> dict[str, str]:
    """Where 3D is given, and why it is not."""
    return {
        "target_frame": target_frame,
        "transforms": transforms.name if transforms else "",
        "3D missing because": worker.no_3d if worker else "",
    }


def instructions(active: InstructionList, worker: Worker | None) -> dict[str, str]:
    """What became of each in the newest frame."""
    results = active.still_asked(worker.results if worker else ())
    return {
        "active": str(sum(not e.rejected for e in active.snapshot())),
        # prefixed, as an id may be any text, also "active" or a fault's key
        **{f"id {r.id}": f"{_name(r.outcome)} {r.text!r} {r.detail}" for r in results},
    }


def model(health: Health, segmenter: SegmenterLike | None) -> dict[str, str]:
    """What answers, and how often; no segmenter while the node is not configured."""
    return {
        "name": segmenter.name if segmenter else "",
        "adapters": (segmenter.adapters or OWN_ADAPTERS) if segmenter else "",
        "device": segmenter.device if segmenter else "",
        "engine": segmenter.engine if segmenter else "",
        "rate": f"{health.rate('grounded'):.1f} Hz",
        "frames grounded": str(health.counter("grounded")),
        "frames failed": str(health.counter("failed")),
        "frames nobody listened to": str(health.counter("unheard")),
    }


def stages(health: Health) -> dict[str, str]:
    """How often frames are answered, and how long each stage of it takes."""
    durations = {
        f"{stage} p50/p95": f"{1000 * p.p50:.2f} / {1000 * p.p95:.2f} ms"
        for stage, p in health.stages().items()
    }
    return {"answers": f"{health.rate('answered'):.1f} Hz", **durations}


def _name(outcome: int) -> str:
    return "PENDING" if outcome == InstructionResult.PENDING else Outcome(outcome).name
