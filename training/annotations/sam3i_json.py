"""SAM3-I's JSON: COCO-like, one image entry a sample, its sentences in `text_inst_input`.

What the official loader reads is written as it needs it. Beside that an image entry may have fields
of ours, which that loader ignores: `granularity` ("1to1", "1toN", "1toAll"), `negative` (texts a
level that denote nothing here), `provenance` (source, model, rounds), `part` (whether the targets
are parts of things), `family` (the sort of condition, such as "relation"), `review` (what a person
said of it), `recording` (the frame it was taken from) and `single` (whether one certain thing is
asked for). What is written is read back exactly.

The official loader needs a text on every level. A sentence that was said to a robot has one level,
so that such files have empty lists: they are read and written here, and `training.sam3i_check` says
that the official loader stops at them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sam3i_model.instruction import Level
from training.annotations.entries import (
    EntryError,
    file_name,
    integer,
    is_crowd,
    mapping,
    sequence,
    shape,
    size,
    text,
    words,
)
from training.annotations.images import GRANULARITIES, Granularity, Problems
from training.annotations.rle import Mask, MaskError, Rle, encode, extent, fill
from training.files import write_text

ANNOTATIONS = "annotations.json"
"""What the file is called in a folder that has one."""
LEVEL_LISTS = {
    Level.CONCEPT: "concept",
    Level.SIMPLE: "simple_query",
    Level.COMPLEX: "complex_query",
}
"""The list in `text_inst_input` that a level's texts are in."""
TEXT_LISTS = tuple(LEVEL_LISTS.values())
CATEGORY = {"id": 1, "name": "object"}
"""The one category: the official loader asks an image once for every category in the file."""
MAX_TEXTS = 1_000
MAX_FAMILY = 64
OPEN, ACCEPTED, CORRECTED, REJECTED = "open", "accepted", "corrected", "rejected"
"""A sample's `review`: needs labels, right as it was, changed by a person, of no use. Empty: nobody
has looked at it."""

Texts = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Target:
    """One mask: COCO's packed runs, bbox (x, y, width, height) in pixels, area in pixels."""

    counts: str
    box: tuple[int, int, int, int]
    area: int
    crowd: bool = False

    @classmethod
    def of(cls, mask: Mask, crowd: bool = False) -> Target:
        """Of bool (H, W)."""
        return cls.packed(encode(mask), crowd)

    @classmethod
    def packed(cls, code: Rle, crowd: bool = False) -> Target:
        """Of a mask that is packed already."""
        return cls(code["counts"], *extent(code), crowd)


@dataclass(frozen=True)
class Provenance:
    """Where texts, or masks, come from: the source, the model that made them, rounds it took."""

    source: str
    model: str
    rounds: int


@dataclass(frozen=True)
class Recording:
    """The frame of a recording that a sample was taken from.

    Attributes:
        bag: Name of the recording.
        topic: Of the image.
        stamp: Of the image, ns.
        depth: File of its depth, uint16 mm (0: none), relative to the data set; "" without depth.
        instruction: Id of the instruction.
        score: Of the label: its least certain mask's, 0 if nothing gave it one.
    """

    bag: str
    topic: str
    stamp: int
    depth: str
    instruction: str
    score: float


@dataclass(frozen=True)
class Sample:
    """One picture with one target set and the sentences that denote it.

    `texts` has all of `TEXT_LISTS`; `negative` only those that have any. No targets: the sentences
    denote nothing here, unless the sample isn't `labelled`. With `single` they ask for one certain
    thing, whatever else they fit: "mug" of somebody who said "the mug".
    """

    id: int
    file_name: str
    width: int
    height: int
    texts: Texts
    targets: tuple[Target, ...]
    granularity: Granularity | None = None
    negative: Texts = field(default_factory=dict)
    provenance: Provenance | None = None
    part: bool | None = None
    family: str = ""
    review: str = ""
    recording: Recording | None = None
    single: bool = field(default=False, repr=False)  # fingerprints are of `repr`, and older

    @property
    def labelled(self) -> bool:
        """Whether its targets are to be relied on; others are for a person, not for training."""
        return self.review not in (OPEN, REJECTED)


def without_crowds(sample: Sample) -> Sample:
    """With the targets that are instances; without texts if it has none but crowds."""
    targets = tuple(target for target in sample.targets if not target.crowd)
    texts = sample.texts if targets or not sample.targets else dict.fromkeys(TEXT_LISTS, ())
    return replace(sample, targets=targets, texts=texts)


def document(samples: Sequence[Sample]) -> dict[str, Any]:
    """The content of a file."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for sample in samples:
        entry: dict[str, Any] = {
            "id": sample.id,
            "file_name": sample.file_name,
            "width": sample.width,
            "height": sample.height,
            "text_inst_input": {key: list(sample.texts[key]) for key in TEXT_LISTS},
        }
        if sample.granularity is not None:
            entry["granularity"] = sample.granularity
        if sample.negative:
            entry["negative"] = {key: list(texts) for key, texts in sample.negative.items()}
        if sample.provenance is not None:
            entry["provenance"] = asdict(sample.provenance)
        if sample.part is not None:
            entry["part"] = sample.part
        if sample.family:
            entry["family"] = sample.family
        if sample.review:
            entry["review"] = sample.review
        if sample.single:
            entry["single"] = True
        if sample.recording is not None:
            entry["recording"] = asdict(sample.recording)
        images.append(entry)
        for target in sample.targets:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": sample.id,
                    "category_id": CATEGORY["id"],
                    "bbox": list(target.box),
                    "area": target.area,
                    "iscrowd": int(target.crowd),
                    "segmentation": {
                        "size": [sample.height, sample.width],
                        "counts": target.counts,
                    },
                }
            )
    return {"images": images, "annotations": annotations, "categories": [dict(CATEGORY)]}


def write(path: Path, samples: Sequence[Sample]) -> None:
    """Write a file; it appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(document(samples), ensure_ascii=False))


def parse(content: Any, problems: Problems) -> list[Sample]:
    """The samples of a parsed file; entries that can't be used are noted and left out."""
    targets: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for index, raw in enumerate(content["annotations"]):
        try:
            entry = mapping(raw, "it")
            targets[integer(entry, "image_id")].append(entry)
        except EntryError as error:
            problems.add(f"annotation {index}", error)
    samples: dict[int, Sample] = {}
    twice: set[int] = set()
    for index, raw in enumerate(content["images"]):
        try:
            sample = _sample(mapping(raw, "it"), targets)
            if sample.id in samples:  # which of them its masks are of can't be told
                twice.add(sample.id)
                raise EntryError(
                    f"there is an image {sample.id} already, and neither is used: give each an id "
                    "of its own"
                )
            samples[sample.id] = sample
        except (EntryError, MaskError) as error:
            problems.add(f"image {index}", error)
    for number in targets.keys() - {s.id for s in samples.values()}:
        problems.add(f"annotations of image {number}", "there is no such image")
    return [sample for sample in samples.values() if sample.id not in twice]


def _sample(entry: Mapping[str, Any], targets: Mapping[int, list[Any]]) -> Sample:
    height, width = size(entry)
    number = integer(entry, "id")
    texts = _texts(mapping(entry.get("text_inst_input"), "text_inst_input"))
    granularity = entry.get("granularity")
    if granularity not in (None, *GRANULARITIES):
        raise EntryError(f"granularity must be one of {', '.join(GRANULARITIES)}")
    part = entry.get("part")
    if part is not None and not isinstance(part, bool):
        raise EntryError("'part' is neither true nor false")
    return Sample(
        id=number,
        file_name=file_name(entry),
        width=width,
        height=height,
        texts={key: texts.get(key, ()) for key in TEXT_LISTS},
        targets=tuple(_target(raw, height, width) for raw in targets.get(number, ())),
        granularity=granularity,
        negative=_texts(mapping(entry.get("negative", {}), "negative")),
        provenance=_provenance(entry.get("provenance")),
        part=part,
        family=text(entry, "family", MAX_FAMILY) if "family" in entry else "",
        review=text(entry, "review", MAX_FAMILY) if "review" in entry else "",
        recording=_recording(entry.get("recording")),
        single=entry.get("single") is True,
    )


def _texts(entry: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        key: tuple(words(t, key) for t in sequence(entry, key, MAX_TEXTS))
        for key in TEXT_LISTS
        if key in entry
    }


def _provenance(raw: object) -> Provenance | None:
    if raw is None:
        return None
    entry = mapping(raw, "provenance")
    return Provenance(text(entry, "source"), text(entry, "model"), integer(entry, "rounds"))


def _recording(raw: object) -> Recording | None:
    if raw is None:
        return None
    entry = mapping(raw, "recording")
    score = entry.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise EntryError("'score' is not a number from 0 to 1")
    return Recording(
        bag=text(entry, "bag"),
        topic=text(entry, "topic"),
        stamp=integer(entry, "stamp"),
        depth=file_name(entry, "depth") if entry.get("depth") else "",
        instruction=text(entry, "instruction"),
        score=score,
    )


def _target(entry: Mapping[str, Any], height: int, width: int) -> Target:
    """A mask, packed; its box and area are worked out, whatever the file has for them."""
    outline = shape(entry.get("segmentation"), height, width)
    code = outline if isinstance(outline, dict) else encode(fill(outline, height, width))
    return Target.packed(code, is_crowd(entry))
