"""What the official SAM3-I loader would choke on in a file, in plain words.

python -m training.sam3i_check FILE
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.annotations.entries import EntryError, file_name, integer, mapping, shape, size
from training.annotations.sam3i_json import OPEN, REJECTED, TEXT_LISTS

MAX_OBJECTS = 200
"""Objects of an image beyond which the official loader drops its query."""
SHOWN = 50


def explain(content: Any) -> Iterator[str]:
    """A line a fault; nothing if the official training would take the file as it is."""
    if not isinstance(content, dict):
        yield "the file is not one object with images, annotations and categories"
        return
    missing = [
        k for k in ("images", "annotations", "categories") if not isinstance(content.get(k), list)
    ]
    if missing:
        yield f"the file has no list '{missing[0]}': the loader stops with a KeyError"
        return
    categories = content["categories"]
    if len(categories) != 1:
        yield (
            f"there are {len(categories)} categories: the loader asks every image once a category "
            "with the same texts, and those without annotations teach that nothing is there; "
            "keep exactly one"
        )
    known = [c.get("id") for c in categories if isinstance(c, dict)]
    sizes: dict[int, tuple[int, int]] = {}
    for index, raw in enumerate(content["images"]):
        yield from _image(f"image {index}", raw, sizes)
    counts: Counter[int] = Counter()
    for index, raw in enumerate(content["annotations"]):
        yield from _annotation(f"annotation {index}", raw, sizes, known, counts)
    for number, count in counts.items():
        if count > MAX_OBJECTS:
            yield f"image {number} has {count} annotations: beyond {MAX_OBJECTS} it is left out"


def _image(where: str, raw: Any, sizes: dict[int, tuple[int, int]]) -> Iterator[str]:
    try:
        entry = mapping(raw, "it")
        number = integer(entry, "id")
        file_name(entry)
        extent = size(entry)
    except EntryError as error:
        yield f"{where}: {error}"
        return
    if number in sizes:
        yield (
            f"{where}: id {number} is taken, so the loader keeps only the later one; give every "
            "sample an id of its own, also when pictures recur"
        )
    sizes[number] = extent
    if entry.get("review") in (OPEN, REJECTED):
        yield f"{where}: its review is '{entry['review']}', which the loader trains on all the same"
    texts = entry.get("text_inst_input")
    if not isinstance(texts, dict):
        yield f"{where}: it has no text_inst_input, the loader stops with a KeyError"
        return
    for key in TEXT_LISTS:
        said = texts.get(key)
        if not isinstance(said, list) or not said:
            yield f"{where}: text_inst_input.{key} has no text, random.choice stops at that"
        elif not all(isinstance(t, str) and t.strip() for t in said):
            yield f"{where}: text_inst_input.{key} has something that is no text"


def _annotation(
    where: str,
    raw: Any,
    sizes: dict[int, tuple[int, int]],
    categories: list[Any],
    counts: Counter[int],
) -> Iterator[str]:
    try:
        entry = mapping(raw, "it")
        number = integer(entry, "image_id")
        if number not in sizes:
            raise EntryError(f"there is no image {number}, the loader never shows it")
        if integer(entry, "category_id") not in categories:
            raise EntryError("its category is not listed, the loader leaves it out")
        counts[number] += 1
        integer(entry, "iscrowd")
        shape(entry.get("segmentation"), *sizes[number])
    except EntryError as error:
        yield f"{where}: {error}"
        return
    box, (height, width) = entry.get("bbox"), sizes[number]
    if (
        not isinstance(box, list)
        or len(box) != 4
        or not all(isinstance(value, int | float) for value in box)
    ):
        yield f"{where}: its bbox is not [x, y, width, height]"
    elif box[2] <= 0 or box[3] <= 0:
        yield f"{where}: its bbox is empty, so the loader drops it"
    elif box[0] < 0 or box[1] < 0 or box[0] + box[2] > width + 1 or box[1] + box[3] > height + 1:
        yield f"{where}: its bbox leaves the picture (bbox is x, y, width, height in pixels)"
    if entry["iscrowd"]:
        yield f"{where}: it is a crowd, which the loader leaves out"


def main(path: Path) -> int:
    """Print what is wrong with a file; the number of faults, at most 1."""
    from training.formats import SourceError
    from training.formats.reading import load

    try:
        faults = list(explain(load(path)))
    except SourceError as error:
        faults = [str(error)]
    for fault in faults[:SHOWN]:
        print(fault)
    counted = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
    print(f"{path}: {counted}" if faults else f"{path}: nothing is wrong")
    return min(len(faults), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        "python -m training.sam3i_check",
        description="Say what the official SAM3-I loader would choke on in a file.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    raise SystemExit(main(parser.parse_args().file))
