"""Corrected samples, written into the file that they came from; the rest of it stays as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from training.sam3i_json import Sample, document

_OWN = ("text_inst_input", "granularity", "review")
"""Fields of an image entry that a review changes."""


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
            said = changed[entry["id"]]["images"][0]
            rest = {key: value for key, value in entry.items() if key not in _OWN}
            entry = {**rest, **{key: said[key] for key in _OWN if key in said}}
        images.append(entry)
    return {**content, "images": images, "annotations": annotations}


def _number(entry: Mapping[str, Any]) -> int:
    """An annotation's id; the reader doesn't ask for one."""
    number = entry.get("id")
    return number if isinstance(number, int) else 0
