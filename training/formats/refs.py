"""Referring texts about COCO's instances: RefCOCO, RefCOCO+, RefCOCOg, gRefCOCO and Ref-ZOM.

A list of refs, each with `image_id`, `ann_id` and `sentences` (`sent`, or `raw`), beside an
`instances.json`. RefCOCO has one `ann_id`; gRefCOCO a list, [-1] for what isn't there; Ref-ZOM one
or a list, and `source` "zero" for what isn't there. gRefCOCO comes as JSON; the others come as
pickles, which must be converted (see `training.formats`). Ref-ZOM's layout is as the code of its
authors reads it; its files themselves were not at hand. `split` says which refs are to train on and
which to test on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sam3i_model.instruction import Level
from training.annotations.entries import (
    MAX_TARGETS,
    EntryError,
    SourceError,
    integer,
    mapping,
    sequence,
    words,
)
from training.annotations.images import AnnotatedImage, Problems, Reference
from training.formats import coco

LAYOUTS = ("refcoco", "grefcoco", "ref-zom")
MAX_SENTENCES = 100
_LOOK_AT = 10_000
"""Refs that are looked at to tell the layouts apart."""


def fits(content: Any) -> bool:
    """Whether it is a list of refs."""
    return (
        isinstance(content, list)
        and bool(content)
        and isinstance(content[0], dict)
        and {"image_id", "ann_id", "sentences"} <= set(content[0])
    )


def fits_grefcoco(content: Any) -> bool:
    """Whether some ref denotes nothing, or several, the way gRefCOCO writes it."""
    return (
        fits(content)
        and not fits_ref_zom(content)
        and any(isinstance(r, dict) and isinstance(r.get("ann_id"), list) for r in _some(content))
    )


def fits_ref_zom(content: Any) -> bool:
    """Whether refs say how many they denote, as Ref-ZOM's do."""
    return fits(content) and any(isinstance(r, dict) and "source" in r for r in _some(content))


def _some(content: list[Any]) -> list[Any]:
    return content[:_LOOK_AT]


def read(
    content: list[Any], instances: dict[str, Any], problems: Problems, split: str | None = None
) -> list[AnnotatedImage]:
    """The images that are spoken of, with all their instances and the sentences.

    Raises:
        SourceError: There is no such split, or there are several and none is named.
    """
    _check_split(content, split)
    images = {image.id: image for image in coco.read(instances, problems)}
    known = {number: {a.id for a in image.annotations} for number, image in images.items()}
    said: dict[int, list[Reference]] = defaultdict(list)
    for index, raw in enumerate(content):
        try:
            entry = mapping(raw, "it")
            if split is not None and entry.get("split") != split:
                continue
            number = integer(entry, "image_id")
            if number not in images:
                raise EntryError(f"there is no image {number}")
            targets = _targets(entry)
            unknown = set(targets) - known[number]
            if unknown:
                raise EntryError(f"its image has no annotation {min(unknown)}")
            texts = _sentences(entry, f"ref {index}", problems)
            said[number].extend(Reference(t, targets, Level.SIMPLE) for t in texts)
        except EntryError as error:
            problems.add(f"ref {index}", error)
    return [
        replace(images[number], references=tuple(dict.fromkeys(references)))
        for number, references in sorted(said.items())
    ]


def _check_split(content: list[Any], split: str | None) -> None:
    """Refuse to read a test split along with what is trained on."""
    found = {r["split"] for r in content if isinstance(r, dict) and isinstance(r.get("split"), str)}
    if split in found or (split is None and len(found) < 2):
        return
    if not found:
        raise SourceError("the refs have no splits: leave --split out")
    listed = ", ".join(sorted(found)[:8])
    if split is not None:
        raise SourceError(f"the refs have no split {split}: name one of {listed}")
    example = "train" if "train" in found else min(found)
    raise SourceError(
        f"the refs are of several splits ({listed}), and one that is tested on must stay out of "
        f"what is trained on: name one, such as --split {example}"
    )


def _targets(entry: Mapping[str, Any]) -> tuple[int, ...]:
    if entry.get("source") == "zero" or entry.get("no_target") is True:
        return ()
    if not isinstance(entry.get("ann_id"), list):
        return (integer(entry, "ann_id"),)
    numbers = [integer({"ann_id": n}, "ann_id") for n in sequence(entry, "ann_id", MAX_TARGETS)]
    return () if numbers == [-1] else tuple(sorted(set(numbers)))


def _sentences(entry: Mapping[str, Any], where: str, problems: Problems) -> list[str]:
    """Those that can be used; the others are noted."""
    texts = []
    for sentence in sequence(entry, "sentences", MAX_SENTENCES):
        try:
            said = mapping(sentence, "a sentence")
            texts.append(words(said.get("sent") or said.get("raw"), "sent"))
        except EntryError as error:
            problems.add(where, error)
    return list(dict.fromkeys(texts))
