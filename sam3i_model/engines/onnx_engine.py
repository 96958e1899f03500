"""The three calls on graphs that `sam3i export` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sam3i_model.checkpoints.config_file import configure
from sam3i_model.checkpoints.weights import first_line, open_weights
from sam3i_model.configuration import Sam3IConfig
from sam3i_model.engines.graphs import flat, grounding_inputs
from sam3i_model.engines.interface import EngineError, Precision
from sam3i_model.engines.layers import onnx_layer_values
from sam3i_model.engines.manifest import (
    CHECK,
    IMAGE,
    ONE,
    SEVERAL,
    SUBFOLDER,
    Manifest,
    read_manifest,
    text_graph,
    verify,
    weight_digests,
)
from sam3i_model.engines.parity import Check, Parity
from sam3i_model.engines.runtime import Session
from sam3i_model.features import GroundingOutput, ImageFeatures, TextFeatures
from sam3i_model.instruction import Level
from sam3i_model.modeling import PADDING


class OnnxEngine:
    """An export on one of ONNX Runtime's providers.

    Attributes:
        config: Of the checkpoint that lies beside the graphs.
        device: Where features are.
    """

    def __init__(
        self,
        checkpoint: Path,
        provider: str,
        device: torch.device,
        shared: OnnxEngine | None = None,
    ) -> None:
        """Load an export.

        Args:
            checkpoint: Folder that `sam3i export` wrote.
            provider: Of ONNX Runtime; see `runtime.provider_for`.
            device: That goes with it.
            shared: An engine of the same base, whose image graph is used.

        Raises:
            EngineError: There is no export, or it can't be used, or its base is another one.
        """
        manifest = required_manifest(checkpoint)
        self.config: Sam3IConfig = configure(open_weights(checkpoint))
        if (self.config.image_size, self.config.trained_levels) != (
            manifest.image_size,
            manifest.levels,
        ):
            raise EngineError(f"'{checkpoint}' has graphs of another checkpoint: export it anew")
        if weight_digests(checkpoint) != manifest.weights:
            raise EngineError(
                f"'{checkpoint}' has other weights than its graphs were made from: export it anew"
            )
        self.device = device
        self._folder = checkpoint / SUBFOLDER
        self._provider = provider
        self._manifest = manifest
        own = [ONE, SEVERAL, *map(text_graph, manifest.levels), *([] if shared else [IMAGE])]
        # once each: text graphs read the same weights
        files = dict.fromkeys(item for name in own for item in manifest.graphs[name].files.items())
        for name, digest in files:
            verify(self._folder, {name: digest})
        if shared is None:
            self._image = self._load(IMAGE)
        elif shared.precision is not manifest.precision:
            raise EngineError(
                f"'{checkpoint}' has graphs of precision {manifest.precision.value}, the model in "
                f"service of {shared.precision.value}: export it with --precision "
                f"{shared.precision.value}"
            )
        elif shared._manifest.graphs[IMAGE].source == manifest.graphs[IMAGE].source:
            self._image = shared._image
        else:
            raise EngineError(
                f"'{checkpoint}' was trained on another base than the one in service: take one "
                "that was trained from it, or start anew with this model"
            )
        self._text = {name: self._load(text_graph(name)) for name in manifest.levels}
        self._one, self._several = self._load(ONE), self._load(SEVERAL)

    @property
    def name(self) -> str:
        """For people."""
        provider = self._provider.removesuffix("ExecutionProvider")
        mixed = ", mixed precision" if self.precision is Precision.MIXED else ""
        return f"ONNX Runtime, {provider}{mixed}"

    @property
    def precision(self) -> Precision:
        """Of the graphs."""
        return self._manifest.precision

    def _load(self, name: str) -> Session:
        inputs = self._manifest.graphs[name].inputs
        return Session(self._folder / f"{name}.onnx", self._provider, self.device, inputs)

    def encode_image(self, pixel_values: torch.Tensor) -> ImageFeatures:
        """As `Sam3IModel.encode_image`, of one image."""
        *maps, position, geometry = self._image.run({"pixel_values": pixel_values})
        return ImageFeatures(tuple(maps), position, geometry)

    def encode_text(self, input_ids: torch.Tensor, levels: torch.Tensor) -> TextFeatures:
        """As `Sam3IModel.encode_text`, one instruction after the other."""
        features = [
            self._text[Level(level).name.lower()].run({"input_ids": ids[None]})[0]
            for ids, level in zip(input_ids, levels.tolist(), strict=True)
        ]
        return TextFeatures(torch.cat(features), input_ids != PADDING, levels)

    def ground(self, image: ImageFeatures, text: TextFeatures) -> GroundingOutput:
        """As `Sam3IModel.ground` in one image; as many instructions at once as the graph takes."""
        size = self._manifest.rows
        tensors = (text.features, text.mask, text.levels)
        parts = [
            (self._one if len(part[0]) == 1 else self._several).run(
                flat(grounding_inputs(image, TextFeatures(*part)))
            )
            for part in zip(*(t.split(size) for t in tensors), strict=True)
        ]
        if len(parts) == 1:
            return GroundingOutput(*parts[0])
        return GroundingOutput(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def check(self) -> Parity:
        """Answer the stored frames once more, and compare with what PyTorch said of them.

        Raises:
            EngineError: They can't be read, or the engine fails at them.
        """
        try:
            return self.stored_check().run(self)
        except RuntimeError as error:
            raise EngineError(f"{self.name} failed its check: {first_line(error)}") from error

    def layer_values(
        self, name: str, graph: nn.Module, inputs: Mapping[str, Any]
    ) -> dict[str, torch.Tensor]:
        """What the layers of the graph `name` give; see `layers.onnx_layer_values`."""
        path = self._folder / f"{name}.onnx"
        return onnx_layer_values(path, self._provider, self.device, graph, inputs)

    def stored_check(self) -> Check:
        """What PyTorch said of the frames that were kept.

        Raises:
            EngineError: It can't be read.
        """
        verify(self._folder, {CHECK: self._manifest.check})
        return Check.load(self._folder / CHECK)

    def read_adapters(self, source: Path) -> OnnxEngine:
        """The graphs of another export on the same base; they have passed their check.

        Raises:
            EngineError: They can't be used.
        """
        donor = OnnxEngine(source, self._provider, self.device, shared=self)
        parity = donor.check()
        if not parity.passed:
            raise EngineError(f"'{source}' on {self.name} differs from PyTorch: {parity}")
        return donor

    def exchange_adapters(self, donor: OnnxEngine) -> None:
        """Answer as `donor` from now on."""
        self.config, self._manifest, self._folder = donor.config, donor._manifest, donor._folder
        self._text, self._one, self._several = donor._text, donor._one, donor._several


def required_manifest(checkpoint: Path) -> Manifest:
    """The manifest beside a checkpoint.

    Raises:
        EngineError: There is none.
    """
    manifest = read_manifest(checkpoint) if checkpoint.is_dir() else None
    if manifest is None:
        raise EngineError(
            f"'{checkpoint}' has no {SUBFOLDER}/ folder of graphs: run "
            f"`sam3i export {checkpoint} OUT` and take OUT, or backend torch"
        )
    return manifest
