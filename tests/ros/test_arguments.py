"""What launch files and node programs are told on their command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sam3i_ros.arguments import ros_arguments_only, sentences


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("mug", ["mug"]),
        ("the red mug, please", ["the red mug, please"]),
        ("[mug, the leftmost bottle]", ["mug", "the leftmost bottle"]),
        ("[\"the mug: red\", '7']", ["the mug: red", "7"]),
        ("- mug\n- 7", ["mug", "7"]),
        ("yes", ["yes"]),
        ("the red mug #2", ["the red mug #2"]),
        ("the box: red", ["the box: red"]),
        ("'the box: red'", ["the box: red"]),
    ],
)
def test_a_sentence_or_a_list_of_them(said: str, meant: list[str]) -> None:
    assert sentences(said) == meant


@pytest.mark.parametrize(
    "said", ["", " ", "[]", "{a: mug}", "[mug, {a: b}]", "[[mug]]", "[mug\n", "[mug, '']"]
)
def test_anything_else_is_an_error_of_one_line(said: str) -> None:
    with pytest.raises(
        ValueError, match=r"^instructions:=.* is not what .*a list of them"
    ) as error:
        sentences(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-p", "bag:="], "Couldn't parse parameter override rule: '-p bag:='"),
        (
            ["--params-file", "mine.yaml"],
            "Couldn't parse params file: '--params-file mine.yaml'. Error: Sequence should be of "
            "same type. Value type 'integer' do not belong at line_num 3",
        ),
    ],
)
def test_what_ros_cannot_read_is_told_with_the_cause_but_not_the_line_of_its_sources(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("/**:\n  ros__parameters:\n    instructions: [mug, 7]\n")
    monkeypatch.setattr(sys, "argv", ["node", "--ros-args", *words])
    with pytest.raises(SystemExit) as end:
        ros_arguments_only("node", "", "")
    assert end.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"node: error: Failed to parse ROS arguments: {told}"
