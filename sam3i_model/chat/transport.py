"""One HTTP request with a hard end: in time, in size, and without following anybody elsewhere."""

from __future__ import annotations

import http.client
import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sam3i_model.chat.address import is_near

CHUNK = 65_536
_LOOK = "is the server running there, and does the model fit its machine?"


class TransportError(RuntimeError):
    """No reply was had; the message says why in a few words."""


@dataclass(frozen=True)
class Reply:
    """What a server said. `retry_after` are the seconds that it asks to wait, 0 if it doesn't."""

    status: int
    data: bytes
    retry_after: float = 0.0


def post(
    url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, max_bytes: int
) -> Reply:
    """POST once; any status is a reply, redirects too, since following them would carry the key.

    The request runs in a thread of its own: name look-up and a server that sends a byte now and
    then can't be limited otherwise. A host that is near is reached without a proxy, which would
    read a key that goes there in the clear.

    Raises:
        TransportError: No complete reply of bearable size within `timeout_s`.
    """
    outcome: queue.SimpleQueue[Reply | TransportError] = queue.SimpleQueue()
    handler = _Handler()
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")

    def work() -> None:
        try:
            outcome.put(_exchange(handler, request, timeout_s, max_bytes))
        except TransportError as error:
            outcome.put(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            late = isinstance(reason, TimeoutError)
            told = f"no answer within {timeout_s:.1f} s" if late else str(reason)
            outcome.put(TransportError(f"{told or type(error).__name__}; {_LOOK}"))

    threading.Thread(target=work, name="agent-request", daemon=True).start()
    try:
        result = outcome.get(timeout=max(timeout_s, 0.0))
    except queue.Empty:
        handler.hang_up()
        raise TransportError(f"no answer within {timeout_s:.1f} s; {_LOOK}") from None
    if isinstance(result, TransportError):
        raise result
    return result


class _Handler(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Opens http and https; another thread may hang up while the server's headers come."""

    def __init__(self) -> None:
        super().__init__()
        self._connection: http.client.HTTPConnection | None = None

    def do_open(self, http_class: Any, req: Any, **http_conn_args: Any) -> Any:
        def connection(*args: Any, **settings: Any) -> http.client.HTTPConnection:
            self._connection = http_class(*args, **settings)
            return self._connection

        return super().do_open(connection, req, **http_conn_args)

    def hang_up(self) -> None:
        sock = self._connection.sock if self._connection else None
        if sock:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _exchange(
    handler: _Handler, request: urllib.request.Request, timeout_s: float, max_bytes: int
) -> Reply:
    end = time.monotonic() + timeout_s
    opener = urllib.request.OpenerDirector()  # a bare one neither redirects nor raises on a status
    opener.add_handler(handler)
    if not is_near(request.full_url):
        opener.add_handler(urllib.request.ProxyHandler())
    with opener.open(request, timeout=max(timeout_s, 0.001)) as response:
        data = bytearray()
        while chunk := response.read1(CHUNK):
            data += chunk
            if len(data) > max_bytes:
                raise TransportError(
                    f"the answer is larger than {max_bytes:,} bytes: limit it at the server"
                )
            if time.monotonic() > end:
                raise TransportError(f"no complete answer within {timeout_s:.1f} s; {_LOOK}")
        if response.length:
            raise TransportError(
                f"the answer breaks off {response.length:,} bytes before its end; {_LOOK}"
            )
        return Reply(response.status, bytes(data), _seconds(response.headers.get("Retry-After")))


def _seconds(value: str | None) -> float:
    try:
        return max(0.0, float(value or 0))
    except ValueError:  # a date; the usual back-off does
        return 0.0
