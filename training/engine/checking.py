"""Inspect: somebody who didn't write a text says which of the numbered candidates it means."""

from __future__ import annotations

from typing import Any, Protocol

from sam3i_model.agent_client import ChatClient
from sam3i_model.chat.answers import numbers
from sam3i_model.marks import number, shrink
from training.engine.tasks import Case

PROMPT = """\
The first picture is a scene. The second is the same with {count} numbered candidates.
Somebody says: "{text}"
Which numbers are meant? It may be one, several, all or none. Go by the words alone; if they fit
nothing, or nothing that has a number, give an empty list.
Answer with JSON: {{"numbers": []}}"""


class Checker(Protocol):
    """Resolves texts to candidates; `name` goes into the journal."""

    name: str

    def which(self, case: Case, text: str) -> frozenset[int]:
        """Numbers of the candidates that the text means. Must not know the wanted ones.

        Raises:
            AnswerError: There is no answer for this case.
            AgentError: There can be none at all, for now.
        """
        ...


class LanguageModelChecker:
    """A multimodal language model as a checker, in a conversation of its own for every text."""

    def __init__(self, client: ChatClient) -> None:
        self.client = client
        self.name = client.model

    def which(self, case: Case, text: str) -> frozenset[int]:
        """See `Checker`."""
        masks = [mask for _, mask in case.candidates]

        def read(answer: dict[str, Any]) -> frozenset[int]:
            return numbers(answer, "numbers", len(masks))

        images = [shrink(case.rgb), number(case.rgb, masks)]
        return self.client.ask(PROMPT.format(count=len(masks), text=text), images, read)
