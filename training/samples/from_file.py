"""Training samples from a SAM3-I JSON file: photographs, their masks and sentences as given."""

from __future__ import annotations

import math
import random
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from sam3i_model.instruction import Level
from training.annotations.entries import SourceError
from training.annotations.images import Problems, image_path
from training.annotations.pictures import check_picture, read_picture
from training.annotations.rle import Mask, decode
from training.annotations.sam3i_json import (
    ANNOTATIONS,
    LEVEL_LISTS,
    OPEN,
    REJECTED,
    parse,
    without_crowds,
)
from training.annotations.sam3i_json import Sample as Entry
from training.formats import sam3i
from training.formats.reading import load
from training.samples.sample import ABSENT, MASK_STRIDE, Asked, Pair, Sample
from training.samples.scenes import expose

MARGIN = 0.1
"""Of the picture that may be cut off at each side, short of what is asked for."""
SOURCES = {
    "concept": Level.CONCEPT,
    "simple": Level.SIMPLE,
    "complex": Level.COMPLEX,
}
"""Sources of single sentences and their level."""
Cut = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of a picture, pixels."""


class FileSamples:
    """Draws from a file.

    A picture is not mirrored, since a sentence may say "left", and only its rim is cut off. Entries
    that wait for a person's label, or that a person rejected, are left out, and so are crowds and
    sentences that mean nothing else. So are pictures that are missing, can't be read or aren't of
    the size that all their entries say: see `problems`.

    Args:
        path: The file; pictures are named relative to its folder.
        mixture: Share of each source of sentences.
        variants: Different cuts and exposures of each picture, which then recur; 0: always new.
        absent: Share of sentences about what isn't there, where the file has such.

    Attributes:
        unreviewed: See `unreviewed`; "" if none are.

    Raises:
        SourceError: The file is unreadable, or no entry has a picture and a text to learn from.
    """

    kinds_known = False

    def __init__(
        self,
        path: Path,
        mixture: Mapping[str, float],
        variants: int = 0,
        absent: float = ABSENT,
    ) -> None:
        content = load(path)
        if not sam3i.fits(content):
            raise SourceError(f"{path} is no SAM3-I JSON: `sam3i annotate` and `prepare` write it")
        self.folder = path.parent
        self.mixture = {name: share for name, share in mixture.items() if share}
        self.variants = variants
        self.absent = absent
        self.problems = Problems()
        gathered: dict[str, list[Entry]] = defaultdict(list)
        everything = [without_crowds(entry) for entry in parse(content, self.problems)]
        self.unreviewed = unreviewed(everything, path)
        labelled = [entry for entry in everything if entry.labelled]
        for entry in labelled:
            if not image_path(self.folder, entry.file_name).is_file():
                self.problems.add(f"image {entry.id}", f"{entry.file_name} is not in {self.folder}")
            elif any(choices(entry, name) for name in self.mixture):
                gathered[entry.file_name].append(entry)
        self.pictures: list[list[Entry]] = []
        for name, entries in gathered.items():
            try:
                sizes = {(e.width, e.height) for e in entries}
                for width, height in sizes:
                    check_picture(image_path(self.folder, name), width, height)
                if len(sizes) > 1:  # both fit a picture that is stored lying
                    raise SourceError(f"{name} is upright for some entries and lies for others")
                self.pictures.append(entries)
            except SourceError as error:
                self.problems.add(f"image {entries[0].id}", error)
        if not self.pictures:
            given = [n for n in SOURCES if any(choices(e, n) for e in labelled)]
            others = "" if set(given) & set(self.mixture) else ", ".join(given)
            why = f"its sentences are for {others}, which these settings don't teach"
            lines = [why if others else "", self.unreviewed, *self.problems.lines[:1]]
            wanted = "; ".join([", ".join(self.mixture), *filter(None, lines)])
            raise SourceError(f"{path} has nothing to learn from for {wanted}")

    def hold_out(self, share: float) -> dict[str, tuple[int, int]]:
        """Draw no more from the last share of the pictures; (width, height) by their file names.

        Neighbours in a recording look alike, so that only its end is new.

        Raises:
            SourceError: There are too few pictures.
        """
        count = math.ceil(share * len(self.pictures))
        if count == len(self.pictures):
            raise SourceError("there are too few pictures to hold some out: set hold_out to 0")
        kept = len(self.pictures) - count
        held = [entries[0] for entries in self.pictures[kept:]]
        self.pictures = self.pictures[:kept]
        return {entry.file_name: (entry.width, entry.height) for entry in held}

    def draw(self, rng: random.Random, noise: np.random.Generator, size: int, texts: int) -> Sample:
        """See `Samples`."""
        number = rng.randrange(len(self.pictures))
        entries, variant = self.pictures[number], ""
        first = entries[0]
        looks = rng
        if self.variants:
            variant = f"{first.file_name}/{size}/{rng.randrange(self.variants)}"
            looks = random.Random(variant)
            noise = np.random.default_rng(zlib.crc32(variant.encode()))
        path = image_path(self.folder, first.file_name)
        image = read_picture(path, first.width, first.height)
        cut = inner(entries, looks)
        left, top, right, bottom = cut
        picture = cv2.resize(
            image[top:bottom, left:right], (size, size), interpolation=cv2.INTER_AREA
        )
        asked: list[Asked] = []
        pairs: list[Pair] = []
        for _ in range(texts):
            options = {n: [e for e in entries if choices(e, n)] for n in self.mixture}
            names = [name for name, able in options.items() if able]
            name = rng.choices(names, [self.mixture[n] for n in names])[0]
            self._ask(rng.choice(options[name]), name, rng, cut, size, asked, pairs)
        exposed = expose(picture, looks, noise)
        # the same variant is cut otherwise once the file asks for other things
        key = f"{variant}/{zlib.crc32(exposed.tobytes()):08x}" if variant else ""
        return Sample(exposed, asked, pairs, key=key)

    def _ask(
        self,
        entry: Entry,
        name: str,
        rng: random.Random,
        cut: Cut,
        size: int,
        asked: list[Asked],
        pairs: list[Pair],
    ) -> None:
        """Add one draw of a source to what is asked."""
        if name == "triplet":
            concept = rng.choice(entry.texts[LEVEL_LISTS[Level.CONCEPT]])
            pairs.append(Pair(len(asked), len(asked) + 1, concept))
            levels = [Level.SIMPLE, Level.COMPLEX]
            said = [rng.choice(entry.texts[LEVEL_LISTS[level]]) for level in levels]
            asked += [answered(entry, t, v, cut, size) for t, v in zip(said, levels, strict=True)]
            return
        level = SOURCES[name]
        here, absent = entry.texts[LEVEL_LISTS[level]], entry.negative.get(LEVEL_LISTS[level], ())
        if absent and (not here or rng.random() < self.absent):
            asked.append(nothing(rng.choice(absent), level, size))
        else:
            asked.append(answered(entry, rng.choice(here), level, cut, size))


def unreviewed(entries: Sequence[Entry], path: Path) -> str:
    """How many of a file's entries are left out for the review that they had, or are to have."""
    waiting, rejected = (sum(e.review == said for e in entries) for said in (OPEN, REJECTED))
    by = f" (sam3i review {path.parent})" if path.name == ANNOTATIONS else ""  # takes no other
    lines = {
        f"samples that wait for a person{by}: {waiting:,}": waiting,
        f"samples that were rejected: {rejected:,}": rejected,
    }
    return "; ".join(line for line, count in lines.items() if count)


def choices(entry: Entry, name: str) -> bool:
    """Whether an entry has texts for a source; of which sort a text is, a file doesn't say.

    One mug of several is no answer to learn for the concept "mug".
    """
    if name == "triplet":
        return bool(entry.targets) and all(entry.texts[key] for key in LEVEL_LISTS.values())
    if name not in SOURCES or (name == "concept" and entry.single and entry.targets):
        return False
    key = LEVEL_LISTS[SOURCES[name]]
    return bool(entry.texts[key] or entry.negative.get(key))


def inner(entries: list[Entry], rng: random.Random) -> Cut:
    """The picture less some of its rim, with all that is asked for in it."""
    width, height = entries[0].width, entries[0].height
    boxes = [target.box for entry in entries for target in entry.targets]
    left = min((int(x) for x, _, _, _ in boxes), default=width)
    top = min((int(y) for _, y, _, _ in boxes), default=height)
    right = max((int(np.ceil(x + w)) for x, _, w, _ in boxes), default=0)
    bottom = max((int(np.ceil(y + h)) for _, y, _, h in boxes), default=0)
    return (
        rng.randint(0, max(0, min(left, int(MARGIN * width)))),
        rng.randint(0, max(0, min(top, int(MARGIN * height)))),
        width - rng.randint(0, max(0, min(width - right, int(MARGIN * width)))),
        height - rng.randint(0, max(0, min(height - bottom, int(MARGIN * height)))),
    )


def answered(entry: Entry, text: str, level: Level, cut: Cut, size: int) -> Asked:
    """A text with its entry's masks and boxes, as they are in a part of the picture."""
    left, top, right, bottom = cut
    masks, boxes = [], []
    for target in entry.targets:
        mask = decode({"size": [entry.height, entry.width], "counts": target.counts})
        x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
        if not width:
            continue
        masks.append(in_cells(mask[top:bottom, left:right], size // MASK_STRIDE))
        boxes.append([x - left, y - top, x + width - left, y + height - top])
    if not boxes:
        return nothing(text, level, size)
    sides = np.array([right - left, bottom - top] * 2, np.float32)
    return Asked(text, level, np.stack(masks), np.array(boxes, np.float32) / sides)


def in_cells(mask: Mask, cells: int) -> Mask:
    """A mask that isn't empty, bool (H, W), at the middle of each cell: bool (cells, cells).

    Of a thing too thin or small to lie on any middle, the cells that it covers most, since an empty
    mask would teach that what is there has no pixels.
    """
    middle = (np.arange(cells) + 0.5) / cells
    rows, columns = ((middle * side).astype(int) for side in mask.shape)
    seen = mask[np.ix_(rows, columns)]
    if seen.any():
        return seen
    covered = cv2.resize(mask.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA)
    return covered > covered.max() / 2


def nothing(text: str, level: Level, size: int) -> Asked:
    """A text that denotes nothing."""
    cells = size // MASK_STRIDE
    return Asked(text, level, np.zeros((0, cells, cells), bool), np.zeros((0, 4), np.float32))
