"""Cookware and what food and drink are kept and carried in."""

from __future__ import annotations

import numpy as np

from training.world.mesh import Mesh, block, cuboid, loft, merge, mesh_of, revolve, tube
from training.world.shapes.form import Form, Rng, filled, handle, knob, line, vessel


def can(rng: Rng) -> Form:
    r = rng.uniform(0.027, 0.055)
    h = r * rng.uniform(1.3, 3.4)
    rim = [(r * 0.93, h), (r * 0.9, h * 0.975), (0, h * 0.975)]
    body = revolve([(0, 0), (r * 0.94, 0), (r, h * 0.03), (r, h * 0.96), *rim])
    if rng.random() < 0.5:
        ring = block(r * 0.35, r * 0.7, 0.002, 0.8).at(y=r * 0.25, z=h * 0.975)
        return Form(merge([body, ring.named("/steel")]))
    return Form(body)


def bottle(rng: Rng) -> Form:
    r, h = rng.uniform(0.022, 0.045), rng.uniform(0.14, 0.28)
    neck, shoulder = r * rng.uniform(0.28, 0.5), rng.uniform(0.5, 0.76)
    waist = r * rng.uniform(0.82, 1)
    body = [(0, 0), (r * 0.95, 0), (r, h * 0.03), (waist, h * shoulder * 0.6), (r, h * shoulder)]
    curve = np.linspace(0, 1, 5)[1:]
    drop = neck + (r - neck) * (1 + np.cos(np.pi * curve)) / 2
    rise = h * (shoulder + (0.88 - shoulder) * 0.8 * curve)
    glass = revolve([*body, *zip(drop, rise, strict=True), (neck, h * 0.9), (0, h * 0.9)])
    lid = neck * rng.uniform(1.1, 1.4)
    cap = revolve([(0, h * 0.88), (lid, h * 0.88), (lid, h * 0.99), (lid * 0.92, h), (0, h)], 20)
    parts = [glass.named("body"), cap.named("cap")]
    draw = rng.random()
    if draw < 0.18:  # a pump, as for soap
        parts.append(tube([(0, 0, h), (0, 0, h * 1.12)], neck * 0.4, 10).named("cap"))
        spout = line((-neck, 0, h * 1.12), (neck, 0, h * 1.14), (r, 0, h * 1.1), count=5)
        parts.append(loft(spout, neck * 0.6, neck * 0.4, 3, 8).named("cap"))
    elif draw < 0.4:  # a trigger, as on sprays
        parts.append(
            block(neck * 5, neck * 1.6, h * 0.11, 0.4).at(x=-neck, z=h * 0.97).named("cap")
        )
        pull = line(
            (-neck * 1.6, 0, h), (-neck * 2.6, 0, h * 0.9), (-neck * 2.4, 0, h * 0.82), count=5
        )
        parts.append(loft(pull, neck * 0.4, neck * 0.3, 3, 8, (0, 1, 0)).named("cap"))
    whole = merge(parts)
    if rng.random() < 0.35:  # flat flasks: shampoo, detergent
        whole = whole.scaled((1, rng.uniform(0.55, 0.8), 1))
    return Form(whole)


def jar(rng: Rng) -> Form:
    """A wide jar, its lid on it or lying beside it."""
    r = rng.uniform(0.03, 0.048)
    h = r * rng.uniform(1.6, 2.8)
    profile = [(r * 0.92, 0.0), (r, h * 0.06), (r, h * 0.75), (r * 0.82, h * 0.88), (r * 0.82, h)]
    lid = revolve(
        [(0, 0), (r * 0.88, 0), (r * 0.88, h * 0.14), (r * 0.84, h * 0.16), (0, h * 0.16)]
    )
    body = vessel(profile, 0.003).named("body")
    contents, state = filled(profile, 0.003, rng, 0.6)
    if rng.random() < 0.6:
        return Form(merge([body, lid.at(z=h * 0.9).named("lid")]), ("closed",))
    beside = lid.at(x=r * rng.uniform(1.95, 2.3)).named("lid")
    return Form(merge([body, beside, *contents]), (*state, "open"))


def carton(rng: Rng) -> Form:
    """Milk or juice: a gable top or a flat one, some with a cap."""
    w = rng.uniform(0.055, 0.085)
    d, h = w * rng.uniform(0.65, 1), w * rng.uniform(1.7, 2.9)
    parts = [cuboid(w, d, h).named("body")]
    roof = 0.0
    if rng.random() < 0.65:
        roof = w * rng.uniform(0.4, 0.6)
        a, b, t = w / 2, d / 2, 0.002
        points = [
            (-a, -b, h),
            (a, -b, h),
            (a, b, h),
            (-a, b, h),
            (-a, -t, h + roof),
            (a, -t, h + roof),
            (a, t, h + roof),
            (-a, t, h + roof),
        ]
        faces = [[0, 1, 5, 4], [2, 3, 7, 6], [1, 2, 6, 5], [3, 0, 4, 7], [4, 5, 6, 7], [0, 3, 2, 1]]
        parts += [_flat(points, face).named("body") for face in faces]
        parts.append(cuboid(w, 0.004, roof * 0.35).at(z=h + roof * 0.97).named("body"))
    if rng.random() < 0.6:
        cap = revolve([(0, 0), (w * 0.2, 0), (w * 0.19, 0.013), (0, 0.014)], 16)
        if roof:
            cap = cap.turned("x", np.arctan2(roof, d / 2)).at(y=-d / 4, z=h + roof / 2 - 0.002)
        else:
            cap = cap.at(x=w * 0.2, z=h - 0.001)
        parts.append(cap.named("cap"))
    return Form(merge(parts))


def _flat(points: list[tuple[float, float, float]], corners: list[int]) -> Mesh:
    return mesh_of([points[c] for c in corners], [[0, 1, 2], [0, 2, 3]])


def squeezed_tube(rng: Rng) -> Form:
    """Toothpaste or glue, lying: round at the cap, flat at the seam."""
    long, r = rng.uniform(0.09, 0.16), rng.uniform(0.014, 0.021)
    x = np.array([0, 0.02, 0.3, 0.65, 1.0]) * long
    wide = r * np.array([0.5, 1.0, 1.05, 1.25, 1.45])
    high = np.array([r * 0.5, r, r * 0.85, r * 0.45, 0.0015])
    body = loft(np.stack([x, 0 * x, np.full(5, r)], 1), wide, high, 2.3, 18)
    cap = stick_cap(-rng.uniform(0.012, 0.022), r * rng.uniform(0.5, 0.75), r)
    return Form(merge([body.named("body"), cap]).grounded())


def stick_cap(end: float, radius: float, z: float) -> Mesh:
    path = [(0.002, 0, z), (0.001, 0, z), (end, 0, z)]
    return tube(path, [radius, radius, radius * 0.85], 14).named("cap")


def pan(rng: Rng) -> Form:
    r = rng.uniform(0.08, 0.13)
    h = r * rng.uniform(0.25, 0.42)
    profile = [(r * 0.8, 0.0), (r * 0.9, h * 0.3), (r, h)]
    long = r * rng.uniform(1.3, 1.9)
    path = line(
        (r * 0.95, 0, h * 0.8), (r + long * 0.4, 0, h * 1.3), (r + long, 0, h * 1.5), count=8
    )
    grip = loft(path, [0.008, 0.007, 0.008, 0.01, 0.012, 0.013, 0.012, 0.006], 0.006, 3, 10)
    return Form(
        merge([vessel(profile, 0.0035, 40).named("body"), grip.named("handle")]), (), r * 0.7
    )


def pot(rng: Rng) -> Form:
    """With two ears or one long handle; with a lid, without, full or empty."""
    r = rng.uniform(0.07, 0.11)
    h = r * rng.uniform(0.75, 1.5)
    profile = [(r * 0.93, 0.0), (r, h * 0.08), (r, h * 0.98), (r * 1.03, h)]
    parts = [vessel(profile, 0.004, 40).named("body")]
    if rng.random() < 0.6:
        ear = handle(0, -r * 0.28, r * 0.28, r * 0.3, 0.0045).turned("x", np.pi / 2)
        parts += [ear.at(x=r, z=h * 0.8), ear.turned("z", np.pi).at(x=-r, z=h * 0.8)]
    else:
        path = line((r * 0.97, 0, h * 0.8), (r * 1.6, 0, h * 0.9), (r * 2.5, 0, h * 0.95), count=7)
        parts.append(loft(path, 0.01, 0.006, 3, 10).named("handle"))
    if rng.random() < 0.5:
        lid = revolve(
            [
                (0, h - 0.001),
                (r * 1.04, h - 0.001),
                (r * 1.03, h + 0.004),
                (r * 0.6, h + 0.016),
                (0, h + 0.02),
            ],
            40,
        )
        return Form(
            merge([*parts, lid.named("lid"), knob(r * 0.16, h + 0.018).named("lid")]), ("closed",)
        )
    contents, state = filled(profile, 0.004, rng, 0.35)
    return Form(merge([*parts, *contents]), (*state, "open"), 0.0 if contents else r * 0.8)


def kettle(rng: Rng) -> Form:
    """A kettle with a bow or a teapot with an ear."""
    r = rng.uniform(0.055, 0.085)
    h = r * rng.uniform(1.1, 1.7)
    bulge = line((r * 0.75, 0), (r, 0.25), (r * 0.9, 0.7), (r * 0.4, 1.0), count=10)
    body = revolve([(0, 0), *((a, b * h) for a, b in bulge), (0, h)], 36)
    lid = [(0, h * 0.98), (r * 0.45, h * 0.98), (r * 0.42, h * 1.03), (0, h * 1.07)]
    parts = [
        body.named("body"),
        revolve(lid, 24).named("lid"),
        knob(r * 0.14, h * 1.06).named("lid"),
    ]
    path = line((-r * 0.8, 0, h * 0.35), (-r * 1.25, 0, h * 0.55), (-r * 1.5, 0, h * 0.98), count=7)
    spout = tube(path, r * np.array([0.24, 0.22, 0.18, 0.15, 0.13, 0.12, 0.12]), 12)
    parts.append(spout.named("spout"))
    if rng.random() < 0.5:
        turn = np.linspace(0, np.pi, 13)
        bow = np.stack([r * 0.85 * np.cos(turn), 0 * turn, h * 0.75 + r * 1.15 * np.sin(turn)], 1)
        parts.append(loft(bow, 0.005, 0.009, 3, 8, (0, 1, 0)).named("handle"))
    else:
        parts.append(handle(r * 0.85, h * 0.2, h * 0.85, r * 0.65, 0.006))
    return Form(merge(parts))


def watering_can(rng: Rng) -> Form:
    r = rng.uniform(0.05, 0.075)
    h = r * rng.uniform(1.5, 2.2)
    profile = [(r, 0.0), (r * 0.88, h)]
    path = line((-r * 0.9, 0, h * 0.2), (-r * 1.7, 0, h * 0.75), (-r * 2.4, 0, h * 1.25), count=7)
    spout = tube(path, r * np.linspace(0.24, 0.12, 7), 12)
    rose = tube(
        [(-r * 2.35, 0, h * 1.2), (-r * 2.5, 0, h * 1.32), (-r * 2.55, 0, h * 1.37)],
        r * np.array([0.13, 0.4, 0.4]),
        16,
    )
    turn = np.linspace(-0.5, 0.8, 9) * np.pi
    bow = np.stack(
        [r * 0.5 + r * 0.95 * np.cos(turn), 0 * turn, h * 0.75 + h * 0.5 * np.sin(turn)], 1
    )
    grip = loft(bow, 0.005, 0.009, 3, 8, (0, 1, 0))
    return Form(
        merge(
            [
                vessel(profile, 0.004).named("body"),
                spout.named("spout"),
                rose.named("spout"),
                grip.named("handle"),
            ]
        ).grounded()
    )


def bucket(rng: Rng) -> Form:
    r = rng.uniform(0.06, 0.1)
    h = r * rng.uniform(1.4, 2.0)
    profile = [(r * 0.75, 0.0), (r * 0.97, h * 0.95), (r * 1.05, h * 0.95), (r * 1.05, h)]
    lean = rng.choice([0.0, 1.2]) * rng.choice([-1, 1])
    turn = np.linspace(0, np.pi, 15)
    bow = np.stack([r * 1.04 * np.cos(turn), 0 * turn, r * 1.05 * np.sin(turn)], 1)
    grip = tube(bow, 0.0028, 8).turned("x", float(lean)).at(z=h * 0.95)
    contents, state = filled(profile[:2], 0.004, rng, 0.25)
    return Form(
        merge([vessel(profile, 0.004).named("body"), grip.named("handle"), *contents]),
        state,
        0.0 if contents else r * 0.7,
    )
