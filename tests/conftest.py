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

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(random.SystemRandom().randint(1, 101))
os.environ["ROS_LOG_DIR"] = str(Path(tempfile.gettempdir()) / "sam3i_ros_test_logs")
os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = str(PROJECT / "config" / "fastdds.xml")
# Message fields of a wrong type are an error here, as they are by default before Kilted.
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "2")


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A language model's server on this machine; no key and no proxy of the user's reaches it."""
    for name in ("SAM3I_API_KEY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ChatServer().running() as server:
        yield server
