"""A real HTTP server on this machine that speaks the chat-completions protocol, by script."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np


@dataclass
class Said:
    """One reply: a completion with `content`, unless `body` is given."""

    content: str = ""
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drip_s: float = 0.0
    """Seconds between single bytes of the body."""


Answer = Callable[[dict[str, Any]], "Said | str | dict[str, Any]"]


class ChatServer:
    """`answer` turns a request's JSON into a reply; `requests` and `headers` are what came."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request: "{}"
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"

    def replies(self, *said: Said | str | dict[str, Any]) -> None:
        """Give these, one a request, the last one for ever."""
        left = list(said)
        self.answer = lambda request: left.pop(0) if len(left) > 1 else left[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                request = json.loads(data)
                chat.requests.append(request)
                chat.headers.append({**dict(self.headers), "path": self.path})
                said = chat.answer(request)
                if isinstance(said, dict):
                    said = json.dumps(said)
                said = Said(said) if isinstance(said, str) else said
                time.sleep(said.delay_s)
                # A client that has given up, as it should, is no error here.
                with suppress(BrokenPipeError, ConnectionResetError):
                    self._reply(said)

            def _reply(self, said: Said) -> None:
                message = {"role": "assistant", "content": said.content}
                completion = {"object": "chat.completion", "choices": [{"message": message}]}
                body = said.body if said.body is not None else json.dumps(completion).encode()
                self.send_response(said.status)
                usual = {"Content-Type": "application/json", "Content-Length": str(len(body))}
                for name, value in (usual | said.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                if not said.drip_s:
                    self.wfile.write(body)
                for value in body if said.drip_s else b"":
                    self.wfile.write(bytes([value]))
                    time.sleep(said.drip_s)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler

    @contextmanager
    def running(self) -> Iterator[ChatServer]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def prompt_of(request: dict[str, Any]) -> str:
    """The words of the first message."""
    return str(request["messages"][0]["content"][-1]["text"])


def images_of(request: dict[str, Any]) -> list[np.ndarray]:
    """The pictures of the first message, RGB."""
    images = []
    for part in request["messages"][0]["content"][:-1]:
        data = base64.b64decode(part["image_url"]["url"].split(",", 1)[1])
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        images.append(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    return images
