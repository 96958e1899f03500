"""The page's server: this machine only, and only for those who know the address that was printed.

The address has a random token, since other users of this machine can reach the port; the name of
the host is checked, since a page from elsewhere can have its own name lead here.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

from training.annotations.entries import EntryError, SourceError, mapping, text
from training.annotations.pictures import as_stored
from training.annotations.sam3i_json import Sample
from training.review.file import ReviewError
from training.review.store import StaleError, Store
from training.review.view import full, row

ADDRESS = "127.0.0.1"
HOSTS = ("127.0.0.1", "localhost")
MAX_BODY = 1_000_000
_ID = re.compile("-?[0-9]{1,100}")
"""Of a sample, as text."""
PATIENCE = 30.0
"""Seconds that a request may take to come in."""
QUIET = 2.0
"""Seconds after the last action when annotations.json is written."""
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
PICTURES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
}
SCRIPTS = ("page.js", "show.js", "stage.js", "keys.js", "editor.js", "server.js")
PAGE = {"": "page.html", **{name: name for name in (*SCRIPTS, "page.css")}}
"""What is served as it is: path -> file."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refusal(Exception):
    """A request that gets no answer but a status and a line."""

    def __init__(self, status: HTTPStatus, line: str = "") -> None:
        super().__init__(line or status.phrase)
        self.status = status


class Server(ThreadingTCPServer):
    """Serves a store until it is shut down, and writes it out whenever nothing is done for a while.

    Args:
        store: Stays open afterwards.
        port: 0 takes any that is free.

    Raises:
        OSError: The port is taken.
    """

    allow_reuse_address = True
    request_queue_size = 64  # a browser comes with several at once
    daemon_threads = True

    def __init__(self, store: Store, port: int) -> None:
        super().__init__((ADDRESS, port), Handler)
        self.store = store
        self.token = secrets.token_urlsafe(18)
        self.acted = time.monotonic()
        self.notice = ""

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self.server_address[1]}/{self.token}/"

    def service_actions(self) -> None:
        """Called by `serve_forever` every half second."""
        if time.monotonic() - self.acted < QUIET:
            return
        try:
            self.store.save()
            self.notice = ""
        except ReviewError as error:
            if not self.notice:
                print(error, file=sys.stderr)
            self.notice = str(error)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is nothing to speak of."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = PATIENCE
    server_version, sys_version = "sam3i", ""

    def do_GET(self) -> None:
        """The page, the list of samples, one sample or its picture."""
        self._respond(self._get)

    def do_POST(self) -> None:
        """An action, as JSON."""
        self._respond(self._post)

    def log_message(self, *_: Any) -> None:
        """The terminal is for what matters."""

    def _respond(self, answer: Any) -> None:
        try:
            status, kind, body = answer(self._path())
        except Refusal as refusal:
            status, kind, body = _json({"error": str(refusal)}, refusal.status)
        except EntryError as error:
            status, kind, body = _json({"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
        except ReviewError as error:
            status, kind, body = _json({"error": str(error)}, HTTPStatus.INSUFFICIENT_STORAGE)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            return
        except Exception as error:  # the page is told nothing about our insides
            print(f"sam3i review: {self.command}: {error!r}", file=sys.stderr)
            line = "that failed; the terminal of `sam3i review` says why"
            status, kind, body = _json({"error": line}, HTTPStatus.INTERNAL_SERVER_ERROR)
        self.send_response(status)
        keep = "private, max-age=600" if kind.startswith("image/") else "no-store"
        headers = {
            **HEADERS,
            "Cache-Control": keep,
            "Content-Type": kind,
            "Content-Length": str(len(body)),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _path(self) -> list[str]:
        """The path behind the token.

        Raises:
            Refusal: The request comes from elsewhere.
        """
        if _host(self.headers.get("Host", "")) not in HOSTS:
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST)
        origin = self.headers.get("Origin")
        if origin is not None and _host(origin.removeprefix("http://")) not in HOSTS:
            raise Refusal(HTTPStatus.FORBIDDEN)
        token, slash, rest = self.path.removeprefix("/").partition("/")
        known = secrets.compare_digest(token.encode(), self.server.token.encode())
        if not (known and slash):
            raise Refusal(HTTPStatus.NOT_FOUND, "open the address that `sam3i review` printed")
        return rest.split("/")

    def _get(self, path: list[str]) -> tuple[HTTPStatus, str, bytes]:
        store = self.server.store
        if len(path) == 1 and path[0] in PAGE:
            file = Path(__file__).with_name(PAGE[path[0]])
            return HTTPStatus.OK, f"{TYPES[file.suffix]}; charset=utf-8", file.read_bytes()
        if path == ["list"]:
            rows = [row(sample) for sample in list(store.samples.values())]
            return _json({**self._standing(), "name": store.folder.resolve().name, "rows": rows})
        if len(path) == 2 and path[0] in ("sample", "picture") and _ID.fullmatch(path[1]):
            sample = store.sample(int(path[1]))
            if path[0] == "sample":
                return _json({**self._standing(), "sample": full(store, sample)})
            return _picture(store, sample)
        raise Refusal(HTTPStatus.NOT_FOUND)

    def _post(self, path: list[str]) -> tuple[HTTPStatus, str, bytes]:
        body = self._body()
        store = self.server.store
        try:
            if path == ["act"]:
                action = mapping(body.get("action"), "the action")
                number, version = text(body, "id"), text(body, "version", 64)
                if not _ID.fullmatch(number):
                    raise EntryError("'id' is no sample's")
                sample: Sample | None = store.act(int(number), version, action)
            elif path in (["undo"], ["redo"]):
                sample = store.undo() if path == ["undo"] else store.redo()
            else:
                raise Refusal(HTTPStatus.NOT_FOUND)
        except StaleError as error:
            newest = full(store, store.sample(int(number)))
            said = {**self._standing(), "error": str(error), "sample": newest}
            return _json(said, HTTPStatus.CONFLICT)
        self.server.acted = time.monotonic()
        return _json({**self._standing(), "sample": full(store, sample) if sample else None})

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Refusal(HTTPStatus.LENGTH_REQUIRED)
        if len(length) > 9 or int(length) > MAX_BODY:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "that is too much at once")
        if self.headers.get_content_type() != "application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise Refusal(HTTPStatus.BAD_REQUEST) from error
        return dict(mapping(body, "the request"))

    def _standing(self) -> dict[str, Any]:
        store = self.server.store
        return {"undo": store.next_undo, "redo": store.next_redo, "notice": self.server.notice}


def _json(
    content: dict[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> tuple[HTTPStatus, str, bytes]:
    return status, "application/json", json.dumps(content, ensure_ascii=False).encode()


def _picture(store: Store, sample: Sample) -> tuple[HTTPStatus, str, bytes]:
    path = store.picture_path(sample)
    kind = PICTURES.get(path.suffix.lower())
    if kind is None:
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no browser shows such a picture")
    try:
        if lying := as_stored(path, sample.width, sample.height):
            return HTTPStatus.OK, "image/png", lying
        return HTTPStatus.OK, kind, path.read_bytes()
    except (OSError, SourceError) as error:
        raise Refusal(HTTPStatus.NOT_FOUND, f"{sample.file_name} can't be read") from error


def _host(name: str) -> str:
    return name.rpartition(":")[0] if ":" in name else name
