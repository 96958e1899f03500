"""SAM3-I's JSON: what the official loader reads, our fields, an exact round trip, the validator."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.annotations.images import Problems
from training.annotations.sam3i_json import (
    OPEN,
    Provenance,
    Recording,
    Sample,
    Target,
    document,
    parse,
    write,
)
from training.sam3i_check import explain, main

DATA = Path(__file__).parent / "data"


def rectangle(x: int, y: int, width: int, height: int) -> Target:
    mask = np.zeros((48, 64), bool)
    mask[y : y + height, x : x + width] = True
    return Target.of(mask)


@pytest.fixture
def samples() -> list[Sample]:
    texts = {
        "concept": ("mug",),
        "simple_query": ("the mug on the left", "the \N{LATIN SMALL LETTER E WITH ACUTE}tui"),
        "complex_query": ("what holds tea",),
    }
    return [
        Sample(
            id=4,
            file_name="a/b.jpg",
            width=64,
            height=48,
            texts=texts,
            targets=(rectangle(3, 4, 10, 9), rectangle(0, 0, 64, 48)),
            granularity="1toN",
            negative={"simple_query": ("the green mug",)},
            provenance=Provenance("coco", "seer", 3),
            part=True,
            family="ordinal",
        ),
        Sample(5, "a/b.jpg", 64, 48, texts, ()),
    ]


def test_round_trip_is_exact(samples, tmp_path):
    path = tmp_path / "out" / "x.json"
    write(path, samples)
    problems = Problems()
    again = parse(json.loads(path.read_text()), problems)
    assert again == samples
    assert problems.count == 0
    before = path.read_bytes()
    write(path, again)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_the_official_loader_finds_what_it_reads(samples):
    content = document(samples)
    assert content["categories"] == [{"id": 1, "name": "object"}]
    first = content["images"][0]
    assert list(first["text_inst_input"]) == ["concept", "simple_query", "complex_query"]
    assert first["granularity"] == "1toN"
    assert set(content["images"][1]) == {"id", "file_name", "width", "height", "text_inst_input"}
    annotation = content["annotations"][0]
    assert annotation["bbox"] == [3, 4, 10, 9]
    assert annotation["area"] == 90
    assert annotation["iscrowd"] == 0
    assert annotation["image_id"] == 4
    assert annotation["segmentation"]["size"] == [48, 64]
    assert [a["id"] for a in content["annotations"]] == [1, 2]
    assert list(explain(content)) == []


def recorded(review: str) -> Sample:
    """A sentence said to a robot: it has one level."""
    texts = {"concept": ("mug",), "simple_query": (), "complex_query": ()}
    recording = Recording("drive", "/image", 1_700_000_000_123_456_789, "depth/a.png", "cup", 0.5)
    return Sample(7, "a.jpg", 64, 48, texts, (), review=review, recording=recording)


@pytest.mark.parametrize("review", ["", OPEN, "accepted", "corrected", "rejected"])
def test_a_recorded_sentence_is_read_back(review):
    sample = recorded(review)
    content = json.loads(json.dumps(document([sample])))
    problems = Problems()
    assert parse(content, problems) == [sample]
    assert problems.count == 0
    assert sample.labelled == (review not in ("open", "rejected"))
    faults = list(explain(content))
    assert sum("has no text" in line for line in faults) == 2
    assert sum("its review is" in line for line in faults) == (not sample.labelled)


def test_one_certain_thing_is_read_back_and_nothing_else_is_one():
    sample = replace(recorded(""), single=True)
    content = json.loads(json.dumps(document([sample])))
    assert content["images"][0]["single"] is True
    assert parse(content, Problems()) == [sample]
    assert "single" not in document([recorded("")])["images"][0]
    assert repr(sample) == repr(recorded(""))  # which fingerprints of older data are of
    for other in (False, None, 1, "yes", []):
        content["images"][0]["single"] = other
        problems = Problems()
        assert parse(content, problems) == [recorded("")]
        assert problems.count == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [("score", 2), ("score", "1"), ("stamp", 1.5), ("depth", "../x"), ("bag", ""), ("topic", None)],
)
def test_a_recording_that_is_damaged_is_told(key, value):
    content = document([recorded("")])
    content["images"][0]["recording"][key] = value
    problems = Problems()
    assert parse(content, problems) == []
    assert key in problems.lines[0]


def test_polygons_and_plain_runs_are_packed():
    content = json.loads((DATA / "hmpl-instruct.json").read_text())
    packed = parse(content, Problems())
    content["annotations"][0]["segmentation"] = [[10, 30, 30, 30, 30, 50, 10, 50]]
    assert parse(content, Problems()) == packed


@pytest.mark.parametrize(
    "said",
    [
        {"bbox": [0.05, 0.1, 0.2, 0.3], "area": 0.1},
        {"bbox": [float("nan")] * 4, "area": float("nan")},
        {"bbox": [3, 4, 10**400, 9], "area": None},
        {"bbox": "none", "area": []},
    ],
)
def test_box_and_area_are_those_of_the_mask(samples, said):
    content = document(samples)
    content["annotations"][0].update(said)
    assert parse(content, Problems()) == samples


def test_damaged_entries_are_left_out_with_a_line(samples):
    content = document(samples)
    content["images"][1]["granularity"] = "most"
    content["annotations"].append({"image_id": 77})
    problems = Problems()
    assert parse(content, problems) == samples[:1]
    assert "granularity" in problems.lines[0]
    assert "77" in problems.lines[1]


def test_masks_of_an_id_that_two_samples_have_are_nobodys(samples):
    content = document([*samples, replace(samples[1], id=6)])
    content["images"][1]["id"] = 4
    problems = Problems()
    assert [s.id for s in parse(content, problems)] == [6]
    assert problems.lines[0].startswith("image 1: there is an image 4 already, and neither")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda c: c["images"][0]["text_inst_input"].update(complex_query=[]), "random.choice"),
        (lambda c: c["images"][0]["text_inst_input"].pop("concept"), "concept has no text"),
        (lambda c: c["images"][0]["text_inst_input"].update(concept=[3]), "no text"),
        (lambda c: c["images"][0].pop("text_inst_input"), "KeyError"),
        (lambda c: c["images"][1].update(id=4), "is taken"),
        (lambda c: c["images"][1].update(file_name="../x"), "leads out"),
        (lambda c: c["categories"].append({"id": 2, "name": "b"}), "2 categories"),
        (lambda c: c["annotations"][0].update(category_id=2), "category is not listed"),
        (lambda c: c["annotations"][0].update(category_id=[1]), "'category_id' is not a whole"),
        (lambda c: c["categories"][0].update(id=[1]), "category is not listed"),
        (lambda c: c["annotations"][0].update(image_id=9), "no image 9"),
        (lambda c: c["annotations"][0].update(iscrowd=1), "crowd"),
        (lambda c: c["annotations"][0].pop("iscrowd"), "iscrowd"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 0, 4]), "bbox is empty"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 90, 4]), "leaves the picture"),
        (lambda c: c["annotations"][0].update(bbox=None), "not [x, y"),
        (lambda c: c["annotations"][0]["segmentation"].update(size=[1, 1]), "picture's size"),
        (lambda c: c["annotations"].extend([c["annotations"][0]] * 200), "beyond 200"),
        (lambda c: c.pop("annotations"), "no list 'annotations'"),
    ],
)
def test_the_validator_names_the_fault(samples, damage, told):
    content = json.loads(json.dumps(document(samples)))
    damage(content)
    assert any(told in line for line in explain(content)), list(explain(content))


def test_the_validator_reads_files(samples, tmp_path, capsys):
    write(tmp_path / "x.json", samples)
    assert main(tmp_path / "x.json") == 0
    assert main(DATA / "coco.json") == 1
    assert main(tmp_path / "missing.json") == 1
    said = capsys.readouterr().out
    assert "nothing is wrong" in said
    assert said.endswith("missing.json: 1 fault\n")


def test_the_validator_has_help():
    command = [sys.executable, "-m", "training.sam3i_check", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m training.sam3i_check [-h] FILE")
