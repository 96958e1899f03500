"""Generation and inspection in turns, until every level has texts that hold, or the rounds end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sam3i_model.chat.client import AnswerError
from training.annotations.sam3i_json import LEVEL_LISTS, TEXT_LISTS
from training.engine.checking import Checker, Meant
from training.engine.rules import fault, is_class, same_kind
from training.engine.tasks import Case
from training.engine.writing import Fault, Writer, Written

ROUNDS = 10
NOTHING = Meant(frozenset())


class StoppedError(RuntimeError):
    """The run is being stopped; the case is left for the next one."""


@dataclass
class Settled:
    """What came of a case.

    Attributes:
        texts: That were understood as they were meant, by `TEXT_LISTS`.
        negative: That were understood to denote nothing.
        rounds: Times that the writer wrote.
        dropped: How many texts were dropped, by "level: reason".
        why: Why there is nothing, where the case itself failed.
    """

    texts: dict[str, list[str]] = field(default_factory=lambda: {key: [] for key in TEXT_LISTS})
    negative: dict[str, list[str]] = field(default_factory=dict)
    rounds: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    why: str = ""

    @property
    def missing(self) -> list[str]:
        """Levels without a text."""
        return [key for key in TEXT_LISTS if not self.texts[key]]


def settle(
    case: Case,
    writer: Writer,
    checker: Checker,
    stopped: Callable[[], bool] = lambda: False,
) -> Settled:
    """Have texts written and inspected until all levels have some, `ROUNDS` times at most.

    Raises:
        StoppedError: `stopped` said so.
        AgentError: Writer or checker can't be had at all.
    """
    settled = Settled()
    faults: list[Fault] = []
    try:
        _inspect(case, _given(case), checker, settled, faults, stopped)
        while settled.missing and settled.rounds < ROUNDS:
            # Negative texts are a bonus: asked for once, never a reason for another round.
            missing = [*settled.missing, *(["negative"] if settled.rounds == 0 else [])]
            if stopped():
                raise StoppedError
            written = writer.write(case, missing, faults)
            settled.rounds += 1
            _inspect(case, written, checker, settled, faults, stopped)
    except AnswerError as error:
        settled.why = str(error)
    if settled.missing and not settled.why:
        settled.why = f"no text held in {settled.rounds} rounds: {', '.join(settled.missing)}"
    return settled


def _given(case: Case) -> Written:
    """The texts that came with the source are inspected like all others."""
    task = case.task
    texts = {
        key: tuple(r.text for r in task.given if r.level == level)
        for level, key in LEVEL_LISTS.items()
    }
    negative = {
        key: tuple(r.text for r in task.given_negative if r.level == level)
        for level, key in LEVEL_LISTS.items()
    }
    return Written(texts, negative)


def _inspect(
    case: Case,
    written: Written,
    checker: Checker,
    settled: Settled,
    faults: list[Fault],
    stopped: Callable[[], bool],
) -> None:
    for level, said in written.texts.items():
        for text in said:
            if stopped():
                raise StoppedError
            why = fault(level, text, case.name)
            if why is None:
                why = verdict(level, checker.which(case, text), case)
            if why is None:
                settled.texts[level].append(text)
            else:
                settled.dropped[f"{level}: {why}"] += 1
                faults.append(Fault(level, text, why))
    for level, said in written.negative.items():
        for text in said:
            if stopped():
                raise StoppedError
            why = fault(level, text, "")
            if why is None and level == "concept" and _is_there(case, text):
                why = "denotes something"
            if why is None and checker.which(case, text) != NOTHING:
                why = "denotes something"
            if why is None:
                settled.negative.setdefault(level, []).append(text)
            else:
                settled.dropped[f"negative {level}: {why}"] += 1


def _is_there(case: Case, concept: str) -> bool:
    """Whether a concept names a class that the picture has, be it a crowd or without a mask."""
    image = case.task.image
    names = {annotation.name for annotation in image.annotations} | image.lacking
    return any(is_class(concept, name) for name in names)


def verdict(level: str, meant: Meant, case: Case) -> str | None:
    """What is wrong with how a text was understood; None if nothing.

    A concept names a kind: it must include the targets, and may include others of it.
    """
    if meant == NOTHING:
        return "denotes nothing"
    if meant.numbers < case.wanted and not meant.others:
        return "denotes less"
    if not meant.numbers >= case.wanted:
        return "denotes other things"
    if level == "concept":
        return None if _of_a_kind(meant.numbers, case) else "denotes other kinds"
    return None if meant == Meant(case.wanted) else "denotes more"


def _of_a_kind(numbers: frozenset[int], case: Case) -> bool:
    """Whether each candidate has the class of a target, as far as classes are known."""
    names = {annotation.name for annotation, _ in case.targets}
    return all(
        any(same_kind(case.candidates[number - 1][0].name, name) for name in names)
        for number in numbers
    )
