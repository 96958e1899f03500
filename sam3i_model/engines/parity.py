"""Whether an engine answers as PyTorch does, and which of its graphs is to blame if not.

A fast engine can be wrong without saying so: fused attention in half precision has dropped scores
from 0.93 to 0.05. So none is used before it has answered real frames as PyTorch did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sam3i_model.engines.interface import Engine, EngineError, Precision
from sam3i_model.engines.manifest import IMAGE, ONE, SEVERAL, text_graph
from sam3i_model.features import GroundingOutput, ImageFeatures, TextFeatures
from sam3i_model.instruction import Level
from sam3i_model.processing import pixels

MIN_IOU = 0.98
MAX_SCORE_DIFFERENCE = 0.02
MAX_BOX_DIFFERENCE = 0.01
"""Of the picture's side."""
COMPARED = 0.25
"""Masks and boxes of queries that score this much are compared, and each instruction's best in any
case. Lower scores are no answers (the bundled checkpoint takes 0.275, SAM 3 0.5); their masks
waver."""
MAX_COMPARED = 20
ENLARGED = 4
"""Times that mask logits are enlarged before they are compared, as they are in use: to about the
input's size. A map's pixel of a small mask would be more than the gate allows."""
MAX_CHECK_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Parity:
    """How well two engines agree: least IoU of masks, largest differences of scores and boxes."""

    iou: float = 1.0
    score: float = 0.0
    box: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the engine may be used."""
        return (
            self.iou >= MIN_IOU
            and self.score <= MAX_SCORE_DIFFERENCE
            and self.box <= MAX_BOX_DIFFERENCE
        )

    @property
    def strain(self) -> float:
        """The largest difference, in what the gate allows of its kind."""
        return max(
            (1 - self.iou) / (1 - MIN_IOU),
            self.score / MAX_SCORE_DIFFERENCE,
            self.box / MAX_BOX_DIFFERENCE,
        )

    @classmethod
    def worst(cls, parts: Iterable[Parity]) -> Parity:
        """Of several comparisons."""
        listed = list(parts)
        return cls(
            min(p.iou for p in listed), max(p.score for p in listed), max(p.box for p in listed)
        )

    def __str__(self) -> str:
        return (
            f"mask IoU {self.iou:.4f}, score difference {self.score:.4f}, "
            f"box difference {self.box:.4f}"
        )


@dataclass(frozen=True)
class Answer:
    """What PyTorch said about one frame.

    Attributes:
        scores: float32 (T, Q).
        queries: int64 (K, 2), row and query of each compared mask and box.
        logits: float32 (K, h, w), of the masks.
        boxes: float32 (K, 4), xyxy in 0..1.
    """

    scores: torch.Tensor
    queries: torch.Tensor
    logits: torch.Tensor
    boxes: torch.Tensor

    @classmethod
    def of(cls, output: GroundingOutput) -> Answer:
        """Keep what is compared."""
        scores = output.scores
        best = torch.zeros_like(scores, dtype=torch.bool)
        best.scatter_(1, scores.topk(min(MAX_COMPARED, scores.shape[1])).indices, True)
        best &= (scores >= COMPARED) | (scores == scores.max(dim=1, keepdim=True).values)
        row, query = best.nonzero().unbind(1)
        logits = output.pred_masks[row, query].float()
        boxes = output.pred_boxes[row, query].float()
        return cls(scores.cpu(), torch.stack([row, query], 1).cpu(), logits.cpu(), boxes.cpu())

    def compare(self, output: GroundingOutput) -> Parity:
        """With what another engine says of the same frame, or of its first rows."""
        rows = output.pred_logits.shape[0]
        kept = self.queries[:, 0] < rows
        row, query = self.queries[kept].to(output.pred_masks.device).unbind(1)
        theirs = enlarged(output.pred_masks[row, query].cpu())
        ours = enlarged(self.logits[kept])
        both, either = (ours & theirs).sum(1), (ours | theirs).sum(1)
        iou = torch.where(either > 0, both / either.clamp(min=1), torch.ones(()))
        scores = (output.scores.cpu() - self.scores[:rows]).abs()
        boxes = (output.pred_boxes[row, query].float().cpu() - self.boxes[kept]).abs()
        if not (scores.isfinite().all() and boxes.isfinite().all()):
            return Parity(0.0, 1.0, 1.0)
        return Parity(float(iou.min()), float(scores.max()), float(boxes.max()))


def enlarged(logits: torch.Tensor) -> torch.Tensor:
    """Masks of logits (K, h, w): bool (K, H * W) of `ENLARGED` times the side."""
    sides = [ENLARGED * side for side in logits.shape[-2:]]
    large = F.interpolate(logits.float()[:, None], size=sides, mode="bilinear")
    return (large > 0).flatten(1)


@dataclass(frozen=True)
class Check:
    """Frames, instructions and what PyTorch said of them.

    Attributes:
        frames: uint8 RGB (H, W, 3) each.
        ids: int64 (T, 32).
        levels: int64 (T,).
        answers: One a frame.
    """

    frames: Sequence[np.ndarray]
    ids: torch.Tensor
    levels: torch.Tensor
    answers: Sequence[Answer]

    @classmethod
    def make(
        cls, model: Engine, frames: Sequence[np.ndarray], ids: torch.Tensor, levels: torch.Tensor
    ) -> Check:
        """Ask `model`, whose answers are the measure."""
        text = encode(model, ids, levels)
        answers = [Answer.of(model.ground(picture(model, f), text)) for f in frames]
        return cls(frames, ids, levels, answers)

    def run(self, engine: Engine) -> Parity:
        """How well `engine` agrees, with all instructions at once and with the first one alone."""
        text = encode(engine, self.ids, self.levels)
        found = []
        for frame, answer in zip(self.frames, self.answers, strict=True):
            image = picture(engine, frame)
            found += [answer.compare(engine.ground(image, rows)) for rows in (text, text.first())]
        return Parity.worst(found)

    @torch.inference_mode()
    def by_graph(self, engine: Engine, model: Engine) -> dict[str, Parity]:
        """How well each graph of `engine` agrees when the others are `model`'s, worst first.

        Both are on one device.
        """
        found: dict[str, list[Parity]] = {}
        text, theirs = (encode(e, self.ids, self.levels) for e in (model, engine))
        for frame, answer in zip(self.frames, self.answers, strict=True):
            image = picture(model, frame)
            trials = {
                IMAGE: model.ground(picture(engine, frame), text),
                SEVERAL: engine.ground(image, text),
                ONE: engine.ground(image, text.first()),
            }
            for level in self.levels.unique().tolist():
                rows = (text.levels == level)[:, None, None]
                mixed = torch.where(rows, theirs.features, text.features)
                name = text_graph(Level(level).name.lower())
                trials[name] = model.ground(image, TextFeatures(mixed, text.mask, text.levels))
            for name, output in trials.items():
                found.setdefault(name, []).append(answer.compare(output))
        worst = {name: Parity.worst(parts) for name, parts in found.items()}
        return dict(sorted(worst.items(), key=lambda item: -item[1].strain))

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        tensors = {"ids": self.ids, "levels": self.levels}
        for i, (frame, answer) in enumerate(zip(self.frames, self.answers, strict=True)):
            tensors[f"{i}.frame"] = torch.from_numpy(np.ascontiguousarray(frame))
            for field in fields(Answer):
                tensors[f"{i}.{field.name}"] = getattr(answer, field.name).contiguous()
        save_file(tensors, path)

    @classmethod
    def load(cls, path: Path) -> Check:
        """Read what `save` wrote.

        Raises:
            EngineError: It can't be read.
        """
        try:
            if path.stat().st_size > MAX_CHECK_BYTES:
                raise ValueError("it is too large")
            tensors = load_file(path)
            count = sum(name.endswith(".frame") for name in tensors)
            answers = [
                Answer(**{f.name: tensors[f"{i}.{f.name}"] for f in fields(Answer)})
                for i in range(count)
            ]
            frames = [tensors[f"{i}.frame"].numpy() for i in range(count)]
            return cls(frames, tensors["ids"], tensors["levels"], answers)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise EngineError(
                f"'{path}' can't be used: {error}; run `sam3i export` anew"
            ) from error


def picture(engine: Engine, frame: np.ndarray) -> ImageFeatures:
    """An encoded frame."""
    return engine.encode_image(pixels(frame, engine.config, engine.device))


def encode(engine: Engine, ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures:
    """Encoded instructions."""
    return engine.encode_text(ids.to(engine.device), levels.to(engine.device))


def verdict(
    name: str,
    precision: Precision,
    together: Parity,
    by_graph: Mapping[str, Parity],
    layer: str = "",
) -> str:
    """Why an engine is not used, with its worst graph, and the layer in it if that is known."""
    worst, parity = next(iter(by_graph.items()))
    where = f", there in {layer}" if layer else ""
    remedy = "; export with --precision float32" if precision is Precision.MIXED else ""
    return (
        f"{name} differs from PyTorch ({together}), most in the graph {worst} ({parity}){where}: "
        f"it is not used{remedy}"
    )
