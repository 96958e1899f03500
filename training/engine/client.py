"""A language model's client whose answers count, those that an interrupted run paid for as well."""

from __future__ import annotations

from sam3i_model.agent_client import Budget, ChatClient
from sam3i_model.chat.messages import Message


class CountingClient(ChatClient):
    """Takes answers from the cache out of the budget, too, so that a run that goes on counts what
    the one before it asked about the same task."""

    def _complete(self, messages: list[Message], budget: Budget | None) -> str:
        left = budget.calls if budget else 0
        answer = super()._complete(messages, budget)
        if budget and budget.calls == left:  # nothing was sent
            budget.calls -= 1
        return answer
