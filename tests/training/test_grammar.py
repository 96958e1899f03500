"""What the grammar asks at each level: shares, variety, speech, words."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import Any

import pytest

from sam3i_model.instruction import Level
from tests.training.grammar_scenes import DESK, SCENE, SIZE, Record, random_scene, record
from training.instructions import grammar, lexicon, outside
from training.instructions.grammar import COMPLEX, SIMPLE, Query
from training.instructions.phrases import Phrase
from training.instructions.telling import Teller, any_phrase, noun_phrase, with_trait
from training.instructions.things import scene_of
from training.instructions.triplets import triplets
from training.instructions.vocabulary import build_tokenizer, vocabulary

ASKS = (grammar.concept, grammar.simple, grammar.complex_)


def queries(seed: int, scenes: int = 400) -> list[tuple[list[Record], Query]]:
    rng = Random(seed)
    found = []
    for _ in range(scenes):
        objects = random_scene(rng, rng.randint(0, 8))
        found += [(objects, ask(objects, rng, SIZE)) for ask in ASKS]
    return found


@pytest.fixture(scope="module")
def many() -> list[tuple[list[Record], Query]]:
    """20,000 queries."""
    return queries(42, 6667)


def test_labels_come_from_the_scene_in_order(many: list[tuple[list[Record], Query]]) -> None:
    for objects, query in many:
        known = {item["label"] for item in objects}
        if query.part:
            known = {part["label"] for item in objects for part in item["parts"]}
        assert known.issuperset(query.labels)
        assert list(query.labels) == sorted(set(query.labels))


def test_granularity_is_what_the_labels_are(many: list[tuple[list[Record], Query]]) -> None:
    for _, query in many:
        if not query.labels:
            assert query.granularity == ""
        elif query.level is Level.CONCEPT:
            assert query.granularity == "1toAll"
        else:
            assert (query.granularity == "1to1") == (len(query.labels) == 1)
    found = {(query.level, query.granularity) for _, query in many}
    assert len(found) == 2 + 4 + 4


def test_the_same_generator_gives_the_same_texts() -> None:
    assert queries(3, 50) == queries(3, 50)
    assert queries(3, 50) != queries(4, 50)


def test_a_fifth_denotes_nothing_at_every_level(many: list[tuple[list[Record], Query]]) -> None:
    for level in (Level.CONCEPT, Level.SIMPLE, Level.COMPLEX):
        own = [query for objects, query in many if query.level is level and len(objects) > 4]
        assert sum(not query.labels for query in own) / len(own) == pytest.approx(0.21, abs=0.04)


def test_no_template_is_frequent(many: list[tuple[list[Record], Query]]) -> None:
    counts = Counter((query.level, query.template) for _, query in many)
    for (level, template), count in counts.items():
        share = count / len(many)
        # A concept is no sentence: its form is a noun with or without a word or two.
        assert share < (0.08 if level is Level.CONCEPT else 0.01), (template, share)
    assert len(counts) > 900
    assert len({query.text for _, query in many}) > 17_000


def test_every_family_is_drawn(many: list[tuple[list[Record], Query]]) -> None:
    rng = Random(1)
    on_desk = [(DESK, ask(DESK, rng, SIZE)) for _ in range(1500) for ask in ASKS]
    drawn: dict[Level, set[str]] = {level: set() for level in Level}
    for _, query in [*many, *on_desk]:
        drawn[query.level].add(query.family)
    assert drawn[Level.CONCEPT] == {"noun", "part", "absent"}
    assert drawn[Level.SIMPLE] == set(SIMPLE)
    assert drawn[Level.COMPLEX] == set(COMPLEX)


def test_complex_instructions_do_not_name_their_target(
    many: list[tuple[list[Record], Query]],
) -> None:
    checked = 0
    for objects, query in many:
        if query.level is Level.COMPLEX and query.family in ("asked", "definite", "superlative"):
            kinds = {item["label"]: item["kind"] for item in objects}
            words = set(query.text.split()) - {"can", "orange"}  # which are other words as well
            for label in () if query.part else query.labels:
                checked += 1
                assert kinds[label] not in words, query.text
    assert checked > 1000


def test_empty_scene_gives_an_absent_query() -> None:
    for ask in ASKS:
        query = ask([], Random(0), SIZE)
        assert query.labels == ()
        assert query.text


def test_speech_is_in_order(many: list[tuple[list[Record], Query]]) -> None:
    for _, query in many:
        text = f" {query.text} "
        assert "  " not in text.strip()
        assert "{" not in text
        assert " a apple " not in text
        assert " a orange " not in text
        assert " an mug " not in text
        assert " the the " not in text
        assert not text.startswith((" where is the scissors", " where is the pliers")), text


MANY = "things|items|objects|(mug|cup|jar|bucket|bowl|glass|can|bottle|cone|vase)e?s"


@pytest.mark.parametrize(
    "wrong",
    [
        "pair of pair",
        "(pages|laces|wheels|leaves|blades|handles|tines|t[iy]res) (which is|that belongs)",
        "(handle|lid|spout|blade|cap|head) (which are|that belong )",
        "(is|are) there (the|this|that|my|our|your) ",
        "where are (whatever|everything|anything) ",
        f"(the|all|two|three) .*({MANY}) .*\\b(it|its)\\b",
    ],
)
def test_verbs_and_pronouns_agree(many: list[tuple[list[Record], Query]], wrong: str) -> None:
    found = [query.text for _, query in many if re.search(rf"\b{wrong}", query.text)]
    assert found == []


def test_colours_are_not_spoken_of_where_they_are_not_clear() -> None:
    rng = Random(0)
    spotted = record(1, "mug", "white", 100, 0.5, colors=["white", "red"])
    mixed = record(2, "box", None, 300, 0.5, colors=["green", "blue"])
    red = record(3, "mug", "red", 500, 0.5)
    scene = scene_of([spotted, mixed, red], SIZE)
    mug, box = noun_phrase("mug", "{name}"), noun_phrase("box", "{name}")

    def denoted(phrase: Phrase, color: str) -> Any:
        found = with_trait(phrase, ("color", color), rng).among(scene)
        return None if found is None else [thing.label for thing in found]

    assert denoted(mug, "white") == [1]
    assert denoted(mug, "red") is None
    assert denoted(mug, "blue") == []
    assert denoted(box, "green") is None
    assert denoted(any_phrase(rng), "yellow") is None  # what is mixed may look so


def test_states_are_not_spoken_of_where_they_are_not_seen() -> None:
    rng = Random(0)
    above = [0.0, 0.5, 0.7]  # from far above the thing
    contents = [{"name": "contents", "label": 1, "area": 100}]
    cups = [
        record(1, "cup", "red", 100, 0.5, states=["full"], centroid=above, parts=contents),
        record(2, "cup", "red", 300, 0.5, states=["empty"], centroid=above),
    ]
    full = with_trait(noun_phrase("tumbler", "{name}"), ("full", "full"), rng)
    assert [thing.label for thing in full.among(scene_of(cups, SIZE)) or ()] == [1]
    level = [0.0, 0.0, 0.51]
    sideways = [cups[0], {**cups[1], "centroid": level}]
    assert full.among(scene_of(sideways, SIZE)) is None


def test_outside_nouns_are_asked_only_where_everything_has_a_name() -> None:
    rng = Random(1)
    for objects, some in ((SCENE[:4], True), (SCENE, False)):
        teller = Teller(scene_of(objects, SIZE), rng)
        phrases = [teller.nothing() for _ in range(2000)]
        assert any(p is not None and p.noun in outside.OUTSIDE for p in phrases) == some


def test_triplets_denote_the_same_at_three_levels() -> None:
    rng = Random(5)
    found = [
        triplet
        for objects in (SCENE, DESK, *(random_scene(rng, 6) for _ in range(300)))
        for triplet in triplets(objects, rng, SIZE, count=2)
    ]
    assert len(found) > 150
    for concept, simple, complex_ in found:
        assert concept.labels == simple.labels == complex_.labels
        assert concept.part == simple.part == complex_.part
        assert (concept.level, simple.level, complex_.level) == (1, 2, 3)
    assert any(not triplet.concept.labels for triplet in found)
    assert any(triplet.concept.part for triplet in found)


def test_every_word_is_known_but_those_unknown_on_purpose(
    many: list[tuple[list[Record], Query]],
) -> None:
    words = vocabulary()
    assert words == sorted(set(words))
    assert 2500 <= len(words) <= 3500
    unknown = {*outside.OUTSIDE, *map(lexicon.plural, outside.OUTSIDE), *outside.IDLE_ADJECTIVES}
    assert not unknown.intersection(words)
    normalize = build_tokenizer().backend_tokenizer.normalizer.normalize_str
    known = {*words, *unknown}
    for _, query in many:
        said = normalize(query.text).split()
        assert known.issuperset(said), query.text
        assert len(said) <= 30, query.text  # with both ends 32


def test_simple_sentences_about_order_can_be_asked_alone() -> None:
    rng = Random(3)
    row = [grammar.simple(SCENE, rng, SIZE, 0.1, grammar.ROW) for _ in range(200)]
    assert all(re.search("left|right", query.text) for query in row)
    assert {query.labels for query in row if query.family == "superlative"} >= {(1,), (2,)}
    order = [grammar.simple(SCENE, rng, SIZE, 0.1, grammar.ORDER) for _ in range(300)]
    assert {query.family for query in order} <= {*grammar.ORDER, "definite"}
    assert {query.level for query in (*row, *order)} == {Level.SIMPLE}


def test_plain_sentences_can_be_asked_alone() -> None:
    rng = Random(4)
    plain = [grammar.simple(SCENE, rng, SIZE, 0.25, grammar.PLAIN) for _ in range(300)]
    assert {query.family for query in plain} <= set(grammar.PLAIN)
    assert {query.level for query in plain} == {Level.SIMPLE}
    assert 0.1 < sum(not query.labels for query in plain) / 300 < 0.5
