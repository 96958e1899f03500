"""Random scenes: on a table, in a bin or tote, on a shelf."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world import textures
from training.world.layout import Cast, pile, rows, scatter
from training.world.materials import Finish, Material
from training.world.mesh import Mesh, cuboid, merge
from training.world.scene import Body, Outlook, Pose, Scene, place, sample_light
from training.world.shapes.form import Form

Rng = np.random.Generator
Photos = list[NDArray[np.uint8]]

TYPICAL = 0.1  # m, how large things are
MOST_THINGS = 25
LEAST_WIDTH, MOST_WIDTH = 0.26, 1.5  # m, of what the camera sees
BINS, SHELVES, PILES = 0.16, 0.15, 0.12  # shares of scenes; the rest are tables
LOW, HIGH, TOP = (0.17, 0.6), (0.6, 1.15), (1.15, 1.53)  # rad, how far a camera looks down


@dataclass(frozen=True)
class Arrangement:
    """Bodies that lie within `half` m of the origin, and where to look at them from."""

    bodies: list[Body]
    half: float
    outlook: Outlook


def sample_arrangement(photos: Photos, rng: Rng) -> Arrangement:
    """Random things in a random place, to be seen from near or far."""
    share = float(np.exp(rng.normal(np.log(0.115), 0.5)))  # of the picture that a thing takes
    width = float(np.clip(TYPICAL / share, LEAST_WIDTH, MOST_WIDTH))
    draw = rng.random()
    if draw < BINS:
        return _bin(width, photos, rng)
    if draw < BINS + SHELVES:
        return _shelf(width, photos, rng)
    half = float(np.clip(width * rng.uniform(0.3, 0.5), 0.1, 0.5))
    around = (half * rng.uniform(1, 1.3), half)
    count = _count(around, 0.011, rng)
    cast = Cast(photos, count, rng)
    heaped = draw < BINS + SHELVES + PILES
    bodies = pile(cast, count, around, rng) if heaped else scatter(cast, count, around, rng)
    pitch = (LOW, HIGH, HIGH, TOP)[int(rng.integers(4))]
    outlook = Outlook(_focus(bodies, width, half, rng), width, pitch)
    return Arrangement(bodies[:MOST_THINGS], half, outlook)


def _count(half: tuple[float, float], each: float, rng: Rng) -> int:
    """How many things lie on an area when each takes about `each` square metres."""
    room = 4 * half[0] * half[1] / each
    return int(np.clip(room * rng.uniform(0.15, 0.85), 2, MOST_THINGS))


def _focus(bodies: list[Body], width: float, half: float, rng: Rng) -> tuple[float, float, float]:
    """What the camera looks at: the middle, or in close-ups one of the things."""
    if bodies and width < 1.6 * half + 0.15:
        x, y, z = bodies[int(rng.integers(len(bodies)))].centre
        return float(x), float(y), float(z)
    x, y = rng.uniform(-0.1, 0.1, 2) * half
    return float(x), float(y), 0.04


def surround(bodies: list[Body], half: float, photos: Photos, rng: Rng) -> Scene:
    """A random table, room and light around given bodies that lie within `half` m."""
    edge = half + rng.uniform(0.06, 0.6)
    return Scene(
        bodies=bodies,
        table=(float(edge * rng.uniform(1, 1.5)), float(edge)),
        table_turn=float(rng.uniform(0, 2 * np.pi)),
        table_texture=textures.table_top(photos, rng),
        table_scale=float(rng.uniform(0.3, 1.2)),
        table_shine=float(rng.uniform(0.05, 0.35)) if rng.random() < 0.4 else 0.0,
        floor_depth=float(rng.uniform(0.4, 0.9)),
        floor_texture=textures.backdrop(photos, rng, 160),
        backdrop=textures.backdrop(photos, rng, 160),
        light=sample_light(rng),
    )


def _furniture(mesh: Mesh, photos: Photos, rng: Rng) -> Body:
    """A fixed piece around the origin in one of the surfaces that tables have."""
    texture = None
    colour = textures.surface_colour(rng)
    if rng.random() < 0.45:
        texture = textures.table_top(photos, rng, 128)
    finish = Finish(colour, texture, shine=float(rng.uniform(0, 0.3)), gloss=20.0)
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    x, y = ((low + high) / 2)[:2]
    pose = Pose((float(x), float(y), float(low[2])), 0.0)
    return place("furniture", Form(mesh), Material((finish,), None), pose, furniture=True)


def _bin(width: float, photos: Photos, rng: Rng) -> Arrangement:
    """A bin, tote or drawer with things in it, seen from above."""
    b = float(np.clip(width * rng.uniform(0.3, 0.55), 0.11, 0.3))
    a = b * rng.uniform(1.0, 1.6)
    tall, t = rng.uniform(0.05, 0.22), rng.uniform(0.003, 0.012)
    walls = [cuboid(2 * a + 2 * t, t, tall).at(y=side * (b + t / 2)) for side in (-1, 1)]
    walls += [cuboid(t, 2 * b, tall).at(x=side * (a + t / 2)) for side in (-1, 1)]
    if rng.random() < 0.4:  # a rim, as on totes
        rim = 0.02
        walls += [
            cuboid(2 * a + 2 * rim, rim, 0.006).at(y=side * (b + rim / 2), z=tall)
            for side in (-1, 1)
        ]
        walls += [cuboid(rim, 2 * b, 0.006).at(x=side * (a + rim / 2), z=tall) for side in (-1, 1)]
    shell = _furniture(merge([cuboid(2 * a, 2 * b, 0.003), *walls]), photos, rng)
    inside = (0.95 * a, 0.95 * b)
    count = _count(inside, 0.009, rng)
    cast = Cast(photos, count, rng)
    bodies = pile(cast, count, inside, rng)
    focus = _focus(bodies, width, b, rng)
    turn = float(rng.choice([0, 1, 2, 3]) * np.pi / 2)
    around = (turn - 0.35, turn + 0.35) if rng.random() < 0.6 else (0.0, 2 * np.pi)
    return Arrangement([shell, *bodies], a, Outlook(focus, width, (0.85, 1.53), around))


def _shelf(width: float, photos: Photos, rng: Rng) -> Arrangement:
    """Boards between two sides, seen from the front; things stand in rows on them."""
    half = float(np.clip(width * rng.uniform(0.4, 0.8), 0.18, 0.6))
    deep, t = rng.uniform(0.1, 0.2), rng.uniform(0.01, 0.03)
    gap = rng.uniform(0.2, 0.36)
    count = int(np.clip(width / gap, 1, 3))
    base = 0.0 if rng.random() < 0.5 else rng.uniform(0.2, 0.5)
    boards = [base + level * (gap + t) + t for level in range(count)]
    parts = [cuboid(2 * half, 2 * deep, t).at(z=board - t) for board in boards]
    top = boards[-1] + gap
    if rng.random() < 0.7:
        parts.append(cuboid(2 * half, 2 * deep, t).at(z=top))
    if rng.random() < 0.8:
        parts += [cuboid(t, 2 * deep, top + t).at(x=side * (half + t / 2)) for side in (-1, 1)]
    if rng.random() < 0.75:
        parts.append(cuboid(2 * half + 2 * t, 0.008, top + t).at(y=deep + 0.004))
    frame = _furniture(merge(parts), photos, rng)
    cast = Cast(photos, 12, rng)
    standing = rows(cast, boards, (half - 0.01, deep * 0.95), gap, rng)
    middle = float(rng.uniform(boards[0], top - gap * 0.3) if count > 1 else boards[0] + gap * 0.4)
    target = (float(rng.uniform(-0.4, 0.4) * half), 0.0, middle)
    front = -np.pi / 2
    outlook = Outlook(target, width, (-0.1, 0.55), (front - 0.5, front + 0.5))
    return Arrangement([frame, *standing[:MOST_THINGS]], half, outlook)
