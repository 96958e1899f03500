"""What can be done to a sample, as functions from one sample to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from training.annotations.entries import MAX_TARGETS, EntryError, integer, mapping, sequence, words
from training.annotations.images import Granularity
from training.annotations.rle import Mask, decode
from training.annotations.sam3i_json import (
    ACCEPTED,
    CORRECTED,
    OPEN,
    REJECTED,
    TEXT_LISTS,
    Sample,
    Target,
)
from training.review.drawing import Picture, draw

MAX_SENTENCES = 20
"""A level, as a person would still read them."""
NEGATIVE = "negative"
"""`family` of samples whose sentences denote nothing."""


def act(
    sample: Sample, original: Sample, action: Mapping[str, Any], picture: Callable[[], Picture]
) -> Sample:
    """The sample after an action.

    Args:
        sample: As it is now.
        original: As it was before anybody looked at it.
        action: {"do": "accept" | "reject" | "nothing"}, {"do": "delete", "instance": n},
            {"do": "texts", "texts": {list: [text, ...]}} or {"do": "draw", "shape": see `draw`,
            "how": "new" | "add" | "cut" | "redraw", "instance": n}.
        picture: Its pixels.

    Raises:
        EntryError: It can't be done; a few words that say why.
    """
    after = _acted(sample, original, action, picture)
    return sample if after == sample else _sorted(after, original.family)


def corrected(sample: Sample, original: Sample, targets: tuple[Target, ...]) -> Sample:
    """With other targets, which a person has drawn elsewhere; `original` as in `act`."""
    return _sorted(replace(_with_targets(sample, targets), review=CORRECTED), original.family)


def mask_of(sample: Sample, target: Target) -> Mask:
    """bool (H, W)."""
    return decode({"size": [sample.height, sample.width], "counts": target.counts})


def _acted(
    sample: Sample, original: Sample, action: Mapping[str, Any], picture: Callable[[], Picture]
) -> Sample:
    """See `act`."""
    do = action.get("do")
    if do == "reject":
        return replace(sample, review=REJECTED)
    if do == "accept":
        if sample.review == OPEN and not sample.targets:
            raise EntryError("it has no instance yet: draw one, or say that nothing of it is here")
        return _settled(sample, original)
    if do == "nothing":
        return _settled(_with_targets(sample, ()), original)
    if do == "texts":
        texts = _texts(action)  # what a person writes says itself how many it means
        changed = replace(sample, texts=texts, single=sample.single and texts == sample.texts)
    elif do == "delete":
        number = _instance(sample, action)
        left = sample.targets[:number] + sample.targets[number + 1 :]
        changed = _with_targets(sample, left)
    elif do == "draw":
        changed = _drawn(sample, action, picture)
    else:
        raise EntryError("there is no such action")
    # Not said to be right by that: only what was said to be right before stays so.
    said = sample.review in (ACCEPTED, CORRECTED) and changed != sample
    return replace(changed, review=CORRECTED) if said else changed


def _sorted(sample: Sample, original: str) -> Sample:
    """Of the family that its targets say, where they are to be relied on; else of the `original`
    one, if that is no longer so."""
    if sample.labelled and not sample.targets:
        return replace(sample, family=NEGATIVE)
    if sample.family != NEGATIVE:
        return sample
    return replace(sample, family="" if original == NEGATIVE else original)


def _drawn(sample: Sample, action: Mapping[str, Any], picture: Callable[[], Picture]) -> Sample:
    how = action.get("how")
    if how not in ("new", "add", "cut", "redraw"):
        raise EntryError("there is no such way to change a mask")
    shape = mapping(action.get("shape"), "the shape")
    if how == "new":
        if len(sample.targets) >= MAX_TARGETS:
            raise EntryError(f"it has {MAX_TARGETS:,} instances already")
        mask = draw(shape, sample.height, sample.width, picture)
        return _with_targets(sample, (*sample.targets, Target.of(mask)))
    number = _instance(sample, action)
    target = sample.targets[number]
    mask = draw(shape, sample.height, sample.width, picture)
    before = mask_of(sample, target)
    after = mask if how == "redraw" else before | mask if how == "add" else before & ~mask
    if not after.any():
        raise EntryError("nothing of the instance would be left: delete it instead")
    if (after == before).all():
        return sample
    changed = Target.of(after, target.crowd)
    return replace(
        sample, targets=(*sample.targets[:number], changed, *sample.targets[number + 1 :])
    )


def _instance(sample: Sample, action: Mapping[str, Any]) -> int:
    number = integer(action, "instance")
    if not 0 <= number < len(sample.targets):
        raise EntryError("there is no such instance")
    return number


def _texts(action: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    given = mapping(action.get("texts"), "texts")
    texts = {
        key: tuple(dict.fromkeys(words(t, key) for t in sequence(given, key, MAX_SENTENCES)))
        for key in TEXT_LISTS
    }
    if not any(texts.values()):
        raise EntryError("a sample needs a sentence: reject it if it is of no use")
    return texts


def _with_targets(sample: Sample, targets: tuple[Target, ...]) -> Sample:
    granularity: Granularity | None = sample.granularity
    if granularity is not None and len(targets) != len(sample.targets):
        granularity = "1to1" if len(targets) == 1 else "1toN" if targets else None
    return replace(sample, targets=targets, granularity=granularity)


def _settled(sample: Sample, original: Sample) -> Sample:
    same = (sample.texts, sample.targets) == (original.texts, original.targets)
    return replace(sample, review=ACCEPTED if same else CORRECTED)
