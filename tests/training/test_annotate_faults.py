"""`sam3i annotate` where something goes wrong: servers, answers, disks, runs that are ended."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.chat_server import Said, prompt_of
from tests.conftest import PROJECT
from tests.training.annotate_samples import DATA, Onlooker, run, said, words


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
