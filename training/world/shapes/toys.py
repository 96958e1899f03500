"""Toys, balls and cones."""

from __future__ import annotations

import numpy as np

from training.world.mesh import Mesh, block, cuboid, merge, prism, revolve, tube
from training.world.shapes.form import Form, Rng, line, sphere


def ball(rng: Rng) -> Form:
    return Form(sphere(rng.uniform(0.02, 0.06)))


def cone(rng: Rng) -> Form:
    r = rng.uniform(0.03, 0.06)
    h = r * rng.uniform(1.9, 3)
    body = revolve([(0, 0.003), (r * 0.85, 0.003), (r * 0.14, h * 0.98), (0, h)])
    if rng.random() < 0.7:
        return Form(merge([body, block(r * 2.1, r * 2.1, 0.007, 0.3)]))
    return Form(revolve([(0, 0), (r, 0), (r * 0.08, h * 0.98), (0, h)]))


def toy_car(rng: Rng) -> Form:
    long = rng.uniform(0.08, 0.15)
    w, r = long * 0.42, long * 0.105
    low, waist, roof = r * 0.7, long * 0.2, long * rng.uniform(0.32, 0.38)
    nose, tail = rng.uniform(0.12, 0.2), rng.uniform(0.0, 0.12)
    hull = [
        (0, low),
        (long, low),
        (long, waist * 0.9),
        (long * (0.97 - nose), waist),
        (0.02 * long, waist),
    ]
    cabin = [
        (long * (tail + 0.02), waist),
        (long * (0.95 - nose), waist),
        (long * (0.78 - nose), roof),
        (long * (tail + 0.1), roof),
    ]
    upright = [prism(hull, w).named("body"), prism(cabin, w * 0.86).at(z=w * 0.07).named("body")]
    glass = prism(np.array(cabin) * [0.93, 1] * 1.0 + [long * 0.03, 0], w * 0.88).scaled(
        (1, 0.9, 1)
    )
    windows = glass.at(y=waist * 0.1 + 0.001, z=w * 0.06).named("window")
    parts = [part.turned("x", np.pi / 2).at(y=w / 2) for part in (*upright, windows)]
    for x in (0.2, 0.78):
        for side in (-1, 1):
            y = side * w * 0.42
            wheel = tube(
                [(x * long, y - w * 0.09, r), (x * long, y + w * 0.09, r)], r, 16, (0, 0, 1)
            )
            hub = tube(
                [(x * long, y - w * 0.1, r), (x * long, y + w * 0.1, r)], r * 0.5, 12, (0, 0, 1)
            )
            parts += [wheel.named("wheels"), hub.named("wheels/steel")]
    return Form(merge(parts).grounded())


def toy_block(rng: Rng) -> Form:
    """A building block: plain, or with studs."""
    if rng.random() < 0.5:
        a = rng.uniform(0.025, 0.045)
        return Form(block(a, a * rng.choice([1, 1, 2]), a * rng.choice([1, 1, 0.5]), 0.12))
    pitch = rng.uniform(0.012, 0.02)
    columns, rows = int(rng.integers(2, 5)), 2
    h = pitch * 1.2
    studs = [
        revolve([(0, 0), (pitch * 0.3, 0), (pitch * 0.3, pitch * 0.22), (0, pitch * 0.22)], 12).at(
            (i - (columns - 1) / 2) * pitch, (j - 0.5) * pitch, h
        )
        for i in range(columns)
        for j in range(rows)
    ]
    return Form(merge([cuboid(columns * pitch, rows * pitch, h), *studs]))


def toy_bear(rng: Rng) -> Form:
    """A sitting teddy bear."""
    s = rng.uniform(0.04, 0.07)

    def lump(x: float, y: float, z: float, r: float, tall: float = 1.0) -> Mesh:
        return sphere(r * s, 9).scaled((1, 1, tall)).at(x * s, y * s, z * s)

    fur = [
        lump(0, 0, 0, 1.0, 1.15),
        lump(0, 0, 1.95, 0.8),
        lump(0, 0.62, 3.05, 0.3),
        lump(0, -0.62, 3.05, 0.3),
    ]
    for side in (-1, 1):
        fur.append(
            tube(
                line(
                    (0.2, 0.55 * side, 0.4),
                    (1.0, 0.75 * side, 0.42),
                    (1.6, 0.85 * side, 0.45),
                    count=5,
                )
                * s,
                s * np.array([0.4, 0.42, 0.4, 0.44, 0.3]),
                12,
                (0, 0, 1),
            )
        )
        fur.append(
            tube(
                line(
                    (0, 0.75 * side, 1.75), (0.4, 1.15 * side, 1.3), (0.7, 1.3 * side, 0.9), count=5
                )
                * s,
                s * np.array([0.28, 0.3, 0.3, 0.32, 0.2]),
                10,
                (1, 0, 0),
            )
        )
    face = [lump(0.7, 0, 2.3, 0.33)]
    dark = [lump(0.66, 0.3 * side, 2.75, 0.09) for side in (-1, 1)] + [lump(0.98, 0, 2.6, 0.12)]
    return Form(merge([*fur, merge(face).named("/snout"), merge(dark).named("/black")]).grounded())
