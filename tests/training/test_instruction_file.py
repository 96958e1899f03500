"""SAM3-I files: what they ask, and what is said about bad ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam3i_model.instruction import Instruction, Level
from training.annotations.rle import decode
from training.data import open_source
from training.instruction_file import InstructionFile
from training.questions import QuestionError


def content() -> dict[str, Any]:
    """Two samples of one picture, one of another that nothing is annotated in."""
    texts = {"concept": ["box"], "simple_query": ["the left box", "box on the left"]}
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "height": 4, "width": 6, "text_inst_input": texts},
            {
                "id": 3,
                "file_name": "sub/b.png",
                "height": 4,
                "width": 6,
                "text_inst_input": {"complex_query": ["something to sit on"]},
            },
            {
                "id": 9,
                "file_name": "a.png",
                "height": 4,
                "width": 6,
                "text_inst_input": {"simple_query": ["the lid of the box"]},
                "granularity": "1to1",
                "family": "part of",
                "part": True,
                "negative": {"concept": ["mug"], "simple_query": ["the red lid", "the blue lid"]},
            },
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "segmentation": {"size": [4, 6], "counts": "04d0"}},
            {"id": 2, "image_id": 7, "segmentation": [[3, 0, 5, 0, 5, 2, 3, 2]]},
            {"id": 3, "image_id": 9, "segmentation": {"size": [4, 6], "counts": [23, 1]}},
        ],
        "categories": [{"id": 1, "name": "object"}],
    }


def write(folder: Path, data: Any) -> Path:
    (folder / "sub").mkdir(exist_ok=True)
    for name in ("a.png", "sub/b.png"):
        Image.fromarray(np.full((4, 6, 3), 80, np.uint8)).save(folder / name)
    path = folder / "sam3i_val.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_samples_of_a_picture_come_together(tmp_path):
    source = InstructionFile(write(tmp_path, content()))
    assert len(source) == 2
    assert source.levels == ("concept", "simple", "complex")
    picture = source[0]
    assert picture.rgb.shape == (4, 6, 3)
    said = [(q.image, q.level, q.text, q.wording) for q in picture.questions]
    assert said == [
        ("7", "concept", "box", 0),
        ("7", "simple", "the left box", 0),
        ("7", "simple", "box on the left", 1),
        ("9", "simple", "the lid of the box", 0),
        ("9", "concept", "mug", 0),
        ("9", "simple", "the red lid", 0),
        ("9", "simple", "the blue lid", 0),
    ]
    first, lid = picture.questions[0], picture.questions[3]
    assert [int(decode(mask).sum()) for mask in first.masks] == [4, 4]
    assert (first.granularity, first.family, first.part) == ("", "", False)
    assert (lid.granularity, lid.family, lid.part) == ("1to1", "part of", True)
    assert decode(lid.masks[0])[3, 5]
    assert [q.present for q in picture.questions] == [True] * 4 + [False] * 3
    assert {q.family for q in picture.questions[4:]} == {"negative"}
    nothing = source[1].questions[0]
    assert (nothing.present, nothing.level) == (False, "complex")


def test_crowds_are_told_apart_and_not_asked_for_alone(tmp_path):
    data = content()
    data["annotations"][1]["iscrowd"] = data["annotations"][2]["iscrowd"] = 1
    questions = InstructionFile(write(tmp_path, data))[0].questions
    assert [(q.image, q.text) for q in questions[3:]] == [
        ("9", "mug"),
        ("9", "the red lid"),
        ("9", "the blue lid"),
    ]
    for question in questions[:3]:
        assert [int(decode(mask)[0, 0]) for mask in question.masks] == [1]
        assert [int(decode(mask)[0, 3]) for mask in question.crowds] == [1]


def test_pictures_may_be_elsewhere(tmp_path):
    path = write(tmp_path, content())
    other = tmp_path / "elsewhere.json"
    other.parent.mkdir(exist_ok=True)
    moved = tmp_path / "json" / "val.json"
    moved.parent.mkdir()
    path.rename(moved)
    with pytest.raises(QuestionError, match=r"2 of 2 pictures are not in .*--images"):
        InstructionFile(moved)
    assert len(InstructionFile(moved, tmp_path)) == 2


def test_other_pictures_have_another_fingerprint(tmp_path):
    path = write(tmp_path, content())
    source = InstructionFile(path)
    copy = Path(shutil.copytree(tmp_path, tmp_path.with_name("copy")))
    assert InstructionFile(path, copy).fingerprint(2) == source.fingerprint(2)
    Image.fromarray(np.full((4, 6, 3), 81, np.uint8)).save(copy / "sub/b.png")
    assert InstructionFile(path, copy).fingerprint(2) != source.fingerprint(2)
    assert InstructionFile(path, copy).fingerprint(1) == source.fingerprint(1)
    assert source.fingerprint(1) != source.fingerprint(2)


def test_one_certain_thing_is_asked_for_and_has_another_fingerprint(tmp_path):
    path, data = write(tmp_path, content()), content()
    before = InstructionFile(path)
    data["images"][0]["single"] = True
    path.write_text(json.dumps(data))
    source = InstructionFile(path)
    assert [q.single for q in source[0].questions] == [True] * 3 + [False] * 4
    assert source[0].questions[0].instruction(Level.CONCEPT, 0.25) == Instruction(
        "box", level=Level.CONCEPT, max_instances=1, threshold=0.25
    )
    assert source[0].questions[3].instruction(Level.SIMPLE).max_instances == 0
    assert source.fingerprint(2) != before.fingerprint(2)


def change(**fields: Any) -> dict[str, Any]:
    """The good content with other fields in its first image."""
    data = content()
    data["images"][0].update(fields)
    return data


def annotated(**fields: Any) -> dict[str, Any]:
    data = content()
    data["annotations"][0].update(fields)
    return data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is no SAM3-I file"),
        ({"images": content()["images"]}, "is no SAM3-I file"),
        (change(id="7"), "image 0: 'id' is not a whole number"),
        (change(id=3), "there is an image 3 already"),
        (change(file_name="../a.png"), "leads out of the folder"),
        (change(file_name="/etc/passwd"), "leads out of the folder"),
        (change(file_name="\ud800.png"), "half a character"),
        (change(height=0), "size 6x0"),
        (change(height=20_001), "size 6x20001"),
        (change(text_inst_input={"concept": "box"}), "'concept' is not a list"),
        (change(text_inst_input={"concept": ["x"] * 1001}), "at most 1,000"),
        (change(text_inst_input={"concept": ["x" * 1001]}), "at most 1000"),
        (change(text_inst_input={"concept": ["\udfff"]}), "half a character"),
        (change(granularity="2to1"), "granularity must be"),
        (change(granularity=[]), "granularity must be"),
        (change(family=["x"]), "'family' is not a text"),
        (change(part="yes"), "'part' is neither"),
        (change(negative=True), "negative is not an object"),
        (annotated(image_id=5), "annotations of image 5: there is no such image"),
        (annotated(image_id=None), "annotation 0: 'image_id'"),
        (annotated(segmentation=None), "image 0: it has no segmentation"),
        (annotated(segmentation={"size": [6, 4], "counts": "4"}), "not of the picture's size"),
        # Shorter than the mask: pycocotools would fill the rest with memory's content.
        (annotated(segmentation={"size": [4, 6], "counts": "4"}), "don't fill"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, data, said):
    path = write(tmp_path, data)
    with pytest.raises(QuestionError, match=said) as error:
        InstructionFile(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_bad_pictures_are_one_line_before_any_is_asked_about(tmp_path):
    path = write(tmp_path, content())
    (tmp_path / "sub/b.png").write_bytes(b"not a picture")
    with pytest.raises(QuestionError, match=r"b\.png is no picture that can be read"):
        InstructionFile(path)
    write(tmp_path, content())
    source = InstructionFile(path)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    for read in (lambda: source[0], lambda: InstructionFile(path)):
        with pytest.raises(QuestionError, match="is 8x8, not 6x4"):
            read()
    with pytest.raises(QuestionError, match="can't be read: No such file"):
        InstructionFile(tmp_path / "none.json")


def test_a_picture_has_one_size(tmp_path):
    data = content()
    data["images"][2]["width"] = 7
    data["annotations"].pop()
    with pytest.raises(
        QuestionError, match=r"says that a\.png is 6x4 and 7x4: correct its entries"
    ):
        InstructionFile(write(tmp_path, data))


def test_a_folder_may_be_named(tmp_path):
    write(tmp_path, content()).rename(tmp_path / "annotations.json")
    assert isinstance(open_source(tmp_path, None, 5), InstructionFile)
    assert len(InstructionFile(tmp_path)) == 2
    with pytest.raises(FileNotFoundError, match="pool"):
        open_source(tmp_path / "sub", None, 5)


def test_a_recording_is_to_be_prepared_first(tmp_path):
    (tmp_path / "drive_0.db3").touch()
    with pytest.raises(FileNotFoundError, match=f"`sam3i prepare {tmp_path} OUT`, and name that"):
        open_source(tmp_path, None, 5)
    folder = write(tmp_path, content()).rename(tmp_path / "annotations.json").parent
    assert len(open_source(folder, None, 5)) == 2
    with pytest.raises(FileNotFoundError, match=f"there is nothing at {tmp_path}/none"):
        open_source(tmp_path / "none", None, 5)


def test_what_waits_for_a_review_is_told(tmp_path, capsys):
    path, data = write(tmp_path, content()), content()
    data["images"][0]["review"], data["images"][1]["review"] = "open", "rejected"
    path.write_text(json.dumps(data))
    assert len(open_source(path, None, 5)) == 1
    waiting = "samples that wait for a person: 1; samples that were rejected: 1"
    assert capsys.readouterr().err == f"{path}: {waiting}\n"
    folder = path.rename(tmp_path / "annotations.json").parent
    open_source(folder, None, 5)
    assert f"wait for a person (sam3i review {folder}): 1" in capsys.readouterr().err
    write(tmp_path, content()).replace(folder / "annotations.json")
    open_source(folder, None, 5)
    assert capsys.readouterr().err == ""


def test_samples_that_ask_nothing_are_left_out(tmp_path):
    data = content()
    data["images"][1]["text_inst_input"] = {"concept": [], "simple_query": []}
    source = InstructionFile(write(tmp_path, data))
    assert len(source) == 1
    assert source.levels == ("concept", "simple")
    (tmp_path / "sub/b.png").unlink()  # nobody asks for its picture
    assert len(InstructionFile(source.path)) == 1
