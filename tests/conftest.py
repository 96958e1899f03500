"""The surroundings of all tests: nothing they do reaches, or is reached by, a robot nearby."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat_server import ChatServer

PROJECT = Path(__file__).resolve().parent.parent


def _domain() -> int:
    """A DDS domain from 1 to 100 that no other worker of this run has."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return 1 + worker + workers * random.SystemRandom().randint(0, 100 // workers - 1)


os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(_domain())
os.environ["ROS_LOG_DIR"] = str(Path(tempfile.gettempdir()) / "sam3i_ros_test_logs")
os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = str(PROJECT / "config" / "fastdds.xml")
# Message fields of a wrong type are an error here, as they are by default before Kilted.
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the models of tests are small


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A language model's server on this machine; no key and no proxy of the user's reaches it."""
    for name in ("SAM3I_API_KEY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ChatServer().running() as server:
        yield server
