"""`sam3i prepare` as tests run it, and what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from sam3i_model.cli import build
from training.annotations.images import Problems
from training.annotations.sam3i_json import Sample, parse

ALL = ["--rate", "0", "--motion", "0", "--blur", "0"]


def prepare(*arguments: object):
    return CliRunner().invoke(build("prepare"), ["prepare", *map(str, arguments)])


def read(out: Path) -> list[Sample]:
    problems = Problems()
    found = parse(json.loads((out / "annotations.json").read_text()), problems)
    assert problems.count == 0
    return found
