"""The reader on texts written by hand, and how often it agrees with the grammar."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from typer.testing import CliRunner

from sam3i_model.instruction import Level
from tests.training.grammar_scenes import DESK, SCENE, SIZE, Record, random_scene, record
from training.instructions import grammar
from training.instructions.__main__ import app
from training.instructions.executor import execute
from training.instructions.grammar import Query
from training.instructions.inspection import (
    DIFFERENT,
    OTHER_SORT,
    UNREAD,
    Inspection,
    objection,
)
from training.instructions.purposes import PURPOSES
from training.instructions.purposes.purpose import UNNAMED
from training.instructions.reading import UnreadableError
from training.world.pool import ARRAYS, RECORDS, PoolSpec
from training.world.shapes import KINDS
from training.world.writing import write_pool


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("mugs", (1, 2)),
        ("Please bring me the red mug!", (1,)),
        ("where are the two blue objects", (2, 4)),
        ("the second mug from the left", (2,)),
        ("the mug that isn't red", (2,)),
        ("all the objects but the bowl", (1, 2, 4, 5)),
        ("left of the bowl the mug", (1,)),
        ("the red mug and the white bowl", (1, 3)),
        ("not the red mug but the blue mug", (2,)),
        ("the thing nearest to you that i can drink from", (1,)),
        ("the green thing behind the blue mug", (5,)),
        ("something to play catch with left of the bowl", (4,)),
        ("whatever isn't made to drink from", (3, 4, 5)),
        ("the dog wants to fetch and i wonder what would help", (4,)),
        ("of the two mugs the larger one", (1,)),
        ("the object with the bowl on one side and the mug on the other", None),
        ("the stapler", ()),
        ("the mug left of the stapler", ()),
    ],
)
def test_readings_of_a_known_scene(text: str, labels: tuple[int, ...] | None) -> None:
    if labels is None:  # which mug?
        with pytest.raises(UnreadableError):
            execute(text, SCENE, SIZE)
    else:
        assert execute(text, SCENE, SIZE).labels == labels


@pytest.mark.parametrize(
    ("text", "labels", "part"),
    [
        ("the lid of the open jar", (1,), True),
        ("jar lids", (1, 2), True),
        ("could you point at where do i grip the hammer", (4,), True),
        ("the blades of the scissors", (7,), True),
        ("the box with an apple on it", (3,), False),
        ("the fruit in the bowl", (10,), False),
        ("the fruit on top of the striped box", (4,), False),
        ("the empty bowl", (9,), False),
        ("the bottle that is lying", (5,), False),
        ("i have to sign this form", (8,), False),
        ("whatever can cut through string", (7,), False),
        ("the two jars nearest the box", (1, 2), False),
    ],
)
def test_readings_of_the_desk(text: str, labels: tuple[int, ...], part: bool) -> None:
    reading = execute(text, DESK, SIZE)
    assert (reading.labels, reading.part) == (labels, part)


@pytest.mark.parametrize("text", ["", "hello there", "why not", "the mug frobnicates the bowl"])
def test_what_makes_no_sense_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableError):
        execute(text, SCENE, SIZE)


def test_the_reader_agrees_with_the_grammar() -> None:
    rng = Random(17)
    inspection = Inspection()
    for _ in range(1500):
        objects = random_scene(rng, rng.randint(2, 9))
        for ask in (grammar.concept, grammar.simple, grammar.complex_):
            inspection.passes(ask(objects, rng, SIZE), objects, SIZE)
    assert inspection.agreement >= 0.97, inspection.dropped


def test_objections_have_reasons() -> None:
    def said(text: str, labels: tuple[int, ...], part: bool = False) -> Query:
        return Query(text, labels, Level.SIMPLE, "definite", part=part)

    assert objection(said("the red mug", (1,)), SCENE, SIZE) is None
    assert objection(said("the red mug", (2,)), SCENE, SIZE) == DIFFERENT
    assert objection(said("the red mug", (1,), part=True), SCENE, SIZE) == OTHER_SORT
    assert objection(said("the mug by and by", (1,)), SCENE, SIZE) == UNREAD


def test_objections_are_counted() -> None:
    inspection = Inspection()
    for text in ("the mug by and by", "the white mug", "the red mug"):
        inspection.passes(Query(text, (1,), Level.SIMPLE, "definite"), SCENE, SIZE)
    assert inspection.dropped == Counter({("SIMPLE", UNREAD): 1, ("SIMPLE", DIFFERENT): 1})
    assert inspection.agreement == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no/pool"], "no rendered scenes in no/pool"),
        (["pool", "--scene", "2"], "'pool' has scenes 0 to 1, not 2"),
        (["no/pool", "--picture", "x.foo"], "'x.foo' can't be written: name it .png"),
        (["pool", "--picture", "no/x.png"], "'no/x.png' can't be written: No such file"),
    ],
)
def test_mistakes_of_a_preview_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "pool":
        write_pool(Path("pool"), PoolSpec(2, 5, 64), 1, "", lambda count: None)
    result = CliRunner().invoke(app, ["preview", *arguments])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert said in capfd.readouterr().err + result.output


@pytest.mark.parametrize("command", ["preview", "figures"])
def test_a_damaged_pool_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    shard = tmp_path / "shard-0000"
    shard.mkdir()
    for name in ARRAYS:
        np.save(shard / f"{name}.npy", np.zeros((1, 8, 8), np.uint8))
    (shard / RECORDS).write_text("[[{]")
    result = CliRunner().invoke(app, [command, str(tmp_path)])
    assert isinstance(result.exception, SystemExit)
    said = " ".join((capfd.readouterr().err + result.output).split())
    assert "is damaged: delete it and render again" in said


def test_a_need_has_one_answer_whatever_the_purpose() -> None:
    """A hot drink is had from the mug, from a glass at a pinch: that scene isn't asked about."""
    said = {use: item for item in PURPOSES.values() for use in item.uses}
    hot = {said[use].name for use in ("have a hot drink in", "drink cocoa by the fire from")}
    assert hot == {"hot drink"}
    assert "glass" in PURPOSES["hot drink"].maybe


def test_purposes_are_sound() -> None:
    assert len(PURPOSES) >= 120
    phrases = Counter(
        phrase
        for item in PURPOSES.values()
        for phrase in (*item.uses, *item.abilities, *item.properties, *item.situations)
    )
    assert phrases.most_common(1)[0][1] == 1  # so that the reader can tell them apart
    assert sum(phrases.values()) > 800
    for item in PURPOSES.values():
        assert item.yes
        assert not item.yes & item.maybe
        assert item.yes <= set(KINDS)
        assert item.maybe <= {*KINDS, UNNAMED}
    reached = Counter(kind for item in PURPOSES.values() for kind in item.yes)
    assert min(reached[kind] for kind in KINDS) >= 4


def test_a_use_is_asked_only_where_nothing_is_arguable() -> None:
    rng = Random(3)
    bottle, mug = record(1, "bottle", "red", 100, 0.5), record(2, "mug", "red", 300, 0.5)
    uses = PURPOSES["drink from"].uses

    def asked(objects: list[Record]) -> int:
        queries = [grammar.complex_(objects, rng, SIZE) for _ in range(2000)]
        texts = [query.text for query in queries if query.labels]
        return sum(text.endswith(use) for text in texts for use in uses)

    assert asked([bottle, mug]) == 0
    assert asked([mug]) > 3
