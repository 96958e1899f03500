"""Tools, lying as they are put down; the grip points to -x."""

from __future__ import annotations

import numpy as np

from training.world.mesh import Mesh, block, cuboid, loft, merge, prism, revolve, tube
from training.world.shapes.form import Form, Rng, line, ring, stick


def screwdriver(rng: Rng) -> Form:
    grip, half, shaft = rng.uniform(0.07, 0.11), rng.uniform(0.01, 0.017), rng.uniform(0.06, 0.15)
    x = -grip * np.array([0, 0.06, 0.2, 0.5, 0.85, 0.97, 1.0])
    body = stick(x, half * np.array([0.5, 0.7, 0.6, 1, 1, 0.8, 0.4]), 8)
    thin = half * rng.uniform(0.22, 0.32)
    steel = stick([-0.01, shaft * 0.85, shaft], [thin, thin, thin * 0.4], 10, half)
    return Form(merge([body.named("handle"), steel.named("shaft")]).grounded())


def hammer(rng: Rng) -> Form:
    long, half = rng.uniform(0.2, 0.3), rng.uniform(0.01, 0.014)
    head, r = rng.uniform(0.08, 0.12), rng.uniform(0.013, 0.019)
    z = r
    path = [(-long * t, 0, z) for t in (0, 0.3, 0.6, 0.95, 1.0)]
    grip = loft(path, half * np.array([0.7, 0.65, 0.9, 1.1, 0.8]), half * 0.75, 2.5, 12)
    y = np.array([-0.5, -0.3, -0.28, 0.12]) * head
    face = tube([(0, v, z) for v in y], [r, r, r * 0.75, r * 0.75], 14, (0, 0, 1))
    if rng.random() < 0.5:  # claws
        claws = [
            loft(
                line(
                    (side * 0.003, head * 0.1, z),
                    (side * 0.007, head * 0.35, z),
                    (side * 0.012 - 0.02, head * 0.55, z),
                    count=6,
                ),
                [0.006, 0.006, 0.005, 0.004, 0.004, 0.002],
                r * 0.5,
                3,
                8,
            )
            for side in (-1, 1)
        ]
        back = merge(claws)
    else:
        back = tube(
            [(0, v * head, z) for v in (0.1, 0.2, 0.5)],
            [r * 0.75, r * 0.8, r * 0.25],
            12,
            (0, 0, 1),
        )
    return Form(merge([grip.named("handle"), face.named("head"), back.named("head")]).grounded())


def wrench(rng: Rng) -> Form:
    """Open at one or both ends, or a ring at one."""
    long, half, thick = (
        rng.uniform(0.12, 0.22),
        rng.uniform(0.006, 0.009),
        rng.uniform(0.005, 0.008),
    )
    head = half * rng.uniform(2.0, 2.5)

    def jaw(sign: float) -> Mesh:
        gap = head * 0.48
        round_part = [
            (head * np.cos(t), head * np.sin(t)) for t in np.linspace(0.28, 1.72, 13) * np.pi
        ]
        bite = [
            (head * 0.75, -gap),
            (-head * 0.1, -gap),
            (-head * 0.25, 0),
            (-head * 0.1, gap),
            (head * 0.75, gap),
        ]
        return prism([*round_part, *bite], thick).turned("z", 0.26 * sign)

    front = jaw(1.0).at(x=long / 2)
    if rng.random() < 0.5:
        back = ring(head * 0.85, thick * 0.6).scaled((1, 1, 0.85)).at(x=-long / 2)
    else:
        back = jaw(1.0).scaled((0.85, 0.85, 1)).turned("z", np.pi).at(x=-long / 2)
    shaft = block(long - head * 1.4, half * 2, thick * 0.8, 0.6).at(z=thick * 0.1)
    return Form(merge([front.named("jaw"), back.named("jaw"), shaft.named("handle")]).grounded())


def pliers(rng: Rng) -> Form:
    size, spread = rng.uniform(0.8, 1.2), rng.uniform(0.12, 0.3)
    z, halves = 0.008 * size, []
    for side in (-1, 1):
        path = line(
            (-0.005, side * 0.004, z),
            (-0.03, side * (0.012 + 0.03 * spread), z),
            (-0.075, side * (0.01 + 0.08 * spread), z),
            (-0.12, side * (0.008 + 0.1 * spread), z),
            count=9,
        ) * [size, size, 1]
        grip = loft(
            path, size * np.array([4, 4.5, 5, 5.5, 6, 6, 6, 6, 3.5]) / 1000, z * 0.9, 2.5, 10
        )
        halves.append(grip.named("handle"))
        tip = [
            (-0.006, 0.0),
            (0.03, 0.001),
            (0.048, 0.0012),
            (0.048, 0.005),
            (0.03, 0.009),
            (0.01, 0.013),
            (-0.006, 0.012),
        ]
        jaw = prism(np.array(tip) * size, z * 1.3).turned("z", 0.35 * spread).at(z=z * 0.35)
        if side < 0:
            jaw = jaw.turned("x", np.pi).at(z=2 * z)
        halves.append(jaw.named("jaw"))
    joint = revolve([(0, 0), (0.011 * size, 0), (0.011 * size, 2 * z), (0, 2 * z)], 18)
    return Form(merge([*halves, joint.named("jaw")]).grounded())


def scissors(rng: Rng) -> Form:
    size = rng.uniform(0.75, 1.25)
    spread = 0.05 if rng.random() < 0.5 else rng.uniform(0.2, 0.5)
    long, parts = rng.uniform(0.07, 0.1) * size, []
    for side in (-1, 1):
        z = 0.004 + 0.002 * side
        blade = prism(
            [
                (-0.02, -0.004),
                (long, -0.001),
                (long, 0.001),
                (long * 0.6, 0.007),
                (0, 0.008),
                (-0.02, 0.005),
            ],
            0.0018,
        ).turned("z", spread / 2)
        loop = ring(0.017 * size, 0.0042, rng.uniform(1.1, 1.5)).at(x=-0.07 * size, y=-0.014 * size)
        arm = loft(
            line(
                (-0.012, 0.0, 0.004),
                (-0.03 * size, -0.003, 0.004),
                (-0.048 * size, -0.008 * size, 0.004),
                count=5,
            ),
            0.0055,
            0.004,
            3,
            8,
        )
        grip = merge([loop, arm]).turned("z", spread / 2)
        if side < 0:
            blade, grip = (part.turned("x", np.pi).at(z=0.008) for part in (blade, grip))
        parts += [blade.at(z=z - 0.002).named("blade"), grip.named("handle")]
    return Form(merge(parts).grounded(), ("closed" if spread < 0.1 else "open",))


def drill(rng: Rng) -> Form:
    """A power drill that stands on its battery."""
    r, long, h = rng.uniform(0.02, 0.028), rng.uniform(0.11, 0.16), rng.uniform(0.14, 0.18)
    barrel = stick(
        np.array([-0.4, -0.38, -0.1, 0.4, 0.42]) * long,
        r * np.array([0.7, 1, 1.1, 0.95, 0.6]),
        18,
        h - r,
    )
    chuck = stick(
        np.array([0.41, 0.5, 0.66, 0.7]) * long, r * np.array([0.75, 0.75, 0.45, 0.3]), 14, h - r
    )
    parts = [barrel.named("body"), chuck.named("chuck")]
    if rng.random() < 0.6:
        bit = stick([0.68 * long, 1.05 * long, 1.1 * long], [0.003, 0.003, 0.001], 8, h - r)
        parts.append(bit.named("bit"))
    path = line(
        (-0.12 * long, 0, h - 1.3 * r), (-0.18 * long, 0, h * 0.5), (-0.16 * long, 0, 0.02), count=6
    )
    grip = loft(path, [0.019, 0.017, 0.016, 0.016, 0.017, 0.02], 0.014, 3, 12, (0, 1, 0))
    battery = block(r * 3.4, r * 2.3, rng.uniform(0.025, 0.038), 0.3).at(x=-0.1 * long)
    trigger = block(0.008, 0.012, 0.022, 0.5).at(x=0.05 * long, z=h * 0.58)
    parts += [grip.named("handle"), trigger.named("trigger"), battery.named("battery")]
    return Form(merge(parts).grounded())


def clamp(rng: Rng) -> Form:
    """A C with a screw through one arm, lying."""
    reach, gap = rng.uniform(0.05, 0.09), rng.uniform(0.06, 0.11)
    bar, thick = rng.uniform(0.012, 0.02), rng.uniform(0.012, 0.022)
    arm = block(reach, bar, thick, 0.5).at(x=reach / 2)
    spine = block(bar, gap + bar, thick, 0.5).at(y=gap / 2)
    z = thick / 2
    screw = tube([(reach * 0.85, y, z) for y in (-0.5 * gap, 0.65 * gap)], 0.0045, 8, (0, 0, 1))
    foot = tube([(reach * 0.85, y * gap, z) for y in (0.63, 0.7)], 0.009, 12, (0, 0, 1))
    bar_end = tube(
        [(reach * 0.85 - 0.022, -0.48 * gap, z), (reach * 0.85 + 0.022, -0.48 * gap, z)], 0.0035, 8
    )
    frame = merge([arm, arm.at(y=gap), spine]).named("frame")
    return Form(merge([frame, merge([screw, foot, bar_end]).named("screw")]).grounded())


def marker(rng: Rng) -> Form:
    """A pen, a pencil or a thick marker, capped or not."""
    long, r = rng.uniform(0.11, 0.15), rng.uniform(0.0035, 0.01)
    body = stick([0, 0.002, long * 0.7], [r * 0.8, r, r], 10).named("body")
    if rng.random() < 0.65:
        cap = stick([long * 0.66, long * 0.98, long], [r * 1.12, r * 1.05, r * 0.7], 10, r * 1.0)
        return Form(merge([body, cap.named("cap")]).grounded(), ("closed",))
    tip = stick([long * 0.69, long * 0.8, long * 0.86], [r, r * 0.5, r * 0.12], 10, r)
    return Form(merge([body, tip.named("tip")]).grounded(), ("open",))


def brush(rng: Rng) -> Form:
    """A paint brush, a toothbrush or a scrubbing brush."""
    draw = rng.random()
    if draw < 0.4:
        wide = rng.uniform(0.012, 0.03)
        shaft = [(-x, 0, 0.007) for x in (0, 0.02, 0.06, 0.12, 0.15)]
        grip = loft(shaft, [wide * 0.75, 0.009, 0.006, 0.008, 0.004], 0.006, 2.5, 10)
        metal = cuboid(0.03, 2 * wide, 0.013).at(x=0.012).named("ferrule")
        hair = cuboid(0.045, 1.9 * wide, 0.011).at(x=0.045, z=0.001)
        return Form(merge([grip.named("handle"), metal, hair.named("bristles")]).grounded())
    if draw < 0.75:
        path = line(
            (0.09, 0, 0.004), (0.05, 0, 0.004), (-0.02, 0, 0.005), (-0.095, 0, 0.004), count=9
        )
        half = np.array([4, 5.5, 5.5, 4, 3, 4, 6, 6.5, 4]) / 1000
        hair = cuboid(0.028, 0.01, 0.012).at(x=0.074, z=0.006)
        return Form(
            merge(
                [loft(path, half, 0.004, 2.5, 10).named("handle"), hair.named("bristles")]
            ).grounded()
        )
    wide = rng.uniform(0.022, 0.03)
    back = block(rng.uniform(0.1, 0.14), 2 * wide, 0.018, 0.6).at(z=0.02)
    hair = cuboid(rng.uniform(0.085, 0.095), 1.7 * wide, 0.022)
    return Form(merge([back.named("handle"), hair.named("bristles")]).grounded())


def tape(rng: Rng) -> Form:
    """A roll of tape lying flat: wound tape around a core."""
    r, wide = rng.uniform(0.03, 0.06), rng.uniform(0.015, 0.05)
    core = r * rng.uniform(0.55, 0.8)
    hole = core * 0.93
    wound = revolve([(core, 0), (r, 0), (r, wide), (core, wide), (core, 0)], 36)
    inner = revolve([(hole, 0), (core, 0), (core, wide), (hole, wide), (hole, 0)], 36)
    return Form(merge([wound, inner.named("/cardboard")]))
