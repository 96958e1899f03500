"""Questions from a SAM3-I JSON file: COCO's layout, and the sentences in `text_inst_input`.

One entry of `images` is one sample: a picture and sentences about the same instances, which are
its annotations; without annotations nothing is meant. The same picture may be in many entries.
Four fields of an entry are ours and may be missing: `granularity` (1to1, 1toN, 1toAll), `family`
(sort of condition), `part` (parts of things are meant) and `negative` (true: nothing is meant, so
that annotations forgotten by mistake are told from none).
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from sam3i_model.instruction import MAX_TEXT_LENGTH
from training.questions import GRANULARITIES, Picture, Question, QuestionError
from training.rle import Rle, read

FIELDS = {"concept": "concept", "simple": "simple_query", "complex": "complex_query"}
"""Level -> its field in `text_inst_input`."""
MAX_BYTES = 2 << 30
MAX_ENTRIES = 5_000_000
MAX_SIDE = 16_384
MAX_PIXELS = 64_000_000
MAX_TEXTS = 64
MAX_INSTANCES = 1_000
MAX_NAME = 1_000
MAX_FAMILY = 64


class InstructionFile:
    """The questions of a file, picture by picture; a picture's entries come together.

    Everything is checked when the file is opened, but for what only the pictures' bytes tell.

    Args:
        path: The JSON file.
        images: Folder that `file_name` is relative to; None: the one that the file is in.

    Raises:
        QuestionError: The file, or a picture, is missing or not what it should be.
    """

    def __init__(self, path: Path, images: Path | None = None) -> None:
        self.path = path
        self.root = images or path.parent
        content, self._fingerprint = _load(path)
        try:
            self._pictures = _pictures(content)
        except ValueError as error:
            raise QuestionError(f"{path}: {error}") from error
        asked = {q.level for _, entries in self._pictures for _, listed in entries for q in listed}
        self.levels = tuple(level for level in FIELDS if level in asked)
        missing = [name for name, _ in self._pictures if not (self.root / name).is_file()]
        if missing:
            raise QuestionError(
                f"{len(missing)} of {len(self._pictures)} pictures are not in {self.root}, such "
                f"as {missing[0]}: give the folder with --images"
            )

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Picture:
        name, entries = self._pictures[index]
        path = self.root / name
        try:
            with Image.open(path) as image:
                for (height, width), _ in entries:
                    if image.size != (width, height):
                        raise QuestionError(
                            f"{path} is {image.width}x{image.height}, not {width}x{height} as "
                            f"{self.path} says"
                        )
                rgb = np.asarray(image.convert("RGB"))
        except QuestionError:
            raise
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise QuestionError(f"{path} can't be read as a picture: {error}") from error
        return Picture(rgb, [question for _, questions in entries for question in questions])

    def fingerprint(self) -> str:
        """Of the file's bytes."""
        return self._fingerprint


Entry = tuple[tuple[int, int], list[Question]]
"""(height, width) and the questions of one entry of `images`."""


def _load(path: Path) -> tuple[Any, str]:
    """The file's content and a checksum of its bytes."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise QuestionError(f"{path} has more than {MAX_BYTES >> 30} GiB: split it")
        raw = path.read_bytes()
        return json.loads(raw), f"{zlib.crc32(raw):08x}"
    except OSError as error:
        raise QuestionError(f"{path} can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise QuestionError(f"{path} is not JSON: {error}") from error


def _pictures(content: Any) -> list[tuple[str, list[Entry]]]:
    """File names in order of their first entries, each with its entries."""
    _need(isinstance(content, dict), "must be an object with images and annotations")
    images = _list_of_objects(content, "images")
    _need(images, "has no images")
    annotations: dict[int, list[Any]] = defaultdict(list)
    for annotation in _list_of_objects(content, "annotations"):
        annotations[_integer(annotation, "image_id", "annotation")].append(annotation)
    pictures: dict[str, list[Entry]] = {}
    seen: set[int] = set()
    for image in images:
        number = _integer(image, "id", "image")
        _need(number not in seen, f"two images have the id {number}")
        seen.add(number)
        try:
            name, entry = _entry(image, annotations.get(number, []))
        except ValueError as error:
            raise ValueError(f"image {number}: {error}") from error
        pictures.setdefault(name, []).append(entry)
    strangers = annotations.keys() - seen
    _need(not strangers, f"annotations of image {min(strangers, default=0)}, which isn't there")
    return list(pictures.items())


def _entry(image: dict[str, Any], annotations: list[dict[str, Any]]) -> tuple[str, Entry]:
    name = image.get("file_name")
    _need(name and _is_text(name, MAX_NAME), "file_name must be a text")
    path = PurePosixPath(str(name))
    _need(
        not path.is_absolute() and ".." not in path.parts and "\\" not in str(name),
        "file_name must stay within the folder of pictures",
    )
    size = (_integer(image, "height", "image"), _integer(image, "width", "image"))
    _need(
        min(size) > 0 and max(size) <= MAX_SIDE and size[0] * size[1] <= MAX_PIXELS,
        f"{size[1]}x{size[0]} is no size of a picture that can be taken",
    )
    _need(len(annotations) <= MAX_INSTANCES, f"has more than {MAX_INSTANCES} annotations")
    masks = tuple(_mask(annotation, size) for annotation in annotations)
    extras = _extras(image)
    _need(not (image.get("negative") and masks), "is negative and has annotations")
    texts = image.get("text_inst_input")
    _need(isinstance(texts, dict), "text_inst_input must be an object")
    questions = [
        Question(str(image["id"]), text, level, masks, wording=wording, **extras)
        for level, field in FIELDS.items()
        for wording, text in enumerate(_texts(texts, field))
    ]
    return str(path), (size, questions)


def _texts(texts: Any, field: str) -> list[str]:
    listed = texts.get(field, [])
    _need(
        isinstance(listed, list)
        and len(listed) <= MAX_TEXTS
        and all(_is_text(text, MAX_TEXT_LENGTH) for text in listed),
        f"{field} must be at most {MAX_TEXTS} texts of at most {MAX_TEXT_LENGTH} characters",
    )
    return listed


def _extras(image: dict[str, Any]) -> dict[str, Any]:
    """Our own fields, those that are there."""
    for field in ("part", "negative"):
        _need(isinstance(image.get(field, False), bool), f"{field} must be true or false")
    granularity, family = image.get("granularity", ""), image.get("family", "")
    _need(granularity in ("", *GRANULARITIES), f"granularity must be {', '.join(GRANULARITIES)}")
    _need(_is_text(family, MAX_FAMILY), f"family must be a text of at most {MAX_FAMILY}")
    return {"granularity": granularity, "family": family, "part": image.get("part", False)}


def _mask(annotation: dict[str, Any], size: tuple[int, int]) -> Rle:
    try:
        return read(annotation.get("segmentation"), size)
    except ValueError as error:
        raise ValueError(f"annotation {annotation.get('id')}: {error}") from error


def _list_of_objects(content: dict[str, Any], field: str) -> list[dict[str, Any]]:
    listed = content.get(field)
    _need(isinstance(listed, list), f"{field} must be a list")
    entries: list[dict[str, Any]] = listed or []
    _need(len(entries) <= MAX_ENTRIES, f"{field} has more than {MAX_ENTRIES} entries")
    _need(all(isinstance(entry, dict) for entry in entries), f"{field} must hold objects")
    return entries


def _integer(entry: dict[str, Any], field: str, what: str) -> int:
    value = entry.get(field)
    if type(value) is not int:
        raise ValueError(f"an {what} needs a whole number as {field}, not {str(value)[:40]!r}")
    return value


def _is_text(value: Any, limit: int) -> bool:
    """Whether it is a text that UTF-8 can say, of at most `limit` characters."""
    return (
        isinstance(value, str)
        and len(value) <= limit
        and not any("\ud800" <= character <= "\udfff" for character in value)
    )


def _need(condition: Any, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
