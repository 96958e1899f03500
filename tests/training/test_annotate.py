"""`sam3i annotate` from end to end: a server that really looks at the pictures it is sent."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from sam3i_model.cli import build
from sam3i_model.visualize import color_for
from tests.chat_server import ChatServer, Said, images_of, prompt_of
from tests.conftest import PROJECT
from training.sam3i_check import explain

DATA = Path(__file__).parent / "data"
THINGS = {  # x, y, width, height in the sample pictures
    "red": (10, 30, 20, 20),
    "grip": (30, 34, 12, 12),
    "blue": (46, 30, 20, 20),
    "navy": (72, 32, 18, 18),
    "green": (20, 4, 40, 16),
}
KINDS = {"red": "mug", "blue": "mug", "navy": "mug", "green": "box", "grip": "grip"}
SHOWN = {"table": list(THINGS), "shelf": ["blue", "green"]}


class Onlooker:
    """Knows the sample pictures; tells what is marked in them by looking at the pixels."""

    def __init__(self) -> None:
        self.clean = {
            name: cv2.cvtColor(cv2.imread(str(DATA / f"pictures/{name}.png")), cv2.COLOR_BGR2RGB)
            for name in SHOWN
        }
        self.slips = 0

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        images, prompt = images_of(request), prompt_of(request)
        picture = min(self.clean, key=lambda n: np.abs(self.clean[n] - images[0].astype(int)).sum())
        if "numbered candidates" in prompt:
            return self.choose(picture, images[1], prompt)
        return self.write(picture, images[1], prompt)

    def tint(self, picture: str, marked: np.ndarray, thing: str) -> np.ndarray:
        """The colour that was laid over a thing, beside the place where its number is."""
        x, y, width, height = THINGS[thing]
        spot = np.s_[y + height - 4 : y + height - 2, x + 2 : x + width // 2]
        clean = self.clean[picture][spot].reshape(-1, 3).mean(0)
        return (marked[spot].reshape(-1, 3).mean(0) - 0.55 * clean) / 0.45

    def choose(self, picture: str, marked: np.ndarray, prompt: str) -> dict[str, Any]:
        count = int(re.search(r"(\d+) numbered", prompt).group(1))  # type: ignore[union-attr]
        text = re.search(r'says: "(.*)"', prompt).group(1)  # type: ignore[union-attr]
        meant = [t for t in SHOWN[picture] if t in text or (text == KINDS[t])]
        numbers = []
        for thing in meant:
            seen = self.tint(picture, marked, thing)
            apart = [np.abs(seen - color_for(n)).max() for n in range(count)]
            if min(apart) < 60:
                numbers.append(int(np.argmin(apart)) + 1)
        return {"numbers": numbers, "others": False}

    def write(self, picture: str, marked: np.ndarray, prompt: str) -> dict[str, Any]:
        names = [
            t
            for t in SHOWN[picture]
            if np.abs(self.tint(picture, marked, t) - color_for(0)).max() < 60
        ]
        what = " and ".join(names)
        simple = [f"take {what} there", f"{what} please"]
        if names == ["red"] and "failed, these among them" not in prompt:
            simple = ["the red and the green"]
            self.slips += 1
        answer: dict[str, Any] = {
            "concept": [KINDS[names[0]]],
            "simple_query": simple,
            "complex_query": [f"what serves tea as {what} does"],
            "negative": {"concept": ["vase"], "simple_query": ["the vase at the back"]},
        }
        return {key: answer[key] for key in answer if f'"{key}": ' in prompt.split("JSON")[1]}


def run(*words: object) -> Any:
    return CliRunner().invoke(build("annotate"), ["annotate", *map(str, words)])


def words(chat: ChatServer, out: Path, *more: str) -> list[str]:
    source = [str(DATA / "coco.json"), str(out), "--images", str(DATA / "pictures")]
    return [*source, "--address", chat.address, "--model", "seer", *more]


def said(result: Any) -> str:
    return " ".join(result.output.split())


def test_annotations_of_coco_become_sam3i_json(chat, tmp_path):
    onlooker = Onlooker()
    chat.answer = onlooker
    result = run(*words(chat, tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "8 of 8 tasks kept" in said(result)
    content = json.loads((tmp_path / "out/annotations.json").read_text())
    assert list(explain(content)) == []
    by_texts = {i["text_inst_input"]["simple_query"][0]: i for i in content["images"]}
    assert "take red and blue and navy there" in by_texts
    assert by_texts["take red and blue and navy there"]["granularity"] == "1toAll"
    red = by_texts["take red there"]
    assert red["provenance"] == {"source": "coco", "model": "seer", "rounds": 2}
    assert red["negative"] == {"concept": ["vase"], "simple_query": ["the vase at the back"]}
    assert [i["part"] for i in content["images"]].count(True) == 1
    figures = json.loads((tmp_path / "out/statistics.json").read_text())
    assert figures["texts_dropped"] == {"simple_query: denotes more": onlooker.slips}
    assert figures["kept_by_rounds"] == {"1": 7, "2": 1}

    asked = len(chat.requests)
    before = (tmp_path / "out/annotations.json").read_bytes()
    again = run(*words(chat, tmp_path / "out"))
    assert again.exit_code == 0
    assert len(chat.requests) == asked
    assert (tmp_path / "out/annotations.json").read_bytes() == before


@pytest.mark.parametrize("source", ["refcoco", "grefcoco", "ref-zom", "mmr.json"])
def test_other_layouts_run_too(chat, tmp_path, source):
    chat.answer = Onlooker()
    words = [str(DATA / source), str(tmp_path), "--images", str(DATA / "pictures")]
    result = run(*words, "--address", chat.address, "--model", "seer")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "annotations.json").read_text())
    assert content["images"]
    assert list(explain(content)) == []


def test_a_split_is_a_run_of_its_own(chat, tmp_path):
    chat.answer = Onlooker()
    folder = tmp_path / "refcoco"
    shutil.copytree(DATA / "refcoco", folder)
    path = folder / "refs(unc).json"
    *rest, last = json.loads(path.read_text())
    path.write_text(json.dumps([*rest, {**last, "split": "testA"}]))
    words = [folder, tmp_path / "out", "--images", DATA / "pictures"]
    words += ["--address", chat.address, "--model", "seer"]
    both = run(*words)
    assert both.exit_code == 1
    assert "such as --split train" in said(both)
    assert run(*words, "--split", "train").exit_code == 0
    content = json.loads((tmp_path / "out/annotations.json").read_text())
    assert {image["file_name"] for image in content["images"]} == {"table.png"}
    other = run(*words, "--split", "testA")
    assert other.exit_code == 1
    assert "another split (train)" in said(other)


def test_a_dry_run_asks_nobody_and_leaves_nothing(chat, tmp_path):
    result = run(*words(chat, tmp_path / "out", "--dry-run"))
    assert result.exit_code == 0
    assert "8 tasks to do: 72 calls if every text holds at once, 1,512 at the very most" in said(
        result
    )
    assert "0:00:54 to 0:18:54 with 4 at once, if a call takes 3 s" in said(result)
    assert chat.requests == []
    assert not (tmp_path / "out").exists()
    assert "1 tasks" not in said(run(*words(chat, tmp_path / "out", "--dry-run", "--limit", "1")))


def test_an_edited_source_is_asked_about_anew(chat, tmp_path):
    chat.answer = Onlooker()
    source = tmp_path / "mine.json"
    shutil.copy(DATA / "coco.json", source)
    _, *rest = words(chat, tmp_path / "out")
    assert run(source, *rest).exit_code == 0
    assert "0 tasks to do" in said(run(source, *rest, "--dry-run"))
    content = json.loads(source.read_text())
    (mug,) = (a for a in content["annotations"] if a["id"] == 21)
    mug["category_id"] = 2
    source.write_text(json.dumps(content))
    assert "1 tasks to do" in said(run(source, *rest, "--dry-run"))
    assert re.search(r"\d of 8 tasks kept", said(run(source, *rest)))


def test_every_request_counts(chat, tmp_path):
    onlooker = Onlooker()
    chat.answer = lambda r: onlooker(r) if len(r["messages"]) == 5 else "I think so"
    result = run(*words(chat, tmp_path / "out", "--limit", "1"))
    assert "7 of 7 tasks kept" in said(result)
    figures = json.loads((tmp_path / "out/statistics.json").read_text())
    assert figures["calls"] == len(chat.requests) > 100


def test_half_a_character_is_asked_for_anew(chat, tmp_path):
    onlooker = Onlooker()

    def garbled(request: dict[str, Any]) -> dict[str, Any]:
        answer = onlooker(request)
        if "simple_query" in answer and len(request["messages"]) == 1:
            answer["simple_query"] = ["the mug \ud83d on the left"]
        return answer

    chat.answer = garbled
    result = run(*words(chat, tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "8 of 8 tasks kept" in said(result)


def test_a_source_without_anything_to_ask_about_is_told(chat, tmp_path):
    content = json.loads((DATA / "coco.json").read_text())
    crowds = [{**a, "iscrowd": 1} for a in content["annotations"]]
    source = tmp_path / "mine.json"
    _, *rest = words(chat, tmp_path / "out")
    for shown in ([], crowds):
        source.write_text(json.dumps({**content, "annotations": shown}))
        for more in ([], ["--dry-run"]):
            result = run(source, *rest, *more)
            assert result.exit_code == 1
            assert "has no annotation that can be asked about" in said(result)
    assert not (tmp_path / "out").exists()


def test_texts_that_are_left_out_are_counted(chat, tmp_path):
    folder = tmp_path / "grefcoco"
    shutil.copytree(DATA / "grefcoco", folder)
    path = folder / "grefs(unc).json"
    refs = json.loads(path.read_text())
    path.write_text(json.dumps([*refs, {**refs[2], "ref_id": 4, "ann_id": [22]}]))
    images = ["--images", DATA / "pictures", "--address", chat.address, "--model", "seer"]
    result = run(folder, tmp_path / "out", *images, "--dry-run")
    assert "4 texts; 2 tasks 1 texts are left out: they mean crowds" in said(result)
    assert "left out" not in said(run(DATA / "grefcoco", tmp_path / "out", *images, "--dry-run"))


def test_a_server_that_dies_leaves_what_is_done(chat, tmp_path):
    onlooker = Onlooker()
    dead = Said(status=401, body=b"{}")
    chat.answer = lambda r: dead if len(chat.requests) > 20 else onlooker(r)
    result = run(*words(chat, tmp_path / "out", "--workers", "1"))
    assert result.exit_code == 1
    assert "SAM3I_API_KEY" in said(result)
    assert "run again to go on" in said(result)
    answered = [json.dumps(r["messages"]) for r in chat.requests[:20]]
    del chat.requests[:]
    chat.answer = onlooker
    assert run(*words(chat, tmp_path / "out", "--workers", "1")).exit_code == 0
    answered += [json.dumps(r["messages"]) for r in chat.requests]
    assert len(answered) == len(set(answered))
    figures = json.loads((tmp_path / "out/statistics.json").read_text())
    assert figures["calls"] == len(answered)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_run_goes_on_and_pays_for_nothing_twice(chat, tmp_path, how):
    onlooker = Onlooker()

    def slowly(request: dict[str, Any]) -> Said:
        answer = json.dumps(onlooker(request))
        return Said(answer, delay_s=0.05)

    chat.answer = slowly
    command = [sys.executable, "-m", "sam3i_model.cli", "annotate"]
    command += words(chat, tmp_path / "out", "--workers", "2")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    # a shell's background jobs ignore SIGINT, and so would what they start
    interruptible = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, preexec_fn=interruptible
    ) as process:
        end = time.monotonic() + 60
        while len(chat.requests) < 25 and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(how)
        told = process.communicate(timeout=30)[1].decode()
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "run again to go on" in " ".join(told.split())
        assert "Traceback" not in told
    assert 25 <= len(chat.requests) < 60
    assert not (tmp_path / "out/annotations.json").exists()
    time.sleep(0.3)
    result = run(*words(chat, tmp_path / "out", "--workers", "2"))
    assert result.exit_code == 0, result.output
    assert "8 of 8 tasks kept" in said(result)
    bodies = [json.dumps(r["messages"]) for r in chat.requests]
    assert len(bodies) - len(set(bodies)) <= 2  # those on the way when it was killed


def test_what_is_wrong_is_one_line(chat, tmp_path):
    for changed, told in (
        (["--address", "nowhere"], "no address"),
        ([], "can't be read"),
    ):
        source = [str(tmp_path / "missing.json"), str(tmp_path / "out")]
        both = ["--address", chat.address, "--model", "seer", *changed]
        result = run(*source, *both)
        assert result.exit_code == 1
        assert told in said(result)
        assert "Traceback" not in result.output
    lost = run(*words(chat, tmp_path / "lost")[:2], "--address", chat.address, "--model", "seer")
    assert "give --images" in said(lost)


def test_a_model_that_talks_nonsense_drops_tasks_not_the_run(chat, tmp_path):
    chat.replies("I am a teapot")
    result = run(*words(chat, tmp_path / "out"))
    assert result.exit_code == 0
    assert "0 of 8 tasks kept" in said(result)
    figures = json.loads((tmp_path / "out/statistics.json").read_text())
    (why,) = figures["tasks_dropped"]
    assert "no usable answer" in why


def test_a_request_that_is_refused_costs_its_task_alone(chat, tmp_path):
    onlooker = Onlooker()
    refused = Said(status=400, body=b'{"error": {"message": "content filter"}}')
    chat.answer = lambda r: refused if "take green there" in prompt_of(r) else onlooker(r)
    result = run(*words(chat, tmp_path / "out", "--workers", "1"))
    assert result.exit_code == 0, result.output
    assert "7 of 8 tasks kept" in said(result)
    figures = json.loads((tmp_path / "out/statistics.json").read_text())
    (why,) = figures["tasks_dropped"]
    assert "content filter" in why


def test_what_others_made_is_not_written_over(chat, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    theirs = out / "annotations.json"
    shutil.copy(DATA / "coco.json", theirs)
    before = theirs.read_bytes()
    _, *rest = words(chat, out)
    for source, told in (
        (theirs, "its own source"),
        (out, "its own source"),
        (DATA / "coco.json", "not from a run"),
    ):
        result = run(source, *rest)
        assert result.exit_code == 1
        assert told in said(result)
    (out / "journal.jsonl").touch()
    (out / "review.jsonl").touch()
    reviewed = run(*words(chat, out))
    assert reviewed.exit_code == 1
    assert "would lose its corrections" in said(reviewed)
    assert theirs.read_bytes() == before
    assert chat.requests == []


@pytest.mark.parametrize(
    "full",
    [
        "sam3i_model.chat.cache.AnswerCache.put",
        "training.engine.journal.Journal.add",
        "training.engine.command.write",
    ],
)
def test_a_full_disk_is_one_line(chat, tmp_path, monkeypatch, full):
    chat.answer = Onlooker()

    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(full, fail)
        result = run(*words(chat, tmp_path / "out"))
    assert result.exit_code == 1
    assert "No space left on device. What is done is kept: run again" in said(result)
    assert isinstance(result.exception, SystemExit)
    assert "8 of 8 tasks kept" in said(run(*words(chat, tmp_path / "out")))
