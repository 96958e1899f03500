"""Generate: texts of three levels, and such that denote nothing, for the targets of a case."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sam3i_model.chat.answers import texts
from sam3i_model.chat.client import ChatClient
from sam3i_model.marks import close_look, outline, shrink
from training.annotations.sam3i_json import TEXT_LISTS
from training.engine.rules import MAX_LENGTH
from training.engine.tasks import Case

PROMPT_VERSION = 2
"""Raised with every change of a prompt here or in `checking`."""
WANTED = {"concept": 1, "simple_query": 2, "complex_query": 2}
"""Texts that are asked for, a level."""
MAX_FAULTS = 12
"""Earlier texts that the writer hears of."""

PROMPT = """\
The first picture is a scene. In the second, {what} outlined and coloured; the third shows a close
look. Write what people would say to a robot that sees only the first picture, so that it picks out
exactly what is outlined, nothing more and nothing less.
{orders}
At most 20 words each. Never speak of outlines or of these pictures.
{faults}Answer with JSON: {form}"""

ORDERS = {
    "concept": '"concept": 1 bare noun phrase for the kind of thing{named}.',
    "simple_query": '"simple_query": 2 requests that name the thing and say what sets {it} apart: '
    "look, place, relation to others, state or number.",
    "complex_query": '"complex_query": 2 requests that do NOT name the thing, but a purpose, an '
    "intention or a situation that {it} alone {serves} here.",
    "negative": '"negative": for each of "concept", "simple_query" and "complex_query" 1 text of '
    "that sort that sounds likely here but fits nothing in the scene.",
}


@dataclass(frozen=True)
class Fault:
    """A text that was dropped, and why, as the writer is told."""

    level: str
    text: str
    reason: str


@dataclass(frozen=True)
class Written:
    """New texts by `TEXT_LISTS`, and negative ones."""

    texts: Mapping[str, tuple[str, ...]]
    negative: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Writer(Protocol):
    """Writes texts for cases; `name` goes into the provenance."""

    name: str

    def write(self, case: Case, missing: Collection[str], faults: Sequence[Fault]) -> Written:
        """Texts for the levels that are missing ("negative" among them), mindful of the faults.

        Raises:
            AnswerError: There are none for this case.
            AgentError: There can be none at all, for now.
        """
        ...


class LanguageModelWriter:
    """A multimodal language model as a writer."""

    def __init__(self, client: ChatClient) -> None:
        self.client = client
        self.name = client.model

    def write(self, case: Case, missing: Collection[str], faults: Sequence[Fault]) -> Written:
        """See `Writer`."""
        masks = [mask for _, mask in case.targets]
        union = masks[0].copy()
        for mask in masks[1:]:
            union |= mask
        images = [shrink(case.rgb), outline(case.rgb, masks), close_look(case.rgb, union)]

        def read(answer: dict[str, Any]) -> Written:
            return _read(answer, missing)

        return self.client.ask(prompt(case, missing, faults), images, read, case.requests)


def prompt(case: Case, missing: Collection[str], faults: Sequence[Fault]) -> str:
    """What the model is asked."""
    one = len(case.wanted) == 1
    words = {
        "named": f" (it is annotated as '{case.name}')" if case.name else "",
        "it": "it" if one else "them",
        "serves": "serves" if one else "serve",
    }
    wanted = [key for key in ORDERS if key in missing]
    form = ", ".join(
        f'"{key}": {{"concept": [], "simple_query": [], "complex_query": []}}'
        if key == "negative"
        else f'"{key}": []'
        for key in wanted
    )
    told = "".join(f'- "{f.text}": {f.reason}\n' for f in faults[-MAX_FAULTS:])
    return PROMPT.format(
        what=_what(case),
        orders="\n".join(ORDERS[key].format(**words) for key in wanted),
        # The count makes every round a request of its own, which no cache answers.
        faults=f"{len(faults)} texts failed, these among them; write others:\n{told}"
        if told
        else "",
        form=f"{{{form}}}",
    )


def _what(case: Case) -> str:
    count, name = len(case.wanted), case.name or "thing"
    if count == 1:
        return f"one thing ({name}) is"
    if case.task.granularity == "1toAll":
        return f"all {count} things of one kind ({name}) are"
    return f"{count} things that belong together ({name}) are"


def _read(answer: dict[str, Any], missing: Collection[str]) -> Written:
    levels = [key for key in TEXT_LISTS if key in missing]
    found = {key: texts(answer, key, WANTED[key], MAX_LENGTH) for key in levels}
    if any(not said for said in found.values()):
        raise ValueError("a list is empty")
    if "negative" not in missing:
        return Written(found)
    negative = answer.get("negative")
    if not isinstance(negative, dict):
        raise ValueError('"negative" must be an object of lists')
    return Written(
        found, {k: texts(negative, k, 1, MAX_LENGTH) for k in TEXT_LISTS if k in negative}
    )
