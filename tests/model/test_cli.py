"""The command line: what it lists, what it says when it can't."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from sam3i_model import cli
from sam3i_model.checkpoints.loading import save
from training.instructions.vocabulary import build_tokenizer


def run(*arguments: str):
    return CliRunner().invoke(cli.build(arguments[0]), list(arguments))


def test_help_lists_every_verb_without_importing_torch():
    code = (
        "import sys; sys.argv = ['sam3i', '--help']\n"
        "from sam3i_model.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for verb in cli.VERBS:
        assert f" {verb} " in said.stdout
    assert said.stdout.rstrip().endswith("False")


def test_version_is_that_of_the_package():
    root = Path(__file__).resolve().parents[2]
    stated = ElementTree.parse(root / "package.xml").findtext("version")
    said = run("--version")
    assert (said.exit_code, said.stdout) == (0, f"{stated}\n")


def test_a_verb_that_is_none_is_answered_with_all(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["sam3i", "nosuch", "mug"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"there is no verb 'nosuch'; there are: {', '.join(cli.VERBS)}\n"
    )


def test_ctrl_c_while_a_verb_is_imported_is_one_line(monkeypatch, capsys):
    def load(path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["sam3i", "segment", "photo.jpg", "mug"])
    monkeypatch.setattr(cli, "load", load)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, capsys.readouterr().err) == (130, "stopped\n")


@pytest.mark.parametrize("verb", sorted(cli.VERBS))
def test_every_verb_can_be_imported(verb):
    assert callable(cli.load(cli.VERBS[verb][0]))


@pytest.mark.parametrize(
    ("verb", "module", "file"),
    [("prepare", "pycocotools", "training"), ("replay", "rclpy", "robot")],
)
def test_what_is_not_installed_is_named_with_the_requirements_that_have_it(verb, module, file):
    code = (
        f"import sys; sys.modules['{module}'] = None; sys.argv = ['sam3i', '{verb}', '--help']\n"
        "from sam3i_model.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = " ".join(done.stderr.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert said.startswith(f"sam3i {verb} needs '{module}")
    assert "', which is not installed: " in said
    assert f"`pip install -r requirements/{file}.txt`" in said


def test_segment_writes_an_overlay(random_model, tmp_path):
    save(random_model, build_tokenizer(), tmp_path / "model")
    picture = tmp_path / "photo.png"
    cv2.imwrite(str(picture), np.full((48, 64, 3), 100, np.uint8))
    out = tmp_path / "new" / os.fsdecode(b"o\xe9.png")  # no UTF-8
    words = ["segment", str(picture), "[/b] mug", "", "--model", str(tmp_path / "model"), "--out"]
    said = run(*words, str(out))
    assert said.exit_code == 0
    assert "REJECTED" in said.output
    assert "[/b] mug" in said.output
    assert "new/o\N{REPLACEMENT CHARACTER}.png" in said.output
    assert cv2.imdecode(np.fromfile(out, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)

    full = tmp_path / "full.png"
    full.symlink_to("/dev/full")
    said = run(*words, str(full))
    assert said.exit_code == 1
    assert "[/b] mug" in said.stdout
    assert said.stderr == f"'{full}' can't be written: [Errno 28] No space left on device\n"


def test_segment_says_in_one_line_what_is_wrong(tmp_path):
    said = run("segment", str(tmp_path / "none.jpg"), "mug")
    assert (said.exit_code, said.output) == (1, f"there is no file '{tmp_path / 'none.jpg'}'\n")
    (tmp_path / "text.jpg").write_text("no picture")
    said = run("segment", str(tmp_path / "text.jpg"), "mug")
    assert said.exit_code == 1
    assert "not a picture" in said.output
    picture = tmp_path / "photo.png"
    cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
    said = run("segment", str(picture), "mug", "--model", str(tmp_path / "nowhere"))
    assert said.exit_code == 1
    assert "no checkpoint at" in said.output
    assert "Traceback" not in said.output


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("photo.png", "is the picture itself: give another --out"),
        ("link.png", "is the picture itself: give another --out"),
        ("photo.png/o.png", "can't be written: "),
        ("folder.png", "is a folder: name a file in it"),
        ("dangling.png", "is a link to what isn't there: give another --out"),
        ("/proc/none/o.png", "can't be written: "),
    ],
)
def test_segment_refuses_an_overlay_before_anything_takes_long(tmp_path, monkeypatch, out, reason):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.png", np.zeros((8, 8, 3), np.uint8))
    Path("link.png").symlink_to("photo.png")
    Path("dangling.png").symlink_to("nowhere/o.png")
    Path("folder.png").mkdir()
    photo = Path("photo.png").read_bytes()
    said = run("segment", "photo.png", "mug", "--out", out, "--model", "nowhere")
    assert (said.exit_code, "Traceback" in said.output) == (1, False)
    assert said.output.startswith(f"'{out}' {reason}")
    assert said.output.count("\n") == 1
    assert Path("photo.png").read_bytes() == photo
