"""What several instructions on one frame cost at SAM 3's full size."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import Sam3Model

from sam3i_model.checkpoints.config_file import check_size
from sam3i_model.configuration import CONTEXT_LENGTH, Sam3IConfig
from sam3i_model.instruction import Level
from sam3i_model.machine import surroundings
from sam3i_model.modeling import Sam3IModel


@torch.inference_mode()
def measure(
    count: int, image_size: int, repeat: int, progress: Callable[[str], None], config: Any = None
) -> dict[str, Any]:
    """Seconds of each, and how many times more or less that is.

    Args:
        count: Instructions; their levels take turns.
        image_size: Side of the square input, px.
        repeat: Times that everything is measured; medians are given.
        progress: Is told what is being done.
        config: Sizes; SAM 3's with light adapters if left out.

    Raises:
        CheckpointError: The image encoder can't take that size.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = config or Sam3IConfig(adapters="lite")
    check_size(config, image_size)
    config.image_size = image_size
    torch.manual_seed(0)
    progress("making random weights")
    model = Sam3IModel(config).eval()
    torch.nn.Module.to(model, device)
    plain = plain_model(model)
    pixels = torch.rand(1, 3, image_size, image_size, device=device)
    ids = torch.randint(1, config.text_config.vocab_size, (count, CONTEXT_LENGTH), device=device)
    kinds = [Level.CONCEPT, Level.SIMPLE, Level.COMPLEX]
    levels = torch.tensor([int(kinds[i % 3]) for i in range(count)], device=device)
    texts = {n: model.encode_text(ids[:n], levels[:n]) for n in (1, count)}  # as if from the cache

    def ours(rows: int) -> None:
        model.ground(model.encode_image(pixels), texts[rows])

    def theirs() -> None:
        for row in ids:
            plain(
                pixel_values=pixels, input_ids=row[None], attention_mask=torch.ones_like(row[None])
            )

    cases = {
        "one": lambda: ours(1),
        "together": lambda: ours(count),
        "plain calls": theirs,
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    progress("first call, not measured")
    ours(1)
    for turn in range(repeat):
        for name, case in cases.items():
            progress(f"{turn + 1} of {repeat}: {name}")
            seconds[name].append(timed(case, device))
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    return {
        "instructions": count,
        "image_size": image_size,
        "clock": "processor time" if device.type == "cpu" else "wall time",
        "seconds": {name: round(value, 3) for name, value in median.items()},
        "faster_than_plain_calls": round(median["plain calls"] / median["together"], 2),
        "cost_of_one_instruction": round(median["together"] / median["one"], 2),
        "parameters": sum(p.numel() for p in model.parameters()),
        **surroundings(),
    }


def timed(case: Callable[[], None], device: torch.device) -> float:
    """Seconds that it takes; of processor time on a CPU, where a case may take minutes and other
    work would count.
    """
    if device.type == "cpu":
        began = time.process_time()
        case()
        return time.process_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    case()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began


def plain_model(model: Sam3IModel) -> Sam3Model:
    """transformers' own model on the very tensors of ours: no second copy in memory."""
    with torch.device("meta"):
        plain = Sam3Model(model.config)
    plain.vision_encoder = model.vision_encoder  # the small one is none of transformers'
    plain.load_state_dict(model.state_dict(), strict=False, assign=True)
    ours = dict(model.named_buffers())
    for name, _ in list(plain.named_buffers()):  # some are in no checkpoint
        holder, _, leaf = name.rpartition(".")
        plain.get_submodule(holder)._buffers[leaf] = ours[name]
    return plain.eval()
