"""The first look at a recording: where every camera message lies, what was asked and answered.

Of a camera's messages only the head is read. What is kept is some tens of bytes a message, so that
memory doesn't grow with the pictures.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam3i_model.decoding import MessageError
from sam3i_model.instruction import Level, Outcome, route
from training.annotations.entries import EntryError
from training.annotations.images import MAX_LISTED_PROBLEMS, Problems
from training.bags.asked import INSTRUCTION, STRING, TEXT_TOPIC, Book, Timeline, asked_of
from training.bags.bag import Address, Bag
from training.bags.heads import read_head
from training.bags.names import space_of
from training.bags.pictures import COMPRESSED
from training.bags.storage import HEAD, MAX_MESSAGE, Message, Place, Topic

IMAGE = "sensor_msgs/msg/Image"
INFO = "sensor_msgs/msg/CameraInfo"
ANSWERS = "sam3i_ros/msg/SegmentArray"
CAMERA = (IMAGE, COMPRESSED, INFO)
MAX_RESULTS = 1_000
"""Of one answer."""
_LATEST = 2**63 - 1
"""ns, of a time."""
_STEP = 4 * 1024**2
"""Bytes between two calls for progress."""

Column = NDArray[np.int64]
Result = tuple[int, int, bool]
"""Of an answer: number of the instruction, outcome, and whether it is certain enough to be a label
by itself, scores apart."""


class Stream:
    """The messages of a topic: for each its stamp (ns), its place in the bag's order, and where."""

    def __init__(self, topic: Topic, frame: str) -> None:
        self.topic = topic
        self.frame = frame
        self.bytes = 0
        self.bad = 0
        self.unstamped = 0
        self._stamps = array("q")
        self._orders = array("q")
        self._files = array("H")
        self._records = array("q")
        self._insides = array("q")

    def add(self, message: Message, file: int, order: int, stamp: int) -> None:
        """Take up a message; one without a stamp goes by when it was recorded."""
        self.unstamped += stamp == 0
        self.bytes += message.size
        self._stamps.append(stamp or message.time)
        self._orders.append(order)
        self._files.append(min(file, 0xFFFF))
        self._records.append(message.place.record)
        self._insides.append(message.place.inside)

    def __len__(self) -> int:
        return len(self._stamps)

    def address(self, index: int) -> Address:
        """Where a message lies."""
        place = Place(self._records[index], self._insides[index])
        return Address(self._files[index], place)

    @property
    def stamps(self) -> Column:
        """int64 (N,), ns."""
        return np.array(self._stamps, np.int64)

    @property
    def orders(self) -> Column:
        """int64 (N,), ascending."""
        return np.array(self._orders, np.int64)


def answered_size(answer: Any) -> tuple[int, int] | None:
    """(H, W) of the image that a SegmentArray answers; None if that wasn't recorded."""
    # Earlier versions of the message have no size.
    size = int(getattr(answer, "height", 0)), int(getattr(answer, "width", 0))
    return size if all(size) else None


class Answers:
    """What the node answered: a stream, and for each answer its results.

    Attributes:
        sizes: (H, W) of the images that it answered, as far as that was recorded.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.sizes: set[tuple[int, int]] = set()
        self._begins = array("q", [0])
        self._asked = array("q")
        self._outcomes = array("B")
        self._certain = array("B")

    def add(self, results: list[Result], size: tuple[int, int] | None) -> None:
        """Take up an answer's."""
        if size:
            self.sizes.add(size)
        for number, outcome, certain in results:
            self._asked.append(number)
            self._outcomes.append(outcome)
            self._certain.append(certain)
        self._begins.append(len(self._asked))

    def results(self, index: int) -> list[Result]:
        """Of an answer."""
        part = slice(self._begins[index], self._begins[index + 1])
        certain = map(bool, self._certain[part])
        return list(zip(self._asked[part], self._outcomes[part], certain, strict=True))


class Contents:
    """What a recording holds, filled by `scan`."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], Stream] = {}
        self.answers: dict[str, Answers] = {}
        self.book = Book()
        self.timeline = Timeline(self.book)

    def of_type(self, *types: str) -> list[Stream]:
        """The streams of these types that have messages, by name."""
        chosen = [s for s in self.streams.values() if s.topic.type in types and len(s)]
        return sorted(chosen, key=lambda stream: stream.topic.name)


def scan(bag: Bag, problems: Problems, progress: Callable[[int], None]) -> Contents:
    """Go through a recording once.

    Args:
        bag: It.
        problems: Gets a line for what can't be read.
        progress: Is told the bytes read so far, now and then.

    Raises:
        BagError: Nothing of it can be read.
    """
    contents = Contents()
    spoken: Counter[str] = Counter()
    told = 0
    for order, (message, file, done) in enumerate(bag.messages(_want)):
        try:
            _take(bag, contents, message, file, order)
        except (MessageError, EntryError) as error:
            line = f"{message.topic.name}: {error}"
            if line in spoken or len(spoken) < MAX_LISTED_PROBLEMS:
                spoken[line] += 1
        if done - told >= _STEP:
            told = done
            progress(done)
    progress(bag.size)
    for line, count in spoken.items():
        problems.add(bag.path.name, f"{line} ({count:,} times)" if count > 1 else line)
    for stream in contents.streams.values():
        if stream.bad:
            what = f"{stream.bad:,} messages on {stream.topic.name} are no {stream.topic.type}"
            problems.add(bag.path.name, what)
        if stream.unstamped:
            what = f"{stream.unstamped:,} messages on {stream.topic.name} have no stamp"
            problems.add(bag.path.name, f"{what}: when they were recorded is taken for it")
    if contents.book.refused:
        what = f"more than {len(contents.book.entries):,} different instructions: the first count"
        problems.add(bag.path.name, what)
    return contents


def _want(topic: Topic) -> int:
    if topic.type in CAMERA:
        return HEAD
    said = topic.type == STRING and topic.name.rsplit("/", 1)[-1] == TEXT_TOPIC
    return MAX_MESSAGE if said or topic.type in (INSTRUCTION, ANSWERS) else 0


def _take(bag: Bag, contents: Contents, message: Message, file: int, order: int) -> None:
    topic = message.topic
    if topic.type in (STRING, INSTRUCTION):
        contents.timeline.take(order, bag.types.read(topic, bytes(message.data)), topic.name)
        return
    key = topic.name, topic.type
    stream = contents.streams.get(key)
    head = read_head(message.data)
    if stream is None:
        stream = contents.streams[key] = Stream(topic, head.frame if head else "")
    if head is None:
        stream.bad += 1
        return
    if (head.stamp or message.time) > _LATEST:
        raise MessageError("a message has no stamp, and was recorded at no time that can be")
    if topic.type == ANSWERS:
        answer = bag.types.read(topic, bytes(message.data))
        results = _results(contents, answer, space_of(topic.name))
        answers = contents.answers.setdefault(topic.name, Answers(stream))
        answers.add(results, answered_size(answer))
    stream.add(message, file, order, head.stamp)


def _level_asked(result: Any) -> int:
    """The level that the node used, if it isn't the one that it would take by itself."""
    own = route(result.text).level == result.level_used
    return Level.AUTO if own else int(result.level_used)


def _results(contents: Contents, answer: Any, space: str) -> list[Result]:
    """The instructions that an answer of a namespace names, and what became of them."""
    if len(answer.results) > MAX_RESULTS:
        raise EntryError(f"an answer has {len(answer.results):,} results")
    known = tuple(Outcome)
    carried = {segment.instruction_id for segment in answer.segments if segment.carried}
    results = []
    for result in answer.results:
        if result.outcome not in known:  # pending, or of a later version
            continue
        with suppress(EntryError):  # of a text that the node rejected
            asked = asked_of(result.id, result.text, _level_asked(result))
            number = contents.book.number(contents.timeline.published(asked, space))
            if number >= 0:
                doubtful = result.truncated or result.id in carried
                certain = result.outcome in (Outcome.FOUND, Outcome.NOT_FOUND) and not doubtful
                results.append((number, result.outcome, certain))
    return results
