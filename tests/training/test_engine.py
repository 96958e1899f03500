"""The turns of writer and checker, with scripted ones, and what is kept of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import pytest

from sam3i_model.chat.client import AgentError, AnswerError, ChatClient
from tests.chat_server import ChatServer
from tests.training.engine_samples import PICTURES, case_of, tasks
from training.annotations.sam3i_json import document
from training.engine.checking import LanguageModelChecker, Meant
from training.engine.export import samples
from training.engine.journal import Journal, JournalError
from training.engine.run import MAX_REASONS, annotate, estimate, statistics
from training.engine.settling import ROUNDS, StoppedError, settle, verdict
from training.engine.tasks import Case
from training.engine.writing import Fault, Written, prompt
from training.sam3i_check import explain


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

    def which(self, case: Case, text: str) -> Meant:
        case.requests.spend()
        words = set(text.split())
        numbers = frozenset(
            number
            for number, (annotation, _) in enumerate(case.candidates, 1)
            if str(annotation.id) in words or annotation.name in words
        )
        return Meant(numbers, others="others" in words)


GOOD = {
    "concept": ["mug"],
    "simple_query": ["number 11 please"],
    "complex_query": ["what 11 is good for"],
}


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


def test_a_text_must_not_fit_what_has_no_number_either():
    first = {**GOOD, "concept": ["mug and others"], "simple_query": ["11 and others"]}
    said = ["a green vase", "others over there"]
    settled = settle(case_of(11), Speaker(first, GOOD, negative=said), Reader())
    assert settled.texts["concept"] == ["mug and others"]
    assert settled.texts["simple_query"] == ["number 11 please"]
    assert settled.negative == {"simple_query": ["a green vase"]}
    assert settled.dropped == {
        "simple_query: denotes more": 1,
        "negative simple_query: denotes something": 1,
    }
    assert (
        verdict("concept", Meant(frozenset(), others=True), case_of(11)) == "denotes other things"
    )
    assert verdict("concept", Meant(frozenset()), case_of(11)) == "denotes nothing"


def test_a_negative_concept_is_no_class_of_the_picture():
    case = case_of(21)  # beside a crowd of boxes, which have no number
    lacking = replace(case.task.image, lacking=frozenset({"table lamp"}))
    case = replace(case, task=replace(case.task, image=lacking))
    writer = Speaker({**GOOD, "simple_query": ["take 21"], "complex_query": ["what 21 is for"]})
    writer.negative = {"concept": ("boxes", "a lamp", "vase"), "simple_query": ("the box of 9",)}
    settled = settle(case, writer, Reader())
    assert settled.negative == {"concept": ["vase"], "simple_query": ["the box of 9"]}
    assert settled.dropped == {"negative concept: denotes something": 2}


def test_a_concept_may_mean_more_of_its_kind_alone():
    case = case_of(11)  # a mug, beside two more and a box
    by_id = {a.id: n for n, (a, _) in enumerate(case.candidates, 1)}
    for ids, why in (
        ((11, 12, 13), None),
        ((11, 14), "denotes other kinds"),
        ((11, 12, 13, 14), "denotes other kinds"),
        ((12, 13), "denotes other things"),
    ):
        assert verdict("concept", Meant(frozenset(by_id[i] for i in ids)), case) == why
    nameless = tuple((replace(a, name=""), mask) for a, mask in case.candidates)
    every = Meant(frozenset(by_id.values()))
    assert verdict("concept", every, replace(case, candidates=nameless)) is None


def test_the_checker_says_whether_others_are_meant(chat: ChatServer):
    chat.replies({"numbers": [1]}, {"numbers": [1], "others": True})
    case = case_of(11)
    checker = LanguageModelChecker(ChatClient(chat.address, "seer"))
    assert checker.which(case, "the mugs") == Meant(frozenset({1}), others=True)
    assert case.asked == len(chat.requests) == 2


def test_rounds_end_and_the_case_is_dropped():
    settled = settle(case_of(11, 12, 13), Speaker({**GOOD, "simple_query": ["the 11"]}), Reader())
    assert settled.rounds == ROUNDS == 10
    assert settled.missing == ["simple_query", "complex_query"]
    assert settled.why == "no text held in 10 rounds: simple_query, complex_query"
    assert settled.dropped["simple_query: denotes less"] == 10


def test_texts_of_the_source_are_inspected_too():
    writer = Speaker({"concept": ["mug"], "complex_query": ["what 12 13 hold"]})
    reader = Reader()
    reader.which = lambda case, text: Meant(  # type: ignore[method-assign]
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
    figures = statistics(todo, again.records, made)
    assert (figures["kept"], figures["tasks"]) == (len(todo), len(todo))
    json.dumps(figures)


def test_negative_texts_of_a_task_that_is_dropped_go_to_one_that_is_kept():
    todo = tasks()[:3]
    records = {
        task.key: {
            "kept": kept,
            "texts": {key: list(said) for key, said in GOOD.items()},
            "negative": negative,
            "rounds": 1,
        }
        for task, kept, negative in zip(
            todo,
            (False, True, True),
            ({"concept": ["vase"]}, {"concept": ["vase", "pen"]}, {"simple_query": ["a pen"]}),
            strict=True,
        )
    }
    first, second = samples(todo, records, "coco", "m")
    assert first.negative == {"concept": ("vase", "pen")}
    assert second.negative == {"simple_query": ("a pen",)}
    records[todo[0].key]["negative"] = {"complex_query": ["what writes here"]}
    first, second = samples(todo, records, "coco", "m")
    assert first.negative == {"concept": ("vase", "pen"), "complex_query": ("what writes here",)}
    assert second.negative == {"simple_query": ("a pen",)}


def test_reasons_add_up_to_the_tasks_that_are_dropped():
    (task,) = tasks()[:1]
    todo = [replace(task, key=str(number)) for number in range(MAX_REASONS + 8)]
    record = {"kept": False, "dropped": {}, "calls": 1, "seconds": 0.0}
    why = [*("too small" for _ in range(3)), *(f"{n}.png is 4x4" for n in range(MAX_REASONS + 5))]
    records = {t.key: {**record, "why": w} for t, w in zip(todo, why, strict=True)}
    dropped = statistics(todo, records, [])["tasks_dropped"]
    assert (dropped["too small"], dropped["others"]) == (3, 6)
    assert sum(dropped.values()) == len(todo)


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
    with pytest.raises(JournalError, match="holds a run made with model m: choose"):
        Journal(tmp_path / "j", {"model": "other"})
    for damaged in (b"[]\n", b'{"model": "m"}\n{}\n', b"\xff\n"):
        (tmp_path / "j").write_bytes(damaged)
        with pytest.raises(JournalError, match="damaged"):
            Journal(tmp_path / "j", HEADING)
