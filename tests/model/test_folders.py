"""A new folder is complete or not there, and nobody else's files are touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sam3i_model.checkpoints.folders import new_folder
from sam3i_model.checkpoints.loading import CheckpointError


def fill(out: Path, text: str = "mine") -> None:
    with new_folder(out) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_text(text)


def found(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


def test_a_finished_folder_is_as_readable_as_any_other(tmp_path):
    fill(tmp_path / "new" / "out")
    assert found(tmp_path) == {"new/out/sub/file": "mine"}
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "new/out").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_empty_folder_that_one_stands_in_is_filled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(Path("."))
    assert Path("sub/file").read_text() == "mine"  # a replaced folder would look empty from within
    assert [p.name for p in tmp_path.iterdir()] == ["sub"]


@pytest.mark.parametrize("there", [False, True])
def test_what_fails_leaves_nothing(tmp_path, there):
    out = tmp_path / "out"
    if there:
        out.mkdir()

    with pytest.raises(TypeError, match="must be str"):
        fill(out, text=None)
    assert list(tmp_path.rglob("*")) == ([out] if there else [])


def test_what_is_there_stays(tmp_path):
    fill(tmp_path / "out.partial", "a folder of one's own")
    (tmp_path / "file").write_text("a file")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("out.partial", "file", "link"):
        with pytest.raises(CheckpointError, match="is there already"):
            fill(tmp_path / name)
    fill(tmp_path / "out")
    assert found(tmp_path) == {
        "out.partial/sub/file": "a folder of one's own",
        "file": "a file",
        "out/sub/file": "mine",
    }


@pytest.mark.parametrize("name", [b"m\xe9", b"m\xe9/sub"])
def test_a_path_that_is_not_utf_8_is_refused_at_once(tmp_path, name):
    with pytest.raises(CheckpointError, match=r"/m\N{REPLACEMENT CHARACTER}.*' is not UTF-8"):
        fill(tmp_path / os.fsdecode(name))
    assert list(tmp_path.iterdir()) == []


def test_two_runs_leave_each_other_alone(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(OSError, match="not empty"), new_folder(out):
        fill(out, "the first that was ready")
    assert found(tmp_path) == {"out/sub/file": "the first that was ready"}
