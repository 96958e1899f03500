"""Two checkpoints side by side: what is better, worse, the same, or luck."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from math import comb
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.training.evaluation_samples import (
    GOOD,
    SAMPLES,
    Answers,
    Command,
    Said,
    Scripted,
    span,
    write_data,
)
from training.evaluate import PROTOCOLS
from training.evaluation import report, terminal
from training.evaluation.asking import evaluate
from training.evaluation.compare import Comparison, compare, sameness
from training.evaluation.noise import chance_of_loss, margin
from training.evaluation.rows import Row
from training.evaluation.splits import tables
from training.instruction_file import InstructionFile

OURS = PROTOCOLS["ours"]


def test_chance_is_worked_out_exactly_for_few_pictures():
    # Of eight ways to choose signs, two have a total of at most -0.5: (-.5, -.2, +.2) as it is,
    # and with the last two exchanged; and (-.5, -.2, -.2).
    assert chance_of_loss([-0.5, -0.2, 0.2], [0, 1, 2]) == 3 / 8
    assert chance_of_loss([-0.5], [0]) == 0.5
    assert chance_of_loss([-1.0] * 6, range(6)) == 1 / 64
    # Six sentences about one picture are one draw.
    assert chance_of_loss([-1.0] * 6, [4] * 6) == 0.5
    assert chance_of_loss([-1.0, 1.0, 0.0], [0, 0, 1]) == 1
    assert chance_of_loss([0.3] * 5, range(5)) == 1


def test_chance_of_many_is_that_of_the_sign_test():
    changes = [-1.0] * 26 + [1.0] * 14 + [0.0] * 60
    sign_test = sum(comb(40, losses) for losses in range(26, 41)) / 2**40
    found = chance_of_loss(changes, range(100))
    assert found == pytest.approx(sign_test, abs=0.005)  # 1.96 standard errors of 10,000 draws
    assert chance_of_loss(changes, range(100)) == found


def test_luck_is_called_worse_about_as_often_as_it_should_be():
    random = np.random.default_rng(5)
    chances = [chance_of_loss(random.normal(size=10), range(10)) for _ in range(600)]
    assert np.mean(np.array(chances) < 0.025) == pytest.approx(0.025, abs=0.0125)


def test_margin_counts_pictures_as_draws():
    changes = [-0.5, 0.0, 0.25, 0.25]
    alone = 1.96 * np.std(changes, ddof=1) / 4**0.5
    assert margin(changes, [0, 1, 2, 3]) == pytest.approx(alone)
    # Every sentence twice tells no more than once, but for K / (K - 1).
    assert margin(changes * 2, [0, 1, 2, 3] * 2) == pytest.approx(alone)
    assert margin(changes, [7, 7, 7, 7]) is None


def twelve(meant: list[tuple[int, int]]) -> list[Said]:
    """Twelve pictures with a can and a box that isn't there."""
    return [
        (f"p{n}", text, spans, {})
        for n in range(12)
        for text, spans in (("can", meant), ("box", []), (f"the can {n}", meant))
    ]


@pytest.fixture
def run(tmp_path, monkeypatch) -> Command:
    """Old and new checkpoints; `lucky` differs in one picture only."""
    data = write_data(tmp_path, twelve([(0, 10)]))
    can: Answers = {"can": span(0, 10), "the can 3": span(0, 10)}
    models = {
        "old": Scripted("old", can, ("concept", "simple")),
        "new": Scripted("new", {"can": span(5, 15), "box": span(0, 1)}, ("concept", "simple")),
        "lucky": Scripted("lucky", {"can": span(0, 10)}, ("concept", "simple")),
    }
    return Command(data, models, monkeypatch)


def test_what_got_worse_is_said_in_red(run, tmp_path):
    out = tmp_path / "out"
    result = run("new", "--against", "old", "--out", out, "--fail-on-regression")
    assert result.exit_code == 3
    output = result.output
    # Twelve of twelve worse: one of 4,096 ways to choose signs.
    assert "WORSE: concept: gIoU 0.1667 against 1.0000 (p = 0.00024)" in output
    assert "WORSE: absent, concept: N-acc 0.0000 against 1.0000 (p = 0.00024)" in output
    assert "concept answers: not identical; of 24, 24 have other masks and 12 other" in output
    against = json.loads((out / "figures.json").read_text())["against"]
    assert against["watched"][0] == {
        "what": "concept: gIoU",
        "now": pytest.approx(1 / 6),
        "before": 1.0,
        "chance": 1 / 4096,
        "worse": True,
    }
    assert against["differences"]["level"]["concept"]["giou"] == -0.8333
    assert against["concepts"]["identical"] is False
    page = (out / "report.html").read_text()
    alarm = page[page.index('class="alarm"') : page.index("Worst regressions")]
    assert "Worse than old where it must not be" in alarm
    assert "concept: gIoU 0.1667 against 1.0000" in alarm
    assert "25 of 36 sentences lost IoU" in page
    pairs = page[page.index("Worst regressions") : page.index("Concept: worst")]
    assert pairs.count("<figure>") == 10
    assert pairs.count('<img src="data:image/jpeg') == 30
    assert "36 of 36 sentences, one by one" in page


def test_what_may_be_luck_is_no_alarm(run, tmp_path):
    result = run("lucky", "--against", "old", "--out", tmp_path / "out", "--fail-on-regression")
    assert result.exit_code == 0
    assert "WORSE" not in result.output
    assert "not worse: concept: gIoU 1.0000 against 1.0000" in result.output
    assert "concept answers: all 24 identical bit for bit, masks and scores" in result.output
    figures = json.loads((tmp_path / "out/figures.json").read_text())
    assert figures["against"]["differences"]["level"]["simple"]["giou"] == -0.0833
    page = (tmp_path / "out/report.html").read_text()
    assert 'role="alert"' not in page
    assert "not worse than old" in page


def test_both_sides_stand_beside_each_other(run):
    output = run("new", "--against", "old").output
    table = output[output.index("beside old") :]
    cells = re.search(r" concept +(.+)", table)[1].split()  # type: ignore[index]
    giou, n_acc, t_acc = cells[:5], cells[5:8], cells[8:]
    assert giou == ["0.167", "1.000", "-0.833", "±", "0.000"]
    assert n_acc == ["0.000", "1.000", "-1.000"]
    assert t_acc == ["1.000", "1.000", "+0.000"]


@pytest.mark.parametrize("protocol", PROTOCOLS.values())
def test_a_narrow_terminal_shows_every_number_whatever_the_names(tmp_path, protocol):
    rows = [
        replace(row, family="y" * 64 if row.family == "side" else row.family)
        for row in asked(tmp_path, GOOD)
    ]
    own = tables(rows, protocol)
    rival = "/home/someone/checkpoints/runs/stage-3/" + "a-long-name" * 5
    found = compare(rows, rows, rival, (own, own))
    shown = io.StringIO()
    console = Console(file=shown, width=80, force_terminal=True, color_system=None)
    terminal.show(console, rows, own, protocol, found)
    told = shown.getvalue()
    assert max(map(len, told.splitlines())) <= 80
    one = re.escape(report.number(own["level"]["all"]["giou"], protocol.decimals))
    assert re.search(rf" all +6 +1 +{one}", told)
    assert re.search(rf" all +{one} +{one} +\+0\.00", told)
    assert len(re.findall(r"all +6 +\d+ +\d+ +0 +0 +\d+\.\d +\d+\.\d{3} +0 ", told)) == 2


def test_what_rounds_to_no_difference_is_not_coloured_as_a_loss(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    others = asked(tmp_path, GOOD)
    rows = [replace(row, iou=0.9993) if row.text == "box" else row for row in others]
    figures, found = tables(rows, OURS), pair(rows, others)
    shown, page = io.StringIO(), tmp_path / "page.html"
    terminal.show(Console(file=shown, width=200), rows, figures, OURS, found)
    assert "\x1b[2m+0.000" in shown.getvalue()  # dim
    assert "\x1b[31m+0.000" not in shown.getvalue()  # red
    source = InstructionFile(write_data(tmp_path, SAMPLES))
    report.write_report(page, rows, figures, OURS, source, {"model": "new"}, found)
    assert ">+0.000" in page.read_text()
    assert 'bad">+0.000' not in page.read_text()


def test_a_loss_within_noise_is_told(tmp_path):
    rows, others = asked(tmp_path, GOOD), asked(tmp_path, GOOD)
    worse = [replace(row, iou=0.5) if row.text == "box" else row for row in rows]
    watched = pair(worse, others).watched[0]
    assert not watched.worse
    assert str(watched) == "concept: gIoU 0.8333 against 1.0000 (within noise, p = 0.5)"


def asked(folder: Path, answers: Answers) -> list[Row]:
    return evaluate(Scripted("m", answers), InstructionFile(write_data(folder, SAMPLES)), range(3))  # type: ignore[arg-type]


def pair(rows: list[Row], others: list[Row]) -> Comparison:
    return compare(rows, others, "old", (tables(rows, OURS), tables(others, OURS)))


def test_differences_have_a_margin(tmp_path):
    good, bad = asked(tmp_path, GOOD), asked(tmp_path, {**GOOD, "box": span(0, 10)})
    found = pair(bad, good)
    # Changes of the three concepts: -0.5, 0, 0.
    assert found.margins["level"]["concept"] == pytest.approx(
        1.96 * np.std([-0.5, 0, 0], ddof=1) / 3**0.5, abs=1e-4
    )
    assert found.margins["family"]["simple: side"] is None
    assert [(row.text, row.iou, other.iou) for row, other in found.regressions] == [
        ("box", 0.5, 1.0)
    ]
    with pytest.raises(ValueError, match="different questions"):
        compare(bad, good[1:], "old", (tables(bad, OURS), tables(good, OURS)))


def test_the_last_bit_of_a_score_counts(tmp_path):
    rows = asked(tmp_path, GOOD)
    assert sameness(list(zip(rows, rows, strict=True))).identical
    score = rows[0].scores[0]
    nearly = (float(np.nextafter(np.float32(score), np.float32(1))), *rows[0].scores[1:])
    others = [replace(rows[0], scores=nearly), *rows[1:]]
    found = sameness(list(zip(rows, others, strict=True)))
    assert (found.sentences, found.answers, found.scores) == (3, 0, 1)
    assert found.largest == pytest.approx(2**-24)
    assert not found.identical
    assert str(found).endswith("other scores (by 6e-08 at most)")
    fewer = [replace(row, scores=row.scores[1:], answer=row.answer[1:]) for row in rows[:1]]
    unlike = sameness(list(zip(rows[:1], fewer, strict=True)))
    assert unlike.largest is None  # there is no telling which is which
    assert str(unlike).endswith("of 1, 1 have other masks and 1 other scores")
    # Simple sentences may differ as they like; without concepts nothing is said to be the same.
    simple = [row for row in rows if row.level == "simple"]
    none = sameness(list(zip(simple, simple, strict=True)))
    assert ("none were asked" in str(none), none.identical) == (True, False)
    refused = [replace(row, outcome="REJECTED") for row in rows]
    assert sameness(list(zip(rows, refused, strict=True))).answers == 3


def test_failing_needs_a_rival(run):
    result = run("new", "--fail-on-regression")
    assert result.exit_code == 1
    assert "give --against or --baseline" in result.output


def test_where_nothing_can_get_worse_nothing_is_called_not_worse(run, tmp_path):
    out = tmp_path / "out"
    run.data = write_data(tmp_path, [("p", "the can 3", [(0, 10)], {})])
    assert run("old", "--against", "lucky", "--out", out).exit_code == 0
    page = (out / "report.html").read_text()
    assert "Nothing was asked that must not get worse" in page
    assert "not worse than" not in page
    refused = run("old", "--against", "lucky", "--out", out, "--fail-on-regression")
    assert refused.exit_code == 1
    assert "not worse:" not in refused.output
    assert "--fail-on-regression needs such questions" in " ".join(refused.output.split())
