"""ReasonSeg: NAME.json beside NAME.jpg, with `text`, `is_sentence` and `shapes` of polygons.

A shape is labelled "target", "ignore" or "flag" (left over, without meaning). As its authors draw
them, larger shapes come first and later ones cover them, so an ignored shape cuts a hole. The
polygons of a picture are one target; their class is not given. Some files are cp1252.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sam3i_model.instruction import Level
from training.annotations.entries import (
    EntryError,
    SourceError,
    mapping,
    polygon,
    sequence,
    text,
    words,
)
from training.annotations.images import AnnotatedImage, Annotation, Problems, Reference
from training.annotations.pictures import upright_size
from training.annotations.rle import MAX_POLYGONS, Mask, MaskError, check_size, encode, fill

SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")
MAX_TEXTS = 100


def fits(content: Any) -> bool:
    """Whether it is the file of one picture."""
    return isinstance(content, dict) and "shapes" in content and "text" in content


def open_one(path: Path, load: Callable[[Path], Any], problems: Problems) -> Any:
    """The content of one of many files, or None, with a note."""
    try:
        return load(path)
    except SourceError as error:
        problems.add(path.name, error)
        return None


def read(
    files: Iterable[tuple[Path, Any]], images: Path, problems: Problems
) -> list[AnnotatedImage]:
    """One image a file; its size is the picture's own."""
    found = []
    for number, (path, content) in enumerate(files, 1):
        if content is None:
            continue
        try:
            found.append(_image(number, path, content, images))
        except (EntryError, MaskError) as error:
            problems.add(path.name, error)
    return found


def _image(number: int, path: Path, content: Any, images: Path) -> AnnotatedImage:
    entry = mapping(content, "it")
    raw = entry.get("text")
    texts = [words(t, "text") for t in (raw if isinstance(raw, list) else [raw])[:MAX_TEXTS]]
    picture = next((p for s in SUFFIXES if (p := images / f"{path.stem}{s}").is_file()), None)
    if picture is None:
        raise EntryError(f"its picture {path.stem}.jpg is not in {images}")
    try:
        width, height = upright_size(picture)  # where it was annotated, it was shown upright
    except SourceError as error:
        raise EntryError(f"{picture.name} is no picture") from error
    check_size(height, width)
    mask, named = _draw(entry, height, width)
    if named and not mask.any():  # what is there, and has no mask, is no negative
        raise EntryError(f"its targets have no pixel in {picture.name}, {width}x{height}")
    shown = (Annotation(1, "", encode(mask)),) if named else ()
    targets = tuple(a.id for a in shown)
    said = tuple(Reference(t, targets, Level.COMPLEX) for t in dict.fromkeys(texts))
    return AnnotatedImage(number, picture.name, width, height, shown, said)


def _draw(entry: Any, height: int, width: int) -> tuple[Mask, bool]:
    """The target, and whether any shape is one."""
    layers: list[tuple[Mask, bool]] = []
    named = False
    mask = np.zeros((height, width), bool)
    for raw in sequence(entry, "shapes", MAX_POLYGONS):
        drawn = mapping(raw, "a shape")
        label = text(drawn, "label", 100).lower()
        if label == "flag":
            continue
        wanted = "ignore" not in label
        named |= wanted
        points = [value for point in sequence(drawn, "points", 50_000) for value in _pair(point)]
        if len(points) >= 6:  # a point or line that a tool left covers nothing
            layers.append((fill([polygon(points)], height, width), wanted))
    for layer, wanted in sorted(layers, key=lambda pair: -int(pair[0].sum())):
        mask[layer] = wanted
    return mask, named


def _pair(point: Any) -> list[Any]:
    if not isinstance(point, list) or len(point) != 2:
        raise EntryError("a point is no pair")
    return point
