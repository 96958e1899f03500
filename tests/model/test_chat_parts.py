"""Parts of the client against proxies, servers and disks that do what they shouldn't."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from contextlib import suppress

import pytest

from sam3i_model.chat.address import is_near
from sam3i_model.chat.budget import AgentError
from sam3i_model.chat.cache import AnswerCache
from sam3i_model.chat.transport import TransportError, post
from tests.chat_server import Said


@pytest.mark.parametrize(
    ("host", "near"),
    [
        *(("localhost", True), ("gpu", True), ("gpu.local", True), ("[::1]", True)),
        *(("127.0.0.1", True), ("2130706433", True), ("0x7f000001", True), ("10.1", True)),
        *(("8.8.8.8", False), ("134744072", False), ("0x08080808", False), ("8.526344", False)),
        *(("example.com", False), ("gpu.", False), ("example\u3002com", False)),
    ],
)
def test_near_hosts(host, near):
    assert is_near(f"http://{host}:8000/v1") == near


def test_no_proxy_reads_what_goes_to_a_near_host(chat, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody there
    assert post(chat.address, b"{}", {}, 5, 1000).status == 200
    monkeypatch.setenv("http_proxy", chat.address.removesuffix("/v1"))
    assert post("http://models.example/v1", b"{}", {}, 5, 1000).status == 200
    assert [h["path"] for h in chat.headers] == ["/v1", "http://models.example/v1"]


def test_a_server_that_drips_headers_is_hung_up_on():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with server.accept()[0] as peer, suppress(OSError):
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                for _ in range(100):
                    peer.sendall(b"x")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        before = set(threading.enumerate())
        with pytest.raises(TransportError, match=r"no answer within 0\.2 s"):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, 0.2, 1000)
        for started in set(threading.enumerate()) - before:
            started.join(2)
            assert not started.is_alive()
        thread.join(2)
        assert not thread.is_alive()


def test_an_answer_cut_short_is_no_answer(chat):
    chat.replies(Said(headers={"Content-Length": "5000"}, body=b"x" * 37))
    with pytest.raises(TransportError, match="breaks off 4,963 bytes before its end"):
        post(chat.address, b"{}", {}, 5, 9000)


def test_an_answer_that_cannot_be_kept_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(AgentError, match=r"kept in .*file, make room or give another folder: "):
        AnswerCache(tmp_path / "file").put(b"question", "answer")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(AgentError, match="No space left"):
        AnswerCache(tmp_path / "full").put(b"question", "answer")
    assert not [path for path in (tmp_path / "full").rglob("*") if path.is_file()]
