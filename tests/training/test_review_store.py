"""The store of a review: nothing lost, nothing done twice, and the rest of the file untouched."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.training.review_data import BLUE, RED, corners, image, make, masks, rectangle, saved
from training.annotations.entries import EntryError
from training.annotations.sam3i_json import Sample
from training.review.file import ReviewError
from training.review.store import StaleError, Store, version_of

ACCEPT, REJECT, NOTHING = ({"do": do} for do in ("accept", "reject", "nothing"))
ADD = {
    "do": "draw",
    "how": "add",
    "instance": 0,
    "shape": {"kind": "polygon", "points": corners(*BLUE)},
}
NEW = {**ADD, "how": "new"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make(tmp_path / "data")


def do(store: Store, number: int, action: dict[str, Any]) -> Sample:
    return store.act(number, version_of(store.sample(number)), action)


def lines(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "review.jsonl").read_text().splitlines()[1:]]


def killed(data: Path, tmp_path: Path) -> Path:
    """The folder as a kill at this moment would leave it."""
    return Path(shutil.copytree(data, tmp_path / f"killed-{len(list(tmp_path.iterdir()))}"))


def test_opening_and_closing_leaves_the_file_as_it_is(data):
    before = (data / "annotations.json").read_bytes()
    Store(data).close()
    assert (data / "annotations.json").read_bytes() == before


def test_what_is_accepted_stays_to_the_bit_and_the_rest_untouched(data):
    before = saved(data)
    store = Store(data)
    do(store, 2, ACCEPT)
    do(store, 3, REJECT)
    store.close()
    after = saved(data)
    assert after["annotations"] == before["annotations"]  # polygons and plain runs, as they were
    assert after["info"] == before["info"]
    for now, then in zip(after["images"], before["images"], strict=True):
        said = {2: {"review": "accepted"}, 3: {"review": "rejected"}}.get(now["id"], {})
        assert now == {**then, **said}


def test_of_sentences_only_those_that_were_rewritten_are_others(data):
    content = saved(data)
    said = {"simple_query": ["the  red box"], "concept": ["box"], "negative_query": ["a fish"]}
    for number in (0, 1):
        content["images"][number]["text_inst_input"] = dict(said)
    (data / "annotations.json").write_text(json.dumps(content))
    store = Store(data)
    do(store, 1, ACCEPT)
    texts = {"simple_query": ["the red box"], "concept": ["red box"], "complex_query": []}
    do(store, 2, {"do": "texts", "texts": texts})
    store.close()
    assert image(data, 1)["text_inst_input"] == said
    assert image(data, 2)["text_inst_input"] == {**said, "concept": ["red box"]}


def test_a_corrected_mask_is_written_and_its_neighbour_keeps_its_entry(data):
    before = saved(data)
    store = Store(data)
    do(store, 2, ADD)
    do(store, 2, ACCEPT)
    do(store, 4, NEW)
    do(store, 4, ACCEPT)
    store.close()
    after = saved(data)
    assert image(data, 2)["review"] == "corrected"
    assert image(data, 2)["stamp"] == before["images"][1]["stamp"]
    mine = [a for a in after["annotations"] if a["image_id"] == 2]
    assert mine[1] == before["annotations"][2]
    assert mine[0]["id"] == 14  # new, beyond all there were
    assert masks(data, 4)[0].tolist() == rectangle(*BLUE).tolist()
    numbers = [a["id"] for a in after["annotations"]]
    assert len(set(numbers)) == len(numbers) == 5
    again = Store(data)
    union = rectangle(*RED) | rectangle(*BLUE)
    assert masks(data, 2)[0].tolist() == union.tolist()
    again.close()


def test_the_file_says_that_nothing_is_there_as_long_as_it_is_so(data):
    store = Store(data)
    do(store, 4, NOTHING)
    store.save()
    assert image(data, 4)["family"] == "negative"
    do(store, 4, NEW)
    store.close()
    assert "family" not in image(data, 4)


def test_every_action_survives_a_kill_at_any_moment(data, tmp_path):
    store = Store(data)
    begun = store.samples[4]
    for action in (NEW, {"do": "draw", **{**ADD, "how": "redraw"}}, ADD, NOTHING, NEW, ACCEPT):
        do(store, 4, action)
        copy = killed(data, tmp_path)
        assert image(copy, 4) == image(data, 4)  # annotations.json is still the old one
        again = Store(copy)
        assert again.samples == store.samples
        again.close()
        assert image(copy, 4).get("review", "") == store.samples[4].review
    while store.undo():
        copy = killed(data, tmp_path)
        again = Store(copy)
        assert again.samples == store.samples
        assert (again.next_undo, again.next_redo) == (store.next_undo, store.next_redo)
        again.close()
    assert store.samples[4] == begun


def test_half_a_line_costs_that_action_alone(data):
    store = Store(data)
    do(store, 1, ACCEPT)
    do(store, 5, REJECT)
    store._journal.close()
    path = data / "review.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    again = Store(data)
    assert again.samples[1].review == "accepted"
    assert again.samples[5].review == ""
    do(again, 5, ACCEPT)
    again.close()
    assert image(data, 5)["review"] == "accepted"


def test_undo_and_redo_go_on_in_the_next_review(data):
    store = Store(data)
    do(store, 1, ACCEPT)
    do(store, 2, {"do": "delete", "instance": 1})
    do(store, 3, REJECT)
    store.undo()
    store.close()
    again = Store(data)
    assert (again.next_undo, again.next_redo) == ("delete", "reject")
    assert again.redo() == again.samples[3]
    assert again.samples[3].review == "rejected"
    for number in (3, 2, 1):
        undone = again.undo()
        assert undone is not None
        assert undone.id == number
    assert again.undo() is None
    again.close()
    assert saved(data)["images"] == saved(make(data / "fresh"))["images"]
    # A mask that was deleted and came back is the same mask, now packed.
    assert masks(data, 2)[1].tolist() == rectangle(*BLUE).tolist()
    third = Store(data)
    third.redo()
    do(third, 5, ACCEPT)
    assert third.redo() is None  # something else was done since
    third.close()


def test_accepted_and_corrected_are_told_apart_across_reviews(data):
    store = Store(data)
    do(store, 2, {"do": "delete", "instance": 1})
    store.close()
    again = Store(data)
    assert image(data, 2).get("review", "") == ""  # changed, but nobody said that it is right now
    do(again, 2, ACCEPT)
    assert again.samples[2].review == "corrected"
    again.undo()
    again.undo()
    do(again, 2, ACCEPT)
    assert again.samples[2].review == "accepted"
    again.close()


def test_what_needs_labels_is_not_accepted_without(data):
    store = Store(data)
    with pytest.raises(EntryError, match="no instance yet"):
        do(store, 4, ACCEPT)
    do(store, 4, NOTHING)
    assert store.samples[4].review == "accepted"
    with pytest.raises(EntryError, match="no sample 77"):
        store.act(77, "", ACCEPT)
    store.close()
    assert len(lines(data)) == 1


def test_two_windows_do_not_overwrite_each_other(data):
    store = Store(data)
    seen = version_of(store.samples[2])
    store.act(2, seen, ADD)
    with pytest.raises(StaleError):
        store.act(2, seen, REJECT)
    assert store.samples[2].review == ""
    assert len(lines(data)) == 1
    store.act(1, version_of(store.samples[1]), ACCEPT)  # another sample is another matter
    store.close()


def test_what_changes_nothing_is_no_action(data):
    store = Store(data)
    do(store, 1, ACCEPT)
    do(store, 1, ACCEPT)
    same = {**ADD, "how": "redraw", "shape": {"kind": "polygon", "points": corners(*RED)}}
    do(store, 1, same)
    store.close()
    assert len(lines(data)) == 1
    assert image(data, 1)["review"] == "accepted"


def test_only_one_review_at_a_time(data):
    store = Store(data)
    with pytest.raises(ReviewError, match="wait for it"):
        Store(data)
    store.close()
    Store(data).close()


def test_a_file_that_changed_meanwhile_is_not_overwritten(data):
    store = Store(data)
    do(store, 1, ACCEPT)
    content = saved(data)
    content["images"] = [i for i in content["images"] if i["id"] != 3]
    (data / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(ReviewError, match="changed by something else"):
        store.close()
    assert saved(data) == content
    again = Store(data)
    assert again.samples[1].review == "accepted"
    assert 3 not in again.samples
    again.close()
    assert [i["id"] for i in saved(data)["images"]] == [1, 2, 4, 5]


def test_samples_that_something_else_changed_stay_as_the_file_has_them(data):
    store = Store(data)
    do(store, 1, ACCEPT)
    do(store, 2, {"do": "delete", "instance": 0})
    store.close()
    content = saved(data)
    content["images"][1]["text_inst_input"]["concept"] = ["crate"]
    (data / "annotations.json").write_text(json.dumps(content))
    again = Store(data)
    assert again.overtaken == [2]
    assert again.samples[2].texts["concept"] == ("crate",)
    assert again.next_undo == "accept"  # of sample 1
    do(again, 2, ACCEPT)
    assert again.samples[2].review == "accepted"
    again.close()
    third = Store(data)
    assert third.overtaken == []
    assert third.samples[2].review == "accepted"
    third.close()
    # Made anew as it was at first, it gets what was said of it; that is what the journal stays for.
    shutil.copy(make(data / "fresh") / "annotations.json", data)
    fourth = Store(data)
    assert fourth.samples[1].review == "accepted"
    assert fourth.overtaken == [2]
    fourth.close()


def test_a_full_disk_refuses_the_action_and_all_after_it(data, monkeypatch):
    store = Store(data)
    do(store, 1, ACCEPT)
    real = os.fsync

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReviewError, match="No space left"):
        do(store, 2, REJECT)
    monkeypatch.setattr(os, "fsync", real)
    with pytest.raises(ReviewError, match="make room"):
        do(store, 3, REJECT)
    assert [s.review for s in store.samples.values()] == ["accepted", "", "", "open", ""]
    store.close()
    assert image(data, 1)["review"] == "accepted"


def test_a_failed_save_is_caught_up_on(data, monkeypatch):
    store = Store(data)
    do(store, 1, ACCEPT)
    real = os.replace
    monkeypatch.setattr(
        os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EROFS, "Read-only"))
    )
    with pytest.raises(ReviewError, match="Read-only"):
        store.save()
    monkeypatch.setattr(os, "replace", real)
    do(store, 2, ACCEPT)
    store.close()
    assert [image(data, n).get("review") for n in (1, 2)] == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda d: (d / "annotations.json").unlink(), "sam3i prepare"),
        (lambda d: (d / "annotations.json").write_text("{"), "not JSON"),
        (lambda d: (d / "annotations.json").write_text("[]"), "no SAM3-I file"),
        (lambda d: (d / "images/b.png").unlink(), "1 of 2 pictures"),
        (lambda d: (d / "review.jsonl").write_text('{"review": 1}\n{}\n'), "damaged"),
        (lambda d: (d / "review.jsonl").write_text('{"review": 1}\n{"key": 0}\n'), "damaged"),
        (lambda d: (d / "review.jsonl").write_text("{}\n"), "made with review none"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(data, spoil, told):
    spoil(data)
    before = {p: p.read_bytes() for p in data.rglob("*") if p.is_file()}
    with pytest.raises(ReviewError, match=told) as caught:
        Store(data)
    assert "\n" not in str(caught.value)
    after = {p: p.read_bytes() for p in data.rglob("*") if p.is_file()}
    after.pop(data / "review.jsonl", None)
    before.pop(data / "review.jsonl", None)
    assert after == before


def test_a_file_with_an_unusable_entry_is_refused(data):
    content = saved(data)
    content["annotations"][1]["segmentation"] = []
    (data / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(ReviewError, match="image 1: it has no segmentation"):
        Store(data)
    assert saved(data) == content
