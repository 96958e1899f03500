"""Masks and sentences in other layouts become SAM3-I's JSON."""

from __future__ import annotations

import json
import os
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.annotations.rle import decode
from training.expressions import main, samples_of
from training.instruction_file import InstructionFile
from training.questions import Picture

PROJECT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = Path(os.environ.get("SAM3I_DATA", PROJECT.parent / "shared/data"))
TABLETOP = Path(__file__).with_name("data") / "tabletop"
RGB = np.full((4, 6, 3), 90, np.uint8)


def square(left: int) -> np.ndarray:
    """Two columns of a 4 x 6 picture."""
    mask = np.zeros((4, 6), bool)
    mask[:, left : left + 2] = True
    return mask


def say(folder: Path, name: str, expressions: list[Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps({"expressions": expressions}))
    return folder


def label_images(folder: Path) -> Path:
    said = [
        {"expression": "the red book", "values": [7]},
        {"expression": "both books", "values": [7, 300]},
        {"expression": "banana", "values": []},
    ]
    say(folder, "labels.json", said)
    (folder / "segm").mkdir()
    for name, values in (("a", (7, 300)), ("b", (300, 9))):
        labels = np.zeros((4, 6), np.uint16)
        for value, left in zip(values, (0, 3), strict=True):
            labels[square(left)] = value
        Image.fromarray(RGB).save(folder / f"{name}.color.png")
        Image.fromarray(labels).save(folder / "segm" / f"{name}.segm.png")
    return folder


def arrays(folder: Path) -> Path:
    said = [
        {"expression": "something to cut paper", "index": [1]},
        {"expression": "socks", "index": [0, 1]},
    ]
    say(folder, "expressions.json", said)
    masks = np.stack([square(0), square(3)]).astype(np.uint8)
    masks[1, 0] *= 2  # hidden
    np.savez(folder / "data.npz", masks=masks)
    Image.fromarray(RGB).save(folder / "rgb.jpg")
    return folder


def coco(folder: Path) -> Path:
    said = [
        {"image_id": 5, "expression": "the left cup", "ann_ids": [11]},
        {"image_id": 5, "expression": "dog", "ann_ids": []},
    ]
    say(folder, "referring_expressions.json", said)
    instances = {
        "images": [{"id": 5, "file_name": "5.png", "height": 4, "width": 6}],
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": [
            {
                "id": 11,
                "image_id": 5,
                "category_id": 1,
                "segmentation": [[0, 0, 2, 0, 2, 4, 0, 4]],
            }
        ],
    }
    (folder / "instances.json").write_text(json.dumps(instances))
    (folder / "images").mkdir()
    Image.fromarray(RGB).save(folder / "images" / "5.png")
    return folder


def converted(folder: Path) -> list[Picture]:
    out = folder.parent / "out.json"
    assert main(folder, out) == 0
    source = InstructionFile(out, folder)
    return [source[number] for number in range(len(source))]


def asked(picture: Picture) -> list[tuple[str, str, str, list[int]]]:
    return [
        (q.text, q.level, q.granularity, [int(decode(mask).sum()) for mask in q.masks])
        for q in picture.questions
    ]


def test_label_images(tmp_path):
    first, second = converted(label_images(tmp_path / "shelf"))
    assert asked(first) == [
        ("the red book", "simple", "1to1", [8]),
        ("both books", "simple", "1toN", [8, 8]),
        ("banana", "concept", "", []),
    ]
    assert (decode(first.questions[1].masks[1]) == square(3)).all()
    # Of the books one is in sight, in another place.
    assert asked(second)[:2] == [
        ("the red book", "simple", "", []),
        ("both books", "simple", "1to1", [8]),
    ]
    assert (decode(second.questions[1].masks[0]) == square(0)).all()


@pytest.mark.parametrize(
    ("wanted", "names"), [("0::2", ["a.color.png"]), ("1:", ["b.color.png"]), ("2:", [])]
)
def test_some_of_the_pictures(tmp_path, wanted, names):
    out = tmp_path / "out.json"
    assert main(label_images(tmp_path / "shelf"), out, wanted) == 0
    read = {image["file_name"] for image in json.loads(out.read_text())["images"]}
    assert sorted(read) == names


@pytest.mark.parametrize("wanted", ["3", "a:b", "::0", "1:2:3:4"])
def test_what_isnt_a_slice_is_refused(tmp_path, wanted, capsys):
    assert main(label_images(tmp_path / "shelf"), tmp_path / "out.json", wanted) == 1
    assert f"'{wanted}' isn't FIRST:END:STEP" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_arrays(tmp_path):
    (picture,) = converted(arrays(tmp_path / "tote"))
    assert asked(picture) == [
        ("something to cut paper", "complex", "1to1", [6]),
        ("socks", "concept", "1toN", [8, 6]),
    ]


def test_coco_with_expressions(tmp_path):
    (picture,) = converted(coco(tmp_path / "photos"))
    assert asked(picture) == [
        ("the left cup", "simple", "1to1", [8]),
        ("dog", "concept", "", []),
    ]


def test_a_crowd_stays_one_and_what_is_named_twice_is_there_once(tmp_path):
    photos = coco(tmp_path / "photos")
    content = json.loads((photos / "instances.json").read_text())
    content["annotations"].append({**content["annotations"][0], "id": 12, "iscrowd": 1})
    (photos / "instances.json").write_text(json.dumps(content))
    said = [{"image_id": 5, "expression": "the cups", "ann_ids": [11, 12, 11]}]
    (question,) = converted(say(photos, "referring_expressions.json", said))[0].questions
    assert [len(question.masks), len(question.crowds)] == [1, 1]
    twice = [{"expression": "the red book", "values": [7, 7]}]
    first, _ = converted(say(label_images(tmp_path / "shelf"), "labels.json", twice))
    assert asked(first) == [("the red book", "simple", "1to1", [8])]


def test_labels_that_nobody_names_take_no_memory(tmp_path):
    shelf = say(
        label_images(tmp_path / "shelf"), "labels.json", [{"expression": "x", "values": [7]}]
    )
    labels = np.arange(500 * 400).reshape(400, 500) % 50_000
    Image.fromarray(labels.astype(np.uint16)).save(shelf / "segm/a.segm.png")
    Image.new("RGB", (500, 400)).save(shelf / "a.color.png")
    tracemalloc.start()
    (sample, _) = samples_of(shelf)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sample.targets[0].area == 4
    assert peak < 40_000_000  # a mask of each would be 10 GB


def test_the_tables_outlines_and_sentences_are_whole(tmp_path):
    table = Path(shutil.copytree(TABLETOP, tmp_path / "table"))
    (table / "images").mkdir()
    for number in range(9):
        blank = np.zeros((480, 640, 3), np.uint8)
        Image.fromarray(blank).save(table / f"images/00000{number}-color.png")
    pictures = converted(table)
    texts = [question for picture in pictures for question in asked(picture)]
    assert len(texts) == 134
    assert sum(not masks for *_, masks in texts) == 36
    assert {level for _, level, *_ in texts} == {"concept", "simple"}
    assert ("boxes", "concept", "1toN", [8133, 18051]) in asked(pictures[5])


def spoil(folder: Path, name: str, content: Any) -> Path:
    (folder / name).write_text(json.dumps(content))
    return folder


def test_what_can_not_be_used_is_one_line(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    tote = arrays(tmp_path / "tote")
    Image.fromarray(RGB[:, :4]).save(tote / "rgb.jpg")
    pickled = arrays(tmp_path / "pickled")
    np.savez(pickled / "data.npz", masks=np.array([{}], dtype=object))
    other = say(arrays(tmp_path / "other"), "expressions.json", [{"expression": "x", "index": [5]}])
    photos = say(coco(tmp_path / "photos"), "referring_expressions.json", ["cup"])
    unknown = [{"image_id": 6, "expression": "cup", "ann_ids": [11]}]
    shelf = label_images(tmp_path / "shelf")
    Image.fromarray(RGB).save(shelf / "segm/a.segm.png")
    odd = label_images(tmp_path / "odd")
    Image.fromarray(RGB[:, :4]).save(odd / "a.color.png")
    bare = label_images(tmp_path / "bare")
    for name in ("a", "b"):
        (bare / f"{name}.color.png").unlink()
    damaged, nameless, cut, single = (arrays(tmp_path / f"tote {n}") for n in range(4))
    (damaged / "data.npz").write_bytes(b"PK\3\4 no more")
    np.savez(nameless / "data.npz", mask=np.zeros((1, 4, 6), np.uint8))
    np.savez_compressed(cut / "data.npz", masks=np.zeros((9, 4, 6), np.uint8))
    spoilt = bytearray((cut / "data.npz").read_bytes())
    spoilt[60:80] = bytes(20)
    (cut / "data.npz").write_bytes(spoilt)
    with (single / "data.npz").open("wb") as file:
        np.save(file, np.zeros((1, 4, 6), np.uint8))
    for folder, said in (
        (tmp_path / "empty", "has none of labels.json"),
        (tote, "rgb.jpg is 4x4, not 6x4"),
        (odd, "a.color.png is 4x4, not 6x4"),
        (pickled, "allow_pickle"),
        (other, "there is no mask 5"),
        (photos, "an expression is not an object"),
        (say(coco(tmp_path / "p2"), "referring_expressions.json", unknown), "no image 6"),
        (shelf, "a.segm.png has colours, not labels"),
        (bare, "there is no NAME.color.png beside it"),
        *((tote, "data.npz is damaged, or has no") for tote in (damaged, nameless, cut, single)),
        (spoil(arrays(tmp_path / "t2"), "expressions.json", []), "is not an object"),
    ):
        assert main(folder, tmp_path / "never.json") == 1
        error = capsys.readouterr().err
        assert said in error
        assert len(error.splitlines()) == 1
    assert not (tmp_path / "never.json").exists()


@pytest.mark.parametrize("name", ["labels.json", "a.color.png", "reviewed.json"])
def test_no_file_is_written_over_but_its_own(tmp_path, capsys, name):
    shelf = label_images(tmp_path / "shelf")
    own = shelf / "reviewed.json"
    assert [main(shelf, own), main(shelf, own, "1:")] == [0, 0]
    own.write_text(own.read_text().replace("banana", "bananas"))
    before = (shelf / name).read_bytes()
    assert main(shelf, shelf / name) == 1
    assert f"{name} is there, and not as" in capsys.readouterr().err
    assert (shelf / name).read_bytes() == before


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="needs shared/data")
@pytest.mark.parametrize(
    ("name", "pictures", "sentences"),
    [("arc2017_tote", 1, 13), ("apc_shelf", 15, 225), ("coco_cc", 36, 84)],
)
def test_photographs(tmp_path, name, pictures, sentences):
    out = tmp_path / "out.json"
    assert main(PHOTOGRAPHS / name, out) == 0
    source = InstructionFile(out, PHOTOGRAPHS / name)
    assert len(source) == pictures
    assert sum(len(source[number].questions) for number in range(pictures)) == sentences
