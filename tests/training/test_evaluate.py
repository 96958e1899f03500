"""Evaluations of scripted answers: figures by group, resuming, comparing, and the page."""

from __future__ import annotations

import fcntl
import json
import os
import re
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.training.evaluation_samples import (
    GOOD,
    HEIGHT,
    HOSTILE,
    SAMPLES,
    WIDTH,
    Command,
    Scripted,
    span,
    write_data,
)
from training import evaluate as evaluation
from training.evaluation.asking import Checkpoint, Examination, collect, evaluate
from training.evaluation.rows import Row, RowFile
from training.evaluation.splits import tables
from training.evaluation.thresholds import ask_about
from training.instruction_file import InstructionFile

OURS = evaluation.PROTOCOLS["ours"]


@pytest.fixture
def data(tmp_path) -> Path:
    return write_data(tmp_path, SAMPLES)


@pytest.fixture
def run(data, monkeypatch) -> Command:
    """With the checkpoints `good`, `bad` and `narrow`."""
    worse = {**GOOD, "can": span(5, 15), HOSTILE: span(0, 3)}
    models = {
        "good": Scripted("good", GOOD, ("concept", "simple")),
        "bad": Scripted("bad", worse, ("concept", "simple")),
        "narrow": Scripted("narrow", GOOD, ("complex",)),
    }
    return Command(data, models, monkeypatch)


@contextmanager
def room(most: int) -> Iterator[None]:
    """No file may grow beyond so many bytes, as on a full disk."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def ask(segmenter: Any, source: InstructionFile, path: Path | None = None) -> list[Row]:
    """All of the samples, as the command asks them."""
    checkpoint = Checkpoint(segmenter)
    file = RowFile(path, checkpoint.identity()) if path else None
    return collect(checkpoint, Examination(source, ("concept", "simple"), 3), file)


def test_figures_of_every_group(data):
    rows = evaluate(Scripted("good", GOOD, ()), InstructionFile(data), range(3))
    found = tables(rows, OURS)
    assert {split: list(groups) for split, groups in found.items()} == {
        "level": ["concept", "simple", "all"],
        "granularity": ["simple: 1to1", "simple: 1toN"],
        "family": ["simple: <b>", "simple: negation", "simple: side"],
        "object or part": ["simple: object", "simple: part"],
        "size": ["simple: medium", "simple: large"],
    }
    assert [found["level"][name]["giou"] for name in ("concept", "simple", "all")] == [1, 0.5, 0.75]
    assert found["family"]["simple: negation"]["giou"] == 0.5
    assert found["object or part"]["simple: part"]["t_acc"] == 0
    assert found["level"]["concept"]["n_acc"] == 1
    assert found["level"]["simple"]["n_acc"] is None


def test_one_certain_thing_is_asked_for_as_such(tmp_path):
    picture, text, meant, fields = SAMPLES[0]
    data = [(picture, text, meant[:1], {**fields, "single": True}), SAMPLES[1]]
    source = InstructionFile(write_data(tmp_path, data))
    asked: list[tuple[str, int, float]] = []

    class Noted(Scripted):
        def ground(self, instructions):
            asked.extend((i.text, i.max_instances, i.threshold) for i in instructions)
            return super().ground(instructions)

    segmenter: Any = Noted("good", GOOD)
    collect(Checkpoint(segmenter), Examination(source, ("concept",), 2))
    assert asked == [("box", 1, 0), ("can", 0, 0)]
    asked.clear()
    ask_about(segmenter, source, range(2), ("concept",))  # to calibrate
    assert asked == [("box", 1, 0.1), ("can", 0, 0.1)]


def test_a_killed_evaluation_goes_on_where_it_stopped(data, tmp_path, monkeypatch):
    source = InstructionFile(data)
    whole = ask(Scripted("good", GOOD), source)

    class Killed(InstructionFile):
        def __getitem__(self, index: int):
            if index == 2:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    path = tmp_path / "out" / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        ask(Scripted("good", GOOD), Killed(data), path)
    # A kill in the middle of a line: the second picture is asked about anew.
    path.write_bytes(path.read_bytes()[:-20])
    again = Scripted("good", GOOD)
    assert ask(again, source, path) == whole
    assert again.pictures == 2
    assert ask(again, source, path) == whole
    assert again.pictures == 2
    assert len(path.read_text().splitlines()) == 4


def test_a_picture_goes_on_where_it_stopped(data, tmp_path, monkeypatch):
    source = InstructionFile(data)
    whole = ask(Scripted("good", GOOD), source)
    monkeypatch.setattr(Checkpoint, "batch", 1)
    path = tmp_path / "rows.jsonl"
    assert ask(Scripted("good", GOOD), source, path) == whole
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) == 1 + 6
    path.write_text("".join(lines[:4]))  # the second picture lacks its second sentence
    checkpoint = Checkpoint(Scripted("good", GOOD))
    file = RowFile(path, checkpoint.identity())
    asked = Examination(source, ("concept", "simple"), 3)
    assert (file.begun, file.done, asked.left(file)) == ({0: 2, 1: 1}, {0}, 3)
    assert collect(checkpoint, asked, file) == whole
    assert path.read_text().splitlines()[:4] == [line.rstrip() for line in lines[:4]]


def test_an_interrupted_evaluation_says_what_is_kept(run, tmp_path, monkeypatch):
    real, stops = Scripted.ground, iter([False, True, False, True, False, False])

    def interrupted(self, instructions):
        if next(stops):
            raise KeyboardInterrupt
        return real(self, instructions)

    monkeypatch.setattr(Scripted, "ground", interrupted)
    out = tmp_path / "out"
    for options, then in [
        ((), "nothing is kept: it would be with --out"),
        (("--out", out), f"what is done is kept in {out}: the same command goes on"),
    ]:
        result = run("good", *options)
        assert result.exit_code == 130, result.output
        assert result.stderr == f"stopped; {then}\n"
    assert run("good", "--out", out).exit_code == 0
    assert list(stops) == []  # two of three pictures were left to ask about


def test_pictures_without_questions_are_done(data, tmp_path):
    checkpoint = Checkpoint(Scripted("good", GOOD))
    asked = Examination(InstructionFile(data), ("complex",), 3)
    file = RowFile(tmp_path / "rows.jsonl", {})
    assert collect(checkpoint, asked, file) == []
    assert file.done == {0, 1, 2}


def test_two_at_once_do_not_write_the_same_rows(run, tmp_path):
    out = tmp_path / "out"
    assert run("good", "--out", out).exit_code == 0
    held = (out / "rows.jsonl").open("rb")
    fcntl.flock(held, fcntl.LOCK_EX)
    told = run("good", "--out", out)
    assert told.exit_code == 1
    assert "another evaluation is writing" in told.output
    held.close()
    assert run("good", "--out", out).exit_code == 0
    assert run.models["good"].pictures == 3


def test_a_dry_run_only_reads_what_another_evaluation_is_writing(run, tmp_path):
    out = tmp_path / "out"
    assert run("good", "--out", out).exit_code == 0
    rows = out / "rows.jsonl"
    half = rows.read_bytes()[:-20]  # the other has not written all of the last picture's line
    rows.write_bytes(half)
    with rows.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        told = run("good", "--out", out, "--dry-run")
    assert told.exit_code == 0, told.output
    assert "good: 2 sentences about 3 pictures to ask" in told.output
    assert rows.read_bytes() == half


def test_command_writes_figures_and_page(run, tmp_path):
    out = tmp_path / "out"
    result = run("good", "--out", str(out))
    assert result.exit_code == 0
    assert re.search(r"concept +3 +1 +1\.000", result.output)
    figures = json.loads((out / "figures.json").read_text())
    assert figures["figures"]["level"]["simple"]["giou"] == 0.5
    assert figures["sentences"] == "6"
    assert "against" not in figures
    run("good", "--out", str(out))
    assert run.models["good"].pictures == 3
    refused = run("good", "--out", str(out), "--levels", "simple")
    assert refused.exit_code == 1
    assert "was begun with another levels" in refused.output.replace("\n", " ")


def test_a_page_that_cannot_be_written_is_one_line_and_the_rows_are_kept(run, tmp_path):
    out = tmp_path / "out"
    (out / "report.html").mkdir(parents=True)
    told = run("good", "--out", out)
    assert told.exit_code == 1
    assert "Is a directory" in told.output
    assert re.search(r"concept +3 +1 +1\.000", told.output)  # figures are shown before
    (out / "report.html").rmdir()
    with room(100):
        full = run("good", "--out", out)
    assert full.exit_code == 1
    assert "File too large" in full.output
    assert not (out / "report.html").exists()
    assert run("good", "--out", out).exit_code == 0
    assert run.models["good"].pictures == 3


def test_a_row_that_cannot_be_written_is_one_line_and_the_rows_before_are_kept(run, tmp_path):
    assert run("good", "--out", tmp_path / "whole").exit_code == 0
    lines = (tmp_path / "whole/rows.jsonl").read_bytes().splitlines(keepends=True)
    out = tmp_path / "out"
    with room(sum(map(len, lines[:2])) + 9):
        full = run("good", "--out", out)
    assert isinstance(full.exception, SystemExit)
    assert full.exit_code == 1
    assert "File too large" in full.output
    run.models["good"].pictures = 0
    assert run("good", "--out", out).exit_code == 0
    assert run.models["good"].pictures == 2


def test_other_pictures_are_refused(run, tmp_path):
    out = tmp_path / "out"
    assert run("good", "--out", out).exit_code == 0
    other = tmp_path / "other"
    other.mkdir()
    for name in "abc":
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 9, np.uint8)).save(other / f"{name}.png")
    refused = run("good", "--out", out, "--images", other)
    assert refused.exit_code == 1
    assert "was begun with another data" in refused.output.replace("\n", " ")
    assert run.models["good"].pictures == 3


def test_rows_about_other_questions_are_not_compared(run, tmp_path):
    out = tmp_path / "out"
    assert run("good", "--out", out).exit_code == 0
    rows = out / "rows.jsonl"
    rows.write_text(rows.read_text().replace("the left box", "the right box"))
    refused = run("good", "--out", out, "--against", "bad")
    assert refused.exit_code == 1
    assert "about different questions: give another --out" in refused.output.replace("\n", " ")


def test_the_bundled_checkpoint_can_be_evaluated(data, tmp_path):
    segmenter = evaluation.Segmenter.from_pretrained("bundled", "cpu")
    rows = ask(segmenter, InstructionFile(data), tmp_path / "rows.jsonl")
    assert [row.picture for row in rows] == [0, 0, 1, 1, 2, 2]
    assert {row.text for row in rows} == {text for _, text, *_ in SAMPLES}
    assert {row.outcome for row in rows} <= {"FOUND", "NOT_FOUND", "AMBIGUOUS"}
    assert all(row.seconds > 0 for row in rows)
    assert ask(segmenter, InstructionFile(data), tmp_path / "rows.jsonl") == rows


def test_levels_are_checked(run):
    assert "no questions of the level complex" in run("good", "--levels", "complex").output
    assert "nothing to ask" in run("narrow").output
    told = run("narrow", "--levels", "simple, concept")
    assert told.exit_code == 0
    assert "not asked: concept" in run("good", "--levels", "simple").output


def test_no_sentence_is_no_evaluation(run, tmp_path):
    run.data = write_data(tmp_path, [("a", "the can", [], {}), ("b", "can", [], {})])
    told = run("good", "--levels", "concept", "--pictures", "1", "--out", tmp_path / "out")
    assert told.exit_code == 1
    assert "nothing to ask of concept about the first 1 pictures" in " ".join(told.output.split())
    assert not (tmp_path / "out/report.html").exists()


def test_official_protocol(run, tmp_path):
    out = tmp_path / "out"
    assert run("good", "--protocol", "official", "--out", str(out)).exit_code == 0
    figures = json.loads((out / "figures.json").read_text())["figures"]["level"]
    # Concept: each of two boxes against the answer for both, and the can; the absent counts 0.
    assert figures["concept"]["giou"] == pytest.approx(100 * (0.5 + 0.5 + 1) / 3, abs=0.01)
    assert figures["concept"]["multi_giou"] == pytest.approx(200 / 3, abs=0.01)


def test_the_official_protocol_asks_what_the_official_script_asks(run, tmp_path):
    content = json.loads(run.data.read_text())
    content["images"][0]["negative"] = {"concept": ["mug"], "simple_query": ["the red mug"]}
    content["images"][3]["text_inst_input"]["simple_query"] += ["the box on the left"]
    run.data.write_text(json.dumps(content))
    texts = {}
    for protocol in ("ours", "official"):
        out = tmp_path / protocol
        assert run("good", "--protocol", protocol, "--out", out).exit_code == 0
        lines = map(json.loads, (out / "rows.jsonl").read_text().splitlines()[1:])
        texts[protocol] = [row["text"] for line in lines for row in line["rows"]]
    assert sorted(texts["official"]) == sorted(text for _, text, *_ in SAMPLES)
    more = {"mug", "the red mug", "the box on the left"}
    assert set(texts["ours"]) - set(texts["official"]) == more


def test_page_is_self_contained_and_escapes_sentences(run, tmp_path):
    out = tmp_path / "out"
    run("bad", "--against", "good", "--out", str(out))
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert "<b>:" not in page
    assert "simple: &lt;b&gt;" in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;quoted&#34;" in page
    sources: list[str | None] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: sources.extend(
        value for name, value in attributes if name in ("src", "href", "srcset", "action")
    )
    parser.feed(page)
    assert len(sources) == 2 * 3 + 2 + 1 + 2 + 2  # two triples, then worst and best of each level
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources if source)
    assert "default-src 'none'" in page


def test_names_of_any_length_leave_the_tables_legible(run, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    run.models["good"].name = "/home/someone/checkpoints/runs/stage-3/" + "a-long-name-" * 5
    run("bad", "--against", "good", "--out", tmp_path / "out")
    measure = "[...document.querySelectorAll('.plain tr:first-child th')].map(th => th.offsetWidth)"
    with sync_api.sync_playwright() as driver:
        safe = ["--no-sandbox"] if os.geteuid() == 0 else []
        page = driver.chromium.launch(executable_path=browser, args=safe).new_page()
        page.goto((tmp_path / "out/report.html").as_uri())
        page.evaluate("document.querySelector('details').open = true")
        for width in (500, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            widths = page.evaluate(measure)
            answers, pairs = widths[:9], widths[9:]
            assert (len(pairs), min(answers[0], pairs[0]) >= 12 * 16) == (9, True)
            assert max(pairs[4], pairs[6]) <= 9 * 16
