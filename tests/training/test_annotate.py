"""`sam3i annotate` from end to end: a server that really looks at the pictures it is sent."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest

from tests.training.annotate_samples import DATA, Onlooker, run, said, words
from training.sam3i_check import explain


def test_annotations_of_coco_become_sam3i_json(chat, tmp_path):
    onlooker = Onlooker()
    chat.answer = onlooker
    result = run(*words(chat, tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "8 of 8 tasks kept" in said(result)
    content = json.loads((tmp_path / "out/annotations.json").read_text())
    assert list(explain(content)) == []
    by_texts = {i["text_inst_input"]["simple_query"][0]: i for i in content["images"]}
    assert "take red and blue and navy there" in by_texts
    assert by_texts["take red and blue and navy there"]["granularity"] == "1toAll"
    red = by_texts["take red there"]
    assert red["provenance"] == {"source": "coco", "model": "seer", "rounds": 2}
    assert red["negative"] == {"concept": ["vase"], "simple_query": ["the vase at the back"]}
    assert [i["part"] for i in content["images"]].count(True) == 1
    figures = json.loads((tmp_path / "out/statistics.json").read_text())
    assert figures["texts_dropped"] == {"simple_query: denotes more": onlooker.slips}
    assert figures["kept_by_rounds"] == {"1": 7, "2": 1}

    asked = len(chat.requests)
    before = (tmp_path / "out/annotations.json").read_bytes()
    again = run(*words(chat, tmp_path / "out"))
    assert again.exit_code == 0
    assert len(chat.requests) == asked
    assert (tmp_path / "out/annotations.json").read_bytes() == before


@pytest.mark.parametrize("source", ["refcoco", "grefcoco", "ref-zom", "mmr.json"])
def test_other_layouts_run_too(chat, tmp_path, source):
    chat.answer = Onlooker()
    words = [str(DATA / source), str(tmp_path), "--images", str(DATA / "pictures")]
    result = run(*words, "--address", chat.address, "--model", "seer")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "annotations.json").read_text())
    assert content["images"]
    assert list(explain(content)) == []


def test_a_split_is_a_run_of_its_own(chat, tmp_path):
    chat.answer = Onlooker()
    folder = tmp_path / "refcoco"
    shutil.copytree(DATA / "refcoco", folder)
    path = folder / "refs(unc).json"
    *rest, last = json.loads(path.read_text())
    path.write_text(json.dumps([*rest, {**last, "split": "testA"}]))
    words = [folder, tmp_path / "out", "--images", DATA / "pictures"]
    words += ["--address", chat.address, "--model", "seer"]
    both = run(*words)
    assert both.exit_code == 1
    assert "such as --split train" in said(both)
    assert run(*words, "--split", "train").exit_code == 0
    content = json.loads((tmp_path / "out/annotations.json").read_text())
    assert {image["file_name"] for image in content["images"]} == {"table.png"}
    other = run(*words, "--split", "testA")
    assert other.exit_code == 1
    assert "a run made with split train" in said(other)


def test_a_dry_run_asks_nobody_and_leaves_nothing(chat, tmp_path):
    result = run(*words(chat, tmp_path / "out", "--dry-run"))
    assert result.exit_code == 0
    assert "8 tasks to do: 72 calls if every text holds at once, 1,512 at the very most" in said(
        result
    )
    assert "0:00:54 to 0:18:54 with 4 at once, if a call takes 3 s" in said(result)
    assert chat.requests == []
    assert not (tmp_path / "out").exists()
    assert "1 tasks" not in said(run(*words(chat, tmp_path / "out", "--dry-run", "--limit", "1")))


def test_an_edited_source_is_asked_about_anew(chat, tmp_path):
    chat.answer = Onlooker()
    source = tmp_path / "mine.json"
    shutil.copy(DATA / "coco.json", source)
    _, *rest = words(chat, tmp_path / "out")
    assert run(source, *rest).exit_code == 0
    assert "0 tasks to do" in said(run(source, *rest, "--dry-run"))
    content = json.loads(source.read_text())
    (mug,) = (a for a in content["annotations"] if a["id"] == 21)
    mug["category_id"] = 2
    source.write_text(json.dumps(content))
    assert "1 tasks to do" in said(run(source, *rest, "--dry-run"))
    assert re.search(r"\d of 8 tasks kept", said(run(source, *rest)))


def test_every_request_counts(chat, tmp_path):
    onlooker = Onlooker()
    chat.answer = lambda r: onlooker(r) if len(r["messages"]) == 5 else "I think so"
    result = run(*words(chat, tmp_path / "out", "--limit", "1"))
    assert "7 of 7 tasks kept" in said(result)
    figures = json.loads((tmp_path / "out/statistics.json").read_text())
    assert figures["calls"] == len(chat.requests) > 100


def test_half_a_character_is_asked_for_anew(chat, tmp_path):
    onlooker = Onlooker()

    def garbled(request: dict[str, Any]) -> dict[str, Any]:
        answer = onlooker(request)
        if "simple_query" in answer and len(request["messages"]) == 1:
            answer["simple_query"] = ["the mug \ud83d on the left"]
        return answer

    chat.answer = garbled
    result = run(*words(chat, tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "8 of 8 tasks kept" in said(result)


def test_a_source_without_anything_to_ask_about_is_told(chat, tmp_path):
    content = json.loads((DATA / "coco.json").read_text())
    crowds = [{**a, "iscrowd": 1} for a in content["annotations"]]
    source = tmp_path / "mine.json"
    _, *rest = words(chat, tmp_path / "out")
    for shown in ([], crowds):
        source.write_text(json.dumps({**content, "annotations": shown}))
        for more in ([], ["--dry-run"]):
            result = run(source, *rest, *more)
            assert result.exit_code == 1
            assert "has no annotation that can be asked about" in said(result)
    assert not (tmp_path / "out").exists()


def test_texts_that_are_left_out_are_counted(chat, tmp_path):
    folder = tmp_path / "grefcoco"
    shutil.copytree(DATA / "grefcoco", folder)
    path = folder / "grefs(unc).json"
    refs = json.loads(path.read_text())
    path.write_text(json.dumps([*refs, {**refs[2], "ref_id": 4, "ann_id": [22]}]))
    images = ["--images", DATA / "pictures", "--address", chat.address, "--model", "seer"]
    result = run(folder, tmp_path / "out", *images, "--dry-run")
    assert "4 texts; 2 tasks 1 texts are left out: they mean crowds" in said(result)
    assert "left out" not in said(run(DATA / "grefcoco", tmp_path / "out", *images, "--dry-run"))
