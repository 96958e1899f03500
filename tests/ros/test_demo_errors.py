"""What the demo does when something fails, and that it waits for the last answers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.context import Context
from rclpy.node import Node
from typer.testing import CliRunner

from sam3i_model import cli
from sam3i_ros.demo import recorder
from sam3i_ros.demo.errors import DemoError
from sam3i_ros.demo.orchestrate import drain, running_node
from sam3i_ros.demo.processes import Process, wait_until
from sam3i_ros.demo.recorder import Recorder
from tests.ros.test_demo_report import write_bag
from training.world import BAG_VERSION


@pytest.fixture
def demo() -> Iterator[Callable[[Path], str]]:
    """Runs `sam3i demo --out` where it must fail; what it says, as one line."""
    before = signal.getsignal(signal.SIGTERM)  # which it takes for itself

    def run(out: Path) -> str:
        said = CliRunner().invoke(cli.build("demo"), ["demo", "--out", str(out)])
        assert (said.exit_code, type(said.exception)) == (1, SystemExit)
        return " ".join(said.output.split())

    yield run
    signal.signal(signal.SIGTERM, before)


def test_a_place_that_cannot_be_written_is_told(
    demo: Callable[[Path], str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "demo"
    assert demo(out) == f"--out {out}: Not a directory; name another place"


@pytest.mark.parametrize("damage", ["a cut", "metadata"])
def test_a_damaged_recording_is_told_with_the_folder_to_remove(
    demo: Callable[[Path], str], tmp_path: Path, damage: str
) -> None:
    made = write_bag(tmp_path / "bags" / f"world-{BAG_VERSION}-1")
    (tmp_path / "bags" / f"tote-{BAG_VERSION}").mkdir()
    (tmp_path / "bags" / f"tote-{BAG_VERSION}" / "metadata.yaml").touch()
    file = next(made.glob("*.mcap")) if damage == "a cut" else made / "metadata.yaml"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    said = demo(tmp_path)
    assert said.startswith(f"The demo failed: {made} is not a rosbag2 that can be read: ")
    assert said.endswith(f"Remove {made}: it is made anew.")


def test_the_last_images_are_waited_for_however_slow_the_model_is(tmp_path: Path) -> None:
    context = Context()
    rclpy.init(context=context)
    node, ears = Node("slow", context=context), Recorder(context)
    publisher = node.create_publisher(DiagnosticArray, recorder.DIAGNOSTICS, 10)
    sleeper = Process("sleeper", ["sleep", "60"], tmp_path / "log", os.environ)
    told: list[int] = []

    def diagnose(name: str, done: int) -> None:
        values = {"images received": 9, "images dropped": 3, "images done with": done}
        rows = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        publisher.publish(DiagnosticArray(status=[DiagnosticStatus(name=name, values=rows)]))

    def tell() -> None:
        for done in (4, 5, 6):  # of 9, 3 were dropped
            time.sleep(0.6)
            told.append(done)
            diagnose("/another: camera", 6)
            diagnose("/sam3i: camera", done)

    try:
        wait_until(publisher.get_subscription_count, 10, "a match", [sleeper])
        ears.unanswered = 0  # as it was before the last images
        teller = threading.Thread(target=tell)
        teller.start()
        drain(ears, sleeper)
        assert told == [4, 5, 6]
        teller.join()
    finally:
        sleeper.stop()
        ears.close()
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_a_node_that_cannot_start_is_an_error_with_its_log(
    tmp_path: Path, environment: None
) -> None:
    with (
        pytest.raises(DemoError, match="ended with code 1") as caught,
        running_node(tmp_path, "bundled", "auto", module="no_such_module"),
    ):
        pass
    assert "No module named no_such_module" in caught.value.log


def test_a_model_that_cannot_be_loaded_is_an_error_with_the_log(
    tmp_path: Path, environment: None
) -> None:
    with (
        pytest.raises(DemoError, match="the node did not configure") as caught,
        running_node(tmp_path, str(tmp_path / "nothing"), "cpu"),
    ):
        pass
    assert "cannot be loaded" in caught.value.log
