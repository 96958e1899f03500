"""From a file or folder to annotated images: what it is, and who reads it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from training.annotations.entries import SourceError
from training.annotations.images import Annotations, Problems
from training.annotations.sam3i_json import ANNOTATIONS
from training.formats import coco, mmr, reasonseg, refs, sam3i

MAX_BYTES = 2 * 1024**3
MAX_FILES = 100_000

CONVERT = (
    "it is a pickle, and those are not read, since reading one runs whatever is in it. If you "
    'trust its publisher: python3 -c "import json, pickle, sys; json.dump(pickle.load('
    "open(sys.argv[1], 'rb'), encoding='latin1'), open(sys.argv[2], 'w'))\" FILE.p FILE.json"
)


def read_annotations(
    source: Path, images: Path | None = None, split: str | None = None
) -> Annotations:
    """Read a data set.

    Args:
        source: A file, or a folder of files that belong together (`instances.json` and one file
            of referring texts, or ReasonSeg's file a picture).
        images: Folder of the pictures, where a layout needs it to know their size.
        split: Of referring texts, the ones to read; must be named where there are several.

    Raises:
        SourceError: Nothing can be read; one line that says what to do.
    """
    if source.is_dir():
        found = _read_folder(source, images or source, split)
    else:
        found = _read_file(source, images or source.parent, split)
    if split is not None and found.layout not in refs.LAYOUTS:
        raise SourceError(
            f"{source} is in the layout {found.layout}, which has no splits: leave --split out"
        )
    if not found.images:
        first = f" ({found.problems.lines[0]})" if found.problems.lines else ""
        raise SourceError(f"{source} has no picture that can be used{first}: see docs/data.md")
    return found


def _read_file(source: Path, images: Path, split: str | None) -> Annotations:
    content = load(source)
    kind = layout(content)
    problems = Problems()
    if kind == "reasonseg":
        return Annotations(kind, reasonseg.read([(source, content)], images, problems), problems)
    if kind not in refs.LAYOUTS:
        reader = coco.read if kind == "coco" else mmr.read if kind == "mmr" else sam3i.read
        return Annotations(kind, reader(content, problems), problems)
    beside = source.with_name("instances.json")
    if not beside.is_file():
        raise SourceError(
            f"{source} has referring texts; the masks they speak of must lie beside it as "
            "instances.json"
        )
    instances = load(beside)
    if layout(instances) != "coco":
        raise SourceError(f"{beside} is no COCO file: it needs images and annotations")
    return Annotations(kind, refs.read(content, instances, problems, split), problems)


def _read_folder(folder: Path, images: Path, split: str | None) -> Annotations:
    if (folder / ANNOTATIONS).is_file():  # as all that takes data sets understands it
        return _read_file(folder / ANNOTATIONS, images, split)
    files = sorted(folder.glob("*.json"))
    pickled = next(iter(sorted(folder.glob("*.p"))), None)
    if not files:
        if pickled:
            raise SourceError(f"{pickled}: {CONVERT}")
        raise SourceError(f"{folder} has no .json files: name a file or folder of annotations")
    if len(files) > MAX_FILES:
        raise SourceError(f"{folder} has {len(files):,} files, at most {MAX_FILES:,} are read")
    problems = Problems()
    first, kind = _first_of(files)
    if kind == "reasonseg":
        opened = ((path, reasonseg.open_one(path, load, problems)) for path in files)
        return Annotations("reasonseg", reasonseg.read(opened, images, problems), problems)
    try:
        kinds = {path: kind if path == first else _layout_of(path) for path in files}
    except SourceError as error:
        raise SourceError(f"{error}. Or name the file that is meant, such as {first}") from error
    texts = [path for path, kind in kinds.items() if kind in refs.LAYOUTS]
    if len(texts) == 1:
        return _read_file(texts[0], images, split)
    if pickled and set(kinds.values()) == {"coco"}:
        raise SourceError(f"{pickled}: {CONVERT}. Without its texts: name {files[0]}")
    if len(files) == 1:
        return _read_file(files[0], images, split)
    names = ", ".join(path.name for path in (texts or files)[:8])
    raise SourceError(f"{folder} has several data sets, name one of them: {names}")


def _first_of(files: list[Path]) -> tuple[Path, str]:
    """The first file that is in a known layout, and which; a damaged one may lie before it."""
    for path in files:
        with suppress(SourceError):
            return path, _layout_of(path)
    return files[0], _layout_of(files[0])


def _layout_of(path: Path) -> str:
    content = load(path)
    try:
        return layout(content)
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error


def load(path: Path) -> Any:
    """Parse a JSON file of bounded size; ReasonSeg has some in an old Windows encoding.

    Raises:
        SourceError: It is missing, too large, a pickle or no JSON.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path} is larger than {MAX_BYTES / 1024**3:.0f} GiB: split it")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror or error}") from error
    if data[:1] == b"\x80" or (path.suffix in (".p", ".pkl", ".pickle") and data[:1] in b"(]l}"):
        raise SourceError(f"{path}: {CONVERT}")
    try:
        try:
            return json.loads(data)
        except UnicodeDecodeError:
            return json.loads(data.decode("cp1252"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not JSON: {str(error)[:120]}") from error


def layout(content: Any) -> str:
    """What a parsed file is: coco, sam3i, refcoco, grefcoco, ref-zom, mmr or reasonseg.

    Raises:
        SourceError: It is none of these.
    """
    for name, fits in (
        ("sam3i", sam3i.fits),
        ("coco", coco.fits),
        ("reasonseg", reasonseg.fits),
        ("mmr", mmr.fits),
        ("grefcoco", refs.fits_grefcoco),
        ("ref-zom", refs.fits_ref_zom),
        ("refcoco", refs.fits),
    ):
        if fits(content):
            return name
    raise SourceError(
        "the file is in no layout known here: COCO, RefCOCO/+/g, gRefCOCO, Ref-ZOM, ReasonSeg, MMR "
        "or SAM3-I (see docs/data.md)"
    )
