"""The samples under review: every action is on disk at once, and none is lost or done twice.

DATA/review.jsonl has an action a line, with the sample before and after it. DATA/annotations.json
follows some seconds later, at the end, and at the next start, so that a kill at any moment costs
nothing. The journal stays: it is what can be undone, and what a person's work can be got back from.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from training.annotations.entries import EntryError
from training.annotations.images import Problems, image_path
from training.annotations.sam3i_json import ANNOTATIONS, Sample, document, parse
from training.engine.journal import Journal, JournalError
from training.engine.tasks import UnusableError, task_picture
from training.review.actions import act
from training.review.file import AnnotationFile, ReviewError

JOURNAL = "review.jsonl"
HEADING = {"review": 1}


class StaleError(RuntimeError):
    """What an action was meant for has changed meanwhile."""


class Store:
    """The samples of a folder, by id; for one process at a time, and any number of threads.

    Args:
        folder: Has annotations.json.
        images: Folder that `file_name` is relative to; None: the same.

    Attributes:
        samples: As they are now, in the order of the file.
        overtaken: Ids of samples that were changed by something else since their last review;
            they are as the file has them.

    Raises:
        ReviewError: Something is missing or damaged, or a review is under way.
    """

    def __init__(self, folder: Path, images: Path | None = None) -> None:
        self.folder = folder
        self.images = images or folder
        self._lock = threading.RLock()
        self._failed = ""
        self._done: list[dict[str, Any]] = []
        self._undone: list[dict[str, Any]] = []
        self._originals: dict[int, Sample] = {}
        if not (folder / ANNOTATIONS).is_file():
            raise ReviewError(
                f"there is no {folder / ANNOTATIONS}: name a folder that `sam3i prepare` or "
                "`sam3i annotate` has made"
            )
        try:
            # First of all, so that no other review writes from here on.
            self._journal = Journal(folder / JOURNAL, HEADING)
        except (JournalError, OSError) as error:
            raise ReviewError(str(error)) from error
        try:
            self._file = AnnotationFile(folder / ANNOTATIONS)
            self.samples = dict(self._file.samples)
            self._check_pictures()
            self.overtaken = self._replay()
            self.save()
        except ReviewError:
            self._journal.close()
            raise

    def act(self, number: int, version: str, action: Mapping[str, Any]) -> Sample:
        """Do something to a sample, as `actions.act` has it.

        Args:
            number: Its id.
            version: `version_of` the sample that the person saw.
            action: What to do.

        Raises:
            StaleError: It isn't that sample any more; nothing is done.
            EntryError: It can't be done.
            ReviewError: It can't be written.
        """
        with self._lock:
            before = self.sample(number)
            if version != version_of(before):
                raise StaleError("it was changed in another window")
            after = act(before, self.original(number), action, lambda: self.picture(before))
            self.put(number, after, str(action["do"]))
            return after

    def put(self, number: int, after: Sample, what: str) -> None:
        """Put a sample in another's place."""
        with self._lock:
            before = self.samples[number]
            if after != before:
                self._record("act", what, before, after)

    def undo(self) -> Sample | None:
        """Take back the last action that isn't; the sample that it was about, None: there is none.

        Raises:
            ReviewError: It can't be written.
        """
        return self._turn("undo", self._done)

    def redo(self) -> Sample | None:
        """Do again what was taken back last, if nothing was done since; see `undo`."""
        return self._turn("redo", self._undone)

    def sample(self, number: int) -> Sample:
        """A sample by its id.

        Raises:
            EntryError: There is none.
        """
        sample = self.samples.get(number)
        if sample is None:
            raise EntryError(f"there is no sample {number}")
        return sample

    def original(self, number: int) -> Sample:
        """A sample as it was before anybody looked at it; see `sample`."""
        return self._originals.get(number) or self.sample(number)

    def picture(self, sample: Sample) -> np.ndarray:
        """uint8 RGB (H, W, 3).

        Raises:
            EntryError: It isn't there, or not what the file says.
        """
        try:
            return task_picture(self.picture_path(sample), sample.height, sample.width)
        except UnusableError as error:
            raise EntryError(error) from error

    def picture_path(self, sample: Sample) -> Path:
        """Where a sample's picture lies."""
        return image_path(self.images, sample.file_name)

    @property
    def next_undo(self) -> str:
        """What `undo` would take back; empty: nothing."""
        return self._done[-1]["what"] if self._done else ""

    @property
    def next_redo(self) -> str:
        """What `redo` would do again; empty: nothing."""
        return self._undone[-1]["what"] if self._undone else ""

    def save(self) -> None:
        """Bring annotations.json up to date.

        Raises:
            ReviewError: It can't be written, or something else has written it meanwhile.
        """
        with self._lock:
            try:
                self._file.save(self.samples)
            except ReviewError as error:
                raise ReviewError(
                    f"{error}. What was done is in {JOURNAL}: start `sam3i review` again to go on"
                ) from error

    def close(self) -> None:
        """Save, and let others have the folder.

        Raises:
            ReviewError: See `save`.
        """
        try:
            self.save()
        finally:
            self._journal.close()

    def _turn(self, kind: str, stack: list[dict[str, Any]]) -> Sample | None:
        with self._lock:
            if not stack:
                return None
            turned = stack[-1]
            after = _sample_of(turned["from" if kind == "undo" else "to"])
            self._record(kind, turned["what"], self.samples[after.id], after, turned["key"])
            return after

    def _record(
        self, kind: str, what: str, before: Sample, after: Sample, of: int | None = None
    ) -> None:
        """Write a record and do what it says; `of` is the key of the one that is turned round."""
        if self._failed:
            raise ReviewError(self._failed)
        record = {
            "key": len(self._journal.records),
            "kind": kind,
            "of": of,
            "what": what,
            "id": after.id,
            "from": document([before]),
            "to": document([after]),
        }
        try:
            self._journal.add(record)
        except OSError as error:
            # Half of it may be there: nothing may come behind it before a start has mended that.
            self._failed = (
                f"{JOURNAL} can't be written ({error.strerror}): the last action was not done; "
                "make room and start `sam3i review` again"
            )
            raise ReviewError(self._failed) from error
        self._remember(record)
        self._originals.setdefault(after.id, before)
        self.samples[after.id] = after

    def _remember(self, record: dict[str, Any]) -> None:
        """What can be undone and redone after a record."""
        if record["kind"] == "act":
            self._done.append(record)
            self._undone.clear()
            return
        turned = self._journal.records[record["of"]]
        out, into = self._done, self._undone
        if record["kind"] == "redo":
            out, into = into, out
        out.remove(turned)
        into.append(turned)

    def _replay(self) -> list[int]:
        """Bring the samples up to date; ids of those that the journal doesn't know any more."""
        known: dict[int, list[Any]] = {}
        overtaken = []
        try:
            for record in self._journal.records.values():
                states = known.setdefault(record["id"], [record["from"]])
                if states[-1] != record["from"]:  # something else had changed it in between
                    states[:] = [record["from"]]
                    self._forget(record["id"])
                states.append(record["to"])
                self._remember(record)
            for number, states in known.items():
                sample = self.samples.get(number)
                if sample is None or document([sample]) not in states:
                    overtaken.append(number)
                    self._forget(number)
                else:
                    self._originals[number] = _sample_of(states[0])
                    self.samples[number] = _sample_of(states[-1])
        except (KeyError, TypeError, ValueError) as error:
            raise ReviewError(
                f"{self.folder / JOURNAL} is damaged: move it away, and keep it"
            ) from error
        return overtaken

    def _forget(self, number: int) -> None:
        """Undo and redo nothing more of a sample."""
        for stack in (self._done, self._undone):
            stack[:] = [record for record in stack if record["id"] != number]

    def _check_pictures(self) -> None:
        names = dict.fromkeys(sample.file_name for sample in self.samples.values())
        missing = [n for n in names if not image_path(self.images, n).is_file()]
        if missing:
            raise ReviewError(
                f"{len(missing)} of {len(names)} pictures are not in {self.images}, such as "
                f"{missing[0]}: give the folder that file names begin in with --images"
            )


def version_of(sample: Sample) -> str:
    """Tells a sample from what it was before and will be later."""
    return hashlib.sha256(repr(sample).encode()).hexdigest()[:16]


def _sample_of(state: Any) -> Sample:
    problems = Problems()
    samples = parse(state, problems)
    if problems.count or len(samples) != 1:
        raise ValueError("a state is not one sample")
    return samples[0]
