"""COCO's instances, and what is written like them: LVIS, PACO-LVIS (with parts), instances.json.

PACO's part annotations name their object in `obj_ann_id` (an object names itself) and have classes
like `mug:handle`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from training.annotations import AnnotatedImage, Annotation, Problems
from training.entries import (
    MAX_NAME,
    EntryError,
    class_name,
    distinct,
    file_name,
    integer,
    mapping,
    shape,
    size,
    text,
)


def fits(content: Any) -> bool:
    """Whether it has COCO's three lists."""
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )


def read(content: dict[str, Any], problems: Problems) -> list[AnnotatedImage]:
    """All images with their instances."""
    names: dict[int, tuple[str, bool]] = {}
    for index, raw in enumerate(content["categories"]):
        try:
            entry = mapping(raw, "it")
            names[integer(entry, "id")] = class_name(text(entry, "name", MAX_NAME))
        except EntryError as error:
            problems.add(f"category {index}", error)
    frames: dict[int, tuple[str, int, int]] = {}
    for index, raw in enumerate(content["images"]):
        try:
            entry = mapping(raw, "it")
            frames[integer(entry, "id")] = (_picture(entry), *size(entry))
        except EntryError as error:
            problems.add(f"image {index}", error)
    found: dict[int, list[Annotation]] = defaultdict(list)
    for index, raw in enumerate(content["annotations"]):
        try:
            entry = mapping(raw, "it")
            image = integer(entry, "image_id")
            if image not in frames:
                raise EntryError(f"there is no image {image}")
            found[image].append(_annotation(entry, names, *frames[image][1:]))
        except EntryError as error:
            problems.add(f"annotation {index}", error)
    return [
        AnnotatedImage(number, name, width, height, distinct(found[number]))
        for number, (name, height, width) in sorted(frames.items())
    ]


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
        crowd=bool(entry.get("iscrowd")),
    )
