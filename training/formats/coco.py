"""COCO's instances, and what is written like them: LVIS, PACO-LVIS (with parts), instances.json.

PACO's part annotations name their object in `obj_ann_id` (an object names itself) and have classes
like `mug:handle`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from training.annotations.entries import (
    MAX_NAME,
    EntryError,
    class_name,
    file_name,
    integer,
    is_crowd,
    mapping,
    shape,
    size,
    text,
)
from training.annotations.images import AnnotatedImage, Annotation, Problems

T = TypeVar("T")


def fits(content: Any) -> bool:
    """Whether it has COCO's three lists."""
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )


def read(content: dict[str, Any], problems: Problems) -> list[AnnotatedImage]:
    """All images with their instances."""
    names = _by_id(content["categories"], "category", _class, problems)
    frames = _by_id(content["images"], "image", _frame, problems)
    found: dict[int, dict[int, Annotation]] = defaultdict(dict)
    lacking: dict[int, set[str]] = defaultdict(set)
    for index, raw in enumerate(content["annotations"]):
        try:
            entry = mapping(raw, "it")
            image = integer(entry, "image_id")
            if image not in frames:
                raise EntryError(f"there is no image {image}")
            try:
                annotation = _annotation(entry, names, *frames[image][1:])
                if found[image].get(annotation.id, annotation) != annotation:
                    raise EntryError(
                        f"its image has another annotation {annotation.id}: give each a number of "
                        "its own"
                    )
                found[image][annotation.id] = annotation
            except EntryError:
                lacking[image] |= _classes(entry, names)
                raise
        except EntryError as error:
            problems.add(f"annotation {index}", error)
    return [
        AnnotatedImage(
            number,
            name,
            width,
            height,
            tuple(found[number].values()),
            lacking=frozenset(lacking[number]),
        )
        for number, (name, height, width) in sorted(frames.items())
    ]


def _by_id(
    entries: list[Any], what: str, read: Callable[[Mapping[str, Any]], T], problems: Problems
) -> dict[int, T]:
    """What the entries of a list say. Which of two with one id others mean can't be told: neither
    is used."""
    found: dict[int, T] = {}
    twice: set[int] = set()
    for index, raw in enumerate(entries):
        try:
            entry = mapping(raw, "it")
            said, number = read(entry), integer(entry, "id")
            if found.setdefault(number, said) != said:
                twice.add(number)
                raise EntryError(
                    f"there is another {what} {number}, and neither is used: give each an id of "
                    "its own"
                )
        except EntryError as error:
            problems.add(f"{what} {index}", error)
    return {number: said for number, said in found.items() if number not in twice}


def _class(entry: Mapping[str, Any]) -> tuple[str, bool]:
    return class_name(text(entry, "name", MAX_NAME))


def _frame(entry: Mapping[str, Any]) -> tuple[str, int, int]:
    return (_picture(entry), *size(entry))


def _classes(entry: Mapping[str, Any], names: Mapping[int, tuple[str, bool]]) -> set[str]:
    """Those that an annotation may be of."""
    try:
        return {names[integer(entry, "category_id")][0]}
    except (EntryError, KeyError):
        return {name for name, _ in names.values()}


def _picture(entry: Mapping[str, Any]) -> str:
    """The file name; LVIS has but an address, and pictures of train2017 as well as val2017."""
    if "file_name" in entry or "coco_url" not in entry:
        return file_name(entry)
    folder_and_name = text(entry, "coco_url", 500).split("/")[-2:]
    return file_name({"coco_url": "/".join(folder_and_name)}, "coco_url")


def _annotation(
    entry: Any, names: dict[int, tuple[str, bool]], height: int, width: int
) -> Annotation:
    category = integer(entry, "category_id")
    if category not in names:
        raise EntryError(f"there is no category {category}")
    number = integer(entry, "id")
    name, is_part = names[category]
    owner = integer(entry, "obj_ann_id") if is_part and "obj_ann_id" in entry else None
    return Annotation(
        id=number,
        name=name,
        shape=shape(entry.get("segmentation"), height, width),
        part_of=owner if owner != number else None,
        is_part=is_part,
        crowd=is_crowd(entry),
    )
