"""What may be spent on a language model, and the errors that end it."""

from __future__ import annotations

import time
from dataclasses import dataclass


class AgentError(RuntimeError):
    """The language model can't be had; the message is one line that says what to do."""


class AnswerError(AgentError):
    """The model answers, but not in a way that can be used."""


class BudgetError(AgentError):
    """The calls or the time that were granted are used up."""


@dataclass
class Budget:
    """Requests that may still be made, and the moment (time.monotonic) by which all must be over.

    Answers from the cache cost nothing; `cached` counts them.
    """

    calls: int
    deadline: float
    cached: int = 0

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def spend(self) -> None:
        """Take one call.

        Raises:
            BudgetError: There is none left, or no time.
        """
        if self.calls < 1:
            raise BudgetError("the calls to the language model that were granted are used up")
        if self.left() <= 0:
            raise BudgetError("the time granted to the language model is over")
        self.calls -= 1
