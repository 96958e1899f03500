"""Questions about rendered scenes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from sam3i_model.instruction import Level
from training.annotations.rle import decode
from training.instructions import grammar
from training.instructions.grammar import Query
from training.questions import Ask, WorldQuestions
from training.world.pool import WorldPool


def write_pool(folder, color: str = "red") -> WorldPool:
    """Eight scenes of two boxes, side by side."""
    shard = folder / "shard-0000"
    shard.mkdir(parents=True)
    labels = np.zeros((8, 64, 64), np.uint8)
    labels[:, 20:40, 5:25], labels[:, 20:40, 35:55] = 1, 2
    record = {
        "kind": "box",
        "color": color,
        "size": [0.1, 0.1, 0.1],
        "area": 400,
        "visible": 1.0,
        "centroid": [0.0, 0.0, 1.0],
    }
    objects = [
        {**record, "label": label, "viewer": [x / 64 - 0.5, 1.0, 0.05], "box": [x, 20, x + 20, 40]}
        for label, x in ((1, 5), (2, 35))
    ]
    np.save(shard / "rgb.npy", np.zeros((8, 64, 64, 3), np.uint8))
    np.save(shard / "labels.npy", labels)
    np.save(shard / "parts.npy", np.zeros_like(labels))
    (shard / "objects.json").write_text(json.dumps([objects] * 8))
    return WorldPool(folder)


def test_questions_about_scenes_repeat_and_fit_the_scene(tmp_path):
    pool = write_pool(tmp_path)
    source = WorldQuestions(pool, seed=3)
    pictures = [source[index] for index in range(8)]
    assert source.levels == ("concept", "simple", "complex")
    assert pictures[5].questions == WorldQuestions(pool, seed=3)[5].questions
    assert pictures[5].questions != WorldQuestions(pool, seed=4)[5].questions
    assert pictures[5].rgb.shape == (64, 64, 3)
    asked = [question for picture in pictures for question in picture.questions]
    assert [question.level for question in asked[:4]] == ["concept"] * 2 + ["simple"] * 2
    assert {question.present for question in asked} == {True, False}
    for question in asked:
        count = len(question.masks)
        if question.level == "concept":
            assert question.granularity == ("1toAll" if count else "")
            assert count in (0, 2)  # the boxes are alike
        else:
            assert question.granularity in (("",), ("1to1", "1toAll"), ("1toN", "1toAll"))[count]
        assert all(decode(mask).sum() == 400 for mask in question.masks)
        assert question.present == bool(count)


def test_pools_have_fingerprints(tmp_path):
    def of(folder: str, count: int = 2) -> str:
        return WorldQuestions(WorldPool(tmp_path / folder), seed=1).fingerprint(count)

    for name, color in (("a", "red"), ("b", "red"), ("c", "blue"), ("d", "red"), ("e", "red")):
        write_pool(tmp_path / name, color)
    first, masks = (np.load(tmp_path / f"a/shard-0000/{n}.npy") for n in ("rgb", "labels"))
    first[1, 0, 0, 0] = masks[1, 20, 5] = 9
    np.save(tmp_path / "d/shard-0000/rgb.npy", first)
    np.save(tmp_path / "e/shard-0000/labels.npy", masks)
    assert of("a") == of("b")
    assert len({of(name) for name in "acde"}) == 4
    assert of("a", 1) == of("d", 1) == of("e", 1)  # only what is asked about counts


def test_other_sentences_about_the_same_scenes_have_another_fingerprint(tmp_path):
    pool = write_pool(tmp_path)

    def of(ask: Ask, seed: int = 1) -> str:
        return WorldQuestions(pool, seed, {"simple": ask}).fingerprint(8)

    def reworded(*scene) -> Query:
        return replace(grammar.simple(*scene), text="the box")

    def unmet(*scene) -> Query:
        return replace(grammar.simple(*scene), labels=())

    asks = (grammar.simple, reworded, unmet)
    assert of(grammar.simple) == of(grammar.simple)
    assert len({*map(of, asks), of(grammar.simple, 2)}) == 4


def test_rows_that_were_kept_stay_valid(tmp_path):
    """`official` came later: with it in the fingerprint all kept rows would be refused."""

    def ask(*scene) -> Query:
        return Query("the left box", (1,), Level.SIMPLE, "relation", "1to1")

    source = WorldQuestions(write_pool(tmp_path), 1, {"simple": ask})
    assert source.fingerprint(2) == "24094628"
