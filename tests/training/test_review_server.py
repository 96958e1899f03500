"""The page's server over real connections: what it gives, what it refuses, what it lets out."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from sam3i_model.cli import build
from tests.training.review_data import HEIGHT, WIDTH, image, make, saved, start
from training.review import server as served
from training.review.server import MAX_BODY, Server
from training.review.store import Store


class Page:
    """A browser that isn't one."""

    def __init__(self, url: str) -> None:
        _, _, host, self.token, _ = url.split("/")
        self.address, port = host.split(":")
        self.port = int(port)

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        answer = (response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.ask("GET", f"/{self.token}/{path}", **headers)

    def read(self, path: str) -> dict[str, Any]:
        return json.loads(self.get(path)[2])

    def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
        headers = {"Content_Type": "application/json", **headers}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = self.ask("POST", f"/{self.token}/{path}", data, **headers)
        return status, json.loads(answer)

    def act(self, number: int, action: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        version = self.read(f"sample/{number}")["sample"]["version"]
        return self.post("act", {"id": str(number), "version": version, "action": action})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make(tmp_path / "data")


@contextmanager
def running(data: Path) -> Iterator[tuple[Page, Server]]:
    store = Store(data)
    with Server(store, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Page(server.url), server
        finally:
            server.shutdown()
            thread.join()
            store.close()


def test_it_gives_the_page_the_samples_and_their_pictures(data):
    with running(data) as (page, _):
        kinds = {"": "text/html", "page.js": "text/javascript", "page.css": "text/css"}
        for path, kind in kinds.items():
            status, headers, body = page.get(path)
            assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
            assert body == (Path(served.__file__).parent / (path or "page.html")).read_bytes()
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["Referrer-Policy"] == "no-referrer"
        listed = page.read("list")
        assert [(r["id"], r["text"], r["review"]) for r in listed["rows"]] == [
            ("1", "the red box", ""),
            ("2", "both boxes", ""),
            ("3", "mug", ""),
            ("4", "what is cold", "open"),
            ("5", "the red box", ""),
        ]
        sample = page.read("sample/2")["sample"]
        assert (sample["width"], sample["height"], sample["fault"]) == (WIDTH, HEIGHT, "")
        assert [s["path"] for s in sample["shapes"]] == [
            "M6 8L26 8L26 24L6 24Z",
            "M36 20L54 20L54 38L36 38Z",
        ]
        status, headers, body = page.get("picture/4")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        assert body == (data / "images/b.png").read_bytes()


def test_a_picture_that_a_browser_would_turn_away_from_its_masks_is_sent_as_stored(data):
    path, exif = data / "images/b.png", Image.Exif()
    exif[0x0112] = 6  # upright it is 48x64
    with Image.open(path) as picture:
        picture.save(path, exif=exif)
    with running(data) as (page, _):
        status, headers, body = page.get("picture/4")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    with Image.open(io.BytesIO(body)) as sent, Image.open(path) as stored:
        assert 0x0112 not in sent.getexif()
        assert sent.tobytes() == stored.tobytes()


def test_scripts_and_styles_that_the_page_names_are_there(data):
    folder = Path(served.__file__).parent
    html = (folder / "page.html").read_text()
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    named = {"page.js", "page.css"}
    for script in folder.glob("*.js"):
        text = script.read_text()
        assert "https://" not in text
        named |= {line.split('"./')[1].split('"')[0] for line in text.splitlines() if '"./' in line}
    assert named == set(served.PAGE) - {""}
    assert {p.name for p in folder.glob("*.js")} == set(served.SCRIPTS)


def test_an_action_is_done_and_on_disk_when_it_is_answered(data):
    with running(data) as (page, server):
        status, reply = page.act(1, {"do": "accept"})
        assert status == 200
        assert reply["sample"]["review"] == "accepted"
        assert (reply["undo"], reply["redo"]) == ("accept", "")
        assert '"what": "accept"' in (data / "review.jsonl").read_text()
        assert image(data, 1).get("review") is None
        status, reply = page.post("undo", {})
        assert (reply["sample"]["id"], reply["sample"]["review"]) == ("1", "")
        status, reply = page.post("redo", {})
        assert reply["sample"]["review"] == "accepted"
        assert page.post("redo", {})[1]["sample"] is None
        server.acted -= served.QUIET  # nothing is done for a while
        end = time.monotonic() + 10
        while image(data, 1).get("review") is None and time.monotonic() < end:
            time.sleep(0.02)
        assert image(data, 1)["review"] == "accepted"


def test_ids_of_any_size_are_the_samples_own(data):
    """A browser would take the first two for one."""
    ids = (2**53, 2**53 + 1, -7)
    content = saved(data)
    for entry in [*content["images"], *content["annotations"]]:
        key = "image_id" if "image_id" in entry else "id"
        entry[key] = {1: ids[0], 2: ids[1], 3: ids[2]}.get(entry[key], entry[key])
    (data / "annotations.json").write_text(json.dumps(content))
    with running(data) as (page, _):
        rows = page.read("list")["rows"]
        assert [r["id"] for r in rows[:3]] == [str(number) for number in ids]
        for number, text in zip(ids, ("the red box", "both boxes", "mug"), strict=True):
            assert page.read(f"sample/{number}")["sample"]["text"] == text
            assert page.get(f"picture/{number}")[0] == 200
            status, reply = page.act(number, {"do": "accept"})
            assert (status, reply["sample"]["id"]) == (200, str(number))
        for wrong in (1, "1e3", "", "--7"):
            assert page.post("act", {"id": wrong, "version": "x", "action": {}})[0] == 422
        assert page.get("sample/--7")[0] == 404


def test_the_window_that_comes_second_is_told_and_changes_nothing(data):
    with running(data) as (page, _):
        version = page.read("sample/1")["sample"]["version"]
        first = {"id": "1", "version": version, "action": {"do": "accept"}}
        assert page.post("act", first)[0] == 200
        status, reply = page.post("act", {**first, "action": {"do": "reject"}})
        assert status == 409
        assert "another window" in reply["error"]
        assert reply["sample"]["review"] == "accepted"


def test_ten_windows_at_once_lose_nothing(data):
    with running(data) as (page, server):
        done = []

        def work(number: int) -> None:
            for _ in range(6):
                for do in ("reject", "accept"):
                    status, _ = page.act(number % 5 + 1, {"do": do})
                    done.append(status)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(done) <= {200, 409, 422}
        samples = dict(server.store.samples)
    with running(data) as (page, server):
        assert server.store.samples == samples


def test_strangers_get_nothing(data):
    with running(data) as (page, server):
        token = page.token
        assert len(token) >= 24
        for path in ("/", "/list", "/wrong/list", f"/{token[:-1]}/list", "//list", "/favicon.ico"):
            status, _, body = page.ask("GET", path)
            assert (status, b"red box" in body) == (404, False), path
        assert page.ask("GET", f"/{token}")[0] == 404
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1]:1"):
            assert page.get("list", Host=host)[0] == 421, host
        assert page.get("list", Host="localhost:9000")[0] == 200  # as through a tunnel
        for origin in ("http://evil.example", "https://127.0.0.1", "null"):
            accept = {"id": "1", "version": "", "action": {"do": "accept"}}
            assert page.post("act", accept, Origin=origin)[0] == 403, origin
        assert server.server_address[0] == "127.0.0.1"
        assert page.get("list", Origin=f"http://127.0.0.1:{page.port}")[0] == 200
        assert "Access-Control-Allow-Origin" not in page.get("list")[1]


def test_only_pictures_of_samples_are_served(data, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    with running(data) as (page, _):
        for path in (
            "../secret.png",
            "%2e%2e/secret.png",
            "picture/../annotations.json",
            "picture/6",
            "picture/-1",
            "picture/1/..",
            "picture/" + "9" * 4000,
            "images/a.png",
            "annotations.json",
            "store.py",
            "server.py",
        ):
            status, _, body = page.get(path)
            assert status in (404, 422), path
            assert b"secret" not in body
    content = saved(data)
    content["images"][0]["file_name"] = "../secret.png"
    (data / "annotations.json").write_text(json.dumps(content))
    result = CliRunner().invoke(build("review"), ["review", str(data)])
    assert result.exit_code == 1
    assert "leads out of the folder" in " ".join(result.output.split())


def test_requests_are_bounded_and_checked(data, capsys):
    with running(data) as (page, _):
        assert page.post("act", b"{}", Content_Length=str(MAX_BODY + 1))[0] == 413
        assert page.post("act", b"{}", Content_Length="99999999999999")[0] == 413
        assert page.post("act", b"{}", Content_Length="-5")[0] == 411
        assert page.post("act", b"{}", Content_Type="text/plain")[0] == 415
        assert page.post("act", b"{")[0] == 400
        assert page.post("act", b"[" * 100_000)[0] == 400
        assert page.post("act", b"[]")[0] == 422
        assert page.post("act", {"id": "1"})[0] == 422
        assert page.post("act", {"id": "1", "version": "x", "action": []})[0] == 422
        assert page.post("shutdown", {})[0] == 404
        far = {"do": "draw", "how": "new", "shape": {"kind": "polygon", "points": [1e9] * 6}}
        status, reply = page.act(1, far)
        assert (status, "no number" in reply["error"]) == (422, True)
        assert page.ask("DELETE", f"/{page.token}/list")[0] == 501
        with socket.create_connection((page.address, page.port)) as wire:
            wire.sendall(b"GET " + b"x" * 70_000)  # no line at all
            assert b"414" in wire.recv(100)
        with socket.create_connection((page.address, page.port)) as wire:
            wire.sendall(b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf")
        assert page.get("list")[0] == 200
    assert capsys.readouterr().err == ""


def test_a_fault_of_ours_tells_the_page_nothing(data, monkeypatch, capsys):
    def broken(store: object, sample: object) -> dict[str, Any]:
        raise RuntimeError("the vault is behind the picture")

    with running(data) as (page, _):
        monkeypatch.setattr(served, "full", broken)
        status, _, body = page.get("sample/1")
    assert status == 500
    assert b"vault" not in body
    assert b"Traceback" not in body
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "vault" in told


def test_a_damaged_picture_is_told_and_the_sample_can_still_be_rejected(data):
    (data / "images/b.png").write_bytes(b"\x89PNG damaged")
    with running(data) as (page, _):
        assert "no picture that can be read" in page.read("sample/4")["sample"]["fault"]
        flood = {"kind": "flood", "points": [3, 3], "tolerance": 5}
        status, reply = page.act(4, {"do": "draw", "how": "new", "shape": flood})
        assert (status, "no picture" in reply["error"]) == (422, True)
        assert page.act(4, {"do": "reject"})[0] == 200


def test_a_save_that_fails_is_shown_and_tried_again(data, monkeypatch, capsys):
    with running(data) as (page, server):
        real = os.replace
        monkeypatch.setattr(os, "replace", _read_only)
        page.act(1, {"do": "accept"})
        server.acted -= served.QUIET
        end = time.monotonic() + 10
        while not server.notice and time.monotonic() < end:
            time.sleep(0.02)
        assert "Read-only" in page.read("list")["notice"]
        monkeypatch.setattr(os, "replace", real)
        while server.notice and time.monotonic() < end:
            time.sleep(0.02)
        assert page.read("list")["notice"] == ""
        assert image(data, 1)["review"] == "accepted"
    assert capsys.readouterr().err.count("Read-only") == 1


def _read_only(*_: object) -> None:
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize(
    ("number", "code", "there"),
    [
        (signal.SIGINT, 0, "accepted"),
        (signal.SIGTERM, 0, "accepted"),
        (signal.SIGHUP, 0, "accepted"),
        (signal.SIGKILL, -9, None),
    ],
)
def test_however_it_ends_the_next_start_has_everything(data, number, code, there):
    process, url = start(data)
    with process:
        page = Page(url)
        assert page.act(2, {"do": "accept"})[0] == 200
        process.send_signal(number)
        told = process.communicate(timeout=20)[1]
    assert process.returncode == code
    assert "Traceback" not in told
    assert image(data, 2).get("review") == there
    with running(data) as (page, _):
        assert page.read("sample/2")["sample"]["review"] == "accepted"
        assert image(data, 2)["review"] == "accepted"


def test_the_command_says_what_is_wrong_in_a_line(data, tmp_path):
    with running(data) as (_, server):
        taken = server.server_address[1]
        other = make(tmp_path / "other")
        for arguments, told in (
            ([str(data)], "wait for it"),
            ([str(tmp_path / "nowhere")], "sam3i prepare"),
            ([str(other), "--port", str(taken)], f"port {taken} can't be had"),
            ([str(other), "--images", str(tmp_path)], "give the folder"),
            ([str(other), "--import", str(tmp_path / "no.json")], "can't be read"),
            ([str(other), "--import", str(other / "annotations.json")], ""),
            ([str(other), "--export", str(tmp_path / "no/coco.json")], "can't be written"),
        ):
            result = CliRunner().invoke(build("review"), ["review", *arguments, "--no-browser"])
            assert result.exit_code == (1 if told else 0), (arguments, result.output)
            assert told in " ".join(result.output.split())
            assert "Traceback" not in result.output
