"""What stands in kitchens, halls and shops: boxes, bags, baskets, plants, shoes."""

from __future__ import annotations

import numpy as np

from training.world.mesh import block, cuboid, loft, merge, revolve, tube
from training.world.shapes.form import Form, Rng, line, ring, vessel


def sponge(rng: Rng) -> Form:
    w, d, h = rng.uniform(0.09, 0.13), rng.uniform(0.055, 0.075), rng.uniform(0.025, 0.04)
    if rng.random() < 0.35:
        return Form(block(w, d, h, 0.35).named("/foam"))
    foam = block(w, d, h * 0.75, 0.25).named("/foam")
    return Form(merge([foam, block(w, d, h * 0.28, 0.25).at(z=h * 0.74).named("/scourer")]))


def shoe(rng: Rng) -> Form:
    long = rng.uniform(0.2, 0.28)
    t = np.linspace(0, 1, 11)
    wide = long * 0.16 * np.array([0.6, 0.86, 0.9, 0.82, 0.8, 0.86, 1, 1.1, 1.08, 0.9, 0.4])
    sole_high = 0.013
    path = np.stack([t * long, 0 * t, 0 * t + sole_high], 1)
    sole = loft(path, wide * 1.06, sole_high, 4, 16).named("sole")
    top = long * np.array([0.3, 0.36, 0.37, 0.36, 0.35, 0.31, 0.25, 0.2, 0.17, 0.14, 0.09])
    upper = loft(np.stack([t * long, 0 * t, top / 2 + 0.006], 1), wide * 0.97, top / 2, 2.5, 18)
    hole = loft(
        [(x * long, 0, z * long) for x, z in ((0.06, 0.362), (0.2, 0.372), (0.38, 0.355))],
        [long * 0.06, long * 0.075, long * 0.045],
        0.006,
        2,
        14,
    )
    laces = [
        tube(
            [
                (x * long, -y * long, z * long),
                (x * long, 0, z * long + 0.008),
                (x * long, y * long, z * long),
            ],
            0.0028,
            6,
            (1, 0, 0),
        )
        for x, y, z in (
            (0.46, 0.075, 0.335),
            (0.53, 0.08, 0.3),
            (0.6, 0.085, 0.265),
            (0.67, 0.085, 0.24),
        )
    ]
    return Form(
        merge(
            [sole, upper.named("upper"), hole.named("upper/dark"), merge(laces).named("laces")]
        ).grounded()
    )


def vase(rng: Rng) -> Form:
    r, h = rng.uniform(0.035, 0.055), rng.uniform(0.14, 0.24)
    neck = rng.uniform(0.4, 0.7)
    side = line((0.6, 0), (1.0, 0.35), (0.8, 0.65), (neck, 0.85), (neck * 1.4, 1.0), count=10)
    return Form(vessel([(float(a) * r, float(b) * h) for a, b in side], 0.003).named("body"))


def plant(rng: Rng) -> Form:
    """A potted plant: leaves around the middle of a pot with earth."""
    r = rng.uniform(0.035, 0.06)
    h = r * rng.uniform(1.4, 1.9)
    pot = vessel([(r * 0.7, 0.0), (r * 0.95, h * 0.8), (r * 1.08, h * 0.8), (r * 1.08, h)], 0.004)
    soil = revolve([(0, h * 0.7), (r * 0.88, h * 0.7), (r * 0.98, h * 0.9), (0, h * 0.92)], 20)
    slim = rng.random() < 0.4
    leaves = []
    for index in range(int(rng.integers(7, 13))):
        long = r * rng.uniform(1.6, 3.0)
        droop = rng.uniform(-0.4, 0.9) if not slim else rng.uniform(-0.2, 0.3)
        out = long * rng.uniform(0.15, 0.35) if slim else long * rng.uniform(0.3, 0.8)
        path = line(
            (0.002, 0, h * 0.88),
            (out * 0.5, 0, h + long * 0.6),
            (out, 0, h + long * (0.8 - 0.5 * droop)),
            count=6,
        )
        wide = long * (0.06 if slim else 0.2) * np.array([0.15, 0.3, 0.8, 1.0, 0.7, 0.05])
        leaf = loft(path, wide, 0.0012, 2, 6, (1, 0, 0.3))
        leaves.append(leaf.turned("z", index * 2.4 + rng.uniform(-0.3, 0.3)))
    return Form(
        merge([pot.named("pot"), soil.named("pot/soil"), merge(leaves).named("leaves/leaf")])
    )


def basket(rng: Rng) -> Form:
    """Woven, round or long, some with a bow."""
    r = rng.uniform(0.07, 0.12)
    h, long = r * rng.uniform(0.6, 1.1), rng.choice([1.0, rng.uniform(1.2, 1.5)])
    parts = [vessel([(r * 0.8, 0.0), (r * 0.93, h * 0.5), (r, h)], 0.005, 36).named("body/weave")]
    parts.append(ring(r * 0.98, 0.005, 1.0, 30).at(z=h - 0.006).named("body/weave"))
    whole = merge(parts).scaled((long, 1, 1))
    if rng.random() < 0.5:
        turn = np.linspace(0, np.pi, 15)
        bow = np.stack([0 * turn, r * 0.97 * np.cos(turn), h * 0.95 + r * 1.1 * np.sin(turn)], 1)
        whole = merge([whole, loft(bow, 0.005, 0.008, 3, 8, (1, 0, 0)).named("handle/weave")])
    return Form(whole, (), r * 0.75)


def bag(rng: Rng) -> Form:
    """A paper bag that stands, with handles or folded over, or a packet of crisps that lies."""
    if rng.random() < 0.35:
        w, d, t = rng.uniform(0.1, 0.16), rng.uniform(0.14, 0.22), rng.uniform(0.02, 0.035)
        y = np.array([-0.5, -0.46, -0.4, -0.2, 0.1, 0.35, 0.43, 0.48, 0.5]) * d
        high = t * np.array([0.04, 0.05, 0.4, 0.95, 1.0, 0.6, 0.3, 0.05, 0.04])
        wide = w / 2 * np.array([1.05, 1.04, 0.98, 0.94, 0.93, 0.97, 1.0, 1.04, 1.05])
        return Form(loft(np.stack([0 * y, y, 0 * y + t], 1), wide, high, 2.6, 20).grounded())
    w = rng.uniform(0.1, 0.18)
    d, h = w * rng.uniform(0.45, 0.65), w * rng.uniform(1.1, 1.6)
    z = np.array([0, 0.3, 0.7, 1.0]) * h
    pinch = rng.choice([1.0, 0.75, 0.12])
    deep = d / 2 * np.array([1, 1, (1 + pinch) / 2, pinch])
    body = loft(
        np.stack([0 * z, 0 * z, z], 1),
        deep,
        w / 2 * np.array([1, 1.0, 0.99, 0.97]),
        9,
        24,
        (1, 0, 0),
    )
    parts = [body.named("body")]
    if pinch > 0.5:
        inside = cuboid(w * 0.9, d * pinch * 0.88, 0.001).at(z=h).named("body/dark")
        bows = [
            tube(
                [
                    (x * w, side * d * pinch * 0.45, h + y * w)
                    for x, y in (
                        (-0.2, -0.05),
                        (-0.19, 0.15),
                        (-0.1, 0.3),
                        (0.1, 0.3),
                        (0.19, 0.15),
                        (0.2, -0.05),
                    )
                ],
                0.003,
                6,
            )
            for side in (-1, 1)
        ]
        parts += [inside, merge(bows).named("handle")]
    return Form(merge(parts))


def box(rng: Rng) -> Form:
    """Closed, or a shipping carton with its flaps up."""
    sides = (
        np.sort(rng.uniform(0.05, 0.19, 3))[[1, 2, 0]]
        if rng.random() < 0.6
        else rng.uniform(0.06, 0.17, 3)
    )
    w, d, h = (float(side) for side in rng.permutation(sides))
    if rng.random() < 0.75:
        return Form(cuboid(w, d, h), ("closed",))
    w, d, h, t = max(w, 0.1), max(d, 0.1), max(h, 0.06), 0.003
    walls = [cuboid(w, t, h).at(y=side * (d - t) / 2) for side in (-1, 1)]
    walls += [cuboid(t, d, h).at(x=side * (w - t) / 2) for side in (-1, 1)]
    flaps = []
    for turn, (across, half) in enumerate(((w, d), (d, w)) * 2):
        flap = cuboid(across * 0.97, t * 0.7, half * 0.45).turned("x", -rng.uniform(0.3, 2.2))
        flaps.append(flap.at(y=half / 2 - t, z=h - t).turned("z", turn * np.pi / 2))
    body = merge([cuboid(w, d, t), *walls]).named("body")
    return Form(merge([body, merge(flaps).named("flaps/flap")]), ("open",), min(w, d) * 0.42)
