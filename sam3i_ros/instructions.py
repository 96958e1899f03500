"""The instructions that are active: a short list by id, filled from topics, a service, parameters.

A rejected instruction stays in the list with its reason, so that it too gets a result in every
frame. Both kinds are bounded in number and length: what comes over the wire is not trusted.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sam3i_model.instruction import (
    MAX_TEXT_LENGTH,
    Instruction,
    Level,
    Outcome,
    refusal,
    understand,
)
from sam3i_ros.msg import Instruction as InstructionMsg
from sam3i_ros.msg import InstructionResult

DEFAULT_ID = "default"
MAX_ID_LENGTH = 128
_PARAMETER_ID = "instructions["  # ids of the parameter's items: instructions[0], ...


@dataclass(frozen=True)
class Entry:
    """An instruction, and why it is not looked for; the reason is empty if it is."""

    instruction: Instruction
    rejected: str = ""

    def result(self) -> InstructionResult:
        """PENDING with the level understood, or REJECTED with the reason."""
        asked = self.instruction
        message = InstructionResult(id=asked.id, text=asked.text)
        if self.rejected:
            message.outcome, message.detail = int(Outcome.REJECTED), self.rejected
        else:
            routing = understand(asked)
            message.level_used, message.prompt = int(routing.level), routing.prompt
            message.detail = routing.why
        return message


def entry(
    text: str,
    id: str = DEFAULT_ID,
    level: int = Level.AUTO,
    max_instances: int = 0,
    threshold: float = 0.0,
) -> Entry:
    """Checks one instruction; values that cannot be used make a rejected entry, never an error."""
    reason = ""
    if len(id) > MAX_ID_LENGTH:
        reason = f"the id has {len(id)} characters; use at most {MAX_ID_LENGTH}"
    elif unusable := refusal(text):
        reason = unusable
    elif level not in tuple(Level):
        reason = f"level {level} does not exist; use 0 (auto), 1, 2 or 3"
    elif not (math.isfinite(threshold) and 0.0 <= threshold <= 1.0):
        reason = f"threshold {threshold:g} is not between 0 and 1"
    known = Level(level) if level in tuple(Level) else Level.AUTO
    usable = 0.0 if reason else threshold
    instruction = Instruction(text[:MAX_TEXT_LENGTH], _kept(id), known, max_instances, usable)
    return Entry(instruction, reason)


def _kept(id: str) -> str:
    """The id that one is kept by: "default" if it is empty, and its own shorter one if too long."""
    if len(id) <= MAX_ID_LENGTH:
        return id or DEFAULT_ID
    mark = "~" + hashlib.sha256(id.encode(errors="replace")).hexdigest()[:16]
    return id[: MAX_ID_LENGTH - len(mark)] + mark


def entry_from_message(message: InstructionMsg) -> Entry:
    """`entry` of what came over the wire."""
    return entry(message.text, message.id, message.level, message.max_instances, message.threshold)


def refuse_unusable(texts: Sequence[str], limit: int) -> None:
    """ValueError if they are too many, or the first that can't be used by itself."""
    if len(texts) > limit:
        raise ValueError(
            f"instructions has {len(texts)} items, more than max_instructions ({limit})"
        )
    for text in texts:
        if reason := entry(text).rejected:
            raise ValueError(f"instructions: {reason}")


class InstructionList:
    """The active instructions in the order they were given; safe to use from any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}

    def add(self, new: Entry) -> Entry:
        """Adds, or replaces the one with the same id. Returns what it became."""
        with self._lock:
            return self._add(new)

    def remove(self, id: str) -> bool:
        """Forgets one; False if there is none with this id."""
        with self._lock:
            return self._entries.pop(_kept(id), None) is not None

    def replace(self, entries: Iterable[Entry]) -> list[Entry]:
        """Forgets all and adds these. Returns what each became.

        One whose id an earlier one has is rejected, and not kept: it would take the other's place.
        """
        with self._lock:
            self._entries.clear()
            return [self._add_apart(new) for new in entries]

    def replace_defaults(self, texts: Sequence[str]) -> list[Entry]:
        """Replaces those that came from the parameter `instructions`."""
        with self._lock:
            for id in [id for id in self._entries if id.startswith(_PARAMETER_ID)]:
                del self._entries[id]
            return [self._add(entry(t, f"{_PARAMETER_ID}{i}]")) for i, t in enumerate(texts)]

    def hear_text(self, text: str) -> None:
        """What ~/instruction_text does: it gets the id "default"; an empty one clears it."""
        if text.strip():
            self.add(entry(text))
        else:
            self.remove("")

    def hear(self, message: InstructionMsg) -> None:
        """What a message on ~/instruction does; ValueError if there is no such operation."""
        if message.operation == InstructionMsg.ADD:
            self.add(entry_from_message(message))
        elif message.operation == InstructionMsg.REMOVE:
            self.remove(message.id)
        elif message.operation == InstructionMsg.CLEAR:
            self.replace([])
        else:
            raise ValueError(
                f"operation {message.operation} does not exist; use ADD, REMOVE or CLEAR"
            )

    def snapshot(self) -> list[Entry]:
        """The list as it is now."""
        with self._lock:
            return list(self._entries.values())

    def still_asked(self, results: Iterable[InstructionResult]) -> list[InstructionResult]:
        """Those of an earlier frame's results whose id and text are in the list as it is now."""
        asked = {(e.instruction.id, e.instruction.text) for e in self.snapshot()}
        return [result for result in results if (result.id, result.text) in asked]

    def _add_apart(self, new: Entry) -> Entry:
        id = new.instruction.id
        if id not in self._entries:
            return self._add(new)
        return Entry(new.instruction, f"id '{id}' is given twice; give each one of its own")

    def _add(self, new: Entry) -> Entry:
        id = new.instruction.id
        accepted = sum(not e.rejected for other, e in self._entries.items() if other != id)
        if not new.rejected and accepted >= self._limit:
            reason = f"{self._limit} instructions are active already; remove one"
            new = Entry(new.instruction, f"{reason} or raise max_instructions")
        self._entries[id] = new
        rejected = [other for other, e in self._entries.items() if e.rejected]
        if len(rejected) > self._limit:
            del self._entries[rejected[0]]
        return new
