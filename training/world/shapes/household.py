"""What lies about in offices, workshops, halls and nurseries."""

from __future__ import annotations

import numpy as np

from training.world.mesh import Mesh, block, cuboid, loft, merge, prism, revolve, tube
from training.world.shapes.form import Form, Rng, line, ring, sphere, stick, vessel


def book(rng: Rng) -> Form:
    """Closed, or open in the middle."""
    w, d = rng.uniform(0.1, 0.17), rng.uniform(0.14, 0.24)
    thick, cover = rng.uniform(0.012, 0.045), 0.0022
    if rng.random() < 0.7:
        leaves = cuboid(w - 0.006, d - 0.01, thick - 2 * cover).at(x=-0.001, z=cover)
        covers = [cuboid(w, d, cover), cuboid(w, d, cover).at(z=thick - cover)]
        spine = cuboid(cover, d, thick).at(x=-w / 2)
        return Form(
            merge([merge([*covers, spine]).named("cover"), leaves.named("pages/paper")]).grounded(),
            ("closed",),
        )
    halves = []
    for side in (-1, 1):
        x = np.linspace(0.0, 1.0, 8)
        rise = thick * 0.55 * (np.sqrt(x * 1.6) * np.exp(-1.2 * x) * 1.6)
        path = np.stack([side * (x * w + 1e-4), 0 * x, cover + rise / 2 + 0.0005], 1)
        pages = loft(path, d / 2 - 0.004, rise / 2 + 0.0006, 8, 16)
        halves += [
            pages.named("pages/print"),
            cuboid(w + 0.004, d, cover).at(x=side * w / 2).named("cover"),
        ]
    return Form(merge(halves).grounded(), ("open",))


def laptop(rng: Rng) -> Form:
    w = rng.uniform(0.28, 0.36)
    d, t = w * rng.uniform(0.64, 0.72), rng.uniform(0.012, 0.02)
    base = block(w, d, t, 0.3).named("base")
    if rng.random() < 0.2:
        lid = block(w, d, t * 0.5, 0.3).at(z=t).named("lid")
        logo = revolve([(0, 0), (0.016, 0), (0.016, 0.0004), (0, 0.0004)], 20).at(z=t * 1.5)
        return Form(merge([base, lid, logo.named("lid/mark")]), ("closed",))
    keys = cuboid(w * 0.86, d * 0.46, 0.0008).at(y=d * 0.16, z=t - 0.0002).named("keyboard/keys")
    pad = cuboid(w * 0.3, d * 0.26, 0.0006).at(y=-d * 0.29, z=t - 0.0002).named("base/pad")
    frame = block(w, t * 0.45, d * 0.97, 0.3).named("screen/frame")
    glass = cuboid(w * 0.94, 0.0012, d * 0.86).at(y=-t * 0.225, z=d * 0.07).named("screen/display")
    angle = -rng.uniform(0.05, 0.75)
    screen = merge([frame, glass]).turned("x", angle).at(y=d / 2 - 0.003, z=t * 0.8)
    return Form(merge([base, keys, pad, screen]).grounded(), ("open",))


def phone(rng: Rng) -> Form:
    w = rng.uniform(0.065, 0.08)
    d, t = w * rng.uniform(1.9, 2.2), 0.008
    body = block(w, d, t, 0.5).named("body")
    if rng.random() < 0.7:
        glass = block(w * 0.95, d * 0.97, 0.001, 0.3).at(z=t - 0.0004).named("screen/display")
        return Form(merge([body, glass]))
    lenses = [
        revolve([(0, 0), (0.007, 0), (0.006, 0.002), (0, 0.002)], 14).at(-w * 0.28, y, t)
        for y in (d * 0.4, d * 0.29)
    ]
    island = block(w * 0.3, d * 0.26, 0.0016, 0.5).at(x=-w * 0.28, y=d * 0.345, z=t - 0.0004)
    return Form(
        merge([body, island.named("body"), merge(lenses).at(z=0.001).named("camera/display")])
    )


def remote(rng: Rng) -> Form:
    w, t = rng.uniform(0.036, 0.05), rng.uniform(0.015, 0.022)
    d = w * rng.uniform(3.2, 4.5)
    parts = [block(w, d, t, 0.5).named("body")]
    columns, rows = 3, int(rng.integers(5, 9))
    keys = []
    for row in range(rows):
        for column in range(columns):
            key = revolve([(0, 0), (w * 0.1, 0), (w * 0.09, 0.002), (0, 0.002)], 8)
            keys.append(
                key.at((column - 1) * w * 0.28, (row - rows / 2) * d * 0.1 - d * 0.02, t - 0.0003)
            )
    power = revolve([(0, 0), (w * 0.12, 0), (w * 0.1, 0.003), (0, 0.003)], 10).at(
        -w * 0.25, d * 0.44, t
    )
    return Form(merge([*parts, merge(keys).named("buttons"), power.named("buttons/red")]))


def computer_mouse(rng: Rng) -> Form:
    w, d, h = rng.uniform(0.054, 0.066), rng.uniform(0.095, 0.12), rng.uniform(0.03, 0.042)
    t = np.linspace(0, 1, 9)
    high = h / 2 * np.array([0.35, 0.7, 0.9, 1, 1, 0.92, 0.75, 0.5, 0.25])
    wide = w / 2 * np.array([0.5, 0.85, 1, 0.97, 0.92, 0.95, 0.95, 0.85, 0.5])
    body = loft(np.stack([(t - 0.5) * d, 0 * t, high], 1), wide, high, 2.6, 18)
    wheel = tube([(d * 0.27, -0.004, h * 0.74), (d * 0.27, 0.004, h * 0.74)], 0.007, 14, (0, 0, 1))
    # The gap between the buttons follows the top of the body; it is the other way round in x.
    along = np.linspace(0.5, 0.97, 8)
    top = 2 * np.interp(along, t, high) + 0.0003
    gap = loft(np.stack([(along - 0.5) * d, 0 * along, top], 1), 0.0011, 0.0008, 4, 8)
    across = tube(
        [
            (0.0, y * w, np.sqrt(1 - (2 * y) ** 2) * 0.46 * h + 0.51 * h)
            for y in np.linspace(-0.4, 0.4, 9)
        ],
        0.0009,
        6,
        (1, 0, 0),
    )
    return Form(
        merge(
            [
                body.named("body"),
                wheel.named("wheel"),
                gap.named("body/dark"),
                across.named("body/dark"),
            ]
        ).grounded()
    )


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


def padlock(rng: Rng) -> Form:
    w = rng.uniform(0.035, 0.055)
    h, t = w * rng.uniform(0.8, 1.1), w * 0.4
    opened = rng.random() < 0.35
    lift = h * (0.95 + 0.3 * opened)
    turn = np.linspace(0, np.pi, 9)
    r = w * 0.34
    arch = [
        (r, 0, h * (1.0 if opened else 0.6)),
        *((r * np.cos(a), 0, lift + h * 0.15 + r * np.sin(a)) for a in turn),
        (-r, 0, h * 0.6),
    ]
    bow = tube(arch, w * 0.09, 10)
    # It lies on its flat side.
    body = block(w, t, h, 0.4)
    return Form(
        merge([body.named("body"), bow.named("shackle/steel")]).turned("x", -np.pi / 2).grounded(),
        ("open" if opened else "closed",),
    )


def key(rng: Rng) -> Form:
    size = rng.uniform(0.9, 1.3)
    r, t = 0.0115 * size, 0.0026
    bow = ring(r, t / 2 + 0.0006, rng.uniform(0.85, 1.2)).at(x=-0.011 * size)
    teeth = [
        (0, -0.003),
        (0.034, -0.003),
        (0.038, 0.0),
        (0.034, 0.0025),
        (0.03, 0.001),
        (0.027, 0.0045),
        (0.023, 0.0015),
        (0.019, 0.005),
        (0.015, 0.0025),
        (0.011, 0.0045),
        (0.008, 0.003),
        (0, 0.003),
    ]
    blade = prism(np.array(teeth) * size * [1, 1.25], t)
    return Form(merge([bow, blade]).grounded())


def light_bulb(rng: Rng) -> Form:
    r = rng.uniform(0.026, 0.034)
    side = line(
        (0.0, 0.0), (0.75, 0.25), (1.0, 1.0), (0.75, 1.75), (0.42, 2.45), (0.4, 2.6), count=16
    )
    side[0] = 0
    bulb = revolve([*(side * r), (0, 2.6 * r)], 26)
    z = 2.55 * r
    thread = [(0, z)]
    for step in range(5):
        thread += [(r * 0.44, z + r * 0.17 * step), (r * 0.38, z + r * 0.17 * (step + 0.5))]
    thread += [(r * 0.2, z + r * 1.05), (0, z + r * 1.08)]
    return Form(
        merge([bulb.named("bulb/milk"), revolve(thread, 18).named("base/steel")])
        .turned("x", np.pi / 2 + 0.12)
        .grounded()
    )


def candle(rng: Rng) -> Form:
    r = rng.uniform(0.012, 0.036)
    h = r * rng.uniform(1.0, 2.6) if r > 0.02 else rng.uniform(0.1, 0.2)
    body = revolve(
        [(0, 0), (r, 0), (r, h), (r * 0.9, h * 0.995), (r * 0.3, h - 0.003), (0, h - 0.003)]
    )
    wick = tube([(0, 0, h - 0.004), (0.0005, 0, h + 0.006), (0.003, 0, h + 0.012)], 0.0012, 6)
    return Form(merge([body.named("body"), wick.named("wick")]))


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


def flashlight(rng: Rng) -> Form:
    long, r = rng.uniform(0.11, 0.19), rng.uniform(0.012, 0.017)
    head = r * rng.uniform(1.4, 1.8)
    body = stick(np.array([0, 0.02, 0.65, 0.78]) * long, [r * 0.85, r, r, head], 16, head)
    front = stick(np.array([0.77, 1.0]) * long, [head, head], 18, head)
    lens = stick(np.array([0.999, 1.004]) * long, [head * 0.85, head * 0.8], 18, head)
    switch = block(0.02, 0.01, 0.004, 0.6).at(x=0.5 * long, z=head + r * 0.9)
    return Form(
        merge(
            [
                body.named("body"),
                front.named("head"),
                lens.named("head/milk"),
                switch.named("switch"),
            ]
        ).grounded()
    )


def ball(rng: Rng) -> Form:
    return Form(sphere(rng.uniform(0.02, 0.06)))


def cone(rng: Rng) -> Form:
    r = rng.uniform(0.03, 0.06)
    h = r * rng.uniform(1.9, 3)
    body = revolve([(0, 0.003), (r * 0.85, 0.003), (r * 0.14, h * 0.98), (0, h)])
    if rng.random() < 0.7:
        return Form(merge([body, block(r * 2.1, r * 2.1, 0.007, 0.3)]))
    return Form(revolve([(0, 0), (r, 0), (r * 0.08, h * 0.98), (0, h)]))


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


def keyboard(rng: Rng) -> Form:
    w, d, t = rng.uniform(0.28, 0.42), rng.uniform(0.11, 0.14), rng.uniform(0.012, 0.02)
    keys = cuboid(w * 0.95, d * 0.82, 0.004).at(z=t - 0.001).named("/keys")
    return Form(merge([block(w, d, t, 0.3), keys]).turned("x", 0.05).grounded())


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
