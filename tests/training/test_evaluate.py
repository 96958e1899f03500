"""Evaluations of scripted answers: figures by group, resuming, comparing, and the page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Instruction, Outcome
from training import evaluate as evaluation
from training.evaluation.asking import (
    BaseAlone,
    Checkpoint,
    Examination,
    checksum,
    collect,
    evaluate,
)
from training.evaluation.compare import compare
from training.evaluation.rows import RowFile, RowsError
from training.evaluation.splits import tables
from training.instruction_file import InstructionFile

HEIGHT, WIDTH = 20, 40
OURS = evaluation.PROTOCOLS["ours"]
HOSTILE = "<script>alert('x')</script> & \"quoted\" <img src=http://example.org/x>"


def span(left: int, right: int) -> np.ndarray:
    """A mask of full columns: bool (1, H, W)."""
    mask = np.zeros((1, HEIGHT, WIDTH), bool)
    mask[:, :, left:right] = True
    return mask


class Scripted:
    """Stands for a segmenter: answers what it was told to, nothing to other sentences."""

    def __init__(self, name: str, answers: dict[str, np.ndarray], trained: tuple[str, ...]) -> None:
        self.name = name
        self.answers = answers
        self.pictures = 0
        config = SimpleNamespace(to_dict=lambda: {"name": name}, trained_levels=list(trained))
        state = {"weight": torch.ones(2)}
        self.model = SimpleNamespace(config=config, state_dict=lambda: state)

    def set_image(self, image: np.ndarray) -> None:
        assert image.shape == (HEIGHT, WIDTH, 3)
        self.pictures += 1

    def ground(self, instructions: list[Instruction]) -> list[Grounding]:
        return [self._ground(instruction) for instruction in instructions]

    def _ground(self, instruction: Instruction) -> Grounding:
        masks = self.answers.get(instruction.text, np.zeros((0, HEIGHT, WIDTH), bool))
        outcome = Outcome.FOUND if len(masks) else Outcome.NOT_FOUND
        scores = np.full(len(masks), 0.75, np.float32)
        presence = 0.9 if len(masks) else 0.1
        return Grounding(
            instruction, outcome, instruction.level, presence, masks=masks, scores=scores
        )


SAMPLES: list[tuple[str, str, list[tuple[int, int]], dict[str, Any]]] = [
    # picture, sentence, what is meant, our own fields
    ("a", "box", [(0, 10), (20, 30)], {"granularity": "1toAll"}),
    ("b", "can", [(0, 10)], {"granularity": "1toAll"}),
    ("c", HOSTILE, [], {}),
    ("a", "the left box", [(0, 10)], {"granularity": "1to1", "family": "side"}),
    ("b", "the can without a lid", [(0, 10)], {"granularity": "1to1", "family": "negation"}),
    ("c", "the lids", [(0, 1), (2, 3)], {"granularity": "1toN", "family": "<b>", "part": True}),
]
LEVEL = {"concept": ("box", "can", HOSTILE)}
GOOD = {
    "box": np.concatenate([span(0, 10), span(20, 30)]),
    "can": span(0, 10),
    "the left box": span(0, 10),
    "the can without a lid": span(0, 5),
}


@pytest.fixture
def data(tmp_path) -> Path:
    """The samples as a SAM3-I file with its pictures."""
    images, annotations = [], []
    for number, (picture, text, meant, fields) in enumerate(SAMPLES, 1):
        field = "concept" if text in LEVEL["concept"] else "simple_query"
        images.append(
            {
                "id": number,
                "file_name": f"{picture}.png",
                "height": HEIGHT,
                "width": WIDTH,
                "text_inst_input": {field: [text]},
                **fields,
            }
        )
        for left, right in meant:
            polygon = [left, 0, right, 0, right, HEIGHT, left, HEIGHT]
            annotations.append(
                {"id": len(annotations), "image_id": number, "segmentation": [polygon]}
            )
    for shade, picture in enumerate("abc"):
        rgb = np.full((HEIGHT, WIDTH, 3), 60 + 40 * shade, np.uint8)
        Image.fromarray(rgb).save(tmp_path / f"{picture}.png")
    path = tmp_path / "sam3i_val.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": []}))
    return path


@pytest.fixture
def run(data, tmp_path, monkeypatch):
    """Calls the command with scripted checkpoints `good`, `bad` and `simple`."""
    worse = {**GOOD, "can": span(5, 15), HOSTILE: span(0, 3)}
    models = {
        "good": Scripted("good", GOOD, ("concept", "simple")),
        "bad": Scripted("bad", worse, ("concept", "simple")),
        "narrow": Scripted("narrow", GOOD, ("complex",)),
    }
    monkeypatch.setattr(evaluation.Segmenter, "from_pretrained", lambda name: models[name])
    app = evaluation.typer.Typer()
    app.command()(evaluation.evaluate_command)

    def call(model: str, *options: str):
        return CliRunner().invoke(app, [model, str(data), *options], catch_exceptions=False)

    call.models = models
    return call


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


def test_a_killed_evaluation_goes_on_where_it_stopped(data, tmp_path):
    source = InstructionFile(data)
    asked = {"pictures": 3, "levels": ["concept", "simple"], "protocol": "ours"}
    whole = collect(Scripted("good", GOOD, ()), source, asked, None)

    class Killed(InstructionFile):
        def __getitem__(self, index: int):
            if index == 2:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    path = tmp_path / "out" / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        collect(Scripted("good", GOOD, ()), Killed(data), asked, path)
    # A kill in the middle of a line: the second picture is asked about anew.
    path.write_bytes(path.read_bytes()[:-20])
    again = Scripted("good", GOOD, ())
    assert collect(again, source, asked, path) == whole
    assert again.pictures == 2
    assert collect(again, source, asked, path) == whole
    assert again.pictures == 2
    assert len(path.read_text().splitlines()) == 4


def test_other_arguments_are_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    RowFile(path, {"seed": 5, "weights": "0a"})
    RowFile(path, {"seed": 5, "weights": "0a"})
    with pytest.raises(RowsError, match=r"another seed \(5, not 6\): give the same") as error:
        RowFile(path, {"seed": 6, "weights": "0a"})
    assert "\n" not in str(error.value)
    with pytest.raises(RowsError, match="another weights"):
        RowFile(path, {"seed": 5})
    with path.open("a") as file:
        file.write('{"picture": 0, "rows": [{"text": "old"}]}\n')
    with pytest.raises(RowsError, match="another version"):
        RowFile(path, {"seed": 5, "weights": "0a"}).read()
    for wrong in ("not rows\n", '{"seed": 5}\n', "[]\n"):
        path.write_text(wrong)
        with pytest.raises(RowsError, match="is not a file of rows"):
            RowFile(path, {"seed": 5})


def test_other_weights_or_settings_have_another_checksum():
    model = Scripted("good", GOOD, ())
    before = checksum(model)
    assert checksum(Scripted("good", {}, ())) == before
    assert checksum(Scripted("other", {}, ())) != before
    model.model.state_dict()["weight"][1] = 2
    assert checksum(model) != before


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


def test_the_bundled_checkpoint_can_be_evaluated(data, tmp_path):
    segmenter = evaluation.Segmenter.from_pretrained("bundled", "cpu")
    asked = {"pictures": 3, "levels": ["concept", "simple"], "protocol": "ours"}
    rows = collect(segmenter, InstructionFile(data), asked, tmp_path / "rows.jsonl")
    assert [row.picture for row in rows] == [0, 0, 1, 1, 2, 2]
    assert {row.text for row in rows} == {text for _, text, *_ in SAMPLES}
    assert {row.outcome for row in rows} <= {"FOUND", "NOT_FOUND", "AMBIGUOUS"}
    assert collect(segmenter, InstructionFile(data), asked, tmp_path / "rows.jsonl") == rows


def test_levels_are_checked(run):
    assert "no questions of the level complex" in run("good", "--levels", "complex").output
    assert "nothing to ask" in run("narrow").output
    told = run("narrow", "--levels", "simple, concept")
    assert told.exit_code == 0
    assert "not asked: concept" in run("good", "--levels", "simple").output


def test_official_protocol(run, tmp_path):
    out = tmp_path / "out"
    assert run("good", "--protocol", "official", "--out", str(out)).exit_code == 0
    figures = json.loads((out / "figures.json").read_text())["figures"]["level"]
    # Concept: each of two boxes against the answer for both, and the can; the absent counts 0.
    assert figures["concept"]["giou"] == pytest.approx(100 * (0.5 + 0.5 + 1) / 3, abs=0.01)
    assert figures["concept"]["multi_giou"] == pytest.approx(200 / 3, abs=0.01)


def test_side_by_side_says_what_got_worse(run, tmp_path):
    out = tmp_path / "out"
    result = run("bad", "--against", "good", "--out", str(out))
    assert "WORSE: concept: gIoU fell from 1.0000 to 0.4444" in result.output
    assert "WORSE: absent, concept: N-acc fell from 1.0000 to 0.0000" in result.output
    against = json.loads((out / "figures.json").read_text())["against"]
    assert len(against["worse"]) == 2
    assert against["differences"]["level"]["concept"]["giou"] == -0.5556
    assert against["differences"]["level"]["simple"]["giou"] == 0
    page = (out / "report.html").read_text()
    assert "Worse than good where it must not be" in page
    assert "2 of 6 sentences lost IoU" in page
    assert page.index("N-acc fell") < page.index("Worst regressions")

    result = run("good", "--against", "bad")
    assert "WORSE" not in result.output
    assert "not worse" in result.output


def test_differences_have_a_margin(data):
    source = InstructionFile(data)
    good, bad = (
        evaluate(Scripted("m", answers, ()), source, range(3))
        for answers in (GOOD, {**GOOD, "box": span(0, 10)})
    )
    pair = compare(bad, good, "good", (tables(bad, OURS), tables(good, OURS)))
    # Changes of the three concepts: -0.5, 0, 0.
    assert pair.margins["level"]["concept"] == pytest.approx(
        1.96 * np.std([-0.5, 0, 0], ddof=1) / 3**0.5, abs=1e-4
    )
    assert pair.margins["family"]["simple: side"] is None
    assert [(row.text, row.iou, other.iou) for row, other in pair.regressions] == [
        ("box", 0.5, 1.0)
    ]
    with pytest.raises(ValueError, match="different questions"):
        compare(bad, good[1:], "good", (tables(bad, OURS), tables(good, OURS)))


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
    assert len(sources) == 2 * 2 + 2 + 1 + 2 + 2  # two pairs, then worst and best of each level
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources if source)
    assert "default-src 'none'" in page
