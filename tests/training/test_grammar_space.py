"""Where things are in space: on boards of a shelf, on and in each other, standing or lying."""

from __future__ import annotations

from random import Random

import pytest

from tests.training.grammar_scenes import SIZE, Record, record
from training.instructions import families, relations
from training.instructions.answers import Family
from training.instructions.executor import execute
from training.instructions.telling import Teller
from training.instructions.things import scene_of

UPPER = 0.6
"""Metres above the lower board of a shelf."""


def asked(family: Family, objects: list[Record], draws: int = 4000) -> dict[str, tuple[int, ...]]:
    """What a family says about a scene, and what that denotes."""
    teller = Teller(scene_of(objects, SIZE), Random(0))
    answers = [family(teller, False) for _ in range(draws)]
    return {a.text: tuple(thing.label for thing in a.things) for a in answers if a}


def at(item: Record, right: float, forward: float, bottom: float = 0.0) -> Record:
    """The same thing elsewhere; where it is seen stays."""
    return {**item, "viewer": [right, forward, bottom + item["size"][2] / 2]}


def test_how_far_things_are_apart_counts_their_height() -> None:
    ball = at(record(1, "ball", "red", 300, 0.7), 0.0, 0.9)
    beside = at(record(2, "mug", "blue", 560, 0.7), 0.3, 0.9)
    above = at(record(3, "mug", "white", 320, 0.9), 0.05, 0.9, UPPER)
    shelf = [ball, beside, above]
    closest, farthest = "the mug closest to the ball", "the mug farthest from the ball"
    assert asked(relations.closest, shelf)[closest] == (2,)
    assert asked(relations.farthest_from, shelf)[farthest] == (3,)
    assert execute(closest, shelf, SIZE).labels == (2,)
    assert execute(farthest, shelf, SIZE).labels == (3,)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (relations.closest, "the mug next to the ball"),
        (relations.relation, "the mug behind the ball"),
        (relations.between, "the mug between the ball and the book"),
    ],
)
def test_what_is_on_another_board_is_not_beside(family: Family, text: str) -> None:
    ball = at(record(1, "ball", "red", 200, 0.7), -0.15, 0.8)
    book = at(record(2, "book", "blue", 560, 0.7), 0.15, 1.0)
    mug = at(record(3, "mug", "white", 350, 0.8), 0.0, 0.9)
    assert asked(family, [ball, book, mug], 9000)[text] == (3,)
    assert text not in asked(family, [ball, book, at(mug, 0.0, 0.9, UPPER)], 9000)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (relations.closest, "the lemon next to the basket"),
        (relations.relation, "the lemon right of the basket"),
        (relations.relation, "the lemon behind the basket"),
    ],
)
def test_what_lies_in_a_thing_is_not_beside_it(family: Family, text: str) -> None:
    basket = at(record(1, "basket", "brown", 200, 0.6, 0.14), -0.06, 0.6)
    lemon = record(2, "lemon", "yellow", 260, 0.7, 0.03)
    assert asked(family, [basket, at(lemon, 0.05, 0.7)])[text] == (2,)
    assert text not in asked(family, [basket, at(lemon, -0.03, 0.655, 0.01)])


def test_near_is_near_the_camera_in_space_too() -> None:
    high = at(record(1, "mug", "red", 200, 0.7), 0.0, 1.0, UPPER)
    low = at(record(2, "mug", "blue", 400, 0.6), 0.0, 0.9)
    text = "the nearest mug"
    assert asked(families.superlative, [high, low])[text] == (2,)
    seen = [{**high, "centroid": [0.0, 0.0, 1.0]}, {**low, "centroid": [0.0, 0.5, 1.1]}]
    assert text not in asked(families.superlative, seen)


def test_height_is_spoken_of_where_things_have_one() -> None:
    standing = {**record(1, "bottle", "red", 200, 0.6), "size": [0.07, 0.07, 0.2]}
    other = {**record(2, "bottle", "blue", 400, 0.6, pixels=40), "size": [0.07, 0.07, 0.15]}
    lying = {**other, "size": [0.07, 0.25, 0.07]}
    text = "the shorter bottle"
    assert asked(families.comparative, [standing, other])[text] == (2,)
    assert text not in asked(families.comparative, [standing, lying])  # it is the longer one


@pytest.mark.parametrize("text", ["the bigger mug", "the taller mug"])
def test_of_two_alike_the_nearer_is_no_larger_one(text: str) -> None:
    far = record(2, "mug", "blue", 400, 0.9, 0.08, pixels=40)
    larger, alike = (record(1, "mug", "red", 200, 0.5, side, 80) for side in (0.1, 0.082))
    assert asked(families.comparative, [larger, far])[text] == (1,)
    assert text not in asked(families.comparative, [alike, far])


def test_the_first_of_an_order_is_no_first_biggest() -> None:
    row = [record(i, "mug", "red", 120.0 * i, 0.5 + 0.1 * i, 0.05 * i, 40 * i) for i in (1, 2, 3)]
    said = asked(families.ordinal, row)
    assert said["the second biggest mug"] == (2,)
    assert said["the first mug from the left"] == (1,)
    assert not [text for text in said if "first" in text and "est " in text]
