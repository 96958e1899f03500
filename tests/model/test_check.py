"""`sam3i check` on a checkpoint folder with the word-level tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sam3i_model.check import check_command
from training.instructions.vocabulary import build_tokenizer

APP = typer.Typer()
APP.command()(check_command)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    build_tokenizer().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").touch()
    return str(tmp_path)


def check(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(APP, list(arguments), env={"COLUMNS": "200"})
    lines = result.output.replace("│", " ").splitlines()
    return result.exit_code, [" ".join(line.split()) for line in lines]


def test_a_simple_instruction(folder: str) -> None:
    code, lines = check("The mug isn't left of the stapler", "--model", folder)
    assert code == 0
    assert "level simple: a noun with a negation" in lines
    assert "asks for one certain thing" in lines
    assert "tokens [BOS] the mug is not left of the [UNK] [EOS]" in lines
    assert "token count 10" in lines
    assert "unknown words stapler" in lines


def test_how_many_are_asked_for(folder: str) -> None:
    code, lines = check("a mug", "a few mugs", "mugs", "--model", folder)
    assert code == 0
    asked = [line for line in lines if line.startswith("asks for ")]
    assert asked == [
        "asks for any one; all that fit are given",
        *["asks for everything that fits"] * 2,
    ]


def test_long_and_empty_texts(folder: str) -> None:
    code, lines = check("mug " * 40, "", "mug " * 300, "--model", folder)
    assert code == 0
    assert "token count 42, cut to 32: say it shorter" in lines
    assert "rejected the text is empty; say what to look for" in lines
    assert "rejected the text has 1200 characters; use at most 1000" in lines


def test_no_checkpoint(tmp_path: Path) -> None:
    code, lines = check("mug", "--model", str(tmp_path / "none"))
    assert code == 1
    assert lines[0].startswith("no checkpoint at ")
    assert len(lines) == 1
