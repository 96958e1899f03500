"""SAM3-I's own JSON, HMPL-Instruct's layout, as a source: its samples gathered by picture.

The official files don't say which granularity a sample has, nor its class other than by the first
entry of `concept`; HMPL-Instruct's own files were not at hand.
"""

from __future__ import annotations

from typing import Any

from training.annotations.images import AnnotatedImage, Annotation, Problems, Reference
from training.annotations.sam3i_json import LEVEL_LISTS, Sample, parse
from training.formats import coco

_LEVELS = {key: level for level, key in LEVEL_LISTS.items()}


def fits(content: Any) -> bool:
    """Whether it is COCO-like and its images have instructions."""
    return coco.fits(content) and any(
        isinstance(image, dict) and "text_inst_input" in image for image in content["images"][:100]
    )


def read(content: dict[str, Any], problems: Problems) -> list[AnnotatedImage]:
    """Pictures with all targets and texts of labelled samples; a mask that recurs is one."""
    gathered: dict[str, list[Sample]] = {}
    for sample in parse(content, problems):
        if not sample.labelled:
            continue
        same = gathered.setdefault(sample.file_name, [])
        if same and (same[0].width, same[0].height) != (sample.width, sample.height):
            problems.add(
                f"image {sample.id}",
                f"{sample.file_name} is {sample.width}x{sample.height} here and "
                f"{same[0].width}x{same[0].height} before",
            )
            continue
        same.append(sample)
    return [_image(number, samples) for number, samples in enumerate(gathered.values(), 1)]


def _image(number: int, samples: list[Sample]) -> AnnotatedImage:
    known: dict[str, Annotation] = {}
    said = []
    for sample in samples:
        concept = sample.texts["concept"]
        targets = []
        for target in sample.targets:
            key = target.counts
            if key not in known:
                rle = {"size": [sample.height, sample.width], "counts": key}
                known[key] = Annotation(
                    id=len(known) + 1,
                    name=concept[0] if concept else "",
                    shape=rle,
                    is_part=bool(sample.part),
                    crowd=target.crowd,
                )
            targets.append(known[key].id)
        # A concept denotes all of its kind, which is more than a sample's targets.
        for level in ("simple_query", "complex_query"):
            texts = sample.texts[level]
            said += [Reference(t, tuple(sorted(set(targets))), _LEVELS[level]) for t in texts]
        for level, texts in sample.negative.items():
            said += [Reference(t, (), _LEVELS[level]) for t in texts]
    first = samples[0]
    return AnnotatedImage(
        number,
        first.file_name,
        first.width,
        first.height,
        tuple(known.values()),
        tuple(dict.fromkeys(said)),
    )
