"""What launch files are told on their command line."""

from __future__ import annotations

import pytest

from sam3i_ros.arguments import sentences


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
