"""Things to eat and drink from, and to eat with."""

from __future__ import annotations

import numpy as np

from training.world.mesh import Mesh, block, cuboid, loft, merge, mesh_of, prism, revolve
from training.world.shapes.form import (
    Form,
    Rng,
    filled,
    handle,
    line,
    vessel,
)


def bowl(rng: Rng) -> Form:
    r = rng.uniform(0.045, 0.1)
    h = r * rng.uniform(0.45, 0.85)
    turn = np.linspace(rng.uniform(0.3, 0.55), np.pi / 2, 8)
    outer = np.stack([r * np.sin(turn), h - h * np.cos(turn)], 1)
    outer[:, 1] -= outer[0, 1]
    foot = [(outer[0, 0] * 0.9, 0.0)] if rng.random() < 0.4 else []
    profile = [*foot, *((float(a), float(b) + 0.003 * bool(foot)) for a, b in outer)]
    contents, state = filled(profile, 0.004, rng, 0.3)
    return Form(
        merge([vessel(profile, 0.004).named("body"), *contents]),
        state,
        0.0 if contents else r * 0.75,
    )


def mug(rng: Rng) -> Form:
    r = rng.uniform(0.033, 0.05)
    h, taper = r * rng.uniform(1.6, 2.6), rng.uniform(0.75, 1.03)
    profile = [(r * taper * 0.93, 0.0), (r * taper, 0.004), (r * (1 + taper) / 2, h * 0.5), (r, h)]
    if rng.random() < 0.3:  # a belly, as on coffee cups
        profile[2] = (r * 1.06, h * 0.55)
    contents, state = filled(profile, 0.004, rng, 0.45)
    ear = handle(
        r * 0.97,
        h * rng.uniform(0.14, 0.3),
        h * rng.uniform(0.76, 0.9),
        r * rng.uniform(0.5, 0.8),
        rng.uniform(0.003, 0.0055),
    )
    return Form(merge([vessel(profile, 0.004).named("body"), ear, *contents]), state)


def cup(rng: Rng) -> Form:
    """A paper cup or tumbler, some with a lid."""
    r = rng.uniform(0.032, 0.045)
    h = r * rng.uniform(1.8, 3.2)
    profile = [(r * rng.uniform(0.65, 0.85), 0.0), (r, h)]
    body = vessel(profile, 0.0025).named("body")
    if rng.random() < 0.3:
        top = [
            (0, h - 0.004),
            (r * 1.05, h - 0.004),
            (r * 1.05, h + 0.004),
            (r * 0.92, h + 0.006),
            (r * 0.9, h + 0.014),
            (r * 0.84, h + 0.014),
            (r * 0.8, h + 0.008),
            (0, h + 0.008),
        ]
        return Form(merge([body, revolve(top).named("lid")]), ("closed",))
    contents, state = filled(profile, 0.0025, rng)
    return Form(merge([body, *contents]), state)


def glass(rng: Rng) -> Form:
    """A tumbler or a stemmed glass."""
    r = rng.uniform(0.03, 0.042)
    if rng.random() < 0.5:
        h = r * rng.uniform(2.2, 3.6)
        profile = [(r * rng.uniform(0.75, 1.0), 0.0), (r, h)]
        body = vessel(profile, 0.003)
        contents, state = filled(profile, 0.003, rng)
        return Form(merge([body.named("/glass"), *contents]), state)
    stem, cup_height = rng.uniform(0.06, 0.09), rng.uniform(0.07, 0.1)
    base = [
        (0.0, 0.0),
        (r * 0.95, 0.0),
        (r * 0.9, 0.003),
        (0.006, 0.008),
        (0.004, stem * 0.5),
        (0.006, stem),
        (0.0, stem),
    ]
    bulge = line((0.006, 0), (r * 0.8, 0.18), (r * 1.05, 0.5), (r * 0.8, 1.0), count=8)
    profile = [(float(a), float(b) * cup_height) for a, b in bulge]
    contents, state = filled(profile, 0.002, rng)
    parts = [vessel(profile, 0.002).named("/glass"), *contents]
    return Form(merge([revolve(base).named("/glass"), merge(parts).at(z=stem)]), state)


def plate(rng: Rng) -> Form:
    r = rng.uniform(0.07, 0.13)
    h, flat = r * rng.uniform(0.1, 0.22), rng.uniform(0.55, 0.75)
    bottom = [(0, 0), (r * flat, 0), (r * (flat + 0.1), h * 0.3), (r, h)]
    top = [(r * 0.98, h), (r * (flat + 0.08), h * 0.4), (r * flat, h * 0.22), (0, h * 0.22)]
    return Form(revolve([*bottom, *top], 40), (), r * 0.6)


def tray(rng: Rng) -> Form:
    """Flat with a low rim, some with handles."""
    w, d, h = rng.uniform(0.18, 0.32), rng.uniform(0.13, 0.22), rng.uniform(0.015, 0.035)
    t = 0.005
    rim = [
        cuboid(w, t, h).at(y=d / 2 - t / 2),
        cuboid(w, t, h).at(y=t / 2 - d / 2),
        cuboid(t, d - 2 * t, h).at(x=w / 2 - t / 2),
        cuboid(t, d - 2 * t, h).at(x=t / 2 - w / 2),
    ]
    parts = [block(w, d, t, 0.2).named("body"), merge(rim).named("body")]
    if rng.random() < 0.5:
        ear = handle(0, -d * 0.2, d * 0.2, 0.03, 0.004).turned("x", np.pi / 2).at(z=h)
        parts += [ear.at(x=w / 2), ear.turned("z", np.pi).at(x=-w / 2)]
    return Form(merge(parts), (), d * 0.4)


def pitcher(rng: Rng) -> Form:
    r = rng.uniform(0.042, 0.065)
    h = r * rng.uniform(2.7, 3.8)
    mouth = r * rng.uniform(0.72, 0.95)
    waist = r * rng.uniform(0.95, 1.12)
    profile = [(r * 0.85, 0.0), (waist, h * 0.3), (mouth, h * 0.85), (mouth * 1.08, h)]
    body = vessel(profile, 0.004).named("body")
    lip = (
        loft(
            line(
                (mouth * 0.9, 0, h * 0.86),
                (mouth * 1.15, 0, h * 0.97),
                (mouth * 1.45, 0, h),
                count=5,
            ),
            [r * 0.35, r * 0.32, r * 0.26, r * 0.2, r * 0.12],
            0.006,
            2,
            10,
        )
        .turned("z", np.pi)
        .named("spout")
    )
    grip = handle(mouth, h * 0.22, h * 0.9, r * rng.uniform(0.6, 0.95), rng.uniform(0.005, 0.008))
    if rng.random() < 0.35:
        cap = [
            (0, h - 0.002),
            (mouth * 1.1, h - 0.002),
            (mouth * 1.08, h + 0.006),
            (r * 0.4, h * 1.05),
            (0, h * 1.05),
        ]
        return Form(merge([body, lip, grip, revolve(cap).named("lid")]), ("closed",))
    contents, state = filled(profile, 0.004, rng)
    return Form(merge([body, lip, grip, *contents]), (*state, "open"))


def _grip(length: float, wide: float, thick: float, rise: float, rng: Rng) -> Mesh:
    """The handle of cutlery along x from 0 to -length."""
    end = rng.uniform(1.0, 2.2)
    path = line(
        (0.004, 0, rise + thick), (-length * 0.45, 0, thick * 2), (-length, 0, thick), count=8
    )
    widths = wide * np.array([0.7, 0.65, 0.7, 0.8, 1.0, end, end * 0.95, end * 0.5])
    return loft(path, widths, thick, 3, 10).named("handle")


def spoon(rng: Rng) -> Form:
    size = rng.uniform(0.75, 1.5) if rng.random() < 0.85 else rng.uniform(1.5, 2.1)
    length, wide, long = 0.115 * size, rng.uniform(0.017, 0.022) * size, 0.056 * size
    turn = np.linspace(0, np.pi, 9)
    x = long * (1 - np.cos(turn)) / 2
    half = wide * np.sin(turn) ** 0.7 * (1.05 - 0.15 * x / long) + 0.0015
    depth = rng.uniform(0.004, 0.009) * size
    dip = depth * (1 - np.sin(turn)) + 0.0015
    # A shell: the outside as a loft, hollowed by a second skin that lies lower in the middle.
    rows, columns = len(x), 9
    across = np.linspace(-1, 1, columns)
    sag = depth * (1 - across[None] ** 2) * np.sin(turn)[:, None] ** 0.7
    top = np.stack(
        [np.repeat(x[:, None], columns, 1), half[:, None] * across, dip[:, None] + depth - sag], -1
    )
    bottom = top - [0, 0, 0.0018]
    return Form(
        merge(
            [
                _shell(top, bottom, rows, columns).named("bowl"),
                _grip(length, 0.004 * size, 0.0013 * size, depth * 1.6, rng),
            ]
        ).grounded()
    )


def _shell(top: np.ndarray, bottom: np.ndarray, rows: int, columns: int) -> Mesh:
    """The closed body between two grids of points (rows, columns, 3), the first above."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    upper = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    lower = upper[:, ::-1] + rows * columns
    border = np.concatenate([index[0, ::-1], index[1:, 0], index[-1, 1:], index[-2:0:-1, -1]])
    after = np.roll(border, -1)
    under = rows * columns
    rim = np.concatenate(
        [
            np.stack([border, border + under, after + under], 1),
            np.stack([border, after + under, after], 1),
        ]
    )
    points = np.concatenate([top.reshape(-1, 3), bottom.reshape(-1, 3)])
    return mesh_of(points, np.concatenate([upper, lower, rim]))


def fork(rng: Rng) -> Form:
    size = rng.uniform(0.8, 1.3)
    count = int(rng.integers(3, 5))
    wide, long, thick = 0.0125 * size, 0.075 * size, 0.002
    gap, root = 2 * wide / (2 * count - 1), long * 0.42
    points: list[tuple[float, float]] = [(0, -0.004), (root * 0.35, -wide), (root, -wide)]
    for tine in range(count):
        low = -wide + 2 * gap * tine
        points += [(long, low + gap * 0.25), (long, low + gap * 0.75)]
        if tine < count - 1:
            points += [(root, low + gap), (root, low + 2 * gap)]
    points += [(root, wide), (root * 0.35, wide), (0, 0.004)]
    head = prism(points, thick)
    bent = head.vertices.copy()
    bent[:, 2] += 0.012 * size * (1 - np.clip(bent[:, 0] / root, 0, 1)) ** 2
    bent[:, 2] += 0.006 * size * np.clip((bent[:, 0] - root) / (long - root), 0, 1) ** 2
    curved = Mesh(bent, head.triangles, head.normals, head.groups, ("tines",))
    return Form(
        merge(
            [curved, _grip(0.115 * size, 0.004 * size, 0.0014 * size, 0.012 * size, rng)]
        ).grounded()
    )


def knife(rng: Rng) -> Form:
    """A table knife or a kitchen knife, flat on its side."""
    kitchen = rng.random() < 0.5
    long = rng.uniform(0.13, 0.2) if kitchen else rng.uniform(0.09, 0.12)
    wide = rng.uniform(0.026, 0.045) if kitchen else rng.uniform(0.016, 0.02)
    tip = line((0, 0), (long * 0.7, 0), (long * 0.92, wide * 0.25), (long, wide * 0.85), count=8)
    outline = [*map(tuple, tip), (long * 0.99, wide), (0, wide)]
    blade = prism(outline, 0.002).at(y=-wide / 2, z=0.004).named("blade")
    grip, half = rng.uniform(0.09, 0.12), rng.uniform(0.009, 0.0125)
    path = line((0.008, 0, 0.006), (-grip * 0.5, 0, 0.006), (-grip, 0, 0.006), count=7)
    shaft = loft(path, half * np.array([0.7, 1, 0.9, 0.85, 0.95, 1.1, 0.7]), 0.006, 4, 12)
    return Form(merge([blade, shaft.named("handle")]).grounded())


def spatula(rng: Rng) -> Form:
    """A turner."""
    long, wide = rng.uniform(0.07, 0.1), rng.uniform(0.025, 0.04)
    outline = [
        (0, -0.006),
        (long * 0.2, -wide * 0.8),
        (long, -wide),
        (long, wide),
        (long * 0.2, wide * 0.8),
        (0, 0.006),
    ]
    head = prism(outline, 0.0025).at(z=0.003).named("blade")
    grip = rng.uniform(0.14, 0.22)
    path = line((0.01, 0, 0.005), (-grip * 0.3, 0, 0.012), (-grip, 0, 0.008), count=7)
    shaft = loft(path, [0.005, 0.005, 0.005, 0.006, 0.008, 0.009, 0.006], 0.005, 3, 10)
    return Form(merge([head, shaft.named("handle")]).grounded())
