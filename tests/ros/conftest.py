"""What the tests of the node share."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from sam3i_ros.interrupts import SIGNALS
from tests.ros.fakes import ColourSegmenter
from tests.ros.recordings import shots
from tests.ros.rig import Rig
from training.world.bag import write_bag


@pytest.fixture(scope="module")
def make_rig() -> Iterator[Callable[..., Rig]]:
    """Rigs that spin in threads of their own until the module is done."""
    context = Context()
    rclpy.init(context=context)
    threads = []

    def make(namespace: str, outputs: dict[str, type]) -> Rig:
        node = Node("rig", context=context, namespace=namespace)
        rig = Rig(node, outputs)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)

        def spin() -> None:
            with contextlib.suppress(ExternalShutdownException):
                executor.spin()

        threads.append(threading.Thread(target=spin, daemon=True))
        threads[-1].start()
        return rig

    yield make
    rclpy.shutdown(context=context)
    for thread in threads:
        thread.join(5)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The colour segmenter stands in for every model; the models asked for."""
    models: list[str] = []

    def load(model: str, device: str) -> ColourSegmenter:
        models.append(model)
        return ColourSegmenter()

    monkeypatch.setattr("sam3i_model.segmenter.Segmenter.from_pretrained", load)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield models
    for number, handler in before.items():  # which `sam3i replay` takes for itself
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames of a red and a blue square two metres away, as the world is recorded."""
    path = tmp_path_factory.mktemp("bags") / "scene"
    write_bag(path, shots(4), lossless=True)
    return path


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    """The demo changes what its children inherit; other tests must not see that."""
    before = dict(os.environ)
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # where the module `fakes` is
    yield
    os.environ.clear()
    os.environ.update(before)
