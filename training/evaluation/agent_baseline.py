"""The agent in the checkpoint's place: a language model on top of the concept path alone."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sam3i_model.agent import KEEP_PROMPT, NAME_PROMPT, Agent, AgentLimits
from sam3i_model.chat.client import AnswerError, BudgetError, ChatClient
from sam3i_model.grounding import Grounding
from sam3i_model.instruction import Level, Outcome
from sam3i_model.segmenter import Segmenter
from training.evaluation.asking import Answer, identity_of
from training.questions import Question

LIMITS = AgentLimits(rounds=2, calls=6, seconds=120.0)
"""Of one sentence. More time than a robot has: what it takes is measured, not cut off."""


class AgentBaseline:
    """Asks one sentence at a time, so that each has its own cost and is stored once it is paid."""

    batch: int = 1
    most_calls: int = LIMITS.calls

    def __init__(self, segmenter: Segmenter, client: ChatClient) -> None:
        self.segmenter = segmenter
        self.client = client
        self.agent = Agent(client, LIMITS)
        self.name = f"agent ({client.model})"
        self._rgb = np.zeros((0, 0, 3), np.uint8)

    def identity(self) -> dict[str, str]:
        """Weights, language model, what it is told and what it may cost."""
        return {
            "weights": identity_of(self.segmenter),
            "language model": self.client.model,
            "prompts": f"{zlib.crc32((NAME_PROMPT + KEEP_PROMPT).encode()):08x}",
            "limits": f"{LIMITS.rounds} rounds, {LIMITS.calls} calls, {LIMITS.seconds:g} s",
        }

    def set_image(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Encode it, and keep it for the language model."""
        self._rgb = rgb
        self.segmenter.set_image(rgb)

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """One after the other.

        A sentence that the language model can't settle within its limits, or gives no usable
        answer to, is REJECTED, so that it counts as wrong.

        Raises:
            AgentError: The language model can't be had.
        """
        return [self._ask(question) for question in questions]

    def _ask(self, question: Question) -> Answer:
        instruction = question.instruction(Level[question.level.upper()])
        client, began = self.client, time.monotonic()
        calls, answers = self._calls(), client.answers
        try:
            grounding = self.agent.ground(self._rgb, instruction, self.segmenter.ground)
        except (AnswerError, BudgetError) as error:
            if client.answers == answers and isinstance(error, BudgetError):
                raise  # a server that says nothing is no answer
            grounding = Grounding(instruction, Outcome.REJECTED, instruction.level)
            grounding.detail = str(error)
        return Answer(grounding, time.monotonic() - began, self._calls() - calls)

    def _calls(self) -> int:
        """As the limits count them, and what the cache has of an interrupted run, which paid."""
        return self.agent.cost.calls + self.client.cached
