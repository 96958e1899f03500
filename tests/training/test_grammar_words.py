"""The words of the grammar: what things are called, how it is inflected, the tokenizer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest
from transformers import AutoTokenizer

from sam3i_model.checkpoints.loading import BUNDLED
from sam3i_model.instruction import Level
from tests.training.grammar_scenes import SCENE, SIZE, record
from training.instructions import lexicon, outside
from training.instructions.answers import Answer
from training.instructions.grammar import query_of
from training.instructions.phrases import Phrase
from training.instructions.purposes import PURPOSES
from training.instructions.telling import noun_phrase
from training.instructions.things import scene_of
from training.instructions.vocabulary import build_tokenizer
from training.instructions.wording import AFTER, BEFORE
from training.world.shapes import KINDS


def test_uses_do_not_name_what_they_are_about() -> None:
    for purpose in PURPOSES.values():
        names = {name for kind in purpose.yes for name in (kind, *lexicon.NAMES[kind])} - {"can"}
        said = (*purpose.uses, *purpose.abilities, *purpose.properties, *purpose.situations)
        for phrase in said:
            for name in names | {lexicon.plural(name) for name in names}:
                assert f" {name} " not in f" {phrase} ", phrase


@pytest.mark.parametrize(
    ("text", "family", "verbs"),
    [
        ("the mugs on the left", "side", {"are"}),
        ("every one of the mugs on the left", "side", {"is"}),
        ("whatever isn't edible", "unfit", set()),
        ("the strings of the shoe", "part_use", set()),
    ],
)
def test_the_verb_is_that_of_what_is_said(text: str, family: str, verbs: set[str]) -> None:
    two = Answer(text, list(scene_of(SCENE[:2], SIZE)), text)
    said = [query_of(two, Level.SIMPLE, family, Random(i), 1.0).text for i in range(300)]
    asked = {found[1] for each in said if (found := re.match(rf"where (is|are) {text}", each))}
    assert asked == verbs
    assert not any(each.endswith(f" {text} {be}") for each in said for be in {"is", "are"} - verbs)


def test_uses_are_of_one_thing_or_many() -> None:
    for purpose in PURPOSES.values():
        for phrase in (*purpose.uses, *purpose.abilities, *purpose.properties):
            assert not {"it", "its", "itself"}.intersection(phrase.split()), phrase


def test_words_are_inflected() -> None:
    assert lexicon.indefinite("red scissors") == "a pair of red scissors"
    assert lexicon.indefinite("apple") == "an apple"
    assert lexicon.indefinite("hourglass") == "an hourglass"
    assert lexicon.indefinite("ukulele") == "a ukulele"
    assert lexicon.plural("watering can") == "watering cans"
    assert lexicon.plural("knife") == "knives"
    assert lexicon.plural("brush") == "brushes"
    assert lexicon.plural("computer mouse") == "computer mice"
    assert lexicon.plural("piece of fruit") == "pieces of fruit"
    scissors = Phrase("scissors", frozenset(("scissors",)), words="red", after="that {be} open")
    assert scissors.one == "pair of red scissors that is open"
    assert scissors.many == "pairs of red scissors that are open"
    assert scissors.indefinite == "a pair of red scissors that is open"
    assert scissors.definite() == "the red scissors that are open"
    assert scissors.be() == "are"


def test_a_dish_is_a_bowl_or_a_plate_and_perhaps_a_tray() -> None:
    things = scene_of(
        [record(1, "bowl", "red", 90, 0.5), record(2, "plate", "red", 300, 0.5)], SIZE
    )
    dish = noun_phrase("dish", "{name}")
    assert [thing.label for thing in dish.among(things) or ()] == [1, 2]
    tray = scene_of([record(1, "bowl", "red", 90, 0.5), record(2, "tray", "red", 300, 0.5)], SIZE)
    assert dish.among(tray) is None


def test_the_bundled_tokenizer_knows_every_word() -> None:
    bundled = json.loads((BUNDLED / "tokenizer.json").read_text())["model"]["vocab"]
    assert set(build_tokenizer().get_vocab()) <= bundled.keys()


def test_tokenizer(tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    texts = [
        "The mug isn\N{RIGHT SINGLE QUOTATION MARK}t RED, please!",
        "where's the stapler?",
        "mug " * 50,
        "I can't reach it, we'll see",
    ]
    batch = tokenizer(texts, padding="max_length", truncation=True)
    ids = batch["input_ids"]
    assert [len(row) for row in ids] == [32, 32, 32, 32]
    assert tokenizer.convert_ids_to_tokens(ids[0])[:9] == (
        ["[BOS]", "the", "mug", "is", "not", "red", "please", "[EOS]", "[PAD]"]
    )
    assert tokenizer.convert_ids_to_tokens(ids[1])[:6] == (
        ["[BOS]", "where", "is", "the", "[UNK]", "[EOS]"]
    )
    assert tokenizer.convert_ids_to_tokens(ids[3])[:10] == (
        ["[BOS]", "i", "can", "not", "reach", "it", "we", "will", "see", "[EOS]"]
    )
    assert [ids[0][0], ids[0][7], ids[0][8], ids[1][4]] == [1, 2, 0, 3]
    assert (ids[2][0], ids[2][-1]) == (1, 2)
    assert sum(batch["attention_mask"][0]) == 8
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again(texts, padding="max_length", truncation=True)["input_ids"] == ids
    assert json.loads((tmp_path / "tokenizer.json").read_text())["model"]["type"] == "WordLevel"


def test_every_rendered_kind_has_a_name_that_is_not_called_unknown() -> None:
    assert set(lexicon.NAMES) == set(KINDS)
    nouns = {noun for names in lexicon.NAMES.values() for noun in names}
    assert not nouns & set(outside.OUTSIDE)
    assert set(BEFORE) == set(AFTER)
