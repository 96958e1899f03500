"""What the film's viewers are asked to find, and what is right in each frame.

Whether a thing is clearly left of, nearer or taller than another is decided by the same rules as
in the training texts (training.instructions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.instructions.axes import AXES, ranked
from training.instructions.lexicon import NAMES
from training.instructions.purposes import PURPOSES
from training.instructions.purposes.purpose import Purpose
from training.instructions.things import Thing
from training.world.scene import Body

NUMBER = 9
NEED = "something to play football with"
LEAST_VISIBLE = 0.4  # a target that is hidden more than that is not asked for


def names(bodies: Sequence[Body]) -> dict[int, str]:
    """Label -> what people would call it: colour and kind."""
    return {
        label: f"{body.colour or ''} {body.kind}".strip() for label, body in enumerate(bodies, 1)
    }


def instructions(
    bodies: Sequence[Body], objects: list[dict[str, Any]], image_size: tuple[int, int]
) -> list[dict[str, Any]]:
    """The instructions of one frame with the labels that answer each ([] = not there).

    One that has no clear answer in this frame is left out: because it is too close a call, or
    because something that matters to it is hidden or out of the picture.
    """
    seen = [record for record in objects if record["visible"] >= LEAST_VISIBLE]
    things = [Thing.from_record(record, image_size) for record in seen]
    whole = {
        kind: [thing for thing in things if thing.kind == kind]
        for kind in {body.kind for body in bodies}
        if sum(thing.kind == kind for thing in things) == sum(b.kind == kind for b in bodies)
    }
    box = next(b for b in bodies if b.kind == "box").colour
    other = bodies[-1].kind or ""  # the last of those that differ from table to table
    asked: tuple[tuple[str, str, str, list[Thing] | None], ...] = (
        ("mug", "mug", "concept", whole.get("mug")),
        ("coloured box", f"{box} box", "concept", _coloured(whole.get("box"), bodies, box)),
        ("bottles", "bottle", "concept", whole.get("bottle")),
        ("other kind", NAMES[other][0], "concept", whole.get(other)),
        ("leftmost", "the leftmost bottle", "simple", _most(whole.get("bottle"), "left")),
        ("closest", "the ball closest to the camera", "simple", _most(whole.get("ball"), "near")),
        (
            "beside",
            "the box left of the mug",
            "simple",
            _left_of(whole.get("box"), whole.get("mug")),
        ),
        ("need", NEED, "complex", _serving(PURPOSES["ball game"], whole, bodies)),
        ("absent", "banana", "concept", []),
    )
    return [
        {"id": name, "text": text, "level": level, "labels": [thing.label for thing in answer]}
        for name, text, level, answer in asked
        if answer is not None
    ]


def _serving(
    purpose: Purpose, whole: Mapping[str | None, list[Thing]], bodies: Sequence[Body]
) -> list[Thing] | None:
    """What serves a purpose, if nobody would argue about anything on the table and all is seen."""
    serves = {body.kind: purpose.verdict(body.kind) for body in bodies}
    kinds = [kind for kind, verdict in serves.items() if verdict]
    if None in serves.values() or not whole.keys() >= set(kinds):
        return None
    return [thing for kind in kinds for thing in whole[kind]]


def _coloured(
    things: list[Thing] | None, bodies: Sequence[Body], colour: str | None
) -> list[Thing] | None:
    if things is None:
        return None
    return [thing for thing in things if bodies[thing.label - 1].colour == colour]


def _most(things: list[Thing] | None, axis: str) -> list[Thing] | None:
    """The one that is clearly first along the axis."""
    return ranked(things or [], AXES[axis], 1)[:1] or None


def _left_of(things: list[Thing] | None, references: list[Thing] | None) -> list[Thing] | None:
    """The only one clearly left of the reference, if all others are clearly right of it."""
    if not things or not references:
        return None
    axis = AXES["left"]
    left = [thing for thing in things if axis.before(thing, references[0])]
    right = [thing for thing in things if axis.before(references[0], thing)]
    return left if len(left) == 1 and len(left) + len(right) == len(things) else None
