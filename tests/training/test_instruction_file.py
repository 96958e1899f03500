"""SAM3-I files: what they ask, and what is said about bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.instruction_file import InstructionFile
from training.questions import QuestionError
from training.rle import decode


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
                "negative": True,
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
            },
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "segmentation": {"size": [4, 6], "counts": [0, 4, 20]}},
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
    ]
    first, lid = picture.questions[0], picture.questions[3]
    assert [int(decode(mask).sum()) for mask in first.masks] == [4, 4]
    assert (first.granularity, first.family, first.part) == ("", "", False)
    assert (lid.granularity, lid.family, lid.part) == ("1to1", "part of", True)
    assert decode(lid.masks[0])[3, 5]
    nothing = source[1].questions[0]
    assert (nothing.present, nothing.level) == (False, "complex")


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
        ("[]", "must be an object"),
        ({"images": [], "annotations": []}, "has no images"),
        ({"images": {}, "annotations": []}, "images must be a list"),
        ({"images": ["x"], "annotations": []}, "images must hold objects"),
        ({"images": content()["images"]}, "annotations must be a list"),
        (change(id="7"), "whole number as id"),
        (change(id=3), "two images have the id 3"),
        (change(file_name="../a.png"), "image 7: file_name must stay within"),
        (change(file_name="/etc/passwd"), "must stay within"),
        (change(file_name="a\\b.png"), "must stay within"),
        (change(file_name=3), "file_name must be a text"),
        (change(file_name="\ud800.png"), "file_name must be a text"),
        (change(height=0), "no size of a picture"),
        (change(height=20_000), "no size of a picture"),
        (change(width=None), "whole number as width"),
        (change(text_inst_input=["box"]), "text_inst_input must be an object"),
        (change(text_inst_input={"concept": "box"}), "concept must be at most 64 texts"),
        (change(text_inst_input={"concept": ["x"] * 65}), "at most 64 texts"),
        (change(text_inst_input={"concept": ["x" * 1001]}), "at most 1000 characters"),
        (change(text_inst_input={"concept": ["\udfff"]}), "concept must be"),
        (change(granularity="2to1"), "granularity must be"),
        (change(granularity=[]), "granularity must be"),
        (change(family=["x"]), "family must be"),
        (change(part="yes"), "part must be true or false"),
        (change(negative=True), "image 7: is negative and has annotations"),
        (annotated(image_id=5), "annotations of image 5, which isn't there"),
        (annotated(image_id=None), "an annotation needs a whole number"),
        (annotated(segmentation=None), "image 7: annotation 1: a segmentation must be"),
        (annotated(segmentation={"size": [6, 4], "counts": "4"}), "annotation 1: a mask of size"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, data, said):
    path = write(tmp_path, data)
    with pytest.raises(QuestionError, match=said) as error:
        InstructionFile(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_bad_pictures_are_one_line(tmp_path):
    path = write(tmp_path, content())
    (tmp_path / "sub/b.png").write_bytes(b"not a picture")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    source = InstructionFile(path)
    with pytest.raises(QuestionError, match="can't be read as a picture"):
        source[1]
    with pytest.raises(QuestionError, match="is 8x8, not 6x4"):
        source[0]
    with pytest.raises(QuestionError, match="can't be read: No such file"):
        InstructionFile(tmp_path / "none.json")
