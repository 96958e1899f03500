"""What was asked for, and when: the instructions that were active at any moment of a recording."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sam3i_model.instruction import Instruction, Level, Routing, understand
from training.annotations.entries import MAX_TEXT, EntryError, words
from training.bags.names import space_of

INSTRUCTION = "sam3i_ros/msg/Instruction"
STRING = "std_msgs/msg/String"
TEXT_TOPIC = "instruction_text"
"""Last part of the name of a String topic that has instructions."""
MAX_ID = 128
MAX_DIFFERENT = 10_000


class Operation(IntEnum):
    """What a sam3i_ros/Instruction does."""

    ADD = 0
    REMOVE = 1
    CLEAR = 2


@dataclass(frozen=True)
class Asked:
    """An instruction as it was published, or as an answer names it."""

    id: str
    text: str
    level: Level = Level.AUTO
    max_instances: int = 0

    @property
    def instruction(self) -> Instruction:
        """For a segmenter."""
        return Instruction(self.text, self.id, self.level, self.max_instances)

    @property
    def routing(self) -> Routing:
        """How the node reads it."""
        return understand(self.instruction)


class Book:
    """Every different instruction has a number; the first `MAX_DIFFERENT` do."""

    def __init__(self) -> None:
        self.entries: list[Asked] = []
        self.refused = 0
        self._numbers: dict[Asked, int] = {}

    def number(self, asked: Asked) -> int:
        """Its number; -1 if there are too many."""
        number = self._numbers.get(asked)
        if number is None:
            if len(self.entries) >= MAX_DIFFERENT:
                self.refused += 1
                return -1
            number = self._numbers[asked] = len(self.entries)
            self.entries.append(asked)
        return number


def identity(id: str) -> str:
    """An id as it is kept: white space collapsed, the node's default for none."""
    return " ".join(id.split()) or Instruction("").id


def asked_of(id: str, text: str, level: int, max_instances: int = 0) -> Asked:
    """An instruction with its text's white space collapsed.

    Raises:
        EntryError: It is none that the node would look for.
    """
    if len(id) > MAX_ID:
        raise EntryError(f"an instruction's id has {len(id)} characters")
    if level not in tuple(Level):
        raise EntryError(f"an instruction has the level {level}, which doesn't exist")
    return Asked(identity(id), words(text, "text", MAX_TEXT), Level(level), max_instances)


State = tuple[tuple[str, int], ...]
"""Namespaces and the numbers of what was said in them."""


class Timeline:
    """The instructions that were active, by the order of the recording's messages.

    Each namespace has a node, and so ids, of its own.

    Attributes:
        topics: That something was said on, in order, with their namespaces.
    """

    def __init__(self, book: Book) -> None:
        self.topics: dict[str, str] = {}
        self._book = book
        self._order = array("q")
        self._active: dict[tuple[str, str], int] = {}
        self._states: list[State] = [()]
        self._state = array("q")
        self._known: dict[State, int] = {(): 0}

    def take(self, order: int, message: Any, topic: str = "") -> None:
        """A std_msgs/String or sam3i_ros/Instruction, in order.

        Raises:
            EntryError: It says nothing that can be followed.
        """
        if hasattr(message, "data"):
            operation = Operation.ADD if message.data.strip() else Operation.REMOVE
            id, text, level, most = "", message.data, Level.AUTO, 0
        else:
            try:
                operation = Operation(message.operation)
            except ValueError as error:
                raise EntryError(f"operation {message.operation} does not exist") from error
            id, text, level, most = message.id, message.text, message.level, message.max_instances
        space = self.topics[topic] = space_of(topic)
        before = dict(self._active)
        if operation == Operation.CLEAR:
            self._active = {key: number for key, number in before.items() if key[0] != space}
        else:
            # What can't be followed replaces what had its id all the same.
            self._active.pop((space, identity(id)), None)
        try:
            if operation == Operation.ADD:
                asked = asked_of(id, text, level, most)
                number = self._book.number(asked)
                if number >= 0:
                    self._active[space, asked.id] = number
        finally:
            if self._active != before:
                self._note(order)

    def _note(self, order: int) -> None:
        state = tuple((space, number) for (space, _), number in self._active.items())
        if state not in self._known:
            self._known[state] = len(self._states)
            self._states.append(state)
        self._order.append(order)
        self._state.append(self._known[state])

    def published(self, asked: Asked, space: str) -> Asked:
        """What is active now under the id and with the text of an instruction; else itself.

        It is looked for in the namespace `space` first, then in the others.
        """
        keys = ((each, asked.id) for each in dict.fromkeys([space, *self.topics.values()]))
        active = (self._book.entries[self._active[key]] for key in keys if key in self._active)
        return next((other for other in active if other.text == asked.text), asked)

    def at(self, orders: Iterator[int], unheard: Collection[str] = ()) -> Iterator[tuple[int, ...]]:
        """The active numbers at each of some moments, which must not go back.

        Args:
            orders: The moments.
            unheard: Topics in whose namespaces nothing that was said counts.
        """
        deaf = {self.topics[topic] for topic in unheard}
        event, now = 0, 0
        for order in orders:
            while event < len(self._order) and self._order[event] < order:
                now = self._state[event]
                event += 1
            yield tuple(number for space, number in self._states[now] if space not in deaf)
