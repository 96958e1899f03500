"""What the options of `sam3i bench model` stand for: numbers, engines, instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerBase

from sam3i_model.checkpoints.loading import load, locate
from sam3i_model.engines.bench import PLAIN
from sam3i_model.engines.choosing import open_checkpoint
from sam3i_model.engines.frames import DEFAULT_SENTENCES, MORE_SENTENCES
from sam3i_model.engines.interface import Backend, Engine, EngineError
from sam3i_model.engines.manifest import read_manifest
from sam3i_model.engines.stopwatch import PlainCalls
from sam3i_model.instruction import Instruction, Level

MAX_INSTRUCTIONS = 16


def numbers(said: str) -> list[int]:
    """Numbers of instructions, from small to large.

    Raises:
        EngineError: They are none, or some are not in 1..16.
    """
    words = [word.strip() for word in said.split(",")]
    allowed = {str(n): n for n in range(1, MAX_INSTRUCTIONS + 1)}
    if not allowed.keys() >= set(words):
        raise EngineError(
            f"--instructions {said}: give numbers from 1 to {MAX_INSTRUCTIONS}, such as 1,4,8"
        )
    return sorted({allowed[word] for word in words})


def open_engines(
    model: str, device: str, backends: Sequence[str] | None, image_size: int
) -> tuple[dict[str, Engine], PreTrainedTokenizerBase]:
    """By name: PyTorch, then the backends that were asked for, then the plain calls.

    Raises:
        CheckpointError: The checkpoint or one of its exports can't be used.
    """
    source = locate(model)
    exported = read_manifest(source) if source.is_dir() else None
    if backends is None:
        backends = [Backend.ONNX] if exported else []
    others: dict[str, Engine] = {}
    for backend in dict.fromkeys(backends):
        if backend not in (Backend.TORCH, Backend.ONNX, Backend.TENSORRT):
            raise EngineError(f"--backend {backend}: use torch, onnx or tensorrt")
        if backend == Backend.TORCH:
            continue
        opened = open_checkpoint(model, device, backend)
        if opened.refused:
            raise EngineError(opened.refused)
        others[opened.name] = opened.engine
        if image_size not in (0, opened.engine.config.image_size):
            raise EngineError(
                f"'{model}' has graphs of {opened.engine.config.image_size} px: leave --image-size "
                f"out, run `sam3i export --image-size {image_size}` and measure that, or give "
                "--backend torch"
            )
    loaded, tokenizer = load(model, device, image_size=image_size)
    name = f"PyTorch, {loaded.device.type}"
    return {name: loaded, **others, PLAIN: PlainCalls(loaded)}, tokenizer


def sentences(said: Sequence[str], trained: Sequence[str], count: int) -> list[Instruction]:
    """That many different instructions, what was said first.

    Those that come with it are asked as concepts where their level wasn't trained: that takes as
    long.

    Raises:
        EngineError: More were said than are asked.
    """
    if len(said) > count:
        raise EngineError(f"--say {len(said)} times, but --instructions are {count} at most")
    own = [
        i if i.level.name.lower() in trained else replace(i, level=Level.CONCEPT)
        for i in (*DEFAULT_SENTENCES, *MORE_SENTENCES)
    ]
    different = {i.text: i for i in [*map(Instruction, said), *own]}
    return list(different.values())[:count]
