"""The grammar against a scene laid out by hand, and its properties over random scenes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from transformers import AutoTokenizer

from sam3i_model.instruction import Level, route
from training.instructions import families, lexicon, relations
from training.instructions.axes import AXES, middle_of_row, ranked
from training.instructions.families import Family
from training.instructions.grammar import FAMILIES, Query, concept, scene_of, simple
from training.instructions.phrases import Phrase, describe_nothing
from training.instructions.vocabulary import build_tokenizer, vocabulary
from training.world.shapes import KINDS

SIZE = (640, 480)
Record = dict[str, Any]


def record(
    label: int,
    kind: str | None,
    color: str,
    column: float,
    forward: float,
    side: float = 0.08,
    pixels: float = 60.0,
) -> Record:
    """A cube on the table seen at `column`; farther things stand higher in the image."""
    row = 420.0 - 300.0 * (forward - 0.5)
    half = pixels / 2
    return {
        "label": label,
        "kind": kind,
        "color": color,
        "viewer": [(column - 320.0) / 500.0 * forward, forward, side / 2],
        "size": [side, side, side],
        "box": [column - half, row - half, column + half, row + half],
        "area": pixels**2 * 0.8,
        "visible": 1.0,
    }


#            far      4 blue ball (small)          5 unnamed green thing
#            middle             3 white bowl
#            near     1 red mug (big)                        2 blue mug
SCENE = [
    record(1, "mug", "red", 100, 0.50, 0.12, 100),
    record(2, "mug", "blue", 560, 0.60, 0.09, 70),
    record(3, "bowl", "white", 330, 0.75, 0.10, 70),
    record(4, "ball", "blue", 120, 0.95, 0.05, 30),
    record(5, None, "green", 480, 1.00, 0.08, 50),
]

EXPECTED: dict[str, tuple[int, ...]] = {
    "the leftmost mug": (1,),
    "the rightmost mug": (2,),
    "the mug on the right": (2,),
    "the closest object": (1,),
    "the nearest mug": (1,),
    "the farthest mug": (2,),
    "the biggest object": (1,),
    "the smallest object": (4,),
    "the smallest mug": (2,),
    "the rightmost blue object": (2,),
    "the bigger mug": (1,),
    "the smaller of the two mugs": (2,),
    "the second mug from the left": (2,),
    "the second object from the right": (5,),
    "the third mug from the right": (),
    "the mug left of the bowl": (1,),
    "the mug right of the bowl": (2,),
    "the objects left of the bowl": (1, 4),
    "the green object behind the blue mug": (5,),
    "the mug closest to the green object": (2,),
    "the mug farthest from the ball": (2,),
    "the bowl between the red mug and the green object": (3,),
    "the ball smaller than the bowl": (4,),
    "the red mug": (1,),
    "the mug that is not red": (2,),
    "the mug other than the blue one": (1,),
    "everything except the bowl": (1, 2, 4, 5),
    "not the red mug but the blue mug": (2,),
    "both mugs": (1, 2),
    "the two blue objects": (2, 4),
    "the red mug and the white bowl": (1, 3),
    "the mug on the left side": (1,),
    "the white ball": (),
}


def texts_of(objects: list[Record], draws: int, absent: bool | None = None) -> dict[str, Any]:
    """Every text that the families make of a scene, with the labels each was given."""
    things = scene_of(objects, SIZE)
    rng = Random(7)
    said: dict[str, set[tuple[int, ...]]] = {}
    for family, _ in FAMILIES.values():
        related = family.__module__ == relations.__name__  # more words, so each text is rarer
        for _ in range(draws * (5 if related else 1)):
            missing = rng.random() < 0.3 if absent is None else absent
            if answer := family(things, rng, missing):
                said.setdefault(answer[0], set()).add(answer[1])
    return said


@pytest.fixture(scope="module")
def said() -> dict[str, set[tuple[int, ...]]]:
    return texts_of(SCENE, 5000)


@pytest.mark.parametrize(("text", "labels"), EXPECTED.items())
def test_sentence_about_the_scene(
    said: dict[str, set[tuple[int, ...]]], text: str, labels: tuple[int, ...]
) -> None:
    assert said.get(text) == {labels}


def test_a_sentence_has_one_meaning(said: dict[str, set[tuple[int, ...]]]) -> None:
    assert {text: labels for text, labels in said.items() if len(labels) > 1} == {}


def test_relations_that_do_not_hold() -> None:
    things, rng = scene_of(SCENE, SIZE), Random(3)
    answers = [relations.relation(things, rng, True) for _ in range(40_000)]
    texts = {answer[0] for answer in answers if answer}
    assert any(text.startswith("the banana ") for text in texts)  # nothing of that name
    assert any(text.endswith(" the banana") for text in texts)  # no such reference
    assert "the bowl behind the ball" in texts  # both there, the other way round
    assert not {"the mug left of the bowl", "the ball behind the bowl"} & texts


def test_unclear_cases_are_not_asked(said: dict[str, set[tuple[int, ...]]]) -> None:
    # The ball and the red mug are 20 px apart (3 % of the width); the farthest two 5 cm.
    for text in ("the ball left of the red mug", "the leftmost object", "the mug behind the bowl"):
        assert said.get(text, {()}) == {()}


def random_scene(rng: Random, count: int) -> list[Record]:
    kinds = (*lexicon.NAMES, None)
    return [
        record(
            label,
            rng.choice(kinds),
            rng.choice(lexicon.COLORS[:5]),
            rng.uniform(40, 600),
            rng.uniform(0.4, 1.1),
            rng.uniform(0.04, 0.15),
            rng.uniform(20, 120),
        )
        for label in rng.sample(range(1, 30), count)
    ]


def queries(seed: int, scenes: int = 400) -> list[tuple[list[Record], Query]]:
    rng = Random(seed)
    found = []
    for _ in range(scenes):
        objects = random_scene(rng, rng.randint(0, 8))
        found.append((objects, concept(objects, rng, SIZE)))
        found.append((objects, simple(objects, rng, SIZE)))
    return found


def test_labels_come_from_the_scene_in_order() -> None:
    for objects, query in queries(1):
        labels = {item["label"] for item in objects}
        assert labels.issuperset(query.labels)
        assert list(query.labels) == sorted(set(query.labels))


def test_the_same_generator_gives_the_same_texts() -> None:
    assert queries(3, 50) == queries(3, 50)
    assert queries(3, 50) != queries(4, 50)


def test_share_of_absent_queries() -> None:
    rng = Random(5)
    scenes = [random_scene(rng, 6) for _ in range(2000)]
    concepts = [not concept(objects, rng, SIZE, absent=0.22).labels for objects in scenes]
    simples = [not simple(objects, rng, SIZE, absent=0.2).labels for objects in scenes]
    assert sum(concepts) / 2000 == pytest.approx(0.22, abs=0.03)
    assert sum(simples) / 2000 == pytest.approx(0.20, abs=0.03)


@pytest.mark.parametrize("family", [families.superlative, families.comparative, families.ordinal])
def test_one_winner(family: Family) -> None:
    rng = Random(2)
    answers = [family(scene_of(random_scene(rng, 6), SIZE), rng, False) for _ in range(500)]
    found = [answer for answer in answers if answer]
    assert len(found) > 30
    assert all(len(labels) == 1 for _, labels in found)


@pytest.mark.parametrize(("name", "family"), [(n, f) for n, (f, _) in FAMILIES.items()])
def test_absent_is_empty_and_present_is_not(name: str, family: Family) -> None:
    rng = Random(11)
    things = [scene_of(random_scene(rng, 7), SIZE) for _ in range(1500)]
    present = [answer for scene in things if (answer := family(scene, rng, False))]
    absent = [answer for scene in things if (answer := family(scene, rng, True))]
    assert len(present) > 20, name
    assert len(absent) > 20, name
    assert all(labels for _, labels in present)
    assert not any(labels for _, labels in absent)


def mirrored(objects: list[Record]) -> list[Record]:
    width = SIZE[0]
    out = []
    for item in objects:
        x0, y0, x1, y1 = item["box"]
        right, forward, up = item["viewer"]
        out.append(
            {**item, "box": [width - x1, y0, width - x0, y1], "viewer": [-right, forward, up]}
        )
    return out


def test_a_mirror_swaps_left_and_right() -> None:
    swap = {"left": "right", "right": "left"}
    words = ("left", "right", "leftmost", "rightmost")
    here, there = texts_of(SCENE, 1500, absent=False), texts_of(mirrored(SCENE), 1500, absent=False)
    compared = 0
    for text, labels in here.items():
        if not set(words).intersection(text.split()):
            continue
        turned = " ".join(
            word.replace(side, swap[side])
            if (side := next((s for s in swap if word.startswith(s)), ""))
            else word
            for word in text.split()
        )
        if turned in there:
            compared += 1
            assert there[turned] == labels, text
    assert compared > 100


def test_ranking_needs_a_margin() -> None:
    width = SIZE[0]
    apart = scene_of([record(1, "mug", "red", 100, 0.5), record(2, "mug", "red", 133, 0.5)], SIZE)
    close = scene_of([record(1, "mug", "red", 100, 0.5), record(2, "mug", "red", 131, 0.5)], SIZE)
    assert 31 / width < 0.05 < 33 / width
    assert [thing.label for thing in ranked(apart, AXES["right"], 1)] == [2, 1]
    assert ranked(close, AXES["right"], 1) == []


def test_bigger_in_the_image_but_not_in_truth_is_not_bigger() -> None:
    near_small = record(1, "mug", "red", 100, 0.5, side=0.05, pixels=90)
    far_large = record(2, "mug", "blue", 400, 0.9, side=0.12, pixels=60)
    things = scene_of([near_small, far_large], SIZE)
    assert ranked(things, AXES["big"], 1) == []


def test_middle_of_row() -> None:
    row = [record(i, "can", "red", column, 0.6) for i, column in enumerate((500, 90, 300), 1)]
    winner = middle_of_row(scene_of(row, SIZE))
    assert winner is not None
    assert winner.label == 3
    assert middle_of_row(scene_of(row[:2], SIZE)) is None


def test_between_is_on_the_line() -> None:
    ends = [record(1, "box", "red", 100, 0.6), record(2, "ball", "blue", 540, 0.6)]
    on_line, beyond = record(3, "mug", "white", 320, 0.62), record(3, "mug", "white", 320, 1.1)
    for third, expected in ((on_line, {(3,)}), (beyond, {()})):
        things = scene_of([*ends, third], SIZE)
        rng = Random(0)
        answers = [relations.between(things, rng, absent) for absent in (False, True) * 10_000]
        asked = "the mug between the box and the ball"
        assert {answer[1] for answer in answers if answer and answer[0] == asked} == expected


def test_a_dish_is_a_bowl_or_a_plate() -> None:
    things = scene_of(
        [record(1, "bowl", "red", 90, 0.5), record(2, "plate", "red", 300, 0.5)], SIZE
    )
    dish = Phrase("dish", lexicon.kinds_of("dish"))
    assert [thing.label for thing in dish.among(things)] == [1, 2]


def test_outside_nouns_are_asked_only_where_everything_has_a_name() -> None:
    rng = Random(1)
    named = scene_of(SCENE[:4], SIZE)
    unnamed = scene_of(SCENE, SIZE)
    from_named = [describe_nothing(named, rng) for _ in range(2000)]
    from_unnamed = [describe_nothing(unnamed, rng) for _ in range(2000)]
    assert sum(p is not None and p.noun in lexicon.OUTSIDE for p in from_named) > 100
    assert not any(p is not None and p.noun in lexicon.OUTSIDE for p in from_unnamed)


def test_every_family_is_drawn() -> None:
    drawn = Counter(query.family for _, query in queries(9, 3000) if query.level is Level.SIMPLE)
    assert set(drawn) == set(FAMILIES)
    assert drawn["superlative"] > drawn["pair"]


def test_empty_scene_gives_an_absent_query() -> None:
    for ask in (concept, simple):
        query = ask([], Random(0), SIZE)
        assert query.labels == ()
        assert query.text


def test_router_never_takes_a_concept_for_complex() -> None:
    levels = Counter(
        (query.level, route(query.text).level) for _, query in queries(21, 2000) if query.labels
    )
    assert levels[Level.CONCEPT, Level.COMPLEX] == 0
    assert levels[Level.SIMPLE, Level.COMPLEX] == 0
    simple_ones = levels[Level.SIMPLE, Level.SIMPLE]
    assert simple_ones / (simple_ones + levels[Level.SIMPLE, Level.CONCEPT]) > 0.9


def test_vocabulary_holds_every_word_but_the_unknown_on_purpose() -> None:
    tokenizer = build_tokenizer()
    unknown = {*lexicon.OUTSIDE, *map(lexicon.plural, lexicon.OUTSIDE), *lexicon.IDLE_ADJECTIVES}
    assert not unknown.intersection(vocabulary())
    assert 300 <= len(vocabulary()) <= 600
    normalize = tokenizer.backend_tokenizer.normalizer.normalize_str
    known = set(vocabulary())
    for _, query in queries(13, 3000):
        assert known.issuperset(set(normalize(query.text).split()) - unknown), query.text


def test_tokenizer(tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    texts = [
        "The mug isn\N{RIGHT SINGLE QUOTATION MARK}t RED, please!",
        "where's the stapler?",
        "mug " * 50,
    ]
    batch = tokenizer(texts, padding="max_length", truncation=True)
    ids = batch["input_ids"]
    assert [len(row) for row in ids] == [32, 32, 32]
    assert tokenizer.convert_ids_to_tokens(ids[0])[:9] == (
        ["[BOS]", "the", "mug", "is", "not", "red", "please", "[EOS]", "[PAD]"]
    )
    assert tokenizer.convert_ids_to_tokens(ids[1])[:6] == (
        ["[BOS]", "where", "is", "the", "[UNK]", "[EOS]"]
    )
    assert [ids[0][0], ids[0][7], ids[0][8], ids[1][4]] == [1, 2, 0, 3]
    assert (ids[2][0], ids[2][-1]) == (1, 2)
    assert sum(batch["attention_mask"][0]) == 8
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again(texts, padding="max_length", truncation=True)["input_ids"] == ids


def test_every_rendered_kind_has_a_name_that_is_not_called_unknown() -> None:
    assert set(lexicon.NAMES) == set(KINDS)
    nouns = {noun for names in lexicon.NAMES.values() for noun in names}
    assert not nouns & set(lexicon.OUTSIDE)
    assert lexicon.indefinite("red scissors") == "a pair of red scissors"
    assert lexicon.indefinite("apple") == "an apple"
    assert lexicon.plural("watering can") == "watering cans"
    assert lexicon.plural("knife") == "knives"
    assert lexicon.plural("brush") == "brushes"


def test_colours_are_not_spoken_of_where_they_are_not_clear() -> None:
    spotted = {**record(1, "mug", "white", 100, 0.5), "colors": ["white", "red"]}
    mixed = {**record(2, "box", "", 300, 0.5), "color": None, "colors": ["green", "blue"]}
    red = {**record(3, "mug", "red", 500, 0.5), "colors": ["red"]}
    said = texts_of([spotted, mixed, red], 800)
    assert said["the white mug"] == {(1,)}
    assert not any(" red mug" in text or " red object" in text for text in said)
    assert not any("green box" in text or "blue box" in text for text in said)
    assert not any("not red" in text for text in said)
    assert said["the box"] == {(2,)}
