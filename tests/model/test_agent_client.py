"""The client against a server that is right, wrong, broken, slow and greedy by turns."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from sam3i_model.chat.address import endpoint
from sam3i_model.chat.answers import find_object, numbers, texts, truth
from sam3i_model.chat.client import (
    BUSY_ATTEMPTS,
    CORRECTIONS,
    AgentError,
    AnswerError,
    Budget,
    BudgetError,
    ChatClient,
)
from tests.chat_server import ChatServer, Said, images_of, prompt_of

RGB = np.full((8, 12, 3), (200, 40, 40), np.uint8)


def client(chat: ChatServer, **settings) -> ChatClient:
    return ChatClient(chat.address, "seer", **{"first_wait_s": 0.01, **settings})


def ask(one: ChatClient, budget: Budget | None = None) -> frozenset[int]:
    return one.ask("Which?", [RGB], lambda answer: numbers(answer, "n", 3), budget)


def test_question_and_picture_arrive_and_the_answer_comes_checked(chat):
    chat.replies('Well, {"n": [1, 3]} it is.')
    one = client(chat)
    assert ask(one) == {1, 3}
    assert chat.headers[0]["path"] == "/v1/chat/completions"
    assert "Authorization" not in chat.headers[0]
    assert chat.requests[0]["model"] == "seer"
    assert prompt_of(chat.requests[0]) == "Which?"
    np.testing.assert_allclose(images_of(chat.requests[0])[0], RGB, atol=8)
    assert (one.calls, one.cached) == (1, 0)


def test_an_unusable_answer_goes_back_with_the_reason(chat):
    chat.replies("no idea", '{"n": [9]}', '{"n": []}')
    assert ask(client(chat)) == frozenset()
    last = chat.requests[-1]["messages"]
    assert [m["role"] for m in last] == ["user", "assistant", "user", "assistant", "user"]
    assert "no JSON object" in last[2]["content"]
    assert "numbers from 1 to 3" in last[4]["content"]


def test_corrections_end(chat):
    chat.replies('{"n": "all of them"')
    with pytest.raises(AnswerError, match="no usable answer in 3 tries"):
        ask(client(chat))
    assert len(chat.requests) == 1 + CORRECTIONS


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_passing_failure_is_tried_again(chat, status):
    chat.replies(Said(status=status, body=b"{}"), {"n": [2]})
    assert ask(client(chat)) == {2}


def test_a_busy_server_is_waited_for_longer_and_costs_no_call(chat):
    busy = Said(status=429, body=b"{}")
    chat.replies(*[busy] * (BUSY_ATTEMPTS - 1), {"n": [2]})
    budget = Budget(1, time.monotonic() + 60)
    assert ask(client(chat, first_wait_s=0.001), budget) == {2}
    assert budget.calls == 0
    chat.requests.clear()
    chat.replies(busy)
    with pytest.raises(AgentError, match=f"failed {BUSY_ATTEMPTS} times: the server answers 429"):
        ask(client(chat, first_wait_s=0.001))
    assert len(chat.requests) == BUSY_ATTEMPTS
    with pytest.raises(AgentError, match="is over: the server answers 429") as ended:
        ask(client(chat, first_wait_s=30), Budget(9, time.monotonic() + 0.5))
    assert not isinstance(ended.value, BudgetError)  # which would count against the model


def test_lasting_failure_ends_in_one_line(chat):
    chat.replies(
        Said(status=500, body=json.dumps({"error": {"message": "out\nof memory"}}).encode())
    )
    with pytest.raises(
        AgentError, match="failed 2 times: the server answers 500: out of memory"
    ) as e:
        ask(client(chat, attempts=2))
    assert "\n" not in str(e.value)
    assert len(chat.requests) == 2


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "set SAM3I_API_KEY"),
        (404, "name the model as the server does"),
        (413, "smaller"),
        (302, "points elsewhere"),
    ],
)
def test_a_refusal_is_not_repeated_and_has_a_remedy(chat, status, remedy):
    chat.replies(Said(status=status, body=b"<html>no", headers={"Location": "http://10.0.0.1/"}))
    with pytest.raises(AgentError, match=remedy):
        ask(client(chat))
    assert len(chat.requests) == 1


NO_MAX_TOKENS = Said(
    status=400, body=b'{"error": {"message": "Unsupported parameter: \'max_tokens\'"}}'
)


def test_an_option_that_the_server_names_is_left_out(chat):
    chat.answer = lambda r: NO_MAX_TOKENS if "max_tokens" in r else '{"n": [1]}'
    one = client(chat)
    assert ask(one) == {1}
    assert ask(one) == {1}
    assert len(chat.requests) == 3  # it is not tried again


def test_threads_may_be_refused_an_option_at_once(chat):
    together = threading.Barrier(2, timeout=5)

    def answer(request: dict[str, Any]) -> Said | str:
        if "max_tokens" not in request:
            return '{"n": [1]}'
        together.wait()
        return NO_MAX_TOKENS

    chat.answer = answer
    one = client(chat)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, [one, one])) == [{1}, {1}]


def test_failures_after_a_refused_option_are_waited_for(chat, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    chat.replies(NO_MAX_TOKENS, Said(status=503, body=b"{}"), Said(status=503, body=b"{}"), "{}")
    one = client(chat, first_wait_s=2)
    assert one.ask("Which?", [RGB], lambda answer: answer) == {}
    assert [s for s in waited if s] == [2, 4]


def test_slow_and_dripping_servers_end_at_the_timeout(chat):
    for said in (Said('{"n": [1]}', delay_s=20), Said('{"n": [1]}', drip_s=0.2)):
        chat.replies(said)
        began = time.monotonic()
        with pytest.raises(AgentError, match=r"answer within 0\.3 s"):
            ask(client(chat, timeout_s=0.3, attempts=1))
        assert time.monotonic() - began < 3


def test_a_huge_answer_is_not_taken(chat):
    chat.replies(Said(body=b"x" * 3_000_000))
    with pytest.raises(AgentError) as told:
        ask(client(chat, attempts=1))
    assert str(told.value) == (
        f"{client(chat).url} failed 1 times: the answer is larger than 1,000,000 bytes: limit it "
        "at the server"
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"choices": []}', b"[" * 100_000])
def test_what_is_no_completion_is_told(chat, body):
    chat.replies(Said(body=body))
    with pytest.raises(AgentError, match="no chat completion"):
        ask(client(chat, attempts=1))


def test_what_a_server_says_instead_of_a_completion_is_passed_on(chat):
    chat.replies(Said(body=b'{"error": {"message": "overloaded, try later", "code": 503}}'))
    with pytest.raises(AgentError, match="'overloaded, try later' came back, no chat completion"):
        ask(client(chat, attempts=1))


@pytest.mark.parametrize("status", [400, 422])
def test_a_request_that_alone_is_refused_is_no_lasting_failure(chat, status):
    one = client(chat)
    refused = Said(status=status, body=b'{"error": {"message": "content filter"}}')
    chat.replies(refused)
    with pytest.raises(AgentError, match="content filter") as first:
        ask(one)
    assert not isinstance(first.value, AnswerError)  # not even a harmless one is taken
    assert len(chat.requests) == 2
    chat.replies({"n": [1]}, refused)
    ask(one)
    with pytest.raises(AnswerError, match="content filter"):
        ask(one)


def test_the_first_request_may_be_the_one_that_is_refused(chat, tmp_path):
    refused = Said(status=400, body=b'{"error": {"message": "content filter"}}')
    chat.answer = lambda r: refused if prompt_of(r) == "Which?" else "Hello!"
    one = client(chat, cache=tmp_path)
    budget = Budget(4, time.monotonic() + 60)
    for requests in (2, 3):  # others are known to be taken by then
        with pytest.raises(AnswerError, match="content filter"):
            ask(one, budget)
        assert len(chat.requests) == requests
    assert budget.calls == 1
    assert not any(tmp_path.iterdir())


def test_an_answer_may_come_in_parts(chat):
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": '{"n": [3]}'}]},
        {"type": "text", "text": '{"n": '},
        {"type": "text", "text": "[2]}"},
    ]
    choice = {"message": {"content": parts}}
    chat.replies(Said(body=json.dumps({"choices": [choice]}).encode()))
    assert ask(client(chat)) == {2}
    assert len(chat.requests) == 1


@pytest.mark.parametrize(
    "message", [{"content": None, "reasoning_content": "Hm"}, {"content": []}, {}]
)
def test_a_completion_without_words_is_no_wrong_address(chat, message):
    choice = {"message": message, "finish_reason": "length"}
    chat.replies(Said(body=json.dumps({"choices": [choice]}).encode()))
    with pytest.raises(AnswerError, match=r"without a text \(finish_reason 'length'\)"):
        ask(client(chat))
    assert len(chat.requests) == 1


def test_nobody_there():
    with pytest.raises(AgentError, match="is the server running"):
        ask(ChatClient("http://127.0.0.1:9/v1", "seer", attempts=1, timeout_s=5))


def test_a_budget_bounds_calls_and_time(chat):
    chat.replies("nonsense")
    with pytest.raises(BudgetError, match="calls"):
        ask(client(chat), Budget(2, time.monotonic() + 60))
    assert len(chat.requests) == 2
    chat.replies(Said(status=503, body=b"{}"))
    began = time.monotonic()
    with pytest.raises(AgentError):
        ask(client(chat, first_wait_s=30), Budget(99, time.monotonic() + 0.4))
    assert time.monotonic() - began < 3


def test_the_cache_answers_what_was_asked_before(chat, tmp_path):
    chat.replies("hm", {"n": [3]})
    assert ask(client(chat, cache=tmp_path)) == {3}
    again = client(chat, cache=tmp_path)
    assert ask(again, Budget(0, 0.0)) == {3}
    assert (again.calls, again.cached, len(chat.requests)) == (0, 2, 2)
    for damaged in (b"\x00damaged", b"[" * 100_000):
        chat.requests.clear()
        for path in tmp_path.rglob("*.json"):
            path.write_bytes(damaged)
        assert ask(client(chat, cache=tmp_path)) == {3}
        assert len(chat.requests) == 1


def test_the_key_comes_from_the_environment_and_shows_nowhere(chat, monkeypatch, tmp_path):
    monkeypatch.setenv("SAM3I_API_KEY", "sk-secret")
    chat.replies({"n": [1]})
    ask(client(chat, cache=tmp_path))
    assert chat.headers[0]["Authorization"] == "Bearer sk-secret"
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))
    assert b"sk-secret" not in kept
    chat.replies(Said(status=422, body=b'{"error": {"message": "bad key sk-secret"}}'))
    with pytest.raises(AgentError, match="bad key \\*\\*\\*") as error:
        ask(client(chat))
    assert "sk-secret" not in str(error.value)


def test_the_key_is_not_sent_in_the_clear_to_strangers(monkeypatch):
    monkeypatch.setenv("SAM3I_API_KEY", "sk-secret")
    with pytest.raises(AgentError, match="use https"):
        ChatClient("http://example.com/v1", "seer")
    for near in ("http://192.168.1.7:8000", "http://box:11434/v1", "https://example.com/v1"):
        ChatClient(near, "seer")


def test_addresses():
    assert endpoint("http://a:1") == "http://a:1/v1/chat/completions"
    assert endpoint("https://a/x/v1/ ") == "https://a/x/v1/chat/completions"
    assert endpoint("http://a/v1/chat/completions") == "http://a/v1/chat/completions"
    for bad in ("a:80", "file:///etc/passwd", "http://", "http://[", "http://a:99999"):
        with pytest.raises(AgentError, match="no address"):
            endpoint(bad)
    for leaking in ("http://u:p@a/v1", "http://a/v1?key=x"):
        with pytest.raises(AgentError, match="SAM3I_API_KEY"):
            endpoint(leaking)


def test_objects_are_found_in_what_models_say():
    assert find_object('<think>{"n": 1}</think> so ```json\n{"n": 2}\n```') == {"n": 2}
    assert find_object('{not} but {"a": {"b": 1}}') == {"a": {"b": 1}}
    for nothing in ("", "{" * 5000, "[1, 2]", '{"n": '):
        with pytest.raises(ValueError, match="no JSON object"):
            find_object(nothing)


def test_values_are_checked():
    assert texts({"t": [" a  b ", "a b", "", "c", "d"]}, "t", 2, 10) == ("a b", "c")
    assert texts({"t": "one"}, "t", 2, 10) == ("one",)
    for bad in ({}, {"t": [1]}, {"t": ["long" * 9]}, {"t": ["a mug \ud83d"]}, {"t": "\udc4d"}):
        with pytest.raises(ValueError, match="t"):
            texts(bad, "t", 2, 10)
    for bad in ({"n": [True]}, {"n": [0]}, {"n": [4]}, {"n": 1}, {"n": ["1"]}):
        with pytest.raises(ValueError, match="from 1 to 3"):
            numbers(bad, "n", 3)
    assert [truth({"o": value}, "o") for value in (True, False)] == [True, False]
    for bad in ({}, {"o": 1}, {"o": "true"}):
        with pytest.raises(ValueError, match="true or false"):
            truth(bad, "o")
