"""Checked access to entries of a file that somebody else wrote."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from training.annotations.rle import MaskError, Rle, check_polygons, check_size, packed

MAX_TEXT = 1000
MAX_NAME = 200
MAX_POINTS = 50_000
MAX_RUNS = 1_000_000
MAX_TARGETS = 1_000
MAX_BYTES = 255
"""Of the name of a file or folder."""
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_ASIDE = re.compile(r"\([^()]{0,100}\)")


class EntryError(ValueError):
    """An entry can't be used; the message says why in a few words."""


class SourceError(ValueError):
    """A source can't be used at all; the message is one line with the remedy."""


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """`value`, if it is an object."""
    if not isinstance(value, dict):
        raise EntryError(f"{what} is not an object")
    return value


def sequence(entry: Mapping[str, Any], key: str, limit: int) -> list[Any]:
    """The list under `key`, of at most `limit` entries."""
    value = entry.get(key)
    if not isinstance(value, list):
        raise EntryError(f"'{key}' is not a list")
    if len(value) > limit:
        raise EntryError(f"'{key}' has {len(value):,} entries, at most {limit:,} are read")
    return value


def integer(entry: Mapping[str, Any], key: str) -> int:
    """The whole number under `key`."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise EntryError(f"'{key}' is not a whole number")
    return int(value)


def is_crowd(entry: Mapping[str, Any]) -> bool:
    """COCO's `iscrowd`: 1, or 0 as where it is missing."""
    value = entry.get("iscrowd") or 0
    if value not in (0, 1):
        raise EntryError("'iscrowd' is neither 0 nor 1")
    return bool(value)


def text(entry: Mapping[str, Any], key: str, limit: int = MAX_TEXT) -> str:
    """The words under `key`, white space collapsed."""
    return words(entry.get(key), key, limit)


def words(value: object, what: str, limit: int = MAX_TEXT) -> str:
    """`value`, if it is a text that isn't empty; white space collapsed."""
    if not isinstance(value, str):
        raise EntryError(f"'{what}' is not a text")
    if len(value) > limit:
        raise EntryError(f"'{what}' has {len(value):,} characters, at most {limit} are read")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise EntryError(f"'{what}' has half a character, which no file or model takes")
    cleaned = " ".join(value.split())
    if not cleaned:
        raise EntryError(f"'{what}' is empty")
    return cleaned


def file_name(entry: Mapping[str, Any], key: str = "file_name") -> str:
    """A picture's name as it is written, but for Windows' separators; it stays inside the folder of
    the images."""
    text(entry, key, 500)
    value: str = entry[key]
    if "\0" in value:
        raise EntryError(f"'{key}' has a character that no name has")
    parts = value.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or set(parts) <= {"", "."} or _DRIVE.match(value):
        raise EntryError(f"'{key}' leads out of the folder of the images")
    if max(len(part.encode()) for part in parts) > MAX_BYTES:
        raise EntryError(f"'{key}' is longer than {MAX_BYTES} bytes, which no folder takes")
    return str(PurePosixPath(*parts))


def size(entry: Mapping[str, Any]) -> tuple[int, int]:
    """(height, width) of a picture."""
    height, width = integer(entry, "height"), integer(entry, "width")
    try:
        check_size(height, width)
    except MaskError as error:
        raise EntryError(error) from error
    return height, width


def shape(value: object, height: int, width: int) -> tuple[tuple[float, ...], ...] | Rle:
    """A segmentation as COCO writes it: polygons, or an RLE of the picture's size, now packed."""
    if isinstance(value, dict):
        return _rle(value, height, width)
    if not isinstance(value, list) or not value:
        raise EntryError("it has no segmentation")
    outlines = [polygon(points) for points in value]
    # Points and lines that a tool left beside a good outline cover nothing.
    polygons = tuple(points for points in outlines if len(points) >= 6) or tuple(outlines)
    try:
        check_polygons(polygons)
    except MaskError as error:
        raise EntryError(error) from error
    return polygons


def polygon(points: object) -> tuple[float, ...]:
    """The numbers of one outline [x0, y0, x1, y1, ...]."""
    if not isinstance(points, list):
        raise EntryError("a polygon is no list")
    if len(points) > MAX_POINTS:
        raise EntryError(f"a polygon has more than {MAX_POINTS:,} numbers")
    if not all(_finite(value) for value in points):
        raise EntryError("a polygon has something that is no number")
    return tuple(float(value) for value in points)


def _finite(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < 1e9  # before isfinite, which can't take integers of a thousand digits
        and math.isfinite(value)
    )


def _rle(value: dict[str, Any], height: int, width: int) -> Rle:
    counts = value.get("counts")
    if value.get("size") != [height, width]:
        raise EntryError(f"its mask is not of the picture's size {width}x{height}")
    if not isinstance(counts, list | str) or len(counts) > MAX_RUNS:
        raise EntryError("its run lengths are neither a list nor a text of bearable length")
    try:
        return packed({"size": [height, width], "counts": counts})
    except MaskError as error:
        raise EntryError(error) from error


def class_name(raw: str) -> tuple[str, bool]:
    """A class in plain words, and whether it is a part.

    LVIS and PACO write `trash_can`, `mouse_(computer_equipment)` and, for a part, `mug:handle`.
    """
    plain = " ".join(_ASIDE.sub("", raw.replace("_", " ")).split())
    thing, colon, part = plain.partition(":")
    if colon and thing.strip() and part.strip():
        return f"{part.strip()} of the {thing.strip()}", True
    return plain, False
