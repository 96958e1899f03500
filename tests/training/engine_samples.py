"""Tasks and cases of the sample pictures."""

from __future__ import annotations

from pathlib import Path

from training.engine.tasks import Case, Task, load_case, tasks_of
from training.formats import read_annotations

DATA = Path(__file__).parent / "data"
PICTURES = DATA / "pictures"


def tasks(source: str = "coco.json") -> list[Task]:
    return [t for image in read_annotations(DATA / source).images for t in tasks_of(image)]


def case_of(*targets: int, source: str = "coco.json") -> Case:
    return load_case(next(t for t in tasks(source) if t.targets == targets), PICTURES)
