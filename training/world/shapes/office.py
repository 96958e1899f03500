"""Devices, books and small things that lie about."""

from __future__ import annotations

import numpy as np

from training.world.mesh import block, cuboid, loft, merge, prism, revolve, tube
from training.world.shapes.form import Form, Rng, line, ring, stick


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


def keyboard(rng: Rng) -> Form:
    w, d, t = rng.uniform(0.28, 0.42), rng.uniform(0.11, 0.14), rng.uniform(0.012, 0.02)
    keys = cuboid(w * 0.95, d * 0.82, 0.004).at(z=t - 0.001).named("/keys")
    return Form(merge([block(w, d, t, 0.3), keys]).turned("x", 0.05).grounded())


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


def light_bulb(rng: Rng) -> Form:
    r = rng.uniform(0.026, 0.034)
    side = line(
        (0.0, 0.0), (0.75, 0.25), (1.0, 1.0), (0.75, 1.75), (0.42, 2.45), (0.4, 2.6), count=16
    )
    side[0] = 0
    bulb = revolve([*(side * r), (0, 2.6 * r)], 26)
    z = 2.55 * r
    thread: list[tuple[float, float]] = [(0, z)]
    for step in range(5):
        thread += [(r * 0.44, z + r * 0.17 * step), (r * 0.38, z + r * 0.17 * (step + 0.5))]
    thread += [(r * 0.2, z + r * 1.05), (0, z + r * 1.08)]
    return Form(
        merge([bulb.named("bulb/milk"), revolve(thread, 18).named("base/steel")])
        .turned("x", np.pi / 2 + 0.12)
        .grounded()
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


def candle(rng: Rng) -> Form:
    r = rng.uniform(0.012, 0.036)
    h = r * rng.uniform(1.0, 2.6) if r > 0.02 else rng.uniform(0.1, 0.2)
    body = revolve(
        [(0, 0), (r, 0), (r, h), (r * 0.9, h * 0.995), (r * 0.3, h - 0.003), (0, h - 0.003)]
    )
    wick = tube([(0, 0, h - 0.004), (0.0005, 0, h + 0.006), (0.003, 0, h + 0.012)], 0.0012, 6)
    return Form(merge([body.named("body"), wick.named("wick")]))
