"""A client for chat addresses of the OpenAI kind that take images: vLLM, Ollama, a cloud.

Everything is bounded: time, tries, sizes, and, with a `Budget`, calls. The key comes from the
environment variable SAM3I_API_KEY alone and is never written anywhere.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sam3i_model.chat.address import KEY_VARIABLE, check_key, endpoint
from sam3i_model.chat.answers import find_object
from sam3i_model.chat.budget import AgentError, AnswerError, Budget, BudgetError
from sam3i_model.chat.cache import AnswerCache
from sam3i_model.chat.messages import Message, first_choice, question, words
from sam3i_model.chat.transport import Reply, TransportError, post

TIMEOUT_S = 120.0
ATTEMPTS = 4
"""Requests for one answer, the first included, while the server fails."""
BUSY_ATTEMPTS = 8
"""While it says 429; a limit a minute is over by then."""
CORRECTIONS = 2
"""Times a model is told that its answer is unusable and asked again."""
FIRST_WAIT_S = 1.0
MAX_WAIT_S = 30.0
MAX_ANSWER_BYTES = 1_000_000
MAX_REQUEST_BYTES = 24_000_000
MAX_TOKENS = 2000
MAX_IMAGES = 8
BUSY = 429
PASSING = frozenset({408, 425, BUSY, 500, 502, 503, 504})
UNFIT = frozenset({400, 422})
"""The server won't take this request, but may take others."""
HARMLESS = question("Answer with JSON: {}", [np.full((64, 64, 3), 128, np.uint8)])
"""Is refused only by a server that refuses everything."""

__all__ = ["AgentError", "AnswerError", "Budget", "BudgetError", "ChatClient"]

T = TypeVar("T")


class _UnfitError(AgentError):
    """This request is refused."""


class ChatClient:
    """Asks questions about images and gives checked answers. Threads may share one."""

    def __init__(
        self,
        address: str,
        model: str,
        cache: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        """Nothing is sent yet.

        Args:
            address: Such as http://localhost:8000/v1; `/v1` and `/chat/completions` are added.
            model: As the server names it.
            cache: Folder to keep answers in.
            timeout_s: Of one request.
            attempts: Requests for one answer while the server fails.
            first_wait_s: Before the second one; it doubles from there.

        Raises:
            AgentError: The address can't be used, or would show the key to others.
        """
        self.url = endpoint(address)
        self.model = model
        self._key = os.environ.get(KEY_VARIABLE, "").strip()
        if self._key:
            check_key(self._key, self.url)
        self._cache = AnswerCache(cache) if cache else None
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._first_wait_s = first_wait_s
        self._options: dict[str, Any] = {"temperature": 0.2, "max_tokens": MAX_TOKENS}
        self._lock = threading.Lock()
        self.calls = 0
        self.answers = 0
        self.cached = 0
        self.seconds = 0.0

    def ask(
        self,
        prompt: str,
        images: Sequence[np.ndarray],
        check: Callable[[dict[str, Any]], T],
        budget: Budget | None = None,
    ) -> T:
        """Ask about uint8 RGB images; `check` turns the answer's JSON object into what is returned.

        An answer without one, or at which `check` raises ValueError, is sent back with the reason.

        Raises:
            AnswerError: No usable answer, or the server refuses this request but takes others.
            BudgetError: The budget ended first.
            AgentError: The server can't be reached or refuses, or answers can't be kept.
        """
        if len(images) > MAX_IMAGES:
            raise ValueError(f"{len(images)} images, at most {MAX_IMAGES} are sent")
        messages = [question(prompt, images)]
        why = ""
        for _ in range(1 + CORRECTIONS):
            said = self._complete(messages, budget)
            try:
                return check(find_object(said))
            except ValueError as error:
                why = str(error)
            messages = [
                *messages,
                {"role": "assistant", "content": said[:4000]},
                {"role": "user", "content": f"Not usable: {why}. Answer with the JSON alone."},
            ]
        raise AnswerError(
            f"{self.model} gave no usable answer in {1 + CORRECTIONS} tries ({why}): try a larger "
            "model, one that sees images"
        )

    def _complete(self, messages: list[Message], budget: Budget | None) -> str:
        """The model's next words."""
        kept = json.dumps([self.model, messages], sort_keys=True).encode()
        if self._cache and (known := self._cache.get(kept)) is not None:
            with self._lock:
                self.cached += 1
            if budget:
                budget.cached += 1
            return known
        try:
            answer = self._request(messages, budget)
        except _UnfitError as error:
            raise (AnswerError if self._takes_others(budget) else AgentError)(str(error)) from error
        if self._cache:
            self._cache.put(kept, answer)
        return answer

    def _takes_others(self, budget: Budget | None) -> bool:
        """Whether the server has answered anything; if it hasn't yet, it is asked a harmless thing.

        Else the one refused question that a run begins with would end it, each time it goes on.
        """
        if not self.answers:
            with suppress(_UnfitError, AnswerError):
                self._request([HARMLESS], budget)
        return self.answers > 0

    def _request(self, messages: list[Message], budget: Budget | None) -> str:
        why, wait, failures, busy = "", self._first_wait_s, 0, 0
        while failures < self._attempts and busy < BUSY_ATTEMPTS:
            if why:
                time.sleep(min(wait, MAX_WAIT_S, max(budget.left(), 0) if budget else MAX_WAIT_S))
                wait *= 2
            try:
                if budget:
                    budget.spend()
            except BudgetError as error:
                # A server that puts requests off says nothing of the model.
                ended = AgentError if busy else BudgetError
                raise ended(f"{error}: {why}" if why else str(error)) from error
            options = self._options
            try:
                reply = self._send(messages, options, budget)
            except TransportError as error:
                why = str(error)
                failures += 1
                continue
            if reply.status == 200:
                choice = first_choice(reply.data)
                if choice is not None:
                    return self._words(choice)
                said = self._message(reply)
                why = f"'{said}' came back, no chat completion; does the address end in /v1?"
            elif reply.status == 400 and self._drop_option(reply, options):
                continue
            elif reply.status in PASSING:
                why = f"the server answers {reply.status}: {self._message(reply)}"
                wait = max(wait, reply.retry_after)
            else:
                unfit = reply.status in UNFIT
                raise (_UnfitError if unfit else AgentError)(self._refusal(reply))
            if reply.status == BUSY:
                busy += 1
                if budget:
                    budget.calls += 1  # put off, not answered
            else:
                failures += 1
        raise AgentError(f"{self.url} failed {failures + busy} times: {why}")

    def _send(
        self, messages: list[Message], options: dict[str, Any], budget: Budget | None
    ) -> Reply:
        body = json.dumps({"model": self.model, "messages": messages, **options}).encode()
        if len(body) > MAX_REQUEST_BYTES:
            raise AgentError(f"a request of {len(body):,} bytes is too large: use smaller images")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        timeout = min(self._timeout_s, budget.left()) if budget else self._timeout_s
        began = time.monotonic()
        try:
            return post(self.url, body, headers, timeout, MAX_ANSWER_BYTES)
        finally:
            with self._lock:
                self.calls += 1
                self.seconds += time.monotonic() - began

    def _words(self, choice: dict[str, Any]) -> str:
        """What a completion says.

        Raises:
            AnswerError: Nothing.
        """
        with self._lock:
            self.answers += 1
        said = words(choice)
        if said is None:
            raise AnswerError(
                f"{self.model} answers without a text (finish_reason "
                f"{choice.get('finish_reason')!r:.40}): if that is 'length', it thought until its "
                "tokens were used up, so turn its thinking off at the server"
            )
        return said

    def _drop_option(self, reply: Reply, sent: dict[str, Any]) -> bool:
        """Leave out an option that was sent and that this server names in its refusal.

        Some models take none. Another thread may have left it out meanwhile.
        """
        said = reply.data.decode("utf-8", "replace")
        named = [name for name in sent if name in said]
        with self._lock:
            self._options = {k: v for k, v in self._options.items() if k not in named}
        return bool(named)

    def _refusal(self, reply: Reply) -> str:
        said = self._message(reply)
        if reply.status in (401, 403):
            return f"{self.url} refuses the key ({reply.status}): set {KEY_VARIABLE} to a valid one"
        if reply.status == 404:
            return (
                f"{self.url} knows no such model or path ({said}): name the model as the "
                "server does, and give its address up to /v1"
            )
        if reply.status == 413:
            return f"{self.url} takes no request of this size: use smaller images"
        if 300 <= reply.status < 400:
            return f"{self.url} points elsewhere ({reply.status}): give the final address"
        return f"{self.url} refuses the request ({reply.status}): {said}"

    def _message(self, reply: Reply) -> str:
        """What the server says of its error, in one short line, without the key."""
        said = reply.data[:4000].decode("utf-8", "replace")
        try:
            found = json.loads(reply.data)
            said = str(found["error"]["message"])
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        if self._key:
            said = said.replace(self._key, "***")
        return "".join(c if c.isprintable() else " " for c in " ".join(said.split()))[:200]
