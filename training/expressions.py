"""Masks and sentences that lie side by side in other ways, as SAM3-I's JSON.

python -m training.expressions FOLDER OUT.json [FIRST:END:STEP]

Of the pictures in the order of their names, FIRST:END:STEP takes some (`0::2` every second one), so
that one can train on some and test on others.

A JSON file's `expressions`, each with an `expression` and what it means, in one of three layouts:

- `labels.json`, `NAME.color.png` and `segm/NAME.segm.png`: sentences about every picture; `values`
  are those that their pixels have in the label image.
- `referring_expressions.json`, `instances.json` and `images/`: COCO; `image_id`, `ann_ids`.
- `expressions.json`, `rgb.jpg` and `data.npz`: one picture; `index` counts its uint8 `masks`
  (N, H, W), in which 1 is what can be seen.

Nothing meant is an empty list. The level of a sentence is the one that a robot would take it for.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from sam3i_model.instruction import route
from sam3i_model.terminal import complain, notes
from training.annotations.entries import EntryError, SourceError, integer, mapping, sequence, text
from training.annotations.exported import write_export
from training.annotations.images import Granularity, Problems
from training.annotations.pictures import check_picture
from training.annotations.rle import check_size
from training.annotations.sam3i_json import LEVEL_LISTS, TEXT_LISTS, Sample, Target, document
from training.formats import coco
from training.formats.reading import load

MAX_EXPRESSIONS = 100_000
MAX_VALUES = 1_000
VISIBLE = 1
T = TypeVar("T")
_SUFFIX, _LABELS = ".color.png", ".segm.png"


def samples_of(folder: Path) -> list[Sample]:
    """A sample a sentence and picture.

    Raises:
        SourceError: The folder is in none of the layouts, or something in it can't be used.
    """
    layouts: dict[str, Callable[[Path, list[Any]], Iterator[Sample]]] = {
        "labels.json": _label_images,
        "referring_expressions.json": _coco,
        "expressions.json": _arrays,
    }
    for name, read in layouts.items():
        if (folder / name).is_file():
            content = load(folder / name)
            try:
                entries = sequence(mapping(content, name), "expressions", MAX_EXPRESSIONS)
                return list(read(folder, entries))
            except (OSError, ValueError, Image.DecompressionBombError) as error:
                raise SourceError(f"{folder / name} can't be used: {error}") from error
    raise SourceError(f"{folder} has none of {', '.join(layouts)}: see docs/evaluation.md")


def _label_images(folder: Path, entries: list[Any]) -> Iterator[Sample]:
    numbers = count(1)
    paths = sorted(folder.glob(f"*{_SUFFIX}"))
    if not paths:
        raise EntryError(f"there is no NAME{_SUFFIX} beside it")
    for path in paths:
        labels = _pixels(folder / "segm" / (path.name.removesuffix(_SUFFIX) + _LABELS))
        height, width = labels.shape
        check_picture(path, width, height)
        # What is named and out of sight in this picture isn't there.
        named = {value for entry in entries for value in _numbers(entry, "values")}
        seen = {
            value: Target.of(labels == value) for value in named & set(np.unique(labels).tolist())
        }
        for entry in entries:
            meant = [seen[value] for value in _numbers(entry, "values") if value in seen]
            yield _sample(next(numbers), path.name, labels.shape, entry, meant)


def _coco(folder: Path, entries: list[Any]) -> Iterator[Sample]:
    problems = Problems()
    images = {image.id: image for image in coco.read(load(folder / "instances.json"), problems)}
    if problems.count:
        raise EntryError(problems.lines[0])
    for number, entry in enumerate(entries, 1):
        image = _known(images, integer(mapping(entry, "an expression"), "image_id"), "image")
        shapes = {annotation.id: annotation for annotation in image.annotations}
        size = (image.height, image.width)
        named = [_known(shapes, value, "annotation") for value in _numbers(entry, "ann_ids")]
        meant = [Target.of(annotation.mask(*size), annotation.crowd) for annotation in named]
        yield _sample(number, f"images/{image.file_name}", size, entry, meant)


def _arrays(folder: Path, entries: list[Any]) -> Iterator[Sample]:
    try:
        with np.load(folder / "data.npz") as arrays:
            masks = arrays["masks"]
    except (BadZipFile, zlib.error, EOFError, KeyError, TypeError, AttributeError) as error:
        raise EntryError("data.npz is damaged, or has no masks") from error
    if masks.ndim != 3:
        raise EntryError("its masks are not (N, H, W)")
    size = masks.shape[1:]
    check_picture(folder / "rgb.jpg", size[1], size[0])
    known = dict(enumerate(masks))
    for number, entry in enumerate(entries, 1):
        named = [_known(known, index, "mask") for index in _numbers(entry, "index")]
        meant = [Target.of(mask == VISIBLE) for mask in named]
        yield _sample(number, "rgb.jpg", size, entry, meant)


def _numbers(entry: Any, key: str) -> list[int]:
    """Each once."""
    values = sequence(mapping(entry, "an expression"), key, MAX_VALUES)
    return list(dict.fromkeys(integer({key: value}, key) for value in values))


def _known(things: Mapping[int, T], number: int, what: str) -> T:
    if number not in things:
        raise EntryError(f"there is no {what} {number}")
    return things[number]


def _pixels(path: Path) -> np.ndarray:
    """Of a label image: (H, W)."""
    with Image.open(path) as image:
        check_size(image.height, image.width)
        labels = np.asarray(image)
    if labels.ndim != 2:
        raise EntryError(f"{path.name} has colours, not labels")
    return labels


def _sample(
    number: int,
    file_name: str,
    size: tuple[int, ...],
    entry: Mapping[str, Any],
    meant: Sequence[Target],
) -> Sample:
    said = text(entry, "expression")
    level = LEVEL_LISTS[route(said).level]
    granularity: Granularity = "1to1" if len(meant) == 1 else "1toN"
    return Sample(
        id=number,
        file_name=file_name,
        width=size[1],
        height=size[0],
        texts={key: (said,) if key == level else () for key in TEXT_LISTS},
        targets=tuple(meant),
        granularity=granularity if meant else None,
    )


def some(samples: Sequence[Sample], wanted: slice) -> list[Sample]:
    """Those about some of the pictures, counted in the order of their names."""
    names = set(sorted({sample.file_name for sample in samples})[wanted])
    return [sample for sample in samples if sample.file_name in names]


def parsed(wanted: str) -> slice:
    """A Python slice, FIRST:END:STEP.

    Raises:
        SourceError: It isn't one.
    """
    try:
        parts = [int(part) if part else None for part in wanted.split(":")]
        if len(parts) not in (2, 3) or parts[2:] == [0]:
            raise ValueError
    except ValueError:
        raise SourceError(f"'{wanted}' isn't FIRST:END:STEP, for example 0::2") from None
    return slice(*parts)


def main(folder: Path, out: Path, wanted: str = "0:") -> int:
    """Write the file; 1 if it can't be."""
    console = notes()
    try:
        samples = some(samples_of(folder), parsed(wanted))
        out.parent.mkdir(parents=True, exist_ok=True)
        write_export(out, document(samples), "python -m training.expressions")
    except (SourceError, OSError) as error:
        complain(error)
        return 1
    pictures = len({sample.file_name for sample in samples})
    console.print(f"{len(samples)} sentences about {pictures} pictures in {out}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        raise SystemExit("usage: python -m training.expressions FOLDER OUT.json [FIRST:END:STEP]")
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
