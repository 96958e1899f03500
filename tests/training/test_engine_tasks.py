"""What texts are wanted for in a picture, and what the targets are set beside."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from sam3i_model.instruction import Level
from tests.training.engine_samples import DATA, PICTURES, case_of, tasks
from training.annotations.images import Reference
from training.engine.tasks import (
    MAX_CANDIDATES,
    MAX_TASKS,
    MissingPictureError,
    Task,
    UnusableError,
    load_case,
    tasks_of,
)
from training.formats import read_annotations


def test_tasks_are_instances_classes_and_neighbours():
    table = [t for t in tasks() if t.image.file_name == "table.png"]
    kinds = Counter(t.granularity for t in table)
    assert kinds == {"1toAll": 1, "1toN": 1, "1to1": 5}
    some = next(t for t in table if t.granularity == "1toN")
    assert some.targets in ((11, 12), (12, 13))
    assert [t.key for t in tasks()] == [t.key for t in tasks()]
    assert len({t.key for t in tasks()}) == len(tasks())
    assert not any(22 in t.targets for t in tasks())  # a crowd


def test_tasks_follow_the_texts_where_there_are_some():
    (both, one) = tasks("grefcoco")
    assert (both.targets, both.granularity) == ((12, 13), "1toN")
    assert [r.text for r in both.given_negative] == ["the banana"]
    assert [r.text for r in one.given] == ["the mug"]


def test_tasks_of_a_picture_are_bounded():
    image = read_annotations(DATA / "coco.json").images[0]
    many = [
        type(a)(id=i, name=f"thing {i % 30}", shape=a.shape)
        for i, a in enumerate(image.annotations * 30)
    ]
    crowded = type(image)(1, "table.png", 96, 72, tuple(many))
    assert len(tasks_of(crowded)) == MAX_TASKS


def test_texts_of_the_source_are_all_in_tasks():
    image = read_annotations(DATA / "coco.json").images[0]
    template = image.annotations[0]
    tiny = replace(template, id=0, shape=((0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0),))
    many = (tiny, *(replace(template, id=i, name=f"thing {i}") for i in range(1, MAX_TASKS + 4)))
    said = [Reference(f"text {a.id}", (a.id,), Level.SIMPLE) for a in many]
    nothing = Reference("a vase", (), Level.SIMPLE)
    image = replace(image, annotations=many, references=(nothing, *said))
    found = tasks_of(image)
    assert [t.given for t in found] == [(reference,) for reference in said]
    # The first target is too small to be worked on.
    assert [t.given_negative for t in found[:3]] == [(), (nothing,), ()]


def test_a_picture_of_which_the_source_says_something_else_is_another_task():
    image = read_annotations(DATA / "refcoco").images[0]
    before = [t.key for t in tasks_of(image)]
    first, *rest = image.annotations
    moved = replace(first, shape=tuple(tuple(v + 1 for v in p) for p in first.shape))
    for other in (
        replace(image, annotations=(replace(first, name="dog"), *rest)),
        replace(image, annotations=(moved, *rest)),
        replace(image, annotations=(first, *rest[:-1])),
        replace(image, references=(*image.references, image.references[0])),
        replace(image, lacking=frozenset({"mug"})),
    ):
        assert not set(before) & {t.key for t in tasks_of(other)}
    assert [t.key for t in tasks("refcoco")[: len(before)]] == before


def test_candidates_are_like_things_in_no_telling_order():
    case = case_of(11)
    assert {a.id for a, _ in case.candidates} == {11, 12, 13, 14}
    assert [a.id for a, _ in case.targets] == [11]
    assert {a.id for a, _ in case_of(15).candidates} == {15}
    places = {min(case_of(*t.targets).wanted) for t in tasks()[:6]}
    assert len(places) > 1
    assert case.rgb.shape == (72, 96, 3)


def test_what_cannot_be_worked_on_says_why(tmp_path):
    task = tasks()[0]
    with pytest.raises(MissingPictureError):
        load_case(task, tmp_path)
    (tmp_path / "table.png").write_bytes((PICTURES / "table.png").read_bytes()[:300])
    with pytest.raises(UnusableError, match=r"table\.png"):
        load_case(task, tmp_path)
    other = type(task.image)(1, "table.png", 95, 72, task.image.annotations)
    with pytest.raises(UnusableError, match="not 95x72"):
        load_case(Task("k", other, task.targets), PICTURES)
    mugs = tuple(
        type(task.image.annotations[0])(i, "mug", task.image.annotations[0].shape)
        for i in range(MAX_CANDIDATES + 1)
    )
    with pytest.raises(UnusableError, match="more than 12"):
        load_case(Task("k", type(other)(1, "table.png", 96, 72, mugs), (1,)), PICTURES)
