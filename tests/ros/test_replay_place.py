"""What `sam3i replay` replaces at the place of its results, and what stays there."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rosbags.rosbag2 import Writer

from sam3i_ros.replay import result_bag
from sam3i_ros.replay.workplace import Workplace, clear
from tests.ros.recordings import RED_ONLY, moment, read, refused, replay, write

pytestmark = pytest.mark.usefixtures("loaded")

KILLED = """
import os, signal, sys
from sam3i_model import cli
from sam3i_model.segmenter import Segmenter
from tests.ros.fakes import ColourSegmenter

ColourSegmenter.ground = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Segmenter.from_pretrained = lambda *_: ColourSegmenter()
cli.build("replay")(["replay", *sys.argv[1:]])
"""


def test_the_next_run_clears_away_what_a_killed_one_left(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, str(recording), "--out", str(out), *RED_ONLY]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    left = list(tmp_path.glob(".sam3i-*/new/out"))
    assert len(left) == 1
    assert replay(recording, tmp_path / "other", *RED_ONLY).exit_code == 0
    assert left[0].exists()  # somebody else's
    working = Workplace(out)
    assert replay(recording, out, *RED_ONLY).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == [
        "other",
        "out",
    ]
    assert list(tmp_path.glob(".sam3i-*")) == [working.old.parent]
    working.close()
    assert list(tmp_path.glob(".sam3i-*")) == []


def test_a_file_system_without_locks_is_worked_on_and_nothing_cleared_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    place = Workplace(tmp_path / "out")
    place.close(keep=True)
    monkeypatch.undo()
    assert clear(tmp_path / "out") == []
    assert place.old.parent.is_dir()


def test_a_run_without_answers_replaces_nothing(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0
    said = replay(recording, out, "--instruction", "crash", "--force")
    assert said.exit_code == 1
    assert f"Nothing was written to {out}: none of 4 images was answered" in said.output
    assert len(read(out)["/sam3i/segments"]) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("stuck", [{"new"}, {"new", "old"}], ids=["once", "twice"])
def test_what_can_not_be_put_into_place_leaves_what_was_there(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stuck: set[str]
) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if stuck & {self.name, self.parent.name}:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    said = replay(recording, out, "--instruction", "blue", "--force")
    assert said.exit_code == 1
    line, kept = f"{out} can't be written: Input/output error", out
    if "old" in stuck:
        kept = next(tmp_path.glob(".sam3i-*/old"))
        made = kept.parent / "new" / "out"
        line += f"; the earlier results are in {kept}, the new ones in {made}"
        assert read(made)["/sam3i/segments"][0].content.results[0].text == "blue"
    assert said.output.splitlines()[-1] == line
    assert read(kept)["/sam3i/segments"][0].content.results[0].text == "the red thing"
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(Path, "rename", rename)
    told = f"{kept.parent} has the results that were at {out} before: a run broke off there."
    for _ in range(2):  # also when there are others in their place
        said = replay(recording, out, *RED_ONLY, "--force")
        assert said.exit_code == 0
        assert said.output.splitlines().count(told) == ("old" in stuck)
        assert kept.exists()


def test_a_bag_is_replaced_only_if_told_to(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0
    assert "is there already" in refused(replay(recording, out, "--instruction", "blue"))
    assert read(out)["/sam3i/segments"][0].content.results[0].text == "the red thing"
    assert replay(recording, out, "--instruction", "blue", "--force").exit_code == 0
    assert read(out)["/sam3i/segments"][0].content.results[0].text == "blue"
    home = tmp_path / "home"
    home.mkdir()
    (home / "precious").touch()
    assert "is not a bag of results" in refused(replay(recording, home, *RED_ONLY, "--force"))
    assert (home / "precious").exists()
    (out / "notes.txt").touch()
    mine = write(tmp_path / "mine", moment(0))  # a recording, no results
    for place in (out, mine):
        assert "is not a bag of results" in refused(replay(recording, place, *RED_ONLY, "--force"))
    assert (out / "notes.txt").exists()
    assert "/cam/rgb/image_raw" in read(mine)
    for place in (recording, recording.parent):
        line = refused(replay(recording, place, *RED_ONLY, "--force"))
        assert "where the recording itself is" in line
    inside = next(recording.glob("*.mcap"))
    assert "where the recording" in refused(replay(inside, recording, *RED_ONLY, "--force"))


def test_results_that_were_reindexed_are_still_results(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0
    sheet = out / "metadata.yaml"
    text = sheet.read_text()
    assert "ros_distro: rosbags" in text
    sheet.write_text(text.replace("ros_distro: rosbags", "ros_distro: ''"))
    said = replay(recording, out, "--instruction", "blue", "--force")
    assert said.exit_code == 0, said.output
    assert read(out)["/sam3i/segments"][0].content.results[0].text == "blue"


def test_a_recording_of_the_running_node_is_never_replaced(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0
    file = out / "out.mcap"
    data = file.read_bytes()
    live = data.replace(b"rosbags-", b"libmcap ", 1)  # as the recorder of ROS 2 begins its files
    file.write_bytes(live)
    assert "is not a bag of results" in refused(replay(recording, out, *RED_ONLY, "--force"))
    assert file.read_bytes() == live


def test_a_full_disk_changes_nothing(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert replay(recording, out, *RED_ONLY).exit_code == 0

    class Full(Writer):
        def write(self, *arguments: Any) -> None:
            if sum(self.counts.values()) > 5:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().write(*arguments)

    monkeypatch.setattr(result_bag, "Writer", Full)
    said = replay(recording, out, "--instruction", "blue", "--force")
    assert said.exit_code == 1
    lines = said.output.strip().splitlines()
    assert lines[-1] == f"{out} can't be written: No space left on device"
    assert len(lines) == 2  # the other is the progress bar
    assert read(out)["/sam3i/segments"][0].content.results[0].text == "the red thing"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
