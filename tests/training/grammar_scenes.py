"""Scenes laid out by hand and at random, for the tests of the grammar and of its reader."""

from __future__ import annotations

from random import Random
from typing import Any

from training.instructions import lexicon

SIZE = (640, 480)
Record = dict[str, Any]


def record(
    label: int,
    kind: str | None,
    color: str | None,
    column: float,
    forward: float,
    side: float = 0.08,
    pixels: float = 60.0,
    **more: Any,
) -> Record:
    """A cube on the table seen at `column`; farther things stand higher in the image."""
    row = 420.0 - 300.0 * (forward - 0.5)
    half = pixels / 2
    return {
        "label": label,
        "kind": kind,
        "color": color,
        "colors": [color] if color else [],
        "viewer": [(column - 320.0) / 500.0 * forward, forward, side / 2],
        "size": [side, side, side],
        "box": [column - half, row - half, column + half, row + half],
        "area": pixels**2 * 0.8,
        "visible": 1.0,
        **more,
    }


#            far      4 blue ball (small)          5 unnamed green thing
#            middle             3 white bowl
#            near     1 red mug (big)                        2 blue mug
SCENE = [
    record(1, "mug", "red", 100, 0.50, 0.12, 100),
    record(2, "mug", "blue", 560, 0.60, 0.09, 70),
    record(3, "bowl", "white", 330, 0.75, 0.10, 70),
    record(4, "ball", "blue", 120, 0.95, 0.05, 30),
    record(5, None, "green", 480, 1.00, 0.08, 50),
]


def part(name: str, label: int, area: float = 200.0) -> dict[str, Any]:
    return {"name": name, "label": label, "area": area}


# On a desk: an open jar and a closed one, a striped box with an apple on it, a lying bottle, a
# hammer, scissors, a pen, and a bowl with a lemon in it.
DESK = [
    record(1, "jar", "red", 80, 0.5, states=["open"], pose="standing", parts=[part("lid", 1)]),
    record(2, "jar", "blue", 180, 0.5, states=["closed"], pose="standing", parts=[part("lid", 2)]),
    record(3, "box", "white", 300, 0.6, 0.12, 90, states=["closed"], pattern="striped"),
    record(4, "apple", "red", 300, 0.6, 0.06, 40, viewer=[-0.024, 0.6, 0.15]),
    record(5, "bottle", "green", 420, 0.55, pose="lying", parts=[part("cap", 3)]),
    record(
        6, "hammer", None, 520, 0.6, material="wooden", parts=[part("handle", 4), part("head", 5)]
    ),
    record(7, "scissors", "black", 600, 0.65, parts=[part("handle", 6), part("blade", 7)]),
    record(8, "pen", "blue", 520, 0.85, 0.05, 30),
    record(9, "bowl", "yellow", 150, 0.9, 0.16, 80, states=["empty"], pose="standing"),
    record(10, "lemon", "yellow", 150, 0.9, 0.05, 25, viewer=[-0.306, 0.9, 0.05]),
]


def random_scene(rng: Random, count: int) -> list[Record]:
    kinds = (*lexicon.NAMES, None)
    labels = rng.sample(range(1, 30), count)
    return [
        record(
            label,
            rng.choice(kinds),
            rng.choice(lexicon.COLORS[:5]),
            rng.uniform(40, 600),
            rng.uniform(0.4, 1.1),
            rng.uniform(0.04, 0.15),
            rng.uniform(20, 120),
            pattern=rng.choice(("plain", "plain", "striped", "dotted")),
            pose=rng.choice((None, "standing", "lying")),
            states=rng.choice(([], ["open"], ["closed"], ["empty"])),
            material=rng.choice((None, "plastic", "metal", "wooden")),
            parts=[part(name, 8 * place + i) for i, name in enumerate(("handle", "lid", "cap"))],
        )
        for place, label in enumerate(labels)
    ]


def mirrored(objects: list[Record]) -> list[Record]:
    width = SIZE[0]
    out = []
    for item in objects:
        x0, y0, x1, y1 = item["box"]
        right, forward, up = item["viewer"]
        out.append(
            {**item, "box": [width - x1, y0, width - x0, y1], "viewer": [-right, forward, up]}
        )
    return out
