"""To CVAT and Label Studio and back: plain COCO instances.

Both take polygons and a category, by the picture's file name, so each picture is there once and a
sample's sentence is its category. CVAT keeps attributes too, of labels that declare them, and
polygons of one annotation together; Label Studio keeps neither, and gives pictures and annotations
numbers of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.annotations.entries import EntryError, integer, mapping, shape, size, text
from training.annotations.images import Problems
from training.annotations.rle import Mask, decode, fill
from training.annotations.sam3i_json import REJECTED, Sample, Target
from training.review.actions import corrected, mask_of
from training.review.outlines import polygons
from training.review.store import Store
from training.review.view import lead

MAX_NAME = 64
"""Characters of a label in CVAT, which cuts longer ones off."""
_SLACK = 0.1
"""Pixels by which a corner that nobody has moved may come back elsewhere: both tools round."""
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the names of files that are uploaded to it."""


@dataclass
class Imported:
    """What became of a file.

    Attributes:
        changed: Samples with other masks than before.
        same: Samples with the same masks.
        absent: Samples that have masks here and none there, or a damaged one.
        boxes: How many annotations have no outline; Label Studio adds one to each that has.
        problems: Everything else that could not be placed.
    """

    changed: list[int] = field(default_factory=list)
    same: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    boxes: int = 0
    problems: Problems = field(default_factory=Problems)


def export(samples: Iterable[Sample]) -> dict[str, Any]:
    """COCO's content, of all samples but the rejected."""
    samples = list(samples)
    names = categories(samples)
    kept = [sample for sample in samples if sample.review != REJECTED]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names.values()), 1)}
    images: dict[str, dict[str, Any]] = {}
    annotations: list[dict[str, Any]] = []
    for sample in kept:
        entry = {"file_name": sample.file_name, "width": sample.width, "height": sample.height}
        image = images.setdefault(sample.file_name, {"id": len(images) + 1, **entry})
        for target in sample.targets:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": numbers[names[sample.id]],
                    "segmentation": polygons(mask_of(sample, target)),
                    "bbox": list(target.box),
                    "area": target.area,
                    "iscrowd": 0,
                    "score": 1.0,  # Label Studio's importer stops without it
                    "attributes": {"sample": sample.id, "level": lead(sample)[0]},
                }
            )
    used = {names[sample.id] for sample in kept}
    return {
        "images": list(images.values()),
        "annotations": annotations,
        "categories": [{"id": n, "name": name} for name, n in numbers.items() if name in used],
    }


def labels(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What CVAT has to be told of the categories before it takes them ("Raw" in its labels)."""
    attributes = [
        {"name": name, "input_type": "text", "mutable": False, "default_value": "", "values": [""]}
        for name in ("sample", "level")
    ]
    return [{"name": c["name"], "attributes": attributes} for c in content["categories"]]


def categories(samples: Iterable[Sample]) -> dict[int, str]:
    """A name for each sample: its sentence, if need be cut off or numbered.

    Two samples have the same name only with the same sentence about different pictures.
    """
    said: dict[str, str] = {}
    taken: set[tuple[str, str]] = set()
    names: dict[int, str] = {}
    for sample in samples:
        sentence = lead(sample)[1] or f"sample {sample.id}"
        # Label Studio takes white space off the end of a label.
        name, count = sentence[:MAX_NAME].rstrip(), 1
        while said.get(name, sentence) != sentence or (sample.file_name, name) in taken:
            count += 1
            name = f"{sentence[: MAX_NAME - 8].rstrip()} ({count})"
        said[name] = sentence
        taken.add((sample.file_name, name))
        names[sample.id] = name
    return names


def take(store: Store, content: Mapping[str, Any]) -> Imported:
    """Put the masks of a COCO file into the samples they are of.

    A mask that nobody has touched stays as it is, to the bit. A sample that has no mask in the file
    stays as it is, too, since a tool may leave out what has none, and so does one of whose masks
    any can't be read.

    Args:
        store: Has the samples.
        content: Of the file: has lists of images, annotations and categories.

    Raises:
        ReviewError: The store can't be written.
    """
    result = Imported()
    outlined = [a for a in content["annotations"] if not _is_box(a)]
    result.boxes = len(content["annotations"]) - len(outlined)
    drawn = _drawn(store.samples, {**content, "annotations": outlined}, result.problems)
    for number, sample in list(store.samples.items()):
        if number not in drawn:
            if sample.targets and sample.review != REJECTED:
                result.absent.append(number)
            continue
        targets = _merged(sample, drawn[number])
        if targets == sample.targets:
            result.same.append(number)
        else:
            store.put(number, corrected(sample, store.original(number), targets), "import")
            result.changed.append(number)
    return result


def _drawn(
    samples: Mapping[int, Sample], content: Mapping[str, Any], problems: Problems
) -> dict[int, list[Any]]:
    """Shapes (polygons or RLE) by the id of their sample; of those that have all of theirs."""
    names = {(samples[n].file_name, name): n for n, name in categories(samples.values()).items()}
    called = _categories(content, problems)
    pictures = _pictures(samples, content, problems)
    drawn: dict[int, list[Any]] = defaultdict(list)
    damaged: set[int] = set()
    for index, raw in enumerate(content["annotations"]):
        try:
            entry = mapping(raw, "it")
            picture = pictures.get(integer(entry, "image_id"))
            if picture is None:
                raise EntryError("its picture is none of these samples'")
            number = _sample_of(
                entry, names.get((picture, called.get(integer(entry, "category_id"), "")))
            )
            sample = samples.get(number)
            if sample is None or sample.file_name != picture:
                raise EntryError(f"there is no sample {number} of {picture}")
            try:
                outline = shape(entry["segmentation"], sample.height, sample.width)
            except EntryError:
                damaged.add(number)
                raise
            drawn[number].append(outline)
        except EntryError as error:
            problems.add(f"annotation {index}", error)
    return {number: shapes for number, shapes in drawn.items() if number not in damaged}


def _is_box(annotation: object) -> bool:
    return isinstance(annotation, dict) and not annotation.get("segmentation")


def _sample_of(entry: Mapping[str, Any], named: int | None) -> int:
    """The sample that an annotation says it is of, or the one that its category is of."""
    attributes = entry.get("attributes")
    said = attributes.get("sample") if isinstance(attributes, dict) else None
    if isinstance(said, int):
        return said
    if isinstance(said, str) and said.isdecimal() and len(said) < 20:
        return int(said)
    if named is None:
        raise EntryError("its category is the sentence of none of its picture's samples")
    return named


def _categories(content: Mapping[str, Any], problems: Problems) -> dict[int, str]:
    called: dict[int, str] = {}
    for index, raw in enumerate(content["categories"]):
        try:
            entry = mapping(raw, "it")
            called[integer(entry, "id")] = text(entry, "name")
        except EntryError as error:
            problems.add(f"category {index}", error)
    return called


def _pictures(
    samples: Mapping[int, Sample], content: Mapping[str, Any], problems: Problems
) -> dict[int, str]:
    """Our file names by the numbers that the images have in the file."""
    sizes = {s.file_name: (s.height, s.width) for s in samples.values()}
    short: dict[str, list[str]] = defaultdict(list)
    for name in sizes:
        short[_base(name)].append(name)
    found: dict[int, str] = {}
    for index, raw in enumerate(content["images"]):
        try:
            entry = mapping(raw, "it")
            text(entry, "file_name")
            called: str = entry["file_name"]
            base = _base(called)
            alike = short.get(base) or short.get(_UPLOADED.sub("", base), [])
            if called not in sizes and len(alike) != 1:
                raise EntryError(f"{called[:100]} is the picture of none of these samples")
            name = called if called in sizes else alike[0]
            if size(entry) != sizes[name]:
                raise EntryError(f"{called[:100]} has another size there")
            found[integer(entry, "id")] = name
        except EntryError as error:
            problems.add(f"image {index}", error)
    return found


def _base(name: str) -> str:
    return re.split(r"[/\\=]", name)[-1]


def _merged(sample: Sample, drawn: list[Any]) -> tuple[Target, ...]:
    """The masks that came back untouched, then those that didn't.

    A mask of several polygons is looked for among all of the sample's, as they may come back apart.
    """
    left: list[list[Any]] = [
        [found["counts"]] if isinstance(found, dict) else [_snapped(points) for points in found]
        for found in drawn
    ]
    kept: list[Target] = []
    for target in sample.targets:
        outlines = [tuple(points) for points in polygons(mask_of(sample, target))]
        for own in ([target.counts], outlines):
            homes = [next((group for group in left if piece in group), None) for piece in own]
            if None not in homes:
                for piece, group in zip(own, homes, strict=True):
                    group.remove(piece)  # type: ignore[union-attr]
                kept.append(target)
                break
    made = [_mask(sample, group) for group in left if group]
    return (*kept, *(Target.of(mask) for mask in made if mask.any()))


def _snapped(points: Sequence[float]) -> tuple[float, ...]:
    """A polygon as it was exported, if that is what it is."""
    whole = tuple(round(value) for value in points)
    near = all(abs(a - b) <= _SLACK for a, b in zip(whole, points, strict=True))
    return whole if near else tuple(points)


def _mask(sample: Sample, pieces: list[Any]) -> Mask:
    if isinstance(pieces[0], str):
        return decode({"size": [sample.height, sample.width], "counts": pieces[0]})
    return fill(pieces, sample.height, sample.width)
