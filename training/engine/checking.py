"""Inspect: somebody who didn't write a text says which of the numbered candidates it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sam3i_model.chat.answers import numbers, truth
from sam3i_model.chat.client import ChatClient
from sam3i_model.marks import number, shrink
from training.engine.tasks import Case

PROMPT = """\
The first picture is a scene. The second is the same with {count} numbered candidates.
Somebody says: "{text}"
Which numbers are meant? It may be one, several, all or none: then give an empty list. And are
others meant, or meant as well: something in the scene that has no number? Go by the words alone.
Answer with JSON: {{"numbers": [], "others": true or false}}"""


@dataclass(frozen=True)
class Meant:
    """What a text means: numbers of candidates, and whether it fits something without a number."""

    numbers: frozenset[int]
    others: bool = False


class Checker(Protocol):
    """Resolves texts to candidates; `name` goes into the journal."""

    name: str

    def which(self, case: Case, text: str) -> Meant:
        """What in the picture the text means. Must not know which candidates are wanted.

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

    def which(self, case: Case, text: str) -> Meant:
        """See `Checker`."""
        masks = [mask for _, mask in case.candidates]

        def read(answer: dict[str, Any]) -> Meant:
            return Meant(numbers(answer, "numbers", len(masks)), truth(answer, "others"))

        images = [shrink(case.rgb), number(case.rgb, masks)]
        asked = PROMPT.format(count=len(masks), text=text)
        return self.client.ask(asked, images, read, case.requests)
