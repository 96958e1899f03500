"""COCO for CVAT and Label Studio, and back: what each tool does to a file on its way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from typer.testing import CliRunner

from sam3i_model.cli import build
from tests.training.review_data import (
    BLUE,
    HEIGHT,
    RED,
    WIDTH,
    corners,
    image,
    make,
    masks,
    rectangle,
    saved,
)
from training.annotations.sam3i_json import TEXT_LISTS, Sample, Target
from training.review.coco import MAX_NAME, categories, export, take
from training.review.store import Store, version_of

Content = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(make(tmp_path / "data"))
    yield opened
    opened.close()


def sample(number: int, text: str, name: str = "a.png") -> Sample:
    texts = {key: (text,) if text and key == "simple_query" else () for key in TEXT_LISTS}
    return Sample(number, name, WIDTH, HEIGHT, texts, (Target.of(rectangle(*RED)),))


def test_each_picture_is_there_once_and_sentences_are_categories(store):
    store.act(5, version_of(store.samples[5]), {"do": "reject"})
    content = export(store.samples.values())
    assert [i["file_name"] for i in content["images"]] == ["images/a.png", "images/b.png"]
    called = {c["id"]: c["name"] for c in content["categories"]}
    shown = [
        (a["image_id"], called[a["category_id"]], a["attributes"]["sample"], a["segmentation"])
        for a in content["annotations"]
    ]
    red, blue = [list(map(int, corners(*box))) for box in (RED, BLUE)]
    assert shown == [
        (1, "the red box", 1, [red]),
        (1, "both boxes", 2, [red]),
        (1, "both boxes", 2, [blue]),
    ]
    # Those without masks are there to be labelled; the rejected one's is nobody's.
    assert set(called.values()) == {"the red box", "both boxes", "mug", "what is cold"}


def test_pycocotools_reads_it(store, tmp_path, capsys):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(export(store.samples.values())))
    coco = COCO(path)
    (first, *_) = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert (coco.annToMask(first).astype(bool) == rectangle(*RED)).all()
    assert first["bbox"] == [*RED]
    assert first["area"] == RED[2] * RED[3]


def test_names_are_short_and_tell_samples_of_a_picture_apart():
    long = "the box " * 12
    given = [
        sample(1, long + "on the left"),
        sample(2, long + "on the right"),
        sample(3, "mug"),
        sample(4, "mug"),
        sample(5, "mug", "b.png"),
        sample(6, ""),
    ]
    names = categories(given)
    assert names[1] == long[:MAX_NAME].rstrip()
    assert names[2].endswith(" (2)")
    assert max(map(len, names.values())) <= MAX_NAME
    assert [names[n] for n in (3, 4, 5, 6)] == ["mug", "mug (2)", "mug", "sample 6"]


def as_it_is(content: Content) -> Content:
    return content


def through_cvat(content: Content) -> Content:
    """Attributes as text and new ones, numbers anew, corners rounded, no score."""
    out = json.loads(json.dumps(content))
    renumber = {c["id"]: n for n, c in enumerate(reversed(out["categories"]), 1)}
    for category in out["categories"]:
        category.update(id=renumber[category["id"]], supercategory="")
    for number, annotation in enumerate(reversed(out["annotations"]), 1):
        attributes = {"sample": str(annotation["attributes"]["sample"]), "occluded": False}
        outlines = [[v + 0.01 for v in map(float, p)] for p in annotation["segmentation"]]
        annotation.update(id=number, attributes=attributes, segmentation=outlines)
        annotation["category_id"] = renumber[annotation["category_id"]]
        del annotation["score"]
    out["annotations"].reverse()
    return out


def through_label_studio(content: Content) -> Content:
    """Percentages and back, a polygon an annotation, boxes besides, pictures renamed, no more."""
    names = {i["id"]: i["file_name"].split("/")[-1] for i in content["images"]}
    annotated = sorted({a["image_id"] for a in content["annotations"]})
    images = [
        {"id": n, "width": WIDTH, "height": HEIGHT, "file_name": f"images\\/0a1b2c3d-{names[i]}"}
        for n, i in enumerate(annotated)
    ]
    annotations: list[Content] = []
    for annotation in content["annotations"]:
        common = {
            "image_id": annotated.index(annotation["image_id"]),
            "category_id": annotation["category_id"] - 1,
            "iscrowd": 0,
        }
        annotations.append({**common, "id": len(annotations), "segmentation": []})
        for outline in annotation["segmentation"]:
            size = (WIDTH, HEIGHT)
            there = [v / size[n % 2] * 100.0 for n, v in enumerate(outline)]
            back = [v / 100 * size[n % 2] for n, v in enumerate(there)]
            annotations.append({**common, "id": len(annotations), "segmentation": [back]})
    named = [{"id": c["id"] - 1, "name": c["name"]} for c in content["categories"]]
    return {"images": images, "annotations": annotations, "categories": named}


TOOLS = [as_it_is, through_cvat, through_label_studio]
Way = Callable[[Content], Content]


def ragged(seed: int) -> np.ndarray:
    """A mask with a hole and two parts whose polygons are not the mask to the pixel."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rng = np.random.default_rng(seed)
    disc = np.hypot(x - 30, y - 24) < 18 + rng.uniform(-1.5, 1.5, (HEIGHT, WIDTH))
    return (disc & (np.hypot(x - 30, y - 24) > 6)) | rectangle(2, 2, 5, 6)


@pytest.mark.parametrize("way", TOOLS)
def test_what_nobody_touched_comes_back_to_the_bit(store, way: Way):
    for number, seed in ((2, 1), (4, 2)):
        before = store.samples[number]
        ragged_one = replace(before, targets=(Target.of(ragged(seed)),))
        store.put(number, ragged_one, "test")
    before = dict(store.samples)
    result = take(store, way(export(before.values())))
    assert store.samples == before
    assert result.changed == []
    assert result.same == [1, 2, 4, 5]
    assert result.absent == []
    assert result.problems.lines == []
    assert result.boxes == (4 if way is through_label_studio else 0)


@pytest.mark.parametrize("way", TOOLS)
def test_what_was_changed_there_comes_back_and_its_neighbour_stays(store, way: Way):
    before = dict(store.samples)
    content = export(before.values())
    moved = corners(RED[0] + 2.5, RED[1], RED[2], RED[3])
    content["annotations"][1]["segmentation"] = [moved]  # of sample 2, whose blue one stays
    del content["annotations"][3]  # the only one of sample 5
    result = take(store, way(content))
    assert result.changed == [2]
    assert result.same == [1]
    assert result.absent == [5]
    kept, new = store.samples[2].targets
    assert kept == before[2].targets[1]
    assert new.area == pytest.approx(RED[2] * RED[3], rel=0.1)
    assert store.samples[2].review == "corrected"
    assert [store.samples[n] for n in (1, 3, 4, 5)] == [before[n] for n in (1, 3, 4, 5)]
    assert store.undo() == before[2]


def test_masks_drawn_there_with_a_brush_and_new_ones_come_in(store):
    content = export(store.samples.values())
    column = rectangle(0, 0, 1, HEIGHT)
    counts = [0, HEIGHT, HEIGHT * (WIDTH - 1)]
    cold = next(c["id"] for c in content["categories"] if c["name"] == "what is cold")
    content["annotations"].append(
        {
            "id": 99,
            "image_id": 2,
            "category_id": cold,
            "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts},
            "iscrowd": 1,
        }
    )
    result = take(store, content)
    assert result.changed == [4]
    (target,) = store.samples[4].targets
    assert target == Target.of(column)
    assert not target.crowd  # to CVAT it means no more than that it is no polygon
    assert store.samples[4].review == "corrected"
    assert take(store, content).changed == []


def test_what_was_said_to_be_nothing_and_is_drawn_there_gets_its_family_back(store):
    store.samples[2] = replace(store.samples[2], family="relation")
    content = export(store.samples.values())
    said = store.act(2, version_of(store.samples[2]), {"do": "nothing"})
    assert said.family == "negative"
    assert take(store, content).changed == [2]
    assert store.samples[2].family == "relation"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda c: c["annotations"][0]["attributes"].update(sample=99), "no sample 99"),
        (lambda c: c["annotations"][0]["attributes"].update(sample=5), "no sample 5 of images/a"),
        (lambda c: c["annotations"][0].update(attributes=[], category_id=77), "none of its"),
        (lambda c: c["annotations"][0].update(attributes=None, category_id=[]), "'category_id'"),
        (lambda c: c["annotations"][0].update(image_id=9), "its picture is none"),
        (lambda c: c["annotations"][0].update(segmentation=[[1, 2, 3, 4]]), "three corners"),
        (lambda c: c["annotations"][0].update(segmentation=[["a"] * 6]), "no number"),
        (lambda c: c["annotations"][1].update(segmentation=[[1, 2, 3, 4]]), "three corners"),
        (lambda c: c["annotations"].__setitem__(0, 7), "not an object"),
        (lambda c: c["images"][0].update(file_name="z.png"), "z.png is the picture of none"),
        (lambda c: c["images"][0].update(width=1), "another size"),
        (lambda c: c["categories"].append({"id": "x"}), "'name'"),
    ],
)
def test_what_cannot_be_placed_is_told_and_changes_nothing(store, spoil, told):
    before = dict(store.samples)
    content = export(before.values())
    spoil(content)
    result = take(store, content)
    assert store.samples == before
    assert any(told in line for line in result.problems.lines), result.problems.lines


def test_spaces_in_file_names_are_kept(store):
    name = "images/my  photo .png"
    for number in (4, 5):
        store.samples[number] = replace(store.samples[number], file_name=name)
    result = take(store, export(store.samples.values()))
    assert (result.problems.lines, result.same) == ([], [1, 2, 5])


def test_sentences_that_are_cut_at_a_space_come_back(store):
    """Two samples of a picture whose sentences differ only behind where labels are cut."""
    said = "x" * 55 + " " + "y" * 7 + " "
    for number, end in ((1, "left"), (2, "right")):
        texts = {**dict.fromkeys(TEXT_LISTS, ()), "simple_query": (said + end,)}
        store.samples[number] = replace(store.samples[number], texts=texts)
    content = export(store.samples.values())
    names = {c["name"] for c in content["categories"]}
    assert {said.strip(), "x" * 55 + " (2)"} <= names
    content["annotations"][0]["segmentation"] = [corners(*BLUE)]
    content["annotations"][1]["segmentation"] = [corners(*BLUE)]
    result = take(store, through_label_studio(content))
    assert (result.problems.lines, result.changed) == ([], [1, 2])


def test_file_names_that_end_alike_are_not_guessed(store):
    content = export(store.samples.values())
    for entry in content["images"]:
        entry["file_name"] = "0a1b2c3d-a.png"
    store.samples[5] = replace(store.samples[5], file_name="other/a.png")
    result = take(store, content)
    assert "none of these samples" in result.problems.lines[0]
    assert result.changed == result.same == []


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(build("review"), ["review", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_the_command_writes_and_takes_in(tmp_path):
    data = make(tmp_path / "data")
    untouched = (data / "annotations.json").read_bytes()
    file = tmp_path / "coco.json"
    code, said = run(data, "--export", file)
    assert code == 0
    assert "4 masks of 2 pictures" in said
    labels = json.loads((tmp_path / "coco.labels.json").read_text())
    assert [label["name"] for label in labels] == [
        "the red box",
        "both boxes",
        "mug",
        "what is cold",
    ]
    assert [a["name"] for a in labels[0]["attributes"]] == ["sample", "level"]
    code, said = run(data, "--import", file)
    assert (code, "0 samples corrected, 3 as they were" in said) == (0, True)
    assert (data / "annotations.json").read_bytes() == untouched
    content = json.loads(file.read_text())
    content["annotations"][0]["segmentation"] = [corners(*BLUE)]
    content["annotations"][3]["attributes"]["sample"] = 1234
    file.write_text(json.dumps(content))
    code, said = run(data, "--import", file)
    assert code == 0
    assert "1 samples corrected, 1 as they were" in said
    assert "1 samples have no mask, or a damaged one" in said
    assert "such as 5" in said
    assert "there is no sample 1234" in said
    assert masks(data, 1)[0].tolist() == rectangle(*BLUE).tolist()
    assert image(data, 1)["review"] == "corrected"
    others = [a for a in saved(data)["annotations"] if a["image_id"] != 1]
    assert others == [a for a in json.loads(untouched)["annotations"] if a["image_id"] != 1]


def test_an_export_takes_the_place_of_nothing_but_an_export(tmp_path):
    data, file = make(tmp_path / "data"), tmp_path / "coco.json"
    labels = tmp_path / "coco.labels.json"
    assert run(data, "--export", file)[0] == 0
    assert run(data, "--export", file)[0] == 0  # its own is written anew
    labels.unlink()
    assert run(data, "--export", file)[0] == 0  # also after half an export
    (tmp_path / "mine.labels.json").write_text("[]")
    corrected = json.loads(file.read_text())
    corrected["annotations"][0]["segmentation"] = [corners(*BLUE)]
    (tmp_path / "corrected.json").write_text(json.dumps(corrected))
    (tmp_path / "link.json").symlink_to(data / "annotations.json")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    for target in (
        data / "annotations.json",
        tmp_path / "link.json",
        data / "images/a.png",
        tmp_path / "corrected.json",
        tmp_path / "mine.json",
        data / "images",
    ):
        code, said = run(data, "--export", target)
        assert (code, "left it: choose another name" in said) == (1, True), said
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "mine.json").exists()
    labels.write_text("[]")
    assert run(data, "--export", file)[0] == 1
    assert labels.read_text() == "[]"
