"""A sample as the page is told of it."""

from __future__ import annotations

from typing import Any

from training.annotations.entries import EntryError
from training.annotations.sam3i_json import TEXT_LISTS, Sample
from training.review.actions import mask_of
from training.review.outlines import svg_path
from training.review.store import Store, version_of


def lead(sample: Sample) -> tuple[str, str]:
    """The sentence that a sample goes by, of the level that says most: its list and its words.

    Both are empty where there is no sentence.
    """
    said = [(key, sample.texts[key][0]) for key in TEXT_LISTS if sample.texts[key]]
    return said[-1] if said else ("", "")


def row(sample: Sample) -> dict[str, Any]:
    """What the list of all samples shows."""
    level, text = lead(sample)
    return {
        "id": str(sample.id),  # a browser rounds numbers beyond 2**53
        "file": sample.file_name,
        "level": level,
        "text": text,
        "review": sample.review,
        "instances": len(sample.targets),
    }


def full(store: Store, sample: Sample) -> dict[str, Any]:
    """All of a sample; masks as paths in pixels of the picture."""
    try:
        store.picture(sample)
        fault = ""
    except EntryError as error:
        fault = str(error)
    return {
        **row(sample),
        "version": version_of(sample),
        "width": sample.width,
        "height": sample.height,
        "fault": fault,
        "single": sample.single,
        "texts": {key: list(sample.texts[key]) for key in TEXT_LISTS},
        "negative": {key: list(texts) for key, texts in sample.negative.items()},
        "shapes": [
            {
                "path": svg_path(mask_of(sample, target)),
                "area": round(target.area),
                "box": list(target.box),
            }
            for target in sample.targets
        ],
    }
