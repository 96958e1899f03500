"""The file under review: what changed is written into it, the rest of it stays as it was."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.annotations.entries import SourceError
from training.annotations.images import Problems
from training.annotations.sam3i_json import Sample, document, parse
from training.files import write_text
from training.formats import sam3i
from training.formats.reading import load

_OWN = ("text_inst_input", "granularity", "family", "review", "single")
"""Fields of an image entry that a review changes."""


class ReviewError(RuntimeError):
    """A review can't begin or go on; the message is one line with the remedy."""


class AnnotationFile:
    """A SAM3-I JSON file that can be used to the last entry.

    Attributes:
        samples: Those that are in the file now, by id.

    Raises:
        ReviewError: It can't be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = _state_of(path)
        try:
            self._content = load(path)
        except SourceError as error:
            raise ReviewError(str(error)) from error
        if not sam3i.fits(self._content):
            raise ReviewError(
                f"{path} is no SAM3-I file: it needs images with text_inst_input, and annotations"
            )
        problems = Problems()
        self.samples = {sample.id: sample for sample in parse(self._content, problems)}
        if problems.count:
            raise ReviewError(
                f"{path}: {problems.lines[0]} ({problems.count} such entries): correct or remove "
                "them"
            )

    def save(self, samples: Mapping[int, Sample]) -> None:
        """Write the samples, if they are others; the file appears only when it is complete.

        Raises:
            ReviewError: It can't be written, or something else has written it meanwhile.
        """
        if samples == self.samples:
            return
        try:
            if _state_of(self.path) != self._seen:
                raise ReviewError(f"{self.path} was changed by something else during the review")
            content = folded(self._content, self.samples, samples)
            write_text(self.path, json.dumps(content, ensure_ascii=False))
            self._seen = _state_of(self.path)
        except OSError as error:
            raise ReviewError(f"{self.path} can't be written ({error.strerror})") from error
        self._content, self.samples = content, dict(samples)


def folded(
    content: Mapping[str, Any], before: Mapping[int, Sample], after: Mapping[int, Sample]
) -> dict[str, Any]:
    """The content of a file with samples changed.

    Entries of samples and masks that didn't change are the very same, whatever else they say.

    Args:
        content: Of the file.
        before: All samples that it has.
        after: Those that are now to be in it, by the same ids.
    """
    changed = {n: document([s]) for n, s in after.items() if s != before[n]}
    redrawn = [n for n in changed if after[n].targets != before[n].targets]
    entries = defaultdict(list)
    for entry in content["annotations"]:
        entries[entry["image_id"]].append(entry)
    fresh = 1 + max((_number(entry) for entry in content["annotations"]), default=0)
    annotations = [e for e in content["annotations"] if e["image_id"] not in redrawn]
    for number in redrawn:
        kept = dict(zip(before[number].targets, entries[number], strict=True))
        written = changed[number]["annotations"]
        for target, made in zip(after[number].targets, written, strict=True):
            own = kept.pop(target, None)
            annotations.append(own or {**made, "id": fresh})
            fresh += own is None
    images = []
    for entry in content["images"]:
        if entry["id"] in changed:
            entry = _said_anew(entry, before[entry["id"]], changed[entry["id"]]["images"][0])
        images.append(entry)
    return {**content, "images": images, "annotations": annotations}


def _said_anew(entry: Mapping[str, Any], before: Sample, after: Mapping[str, Any]) -> Any:
    """An image entry with the fields that changed; what else stands in them stays."""
    known = document([before])["images"][0]
    made = dict(entry)
    for key in _OWN:
        if after.get(key) == known.get(key):
            continue
        made.pop(key, None)
        if key == "text_inst_input":
            lists = {k: v for k, v in after[key].items() if v != known[key][k]}
            made[key] = {**entry[key], **lists}
        elif key in after:
            made[key] = after[key]
    return made


def _number(entry: Mapping[str, Any]) -> int:
    """An annotation's id; the reader doesn't ask for one."""
    number = entry.get("id")
    return number if isinstance(number, int) else 0


def _state_of(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size
