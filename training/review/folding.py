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
    changed = {number for number, sample in after.items() if sample != before[number]}
    entries = defaultdict(list)
    for entry in content["annotations"]:
        entries[entry["image_id"]].append(entry)
    fresh = 1 + max((_number(entry) for entry in content["annotations"]), default=0)
    images = []
    annotations = [e for e in content["annotations"] if e["image_id"] not in changed]
    for entry in content["images"]:
        number = entry["id"]
        if number not in changed:
            images.append(entry)
            continue
        written = document([after[number]])
        own = {key: written["images"][0][key] for key in _OWN if key in written["images"][0]}
        images.append({**{k: v for k, v in entry.items() if k not in _OWN}, **own})
        kept = dict(zip(before[number].targets, entries[number], strict=True))
        for target, made in zip(after[number].targets, written["annotations"], strict=True):
            annotations.append(kept.get(target) or {**made, "id": fresh})
            fresh += target not in kept
    return {**content, "images": images, "annotations": annotations}


def _number(entry: Mapping[str, Any]) -> int:
    """An annotation's id; the reader doesn't ask for one."""
    number = entry.get("id")
    return number if isinstance(number, int) else 0
