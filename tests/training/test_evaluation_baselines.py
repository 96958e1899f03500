"""A checkpoint beside its own base, and beside the agent on a server that answers by script."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from sam3i_model.agent import AgentLimits
from sam3i_model.instruction import Instruction, Level
from sam3i_model.segmenter import Segmenter
from tests.chat_server import Said, images_of, prompt_of
from tests.training.evaluation_samples import (
    GOOD,
    HOSTILE,
    SAMPLES,
    Command,
    Scripted,
    write_data,
)
from training.evaluation import agent_baseline
from training.evaluation.asking import AsRead, BaseAlone, Checkpoint, Examination, collect
from training.instruction_file import InstructionFile

# What the language model says of each sentence: phrases, and the numbers that it keeps.
WITS: dict[str, tuple[list[str], list[int]]] = {
    "box": (["box"], [1, 2]),
    "can": (["can"], [1]),
    HOSTILE: ([], []),
    "the left box": (["box"], [1]),
    "the can without a lid": (["tin", "can"], [1]),
    "the lids": (["lid"], []),  # nothing is found: other phrases are asked for, twice in all
}
CALLS = {"box": 2, "can": 2, HOSTILE: 1, "the left box": 2, "the can without a lid": 2}
CALLS["the lids"] = 2


def wits(request: dict[str, Any]) -> dict[str, Any]:
    prompt = prompt_of(request)
    text = re.search(r'says of this picture: "(.*)"\n', prompt)[1]  # type: ignore[index]
    phrases, keep = WITS[text]
    if "numbered candidates" in prompt:
        assert len(images_of(request)) == 2
        return {"keep": keep}
    return {"phrases": [f"{p}s" for p in phrases] if "found nothing" in prompt else phrases}


@pytest.fixture
def run(tmp_path, monkeypatch) -> Command:
    """`good` needs its adapters for the left box: its base alone says both."""
    both = {"the left box": GOOD["box"]}
    good = Scripted("good", GOOD, ("concept", "simple"), both)
    adapted = Scripted("adapted", GOOD, ("simple",))
    data = write_data(tmp_path, SAMPLES)
    return Command(data, {"good": good, "adapted": adapted}, monkeypatch)


@pytest.fixture
def agent(run, chat, tmp_path):
    """Runs the comparison with the agent in one folder, again and again."""

    def call(*options: object):
        asked = ("--address", chat.address, "--llm", "seer", "--out", tmp_path / "out")
        return run("good", "--baseline", "agent", *asked, *options)

    chat.answer = wits
    return call


def agent_rows(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows of the agent by sentence."""
    lines = (folder / "out/agent.jsonl").read_text().splitlines()[1:]
    return {row["text"]: row for line in lines for row in json.loads(line)["rows"]}


def test_base_alone_answers_everything_as_a_concept(run, tmp_path):
    out = tmp_path / "out"
    result = run("good", "--baseline", "base", "--out", out)
    assert result.exit_code == 0
    assert "beside good without adapters" in result.output
    assert "concept answers: all 3 identical bit for bit" in result.output
    against = json.loads((out / "figures.json").read_text())["against"]
    assert against["model"] == "good without adapters"
    # One of three simple sentences: the left box is half of what the base says.
    assert against["differences"]["level"]["simple"]["giou"] == pytest.approx(0.5 / 3, abs=1e-4)
    assert against["differences"]["level"]["concept"]["giou"] == 0
    assert (out / "base.jsonl").exists()
    refused = run("adapted", "--baseline", "base")
    assert refused.exit_code == 1
    assert "was not trained for concepts" in refused.output


def test_base_of_the_bundled_checkpoint_never_meets_an_adapter(tmp_path):
    segmenter = Segmenter.from_pretrained("bundled", "cpu")
    source = InstructionFile(write_data(tmp_path, SAMPLES))
    asked = Examination(source, ("concept", "simple"), 3)
    adapted, base = (collect(one(segmenter), asked) for one in (Checkpoint, BaseAlone))
    segmenter.set_image(source[0].rgb)
    as_concept = segmenter.ground([Instruction("the left box", level=Level.CONCEPT)])[0]
    row = next(row for row in base if row.text == "the left box")
    assert row.presence == pytest.approx(as_concept.presence, abs=1e-4)
    assert row.level == "simple"
    assert row.presence != next(r for r in adapted if r.text == row.text).presence
    for one, other in zip(adapted, base, strict=True):
        assert one.level == "simple" or one == other


def test_what_the_node_asks_stands_beside_what_is_meant(run, tmp_path):
    out = tmp_path / "out"
    result = run("good", "--baseline", "router", "--out", out)
    assert result.exit_code == 0, result.output
    assert "beside good as the node asks it" in result.output
    assert (out / "router.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "level", "words"),
    [
        ("red boxes", Level.CONCEPT, "red boxes"),
        ("could you hand me the red box, please?", Level.SIMPLE, "the red box"),
    ],
)
def test_level_and_words_that_are_read_need_not_be_those_that_were_meant(
    tmp_path, text, level, words
):
    segmenter = Segmenter.from_pretrained("bundled", "cpu")
    source = InstructionFile(write_data(tmp_path, [("a", text, [(0, 10)], {})]))
    asked = Examination(source, ("simple",), 1)
    ((meant,), (read,)) = (collect(one(segmenter), asked) for one in (Checkpoint, AsRead))
    assert meant.level == read.level == "simple"
    segmenter.set_image(source[0].rgb)
    (as_read,) = segmenter.ground([Instruction(words, level=level)])
    assert read.presence == pytest.approx(as_read.presence, abs=1e-4)
    assert read.presence != meant.presence


def test_the_agent_stands_beside_the_checkpoint(agent, chat, tmp_path):
    result = agent()
    assert result.exit_code == 0, result.output
    assert (
        "agent (seer): 6 sentences about 3 pictures to ask, 36 calls of the language model at the "
        "very most" in result.output
    )
    rows = agent_rows(tmp_path)
    assert {text: row["calls"] for text, row in rows.items()} == CALLS
    assert sum(CALLS.values()) == len(chat.requests) == 11
    assert all(row["seconds"] > 0 for row in rows.values())
    assert [rows[text]["outcome"] for text in WITS] == [
        *("FOUND", "FOUND", "NOT_FOUND", "FOUND", "FOUND", "NOT_FOUND"),
    ]
    assert rows["the can without a lid"]["detail"].startswith("by seer as tin, can: 2 calls")
    figures = json.loads((tmp_path / "out/figures.json").read_text())
    assert "concepts" in figures["against"]
    assert figures["against"]["concepts"] is None
    summed = figures["against"]["answers"]["all"]
    assert (summed["sentences"], summed["calls"]) == (6, 11)
    assert summed["outcomes"] == {"FOUND": 4, "NOT_FOUND": 2, "AMBIGUOUS": 0, "REJECTED": 0}
    assert summed["seconds"] == pytest.approx(
        sum(row["seconds"] for row in rows.values()), abs=0.01
    )
    assert figures["answers"]["all"]["calls"] == 0
    # The agent finds the whole can, the checkpoint half of it; neither finds a lid.
    assert figures["against"]["figures"]["level"]["simple"]["giou"] == pytest.approx(
        2 / 3, abs=1e-4
    )
    table = result.output[result.output.index("answers") :]
    assert re.search(r"agent \(seer\): all +6 +4 +2 +0 +0 +[\d.]+ +[\d.]+ +11 *\n", table)
    page = (tmp_path / "out/report.html").read_text()
    assert "2 calls, " in page
    assert "by seer as tin, can" in page
    assert re.search(r"<td>agent \(seer\): all</td><td>6</td>.*<td>11</td>", page)
    listed = page[page.index("one by one") :]
    assert re.search(r">the lids</td><td>simple</td><td>2</td>.*<td>2</td></tr>", listed)


def test_nothing_is_paid_twice(agent, chat, tmp_path):
    def until(request: dict[str, Any]) -> Any:
        refused = Said(b"", status=401, body=b'{"error": {"message": "no credit left"}}')
        return wits(request) if len(chat.requests) <= 6 else refused

    chat.answer = until
    stopped = agent()
    assert stopped.exit_code == 1
    assert "refuses the key (401)" in stopped.output
    assert "What is done is kept: run again to go on" in stopped.output
    assert not (tmp_path / "out/report.html").exists()
    done = agent_rows(tmp_path)
    assert list(done) == ["box", "the left box", "can"]  # six requests

    chat.requests.clear()
    chat.answer = wits
    again = agent()
    assert again.exit_code == 0
    assert "3 sentences about 3 pictures to ask, 18 calls" in again.output
    assert len(chat.requests) == 11 - 6
    assert {text: row["calls"] for text, row in agent_rows(tmp_path).items()} == CALLS
    chat.requests.clear()
    assert agent().exit_code == 0
    assert chat.requests == []


def test_a_sentence_that_was_half_paid_goes_on_where_it_stopped(agent, chat, tmp_path):
    def until(request: dict[str, Any]) -> Any:
        return wits(request) if len(chat.requests) <= 3 else Said(status=403)

    chat.answer = until
    assert agent().exit_code == 1
    assert list(agent_rows(tmp_path)) == ["box"]
    chat.requests.clear()
    chat.answer = wits
    assert agent().exit_code == 0
    # The phrases for the left box come from the cache, and count as a call all the same.
    assert len(chat.requests) == 11 - 3
    assert agent_rows(tmp_path)["the left box"]["calls"] == 2


def test_another_language_model_needs_another_folder(agent):
    assert agent().exit_code == 0
    refused = agent("--llm", "thinker")
    assert refused.exit_code == 1
    assert "begun with another language model (seer, not thinker)" in refused.output


def test_no_usable_answer_counts_as_wrong(agent, chat, tmp_path):
    chat.replies("Let me think about that.")
    assert agent().exit_code == 0
    rows = agent_rows(tmp_path)
    assert {row["outcome"] for row in rows.values()} == {"REJECTED"}
    assert {row["iou"] for row in rows.values()} == {0.0}
    assert {row["calls"] for row in rows.values()} == {3}  # told twice what is wrong
    assert "no usable answer in 3 tries" in rows["box"]["detail"]
    figures = json.loads((tmp_path / "out/figures.json").read_text())
    assert figures["against"]["figures"]["level"]["concept"]["n_acc"] == 0


def test_a_sentence_that_alone_is_refused_counts_as_wrong(agent, chat, tmp_path):
    """Even the one that an evaluation begins with."""
    filtered = Said(status=400, body=b'{"error": {"message": "content filter"}}')

    def prude(request: dict[str, Any]) -> Any:
        prompt = prompt_of(request)
        if 'says of this picture: "box"' in prompt:
            return filtered
        return wits(request) if "says of this picture" in prompt else {}

    chat.answer = prude
    result = agent()
    assert result.exit_code == 0, result.output
    rows = agent_rows(tmp_path)
    assert [text for text, row in rows.items() if row["outcome"] == "REJECTED"] == ["box"]
    assert "content filter" in rows["box"]["detail"]
    assert {text: row["calls"] for text, row in rows.items()} == CALLS


def test_a_server_that_refuses_everything_ends_the_evaluation(agent, chat, tmp_path):
    chat.replies(Said(status=400, body=b'{"error": {"message": "no images, please"}}'))
    result = agent()
    assert result.exit_code == 1
    assert "no images, please. What is done is kept" in " ".join(result.output.split())
    assert agent_rows(tmp_path) == {}


def test_requests_that_were_put_off_are_no_calls(agent, chat, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)

    def busy(request: dict[str, Any]) -> Any:
        return wits(request) if len(chat.requests) % 3 == 0 else Said(status=429, body=b"{}")

    chat.answer = busy
    assert agent().exit_code == 0
    assert len(chat.requests) == 3 * 11
    assert {text: row["calls"] for text, row in agent_rows(tmp_path).items()} == CALLS


def test_a_silent_server_ends_the_evaluation(agent, chat, tmp_path, monkeypatch):
    monkeypatch.setattr(agent_baseline, "LIMITS", AgentLimits(calls=6, seconds=0.3))
    chat.replies(Said("{}", delay_s=20))
    result = agent()
    assert result.exit_code == 1
    assert "run again to go on" in result.output
    assert agent_rows(tmp_path) == {}


def test_a_dry_run_asks_nothing_and_leaves_nothing(agent, chat, run, tmp_path):
    result = agent("--dry-run")
    assert result.exit_code == 0
    assert "36 calls" in result.output
    assert "good: 6 sentences about 3 pictures to ask" in result.output
    assert chat.requests == []
    assert run.models["good"].pictures == 0
    assert not (tmp_path / "out").exists()
    agent()
    assert "good: 0 sentences" in agent("--dry-run").output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--baseline", "agent", "--llm", "seer", "--out", "o"], "give --address"),
        (["--baseline", "agent", "--address", "http://x/v1", "--out", "o"], "and --llm"),
        (["--baseline", "agent", "--address", "http://x/v1", "--llm", "seer"], "give --out"),
        (["--baseline", "agent", "--address", "x", "--llm", "s", "--out", "o"], "is no address"),
        (["--baseline", "base", "--llm", "seer"], "give --baseline agent as well"),
        (["--against", "good", "--baseline", "base"], "give one of them"),
    ],
)
def test_options_that_do_not_go_together(run, options, said):
    result = run("good", *options)
    assert result.exit_code == 1
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_the_key_goes_to_the_server_and_nowhere_else(agent, chat, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM3I_API_KEY", "a-secret-key")
    result = agent()
    assert chat.headers[0]["Authorization"] == "Bearer a-secret-key"
    assert "a-secret-key" not in result.output
    kept = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(kept) > 10
    assert not any(b"a-secret-key" in path.read_bytes() for path in kept)
