"""Tasks, rules and the turns of writer and checker, with scripted ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest

from sam3i_model.agent_client import AgentError, AnswerError
from training.engine.export import samples
from training.engine.journal import Journal, JournalError
from training.engine.rules import fault
from training.engine.run import annotate, estimate, statistics
from training.engine.settling import ROUNDS, StoppedError, settle
from training.engine.tasks import (
    MAX_CANDIDATES,
    MAX_TASKS,
    Case,
    MissingPictureError,
    Task,
    UnusableError,
    load_case,
    tasks_of,
)
from training.engine.writing import Fault, Written, prompt
from training.formats import read_annotations
from training.sam3i_check import explain
from training.sam3i_json import document

DATA = Path(__file__).parent / "data"
PICTURES = DATA / "pictures"


def tasks(source: str = "coco.json") -> list[Task]:
    return [t for image in read_annotations(DATA / source).images for t in tasks_of(image)]


def case_of(*targets: int, source: str = "coco.json") -> Case:
    return load_case(next(t for t in tasks(source) if t.targets == targets), PICTURES)


class Speaker:
    """Writes what it is told, a list a round."""

    name = "speaker"

    def __init__(self, *rounds: dict[str, Sequence[str]], negative: Sequence[str] = ()) -> None:
        self.rounds = list(rounds)
        self.negative = {"simple_query": tuple(negative)} if negative else {}
        self.asked: list[tuple[list[str], list[Fault]]] = []

    def write(self, case: Case, missing: Collection[str], faults: Sequence[Fault]) -> Written:
        self.asked.append((list(missing), list(faults)))
        said = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        texts = {key: tuple(said[key]) for key in missing if key in said}
        return Written(texts, self.negative if "negative" in missing else {})


class Reader:
    """Takes a text to mean the annotations whose ids it has; "all" and "mug" as in the sample."""

    name = "reader"

    def which(self, case: Case, text: str) -> frozenset[int]:
        words = set(text.split())
        return frozenset(
            number
            for number, (annotation, _) in enumerate(case.candidates, 1)
            if str(annotation.id) in words or annotation.name in words
        )


GOOD = {
    "concept": ["mug"],
    "simple_query": ["number 11 please"],
    "complex_query": ["what 11 is good for"],
}


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


@pytest.mark.parametrize(
    ("level", "text", "why"),
    [
        ("simple_query", "the outlined mug", "speaks of the marks"),
        ("simple_query", "mug", "too short"),
        ("simple_query", "the " + "very " * 40 + "red mug", "too long"),
        ("concept", "the red mug that stands on the left", "is no bare noun phrase"),
        ("complex_query", "which Mugs hold tea", "names the thing"),
        ("complex_query", "what one drinks from", None),
        ("simple_query", "the mug by the wall", None),
        ("concept", "mug", None),
    ],
)
def test_rules(level, text, why):
    assert fault(level, text, "coffee mug") == why


def test_texts_that_hold_at_once_take_one_round():
    writer = Speaker(GOOD, negative=["a green vase", "the 12 there"])
    settled = settle(case_of(11), writer, Reader())
    assert settled.texts == {key: list(said) for key, said in GOOD.items()}
    assert settled.negative == {"simple_query": ["a green vase"]}
    assert settled.dropped == {"negative simple_query: denotes something": 1}
    assert (settled.rounds, settled.why) == (1, "")
    assert writer.asked[0][0] == ["concept", "simple_query", "complex_query", "negative"]


def test_only_what_failed_is_written_anew_with_the_reason():
    first = {**GOOD, "simple_query": ["the 11 and 12"], "complex_query": ["a mug for tea"]}
    second = {"simple_query": ["neither of them"], "complex_query": ["for 12 it is"]}
    third = {"simple_query": ["take 11"], "complex_query": ["for 11 it is"]}
    writer = Speaker(first, second, third)
    settled = settle(case_of(11), writer, Reader())
    assert settled.rounds == 3
    assert [asked for asked, _ in writer.asked[1:]] == [["simple_query", "complex_query"]] * 2
    reasons = [(f.text, f.reason) for f in writer.asked[2][1]]
    assert reasons == [
        ("the 11 and 12", "denotes more"),
        ("a mug for tea", "names the thing"),
        ("neither of them", "denotes nothing"),
        ("for 12 it is", "denotes other things"),
    ]
    asked = prompt(case_of(11), *writer.asked[2])
    assert '- "the 11 and 12": denotes more' in asked
    assert '"negative"' not in asked


def test_rounds_end_and_the_case_is_dropped():
    settled = settle(case_of(11, 12, 13), Speaker({**GOOD, "simple_query": ["the 11"]}), Reader())
    assert settled.rounds == ROUNDS == 10
    assert settled.missing == ["simple_query", "complex_query"]
    assert settled.why == "no text held in 10 rounds: simple_query, complex_query"
    assert settled.dropped["simple_query: denotes less"] == 10


def test_texts_of_the_source_are_inspected_too():
    writer = Speaker({"concept": ["mug"], "complex_query": ["what 12 13 hold"]})
    reader = Reader()
    reader.which = lambda case, text: (  # type: ignore[method-assign]
        case.wanted if text != "the banana" else frozenset()
    )
    settled = settle(case_of(12, 13, source="grefcoco"), writer, reader)
    assert settled.texts["simple_query"] == ["both blue mugs"]
    assert settled.negative == {"simple_query": ["the banana"]}
    assert "simple_query" not in writer.asked[0][0]


def test_a_writer_without_an_answer_costs_the_case_alone():
    class Mute(Speaker):
        def write(self, *args: object) -> Written:
            raise AnswerError("nothing usable")

    assert settle(case_of(11), Mute(GOOD), Reader()).why == "nothing usable"


def test_stopping_leaves_a_case_for_later():
    with pytest.raises(StoppedError):
        settle(case_of(11), Speaker(GOOD), Reader(), stopped=lambda: True)


class Truthful(Speaker):
    """Right at once, for every case."""

    def __init__(self) -> None:
        super().__init__({})
        self.fail_at: Callable[[], bool] = lambda: False

    def write(self, case: Case, missing: Collection[str], faults: Sequence[Fault]) -> Written:
        if self.fail_at():
            raise AgentError("the server is gone")
        ids = " ".join(str(a.id) for a, _ in case.targets)
        return Written(
            {"concept": (ids,), "simple_query": (f"{ids} x",), "complex_query": (f"{ids} x x",)}
        )


HEADING = {"model": "m"}


def test_a_run_is_kept_and_gone_on_with(tmp_path):
    todo = tasks()
    writer = Truthful()
    calls = iter(range(100))
    writer.fail_at = lambda: next(calls) == 4
    journal = Journal(tmp_path / "j", HEADING)
    with pytest.raises(AgentError, match="gone"):
        annotate(todo, PICTURES, writer, Reader(), journal, 1, lambda: None)
    journal.close()
    with (tmp_path / "j").open("a") as file:
        file.write('{"key": "cut off by a ki')
    again = Journal(tmp_path / "j", HEADING)
    assert 4 <= len(again.records) < len(todo)  # the next one may have begun already
    assert estimate(todo, again.records, 1).tasks == len(todo) - len(again.records)
    assert estimate(todo, again.records, 1).measured
    ticks: list[int] = []
    annotate(todo, PICTURES, writer, Reader(), again, 2, lambda: ticks.append(1))
    assert len(ticks) == len(todo)
    assert next(calls) == len(todo) + 1  # one failed, no task that is done twice
    again.close()
    made = samples(todo, Journal(tmp_path / "j", HEADING).records, "coco", "m")
    assert list(explain(document(made))) == []
    assert [s.granularity for s in made] == [t.granularity for t in todo]
    assert {s.part for s in made} == {True, False}
    assert all(s.provenance and s.provenance.rounds == 1 for s in made)
    figures = statistics(again.records)
    assert (figures["kept"], figures["tasks"]) == (len(todo), len(todo))
    json.dumps(figures)


def test_tasks_without_a_picture_wait(tmp_path):
    journal = Journal(tmp_path / "j", HEADING)
    waiting = annotate(tasks(), tmp_path, Truthful(), Reader(), journal, 2, lambda: None)
    assert waiting == len(tasks())
    assert journal.records == {}


def test_journals_of_other_runs_are_left_alone(tmp_path):
    first = Journal(tmp_path / "j", HEADING)
    with pytest.raises(JournalError, match="another run is writing"):
        Journal(tmp_path / "j", HEADING)
    first.close()
    with pytest.raises(JournalError, match="another model"):
        Journal(tmp_path / "j", {"model": "other"})
    for damaged in (b"[]\n", b'{"model": "m"}\n{}\n', b"\xff\n"):
        (tmp_path / "j").write_bytes(damaged)
        with pytest.raises(JournalError, match="damaged"):
            Journal(tmp_path / "j", HEADING)
