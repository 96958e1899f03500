"""MMR: a list of pictures with `questions` and, for each, `answers`: the masks that answer it.

As its authors' README and loader have it: a picture has `file_name`, `height`, `width`, `image_id`;
an answer is an annotation, or a list of them, with `segmentation` (RLE) and `category_name`. The
masks are PACO-LVIS's, objects and parts; what an answer's part belongs to is not said. MMR's
own files were not at hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sam3i_model.instruction import Level
from training.annotations.entries import (
    MAX_NAME,
    MAX_TARGETS,
    EntryError,
    class_name,
    file_name,
    integer,
    mapping,
    sequence,
    shape,
    size,
    text,
    words,
)
from training.annotations.images import AnnotatedImage, Annotation, Problems, Reference

MAX_QUESTIONS = 1_000


def fits(content: Any) -> bool:
    """Whether it is a list of pictures with questions."""
    return (
        isinstance(content, list)
        and bool(content)
        and isinstance(content[0], dict)
        and {"questions", "answers", "file_name"} <= set(content[0])
    )


def read(content: list[Any], problems: Problems) -> list[AnnotatedImage]:
    """All images; annotations that are the same are one."""
    images: dict[int, AnnotatedImage] = {}
    for index, raw in enumerate(content):
        try:
            image = _image(mapping(raw, "it"))
            if image.id in images:
                raise EntryError(f"there is an image {image.id} already")
            images[image.id] = image
        except EntryError as error:
            problems.add(f"picture {index}", error)
    return list(images.values())


def _image(entry: Mapping[str, Any]) -> AnnotatedImage:
    height, width = size(entry)
    known: dict[str, Annotation] = {}
    listed = entry.get("annotations", [])
    for raw in listed if isinstance(listed, list) else [listed]:
        _add(known, raw, height, width)
    said = []
    questions = sequence(entry, "questions", MAX_QUESTIONS)
    answers = sequence(entry, "answers", MAX_QUESTIONS)
    if len(questions) != len(answers):
        raise EntryError(f"it has {len(questions)} questions and {len(answers)} answers")
    for question, answer in zip(questions, answers, strict=True):
        shown = answer if isinstance(answer, list) else [answer]
        targets = {_add(known, raw, height, width) for raw in shown[:MAX_TARGETS]}
        said.append(Reference(words(question, "question"), tuple(sorted(targets)), Level.COMPLEX))
    return AnnotatedImage(
        id=integer(entry, "image_id"),
        file_name=file_name(entry),
        width=width,
        height=height,
        annotations=tuple(known.values()),
        references=tuple(dict.fromkeys(said)),
    )


def _add(known: dict[str, Annotation], raw: Any, height: int, width: int) -> int:
    """Number of the annotation; one that has the class and mask of another is that one."""
    entry = mapping(raw, "an annotation")
    if len(known) > MAX_TARGETS:
        raise EntryError(f"it has more than {MAX_TARGETS:,} annotations")
    name, is_part = class_name(text(entry, "category_name", MAX_NAME))
    outline = shape(entry.get("segmentation"), height, width)
    key = json.dumps([name, outline])
    if key not in known:
        known[key] = Annotation(len(known) + 1, name, outline, is_part=is_part)
    return known[key].id
